"""The swimmer plot: lanes of therapies, scans and the end of follow-up, one lane a patient."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from analysis.report.charts import Drawn, NoChart, arm_scale, first_groups, missing_to_none, named_arms, rows_of
from analysis.report.charts_patients import CHOSEN, LANES, patient_choice

EVENT_LEGEND = alt.Legend(orient="bottom", columns=alt.ExprRef("width > 450 ? 4 : 1"))
CROSS = "M-1,-.7L-.7,-1L0,-.3L.7,-1L1,-.7L.3,0L1,.7L.7,1L0,.3L-.7,1L-1,.7L-.3,0Z"
EVENTS = {  # kind -> words, colour, shape
    "lu_psma": ("177Lu-PSMA cycle", "#0072B2", "circle"),
    "sirt": ("SIRT", "#D55E00", "triangle-up"),
    "psma_pet": ("PSMA PET", "#009E73", "square"),
    "ra223": ("223Ra", "#CC79A7", "diamond"),
    "ebrt": ("external beam to bone", "#E69F00", "cross"),
    "maa_workup": ("99mTc-MAA work-up", "#56B4E9", "triangle-down"),
    "death": ("death", "#000000", CROSS),
    "followed": ("still followed", "#767676", "triangle-right"),
}


def swimmer(lanes: pd.DataFrame, events: pd.DataFrame, description: str) -> Drawn:
    """A lane a patient: `lanes` patient_id, arm, months (end of follow-up); `events` patient_id, kind, months.

    Kinds are keys of `EVENTS`; months count from day 0. The first `LANES` lanes are drawn.
    """
    if lanes.empty:
        return NoChart("no patient was followed")
    lanes = named_arms(missing_to_none(first_groups(lanes, "patient_id", LANES)))
    events = missing_to_none(events[events["patient_id"].isin(lanes["patient_id"])])
    events = events.assign(event=events["kind"].map({kind: name for kind, (name, *_) in EVENTS.items()}))
    y = alt.Y("patient_id:N", sort=list(lanes["patient_id"]), title=None, axis=alt.Axis(domain=False, ticks=False))
    bars = _follow_up_bars(lanes, y).add_params(patient_choice())
    layers: Any = alt.layer(bars, _event_marks(events, y)).resolve_scale(color="independent", shape="independent")
    return layers.properties(**rows_of(18, len(lanes)), description=description)


def _follow_up_bars(lanes: pd.DataFrame, y: alt.Y) -> alt.Chart:
    bars = alt.Chart(lanes.assign(start=0.0)).mark_bar(height=8, opacity=0.45)
    return bars.encode(
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


def _event_marks(events: pd.DataFrame, y: alt.Y) -> alt.Chart:
    present = [looks for kind, looks in EVENTS.items() if events["kind"].eq(kind).any()]
    names, colours, shapes = ([looks[column] for looks in present] for column in range(3))
    return (
        alt.Chart(events)
        .mark_point(size=65, filled=True, strokeWidth=2)
        .encode(
            alt.X("months:Q", title="Months from day 0"),
            y,
            alt.Color("event:N", title=None, scale=alt.Scale(domain=names, range=colours), legend=EVENT_LEGEND),
            alt.Shape("event:N", title=None, scale=alt.Scale(domain=names, range=shapes), legend=EVENT_LEGEND),
            opacity=alt.condition(CHOSEN, alt.value(1.0), alt.value(0.12)),
            tooltip=[
                alt.Tooltip("patient_id:N", title="Patient"),
                alt.Tooltip("event:N", title="Event"),
                alt.Tooltip("months:Q", title="Months", format=".1f"),
            ],
        )
    )
