"""Patients drawn one by one: swimmer lanes of therapies, scans and end, and their measurements over time.

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
    rows_of,
)

LANES = 60
LINES = 4 * LANES
CHOSEN = "patient == 'all' || patient == datum.patient_id"
EVENT_LEGEND = alt.Legend(orient="bottom", columns=alt.ExprRef("width > 450 ? 4 : 1"))
LINE_LEGEND = alt.Legend(symbolType="stroke", symbolSize=300, symbolStrokeWidth=2)
CROSS = "M-1,-.7L-.7,-1L0,-.3L.7,-1L1,-.7L.3,0L1,.7L.7,1L0,.3L-.7,1L-1,.7L-.3,0Z"
EVENTS = {
    "lu_psma": ("177Lu-PSMA cycle", "#0072B2", "circle"),
    "sirt": ("SIRT", "#D55E00", "triangle-up"),
    "psma_pet": ("PSMA PET", "#009E73", "square"),
    "ra223": ("223Ra", "#CC79A7", "diamond"),
    "ebrt": ("external beam to bone", "#E69F00", "cross"),
    "maa_workup": ("99mTc-MAA work-up", "#56B4E9", "triangle-down"),
    "death": ("death", "#000000", CROSS),
    "followed": ("still followed", "#767676", "triangle-right"),
}


def patient_choice() -> alt.Parameter:
    """The choice all charts of a page share."""
    return alt.param(name="patient", value="all")


def swimmer(lanes: pd.DataFrame, events: pd.DataFrame, description: str) -> Drawn:
    """A lane a patient: `lanes` patient_id, arm, months (end of follow-up); `events` patient_id, kind, months.

    Kinds are keys of `EVENTS`. The first 60 lanes are drawn.
    """
    if lanes.empty:
        return NoChart("no patient was followed")
    lanes = named_arms(missing_to_none(first_groups(lanes, "patient_id", LANES)))
    events = missing_to_none(events[events["patient_id"].isin(lanes["patient_id"])])
    events = events.assign(event=events["kind"].map({kind: name for kind, (name, *_) in EVENTS.items()}))
    y = alt.Y("patient_id:N", sort=list(lanes["patient_id"]), title=None, axis=alt.Axis(domain=False, ticks=False))
    x = alt.X("months:Q", title="Months from day 0")
    faded = alt.condition(CHOSEN, alt.value(1.0), alt.value(0.12))
    bars = (
        alt.Chart(lanes.assign(start=0.0))
        .mark_bar(height=8, opacity=0.45)
        .encode(
            alt.X("start:Q", title="Months from day 0"),
            alt.X2("months:Q"),
            y,
            alt.Color("arm:N", title=None, scale=arm_scale("colour")),
            opacity=alt.condition(CHOSEN, alt.value(0.45), alt.value(0.08)),
            tooltip=[
                alt.Tooltip("patient_id:N", title="Patient"),
                alt.Tooltip("months:Q", format=".1f", title="Followed"),
            ],
        )
    )
    points = (
        alt.Chart(events)
        .mark_point(size=65, filled=True, strokeWidth=2)
        .encode(x, y, _event_colour(events), _event_shape(events), opacity=faded, tooltip=_event_tooltip())
    )
    layers: Any = alt.layer(bars.add_params(patient_choice()), points).resolve_scale(
        color="independent", shape="independent"
    )
    return layers.properties(**rows_of(18, len(lanes)), description=description)


def _event_colour(events: pd.DataFrame) -> alt.Color:
    kinds = _kinds(events)
    scale = alt.Scale(domain=[EVENTS[k][0] for k in kinds], range=[EVENTS[k][1] for k in kinds])
    return alt.Color("event:N", title=None, scale=scale, legend=EVENT_LEGEND)


def _event_shape(events: pd.DataFrame) -> alt.Shape:
    kinds = _kinds(events)
    scale = alt.Scale(domain=[EVENTS[k][0] for k in kinds], range=[EVENTS[k][2] for k in kinds])
    return alt.Shape("event:N", title=None, scale=scale, legend=EVENT_LEGEND)


def _kinds(events: pd.DataFrame) -> list[str]:
    present = set(events["kind"])
    return [kind for kind in EVENTS if kind in present]


def _event_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("patient_id:N", title="Patient"),
        alt.Tooltip("event:N", title="Event"),
        alt.Tooltip("months:Q", title="Months", format=".1f"),
    ]


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
