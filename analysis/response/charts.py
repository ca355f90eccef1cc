"""Lesions drawn: best beside worst of each patient, uptake by response, waterfall by patient, spider over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis.report.charts import (
    HEIGHT,
    INK,
    RESPONSE_COLOURS,
    RULE,
    Drawn,
    NoChart,
    Stack,
    missing_to_none,
    reference_lines,
    row_labels,
    rows_of,
)
from analysis.report.format import Style, number

RESPONSE_NAMES = {
    "complete_response": "complete response",
    "partial_response": "partial response",
    "stable": "stable disease",
    "progressive": "progressive disease",
    "not_evaluable": "not evaluable",
}
CODES = {"complete response": "CR", "partial response": "PR", "stable disease": "SD", "progressive disease": "PD"}
RESPONSE_DASHES = {"progressive": [1, 0], "stable": [5, 3], "partial_response": [9, 3], "complete_response": [2, 2]}
RESPONSE_DASHES |= {"not_evaluable": [1, 4]}
THERAPY_TITLES = {"lu": "After 177Lu-PSMA", "sirt": "After SIRT"}
CHANGE = "Change of the long-axis diameter (%)"
LABELLED_BARS = 40  # beyond, labels under the bars would overlap
PERCENT = Style(0, sign=True)
EXPECTED_COLOUR, OBSERVED_COLOUR = "#56B4E9", "#D55E00"
MEDIAN_RANGE_TITLE = "Median gap (percentage points)"
SEEN, BY_ERROR = "seen in these patients", "by error alone"
CODED_BARS = 12  # beyond, the codes of the responses on the bars would overlap on a telephone


def response_scale(present: pd.Series, looks: Mapping[str, Any] = RESPONSE_COLOURS) -> alt.Scale:
    """One colour (or dash) for each response, the same everywhere, of those that are present (names of the responses)."""
    shown = [key for key, name in RESPONSE_NAMES.items() if present.eq(name).any()]
    return alt.Scale(domain=[RESPONSE_NAMES[key] for key in shown], range=[looks[key] for key in shown])


def limit_lines(limits: Sequence[float]) -> list[alt.Chart]:
    """The line of no change, and the limits of response dashed, each with its words where a falling row leaves room."""
    lower = pd.DataFrame(
        [{"at": at, "words": f"partial response from {number(at, PERCENT)}%"} for at in limits if at < 0]
    )
    upper = pd.DataFrame([{"at": at, "words": f"progressive from {number(at, PERCENT)}%"} for at in limits if at > 0])
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=INK, strokeWidth=1.2, aria=False).encode(y="at:Q")
    layers = [zero, reference_lines(limits)]
    places: list[tuple[pd.DataFrame, Any, Any]] = [(lower, "left", 4), (upper, "right", "width")]
    for rows, align, x in places:
        looks: dict[str, Any] = {"align": align, "baseline": "bottom", "dy": -3, "fontSize": 11, "aria": False}
        halo = {"color": "white", "stroke": "white", "strokeWidth": 3}  # legible over a bar
        for ink in (halo, {"color": INK}) if len(rows) else ():
            words = alt.Chart(rows).mark_text(**looks, **ink)
            layers.append(words.encode(x=alt.value(x), y="at:Q", text="words:N"))
    return layers


def named_response(frame: pd.DataFrame, column: str = "response") -> pd.DataFrame:
    """The same frame with responses in words; a missing one is "not evaluable"."""
    plain = missing_to_none(frame)
    named = plain[column].astype("object").map(RESPONSE_NAMES).fillna(RESPONSE_NAMES["not_evaluable"])
    return plain.assign(**{column: named})


def by_therapy(
    draw: Callable[[pd.DataFrame, str], Drawn], rows: pd.DataFrame, descriptions: Mapping[str, str]
) -> Stack:
    """The same chart after each therapy, one below the other, each under its title.

    rows: with a column therapy; descriptions: therapy to alternative text, in the order of drawing.
    """
    parts = []
    for therapy, description in descriptions.items():
        drawn = draw(rows[rows["therapy"].eq(therapy)], description)
        if isinstance(drawn, NoChart):
            drawn = NoChart(f"{THERAPY_TITLES[therapy].replace('After', 'after')}, {drawn.why}")
        else:
            title = alt.Title(THERAPY_TITLES[therapy], anchor="start", fontSize=13, fontWeight="normal", color=INK)
            drawn = drawn.properties(title=title)
        parts.append((therapy, drawn))
    return Stack(parts)


def best_and_worst(pairs: pd.DataFrame, limits: Sequence[float], description: str) -> Drawn:
    """Best and worst lesion of each patient joined by a line: patient_id, lesion ("best", "worst"), change_pct."""
    if pairs.empty:
        return NoChart("no patient has several lesions measured before and after")
    sides = {"best": "best lesion", "worst": "worst lesion"}
    long = missing_to_none(pairs.assign(side=pairs["lesion"].astype("object").map(sides)))
    x = alt.X("side:N", title=None, axis=alt.Axis(labelAngle=0, grid=False), scale=alt.Scale(padding=0.3))
    y = alt.Y("change_pct:Q", title=CHANGE)
    tooltip = [alt.Tooltip("patient_id:N", title="Patient"), "side:N", alt.Tooltip("change_pct:Q", format="+.0f")]
    base = alt.Chart(long)
    shapes = alt.Scale(domain=list(sides.values()), range=["triangle-down", "triangle-up"])
    points = base.mark_point(size=90, filled=True, color=INK).encode(
        x, y, shape=alt.Shape("side:N", title=None, scale=shapes, legend=None), tooltip=tooltip
    )
    lines = base.mark_line(color=RULE, strokeWidth=1.2).encode(x, y, detail="patient_id:N")
    layers = [*limit_lines(limits), lines, _medians(long, x), points]
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)


def _medians(long: pd.DataFrame, x: alt.X) -> alt.Chart:
    middle = alt.Chart(long).mark_tick(thickness=4, size=70, color="#D55E00", aria=False)
    return middle.encode(x, alt.Y("median(change_pct):Q", title=CHANGE))


def uptake_by_response(lesions: pd.DataFrame, description: str) -> Drawn:
    """Every lesion as a point by its response, the median as a bar: lesion_id, response, suv_max."""
    if lesions.empty:
        return NoChart("no lesion has a baseline SUVmax and a response")
    frame = named_response(lesions)
    axis = alt.Axis(labelAngle=0, labelExpr="split(datum.label, ' ')")  # two lines: a telephone has no room for one
    x = alt.X("response:N", title=None, sort=list(RESPONSE_NAMES.values()), axis=axis)
    y = alt.Y("suv_max:Q", title="SUVmax at baseline")
    points = alt.Chart(frame).mark_point(size=70, filled=True, opacity=0.9, stroke="white", strokeWidth=0.6)
    colour = alt.Color("response:N", scale=response_scale(frame["response"]), legend=None)
    shape = alt.Shape("patient_id:N", legend=None)
    tooltip = [alt.Tooltip("lesion_id:N", title="Lesion"), alt.Tooltip("suv_max:Q", title="SUVmax", format=".1f")]
    drawn = points.encode(x, y, colour, shape, alt.XOffset("patient_id:N"), tooltip=tooltip)
    middle = alt.Chart(frame).mark_tick(thickness=3, size=90, color=INK, opacity=0.6, aria=False)
    medians = middle.encode(x, alt.Y("median(suv_max):Q", title="SUVmax at baseline"))
    return alt.layer(medians, drawn).properties(width="container", height=HEIGHT, description=description)


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
    ends = [0.0, *limits, float(frame["change_pct"].min()), float(frame["change_pct"].max())]
    room = 0.08 * (max(ends) - min(ends))  # for the codes beyond the bars
    y = alt.Y("change_pct:Q", title=CHANGE, scale=alt.Scale(domain=[min(ends) - room, max(ends) + room]))
    bars = alt.Chart(frame).mark_bar(width={"band": 0.75}).encode(x, y, colour, tooltip=tooltip)
    layers = [bars, *limit_lines(limits), *_codes(frame, x), *_new_lesions(frame, x)]
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)


def _codes(frame: pd.DataFrame, x: alt.X) -> list[alt.Chart]:
    """PD, SD, PR or CR beyond the end of each bar, so that the response does not rest on colour; few bars only."""
    if len(frame) > CODED_BARS:
        return []
    coded = frame.assign(code=frame["response"].map(CODES))
    layers = []
    below: dict[str, Any] = {"baseline": "top", "dy": 4}
    above: dict[str, Any] = {"baseline": "bottom", "dy": -3}
    for rows, place in ((coded[coded["change_pct"] >= 0], above), (coded[coded["change_pct"] < 0], below)):
        words = alt.Chart(rows).mark_text(**place, fontSize=11, color=INK, aria=False)
        layers.append(words.encode(x, alt.Y("change_pct:Q", title=CHANGE), text="code:N"))
    return layers


def _new_lesions(frame: pd.DataFrame, x: alt.X) -> list[alt.Chart]:
    """A mark on the line of no change for patients with a new lesion: progressive whatever their bar."""
    if "new_lesions" not in frame or not frame["new_lesions"].gt(0).any():
        return []
    new = frame[frame["new_lesions"].gt(0)].assign(mark="new lesion", zero=0.0)
    marks = alt.Chart(new).mark_point(size=120, filled=True, color=INK, stroke="white")
    shape = alt.Shape("mark:N", title=None, scale=alt.Scale(domain=["new lesion"], range=["diamond"]))
    return [marks.encode(x, alt.Y("zero:Q", title=CHANGE), shape)]


def spider(series: pd.DataFrame, limits: Sequence[float], description: str, *, title: str = CHANGE) -> Drawn:
    """Change from baseline over time, one line a lesion or patient: patient_id, line, months, change_pct, response."""
    known = series.dropna(subset=["change_pct", "months"])
    if known.empty:
        return NoChart("nothing was measured repeatedly")
    frame = named_response(known)
    legend = alt.Legend(symbolType="stroke", symbolSize=400, symbolStrokeWidth=2)
    colour = alt.Color("response:N", title=None, scale=response_scale(frame["response"]), legend=legend)
    dashes = response_scale(frame["response"], RESPONSE_DASHES)
    dash = alt.StrokeDash("response:N", title=None, scale=dashes, legend=legend)
    x = alt.X("months:Q", title="Months from the baseline scan", axis=alt.Axis(grid=False))
    tooltip = [
        alt.Tooltip("line:N", title="Line"),
        alt.Tooltip("months:Q", title="Months", format=".1f"),
        alt.Tooltip("change_pct:Q", title="Change (%)", format="+.0f"),
    ]
    base = alt.Chart(frame).encode(x, alt.Y("change_pct:Q", title=title), colour, detail="line:N", tooltip=tooltip)
    lines = base.mark_line(strokeWidth=1.3).encode(strokeDash=dash)
    layers = [lines, base.mark_point(size=35), *limit_lines(limits)]
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)


def range_against_error(frame: pd.DataFrame, description: str) -> Drawn:
    """The observed range from best to worst lesion above the ranges that measurement error alone gives.

    One row a published repeatability: a bar to the 95th percentile, a tick at the median of the draws. frame: model (in
    words), observed_pct, expected_pct, expected_upper_pct (percentage points), of one therapy.
    """
    if frame.empty:
        return NoChart("no patient has several lesions measured before and after")
    rows = missing_to_none(frame.assign(label=frame["model"], end=frame["expected_upper_pct"], what=BY_ERROR))
    seen = rows.head(1).assign(label=SEEN, end=rows["observed_pct"], what=SEEN)
    every = pd.concat([seen, rows], ignore_index=True).assign(zero=0.0)
    y = alt.Y("label:N", sort=list(every["label"]), title=None, axis=None)
    middle = alt.Chart(rows).mark_tick(color=INK, thickness=2, size=16, aria=False)
    line = alt.Chart(seen).mark_rule(color=OBSERVED_COLOUR, strokeDash=[4, 3], aria=False)
    layers = [
        _range_bars(every, y),
        middle.encode(alt.X("expected_pct:Q", title=MEDIAN_RANGE_TITLE), y),
        line.encode(alt.X("observed_pct:Q", title=MEDIAN_RANGE_TITLE)),
        row_labels(every, y),
    ]
    return alt.layer(*layers).properties(**rows_of(44, len(every)), description=description)


def _range_bars(rows: pd.DataFrame, y: alt.Y) -> alt.Chart:
    scale = alt.Scale(domain=[SEEN, BY_ERROR], range=[OBSERVED_COLOUR, EXPECTED_COLOUR])
    tooltip = [
        alt.Tooltip("label:N", title="Gap"),
        alt.Tooltip("end:Q", title="Seen, or 95% of draws below", format=".0f"),
    ]
    bars = alt.Chart(rows).mark_bar(height=12)
    start, colour = alt.X("zero:Q", title=MEDIAN_RANGE_TITLE), alt.Color("what:N", legend=None, scale=scale)
    return bars.encode(start, alt.X2("end:Q"), y, colour, tooltip=tooltip)
