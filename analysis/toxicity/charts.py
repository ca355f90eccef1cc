"""The charts of the toxicity chapter alone."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.report.charts import (
    HEIGHT,
    Drawn,
    NoChart,
    arm_scale,
    log_scale,
    missing_to_none,
    named_arms,
    reference_lines,
)


def quadrant(points: pd.DataFrame, limits: tuple[float, float], titles: tuple[str, str], description: str) -> Drawn:
    """Two measures of each patient against their limits: patient_id, arm, x, y; logarithmic axes."""
    known = points.dropna(subset=["x", "y"])
    known = known[(known["x"] > 0) & (known["y"] > 0)]
    if known.empty:
        return NoChart("the two values were not measured together")
    frame = named_arms(missing_to_none(known))
    marks = (
        alt.Chart(frame)
        .mark_point(size=70, opacity=0.75)
        .encode(
            alt.X("x:Q", title=titles[0], scale=log_scale([*frame["x"], limits[0]])),
            alt.Y("y:Q", title=titles[1], scale=log_scale([*frame["y"], limits[1]])),
            alt.Color("arm:N", title=None, scale=arm_scale("colour")),
            alt.Shape("arm:N", title=None, scale=arm_scale("shape")),
            tooltip=[alt.Tooltip("patient_id:N", title="Patient")],
        )
    )
    lines = [reference_lines([limits[0]], axis="x"), reference_lines([limits[1]])]
    return alt.layer(marks, *lines).properties(width="container", height=HEIGHT, description=description)
