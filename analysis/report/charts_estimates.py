"""Estimates side by side: forest of intervals, lines with a band, points by arm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import pandas as pd

from analysis.report.charts import (
    HEIGHT,
    INK,
    RULE,
    Drawn,
    NoChart,
    arm_scale,
    missing_to_none,
    reference_lines,
    row_labels,
    rows_of,
)
from analysis.results import Result

OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 4], [1, 3], [10, 2])


def forest_frame(rows: Iterable[tuple[str, Result]]) -> pd.DataFrame:
    """Label, value, lower, upper, n of results that have a value; the others are left to the table."""
    kept = [(label, r.value, r.lower, r.upper, r.n) for label, r in rows if isinstance(r.value, int | float)]
    return pd.DataFrame(kept, columns=["label", "value", "lower", "upper", "n"])


def forest(rows: pd.DataFrame, title: str, description: str, *, null: float | None = None, log: bool = False) -> Drawn:
    """Estimates with intervals, one a line: label, value, lower, upper. `null`: line of no contrast."""
    if rows.empty:
        return NoChart("no estimate is available")
    frame = missing_to_none(rows)
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    y = alt.Y("label:N", sort=list(frame["label"]), title=None, axis=None)  # not the order in which layers name them
    x = alt.X("value:Q", title=title, scale=scale)
    tooltip = [
        alt.Tooltip("label:N", title="Estimate"),
        alt.Tooltip("value:Q", title="Value", format=".2f"),
        alt.Tooltip("lower:Q", title="from", format=".2f"),
        alt.Tooltip("upper:Q", title="to", format=".2f"),
    ]
    points = alt.Chart(frame).mark_point(shape="square", size=80, color=INK).encode(x, y, tooltip=tooltip)
    limits = alt.Chart(frame.dropna(subset=["lower", "upper"])).mark_rule(color=INK)
    layers: list[Any] = [limits.encode(alt.X("lower:Q", title=title, scale=scale), alt.X2("upper:Q"), y), points]
    layers.append(row_labels(frame, y))
    if null is not None:
        layers.append(reference_lines([null], axis="x"))
    return alt.layer(*layers).properties(**rows_of(44, len(frame)), description=description)


def lines(  # noqa: PLR0913 - one keyword for each part of the chart
    frame: pd.DataFrame,
    x: tuple[str, str],
    y: tuple[str, str],
    description: str,
    *,
    by: str | None = None,
    band: tuple[str, str] | None = None,
    marks: Sequence[float] = (),
    log_x: bool = False,
) -> Drawn:
    """One line for each value of `by`; `x`, `y`: column and title; `band`: columns of a band; `marks`: level lines."""
    if frame.empty:
        return NoChart("there is nothing to compute here")
    plain = missing_to_none(frame)
    horizontal = alt.X(f"{x[0]}:Q", title=x[1], scale=alt.Scale(type="log" if log_x else "linear", nice=False))
    groups = list(plain[by].drop_duplicates()) if by else []
    encoding: dict[str, Any] = {"x": horizontal}
    if by:
        colours = alt.Scale(domain=groups, range=list(OKABE_ITO[: len(groups)]))
        encoding["color"] = alt.Color(f"{by}:N", title=None, scale=colours)
    base = alt.Chart(plain).encode(**encoding)
    dashes = alt.Scale(domain=groups, range=[list(dash) for dash in DASHES[: len(groups)]])
    drawn = base.mark_line().encode(y=alt.Y(f"{y[0]}:Q", title=y[1]))
    if by:
        drawn = drawn.encode(strokeDash=alt.StrokeDash(f"{by}:N", title=None, scale=dashes))
    layers: list[Any] = [drawn]
    if band:
        layers.append(base.mark_area(opacity=0.15).encode(y=alt.Y(f"{band[0]}:Q", title=y[1]), y2=f"{band[1]}:Q"))
    if marks:
        layers.append(reference_lines(marks))
    return alt.layer(*layers).properties(width="container", height=HEIGHT, description=description)


def points_by_arm(frame: pd.DataFrame, value: str, title: str, description: str, *, log: bool = False) -> Drawn:
    """Every patient as a mark by arm, so that five are seen as five: patient_id, arm (in words), `value`."""
    known = frame.dropna(subset=[value])
    if known.empty:
        return NoChart(f"{title} was not measured")
    plain = missing_to_none(known)
    same = plain.groupby(["arm", value])[value]
    plain = plain.assign(place=same.cumcount() - (same.transform("size") - 1) / 2)
    reach = max(4.0, float(plain["place"].abs().max()))
    spread = alt.YOffset("place:Q", scale=alt.Scale(domain=[-reach, reach]))
    scale = alt.Scale(type="log") if log else alt.Scale(zero=False)
    y = alt.Y("arm:N", title=None, axis=alt.Axis(labelLimit=160))
    x = alt.X(f"{value}:Q", title=title, scale=scale, axis=alt.Axis(tickMinStep=1))
    marks = (
        alt.Chart(plain)
        .mark_point(size=40, opacity=0.7)
        .encode(
            x,
            y,
            alt.Color("arm:N", scale=arm_scale("colour"), legend=None),
            alt.Shape("arm:N", scale=arm_scale("shape"), legend=None),
            spread,
            tooltip=[alt.Tooltip("patient_id:N", title="Patient"), alt.Tooltip(f"{value}:Q", title=title)],
        )
    )
    middle = alt.Chart(plain).mark_tick(thickness=3, size=44, color=RULE, aria=False)
    layers = [marks, middle.encode(alt.X(f"median({value}):Q", title=title, scale=scale), y)]
    return alt.layer(*layers).properties(**rows_of(70, plain["arm"].nunique()), description=description)
