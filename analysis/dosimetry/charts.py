"""The charts of the dosimetry chapter alone: what each assumption does to a dose."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.report.charts import Drawn, NoChart, missing_to_none, reference_lines, row_labels, rows_of
from analysis.report.labels import labelled


def tornado_frame(swings: pd.DataFrame) -> pd.DataFrame:
    """Rows for `tornado`: label ("half-life in the lesion (40 to 74.9)"), low, high, centre.

    `swings`: assumption, low and high (of the assumption), low_gy, default_gy, high_gy (the result at these).
    """
    rows = labelled(swings, "assumption").itertuples()
    labels = [f"{row.assumption} ({row.low:g} to {row.high:g})" for row in rows]
    doses = swings[["low_gy", "high_gy", "default_gy"]].set_axis(["low", "high", "centre"], axis=1)
    return doses.assign(label=pd.Series(labels, index=doses.index, dtype="object"))


def tornado(rows: pd.DataFrame, title: str, description: str) -> Drawn:
    """What each assumption alone does to a result: label, low, high (results at both ends), centre (at the defaults)."""
    if rows.empty:
        return NoChart("no assumption could be varied")
    frame = missing_to_none(rows)
    frame = frame.assign(width=(frame["high"] - frame["low"]).abs()).sort_values("width", ascending=False)
    y = alt.Y("label:N", sort=None, title=None, axis=None)
    bars = alt.Chart(frame).mark_bar(color="#56B4E9", height=16)
    tooltip = [
        alt.Tooltip("label:N", title="Assumption"),
        alt.Tooltip("low:Q", title="Result at its low end", format=".0f"),
        alt.Tooltip("high:Q", title="Result at its high end", format=".0f"),
    ]
    drawn = bars.encode(alt.X("low:Q", title=title), alt.X2("high:Q"), y, tooltip=tooltip)
    layers = [drawn, row_labels(frame, y), reference_lines([float(frame["centre"].iloc[0])], axis="x")]
    return alt.layer(*layers).properties(**rows_of(46, len(frame)), description=description)
