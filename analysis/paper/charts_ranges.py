"""Ranges drawn: how far an estimate and the limits of its interval run over many cohorts that give the same print."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from analysis.report.charts import INK, Drawn, NoChart, missing_to_none, reference_lines, row_labels, rows_of

COLOURS = {"lower limit": "#56B4E9", "estimate": "#D55E00", "upper limit": "#0072B2"}
ESTIMATE = "estimate"
TOOLTIP = [
    alt.Tooltip("label:N", title="Result"),
    alt.Tooltip("part:N", title="Part"),
    alt.Tooltip("low:Q", title="from", format=".3f"),
    alt.Tooltip("high:Q", title="to", format=".3f"),
]


def ranges(rows: pd.DataFrame, title: str, description: str, *, null: float | None = None, log: bool = False) -> Drawn:
    """One line a result: bars for estimate and limits (label, part, low, high), a tick for this book's cohort (value).

    `null`: a dashed line, such as the hazard ratio of no contrast. Only positive values can be drawn with `log`.
    """
    drawn = rows[rows["low"] > 0] if log else rows
    if drawn.empty:
        return NoChart("there are no reconstructions of this cohort")
    frame = missing_to_none(drawn)
    scale = alt.Scale(type="log", nice=False) if log else alt.Scale(zero=False)
    y = alt.Y("label:N", sort=None, title=None, axis=None)
    colour = _colour(set(frame["part"]))
    x = alt.X("low:Q", title=title, scale=scale)
    estimates, limits = frame[frame["part"] == ESTIMATE], frame[frame["part"] != ESTIMATE]
    layers: list[Any] = [
        alt.Chart(rows).mark_bar(height=height, yOffset=below).encode(x, alt.X2("high:Q"), y, colour, tooltip=TOOLTIP)
        for rows, height, below in ((estimates, 12, 0), (limits, 4, 11))  # limits below, so that none hides another
        if len(rows)  # P values have no limits, and a layer of nothing has no scale
    ]
    own = alt.Chart(frame.dropna(subset=["value"])).mark_tick(thickness=2, size=22, color=INK)
    layers.append(own.encode(alt.X("value:Q", title=title, scale=scale), y))
    labels = frame.drop_duplicates("label")
    layers.append(row_labels(labels, y))
    if null is not None:
        layers.append(reference_lines([null], axis="x"))
    return alt.layer(*layers).properties(**rows_of(46, len(labels)), description=description)


def _colour(parts: set[str]) -> alt.Color:
    """Colours of the parts that are there; estimates alone need no legend."""
    shown = {part: colour for part, colour in COLOURS.items() if part in parts}
    scale = alt.Scale(domain=list(shown), range=list(shown.values()))
    return alt.Color("part:N", title=None, scale=scale, legend=None if len(shown) == 1 else alt.Legend())
