"""Patients drawn one by one: their measurements over time, two measures against their limits, changes as bars.

Every chart here listens to one choice of patient (`patient`, "all" at first), which the page sets for all of them.
"""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from analysis.report.charts import (
    HEIGHT,
    RULE,
    Drawn,
    NoChart,
    arm_scale,
    first_groups,
    log_scale,
    missing_to_none,
    named_arms,
    reference_lines,
)

LANES = 60
LINES = 4 * LANES
CHOSEN = "patient == 'all' || patient == datum.patient_id"
LINE_LEGEND = alt.Legend(symbolType="stroke", symbolSize=300, symbolStrokeWidth=2)


def patient_choice() -> alt.Parameter:
    """The choice all charts of a page share."""
    return alt.param(name="patient", value="all")


def measurements(
    series: pd.DataFrame, title: str, description: str, *, log: bool = False, origin: str = "day 0"
) -> Drawn:
    """A measure over time from `origin`, one line a patient: patient_id, arm, months, value."""
    known = series.dropna(subset=["value", "months"])
    known = known[known["value"] > 0] if log else known
    if known.empty:
        return NoChart(f"{title} was not measured on known days")
    frame = named_arms(missing_to_none(first_groups(known, "patient_id", LINES)))
    y = alt.Y("value:Q", title=title, scale=log_scale(frame["value"]) if log else alt.Scale(nice=True))
    base = alt.Chart(frame).encode(
        alt.X("months:Q", title=f"Months from {origin}"),
        y,
        alt.Color("arm:N", title=None, scale=arm_scale("colour"), legend=LINE_LEGEND),
        detail="patient_id:N",
        opacity=alt.condition(CHOSEN, alt.value(0.55), alt.value(0.05)),
        tooltip=[
            alt.Tooltip("patient_id:N", title="Patient"),
            alt.Tooltip("months:Q", title="Months", format=".1f"),
            alt.Tooltip("value:Q", title=title),
        ],
    )
    dash = alt.StrokeDash("arm:N", title=None, scale=arm_scale("dash"), legend=LINE_LEGEND)
    drawn: list[Any] = [base.mark_line(strokeWidth=1.2).encode(dash).add_params(patient_choice())]
    drawn.append(base.mark_point(size=16))
    return alt.layer(*drawn).properties(width="container", height=HEIGHT * 0.7, description=description)


def numbered_bars(frame: pd.DataFrame, description: str, *, title: str, limits: tuple[float, ...] = ()) -> Drawn:
    """A sorted bar a patient, arms told apart by colour and by an outline: patient_id, arm, change_pct."""
    known = frame.dropna(subset=["change_pct"])
    if known.empty:
        return NoChart("nothing was measured before and after")
    plain = named_arms(missing_to_none(known.sort_values("change_pct", ascending=False)))
    bars = (
        alt.Chart(plain)
        .mark_bar(strokeWidth=1.6)
        .encode(
            alt.X("patient_id:N", sort=None, title=None, axis=alt.Axis(labels=len(plain) <= LANES, ticks=False)),
            alt.Y("change_pct:Q", title=title),
            alt.Color("arm:N", title=None, scale=arm_scale("colour")),
            alt.Stroke("arm:N", title=None, scale=arm_scale("outline")),
            tooltip=[
                alt.Tooltip("patient_id:N", title="Patient"),
                alt.Tooltip("change_pct:Q", title="Change (%)", format="+.0f"),
            ],
        )
    )
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=RULE, aria=False).encode(y="at:Q")
    layers: list[Any] = [bars, zero, *([reference_lines(limits)] if limits else [])]
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)
