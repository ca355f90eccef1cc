"""Lesions drawn: best beside worst of each patient, uptake by response, waterfall by patient, spider over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis.charts import HEIGHT, INK, RESPONSE_COLOURS, RULE, Drawn, NoChart, missing_to_none, reference_lines

RESPONSE_NAMES = {
    "complete_response": "complete response",
    "partial_response": "partial response",
    "stable": "stable disease",
    "progressive": "progressive disease",
    "not_evaluable": "not evaluable",
}
CHANGE = "Change of the long-axis diameter (%)"
LABELLED_BARS = 40  # beyond, labels under the bars would overlap


def response_scale(present: pd.Series) -> alt.Scale:
    """One colour for each response, the same everywhere, of those that are present (names of the responses)."""
    shown = [key for key, name in RESPONSE_NAMES.items() if present.eq(name).any()]
    return alt.Scale(domain=[RESPONSE_NAMES[key] for key in shown], range=[RESPONSE_COLOURS[key] for key in shown])


def named_response(frame: pd.DataFrame, column: str = "response") -> pd.DataFrame:
    """The same frame with responses in words; a missing one is "not evaluable"."""
    plain = missing_to_none(frame)
    named = plain[column].astype("object").map(RESPONSE_NAMES).fillna(RESPONSE_NAMES["not_evaluable"])
    return plain.assign(**{column: named})


def best_and_worst(pairs: pd.DataFrame, limits: Sequence[float], description: str) -> Drawn:
    """Best and worst lesion of each patient joined by a line: patient_id, lesion ("best", "worst"), change_pct."""
    if pairs.empty:
        return NoChart("no patient has several lesions measured before and after")
    sides = {"best": "best lesion", "worst": "worst lesion"}
    long = missing_to_none(pairs.assign(side=pairs["lesion"].astype("object").map(sides)))
    x = alt.X("side:N", title=None, axis=alt.Axis(labelAngle=0), scale=alt.Scale(padding=0.3))
    y = alt.Y("change_pct:Q", title=CHANGE)
    tooltip = [alt.Tooltip("patient_id:N", title="Patient"), "side:N", alt.Tooltip("change_pct:Q", format="+.0f")]
    base = alt.Chart(long)
    shapes = alt.Scale(domain=list(sides.values()), range=["triangle-down", "triangle-up"])
    points = base.mark_point(size=90, filled=True, color=INK).encode(
        x, y, shape=alt.Shape("side:N", title=None, scale=shapes, legend=None), tooltip=tooltip
    )
    lines = base.mark_line(color=RULE, strokeWidth=1.2).encode(x, y, detail="patient_id:N")
    layers = [reference_lines(limits), lines, points, _medians(long, x)]
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)


def _medians(long: pd.DataFrame, x: alt.X) -> alt.Chart:
    middle = alt.Chart(long).mark_tick(thickness=4, size=70, color="#D55E00", aria=False)
    return middle.encode(x, alt.Y("median(change_pct):Q", title=CHANGE))


def uptake_by_response(lesions: pd.DataFrame, description: str) -> Drawn:
    """Every lesion as a point by its response, the median as a bar: lesion_id, response, suv_max."""
    if lesions.empty:
        return NoChart("no lesion has a baseline SUVmax and a response")
    frame = named_response(lesions)
    x = alt.X("response:N", title=None, sort=list(RESPONSE_NAMES.values()), axis=alt.Axis(labelAngle=0, labelLimit=90))
    points = alt.Chart(frame).mark_point(size=70, filled=True, opacity=0.75)
    colour = alt.Color("response:N", scale=response_scale(frame["response"]), legend=None)
    shape = alt.Shape("patient_id:N", legend=None)
    tooltip = [alt.Tooltip("lesion_id:N", title="Lesion"), alt.Tooltip("suv_max:Q", title="SUVmax", format=".1f")]
    spread = alt.XOffset("patient_id:N")
    drawn = points.encode(x, alt.Y("suv_max:Q", title="SUVmax at baseline"), colour, shape, spread, tooltip=tooltip)
    middle = alt.Chart(frame).mark_tick(thickness=4, size=70, color=INK, aria=False)
    medians = middle.encode(x, alt.Y("median(suv_max):Q", title="SUVmax at baseline"))
    return alt.layer(drawn, medians).properties(width="container", height=HEIGHT, description=description)


def waterfall(changes: pd.DataFrame, limits: Sequence[float], description: str, *, unit: str = "lesion_id") -> Drawn:
    """One bar a lesion (or patient), grouped by patient, coloured by response: patient_id, `unit`, change_pct, response."""
    known = changes.dropna(subset=["change_pct"])
    if known.empty:
        return NoChart("nothing was measured before and after therapy")
    frame = named_response(known)
    middle = frame.groupby("patient_id")["change_pct"].transform("median")
    frame = frame.assign(middle=middle).sort_values(["middle", "patient_id", "change_pct"], ascending=False)
    labels: dict[str, Any] = {"labelAngle": -90} if len(frame) <= LABELLED_BARS else {"labels": False, "ticks": False}
    x = alt.X(f"{unit}:N", sort=None, title=None, axis=alt.Axis(**labels))
    colour = alt.Color("response:N", title=None, scale=response_scale(frame["response"]))
    tooltip = [
        alt.Tooltip(f"{unit}:N", title="Lesion" if unit == "lesion_id" else "Patient"),
        alt.Tooltip("change_pct:Q", title="Change (%)", format="+.0f"),
        alt.Tooltip("response:N", title="Response"),
    ]
    bars = (
        alt.Chart(frame)
        .mark_bar(width={"band": 0.75})
        .encode(x, alt.Y("change_pct:Q", title=CHANGE), colour, tooltip=tooltip)
    )
    layers = [bars, reference_lines([*limits, 0.0])]
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)


def spider(series: pd.DataFrame, limits: Sequence[float], description: str, *, title: str = CHANGE) -> Drawn:
    """Change from baseline over time, one line a lesion or patient: patient_id, line, months, change_pct, response."""
    known = series.dropna(subset=["change_pct", "months"])
    if known.empty:
        return NoChart("nothing was measured repeatedly")
    frame = named_response(known)
    colour = alt.Color("response:N", title=None, scale=response_scale(frame["response"]))
    x = alt.X("months:Q", title="Months from day 0")
    tooltip = [
        alt.Tooltip("line:N", title="Line"),
        alt.Tooltip("months:Q", title="Months", format=".1f"),
        alt.Tooltip("change_pct:Q", title="Change (%)", format="+.0f"),
    ]
    base = alt.Chart(frame).encode(x, alt.Y("change_pct:Q", title=title), colour, detail="line:N", tooltip=tooltip)
    layers = [base.mark_line(strokeWidth=1.3), base.mark_point(size=35), reference_lines([*limits, 0.0])]
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)
