"""What measurement alone parts, beside what was seen: the gap between best and worst lesion under one true change."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.charts import INK, Drawn, NoChart, missing_to_none, row_labels, rows_of

BAR = "#56B4E9"
TITLE = "Median gap between best and worst lesion (percentage points)"


def gap_against_error(frame: pd.DataFrame, description: str) -> Drawn:
    """One row a published repeatability: bar from 0 to the 95th percentile of the gap that it gives by itself, tick at its
    median, line at the observed gap.

    frame: model (in words), observed_pct, expected_pct, expected_upper_pct, of one therapy.
    """
    if frame.empty:
        return NoChart("no patient has several lesions measured before and after")
    rows = missing_to_none(frame.assign(label=frame["model"], zero=0.0))
    y = alt.Y("label:N", sort=None, title=None, axis=None)
    x = alt.X("zero:Q", title=TITLE)
    tooltip = [
        alt.Tooltip("label:N", title="Measurement"),
        alt.Tooltip("expected_pct:Q", title="Expected gap", format=".0f"),
        alt.Tooltip("expected_upper_pct:Q", title="95% of draws below", format=".0f"),
        alt.Tooltip("observed_pct:Q", title="Observed gap", format=".0f"),
    ]
    bars = alt.Chart(rows).mark_bar(color=BAR, height=12).encode(x, alt.X2("expected_upper_pct:Q"), y, tooltip=tooltip)
    middle = alt.Chart(rows).mark_tick(color=INK, thickness=2, size=16, aria=False)
    seen = rows.head(1).assign(words="observed")
    line = (
        alt.Chart(seen)
        .mark_rule(color="#D55E00", strokeWidth=2, aria=False)
        .encode(alt.X("observed_pct:Q", title=TITLE))
    )
    words = alt.Chart(seen).mark_text(align="right", dx=-5, fontSize=12, color=INK, aria=False)
    layers = [
        bars,
        middle.encode(alt.X("expected_pct:Q", title=TITLE), y),
        line,
        words.encode(alt.X("observed_pct:Q", title=TITLE), y=alt.value(4), text="words:N"),
        row_labels(rows, y),
    ]
    return alt.layer(*layers).properties(**rows_of(40, len(rows)), description=description)
