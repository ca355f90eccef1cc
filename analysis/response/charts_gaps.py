"""What measurement alone parts, beside what was seen: the gap between best and worst lesion under one true change."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.report.charts import INK, Drawn, NoChart, missing_to_none, row_labels, rows_of

EXPECTED, OBSERVED = "#56B4E9", "#D55E00"
TITLE = "Median gap (percentage points)"
SEEN = "seen in these patients"


def gap_against_error(frame: pd.DataFrame, description: str) -> Drawn:
    """The observed gap as a bar and a line down; below, one row a published repeatability: bar from 0 to the 95th percentile
    of the gap that it gives by itself, tick at its median.

    frame: model (in words), observed_pct, expected_pct, expected_upper_pct, of one therapy.
    """
    if frame.empty:
        return NoChart("no patient has several lesions measured before and after")
    rows = missing_to_none(frame.assign(label=frame["model"], end=frame["expected_upper_pct"], what="by error alone"))
    seen = rows.head(1).assign(label=SEEN, end=rows["observed_pct"], what=SEEN)
    every = pd.concat([seen, rows], ignore_index=True).assign(zero=0.0)
    y = alt.Y("label:N", sort=list(every["label"]), title=None, axis=None)
    tooltip = [
        alt.Tooltip("label:N", title="Gap"),
        alt.Tooltip("end:Q", title="Seen, or 95% of draws below", format=".0f"),
    ]
    colour = alt.Color(
        "what:N", legend=None, scale=alt.Scale(domain=[SEEN, "by error alone"], range=[OBSERVED, EXPECTED])
    )
    bars = alt.Chart(every).mark_bar(height=12)
    middle = alt.Chart(rows).mark_tick(color=INK, thickness=2, size=16, aria=False)
    line = alt.Chart(seen).mark_rule(color=OBSERVED, strokeDash=[4, 3], aria=False)
    layers = [
        bars.encode(alt.X("zero:Q", title=TITLE), alt.X2("end:Q"), y, colour, tooltip=tooltip),
        middle.encode(alt.X("expected_pct:Q", title=TITLE), y),
        line.encode(alt.X("observed_pct:Q", title=TITLE)),
        row_labels(every, y),
    ]
    return alt.layer(*layers).properties(**rows_of(44, len(every)), description=description)
