"""Every test of the paper on one axis: the P it gave, and the smallest P that its design could have given."""

from __future__ import annotations

import altair as alt
import pandas as pd

from analysis.report.charts import INK, Drawn, NoChart, missing_to_none, reference_lines, row_labels, rows_of

SEEN = "P computed here"
LEAST = "smallest P of this test"
TOOLTIP = [
    alt.Tooltip("label:N", title="Test"),
    alt.Tooltip("kind:N", title="Value"),
    alt.Tooltip("value:Q", title="P", format=".2~g"),
]


def attainable(tests: pd.DataFrame, alpha: float, description: str) -> Drawn:
    """One row a test on a logarithmic axis; a dashed line at `alpha`.

    tests: question, p and least_p (either may be missing), from `multiplicity.paper_tests`.
    """
    long = tests.rename(columns={"p": SEEN, "least_p": LEAST, "question": "label"})
    long = long.melt("label", [SEEN, LEAST], "kind", "value").dropna(subset=["value"])
    if long.empty:
        return NoChart("no test of the paper can be made in this cohort")
    frame = missing_to_none(long)
    y = alt.Y("label:N", sort=list(tests["question"]), title=None, axis=None)
    axis = alt.Axis(values=[1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 1], format="~g", grid=True)
    x = alt.X("value:Q", title="P value, logarithmic", scale=alt.Scale(type="log", domainMax=1), axis=axis)
    shapes = alt.Scale(domain=[SEEN, LEAST], range=["circle", "triangle-right"])
    colours = alt.Scale(domain=[SEEN, LEAST], range=["#D55E00", "#0072B2"])
    marks = alt.Chart(frame).mark_point(size=90, filled=True, stroke=INK, strokeWidth=0.5)
    drawn = marks.encode(
        x,
        y,
        alt.Color("kind:N", title=None, scale=colours),
        alt.Shape("kind:N", title=None, scale=shapes),
        tooltip=TOOLTIP,
    )
    labels = row_labels(frame.drop_duplicates("label"), y)
    layers = [reference_lines([alpha], axis="x"), drawn, labels]
    rows = rows_of(40, frame["label"].nunique())
    return alt.layer(*layers).properties(**rows, description=description)
