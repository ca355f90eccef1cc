"""The cohort drawn: previous therapies by arm, differences between the arms beside chance, one mark a patient."""

from __future__ import annotations

from collections.abc import Mapping

import altair as alt
import pandas as pd

from analysis.report.charts import (
    INK,
    PALE,
    Drawn,
    NoChart,
    Stack,
    arm_scale,
    missing_to_none,
    named_arms,
    reference_lines,
    row_labels,
    rows_of,
)
from analysis.report.charts_estimates import points_by_arm

DECADES = 10.0  # values that span more are drawn on a logarithmic scale


def shares_by_arm(shares: pd.DataFrame, title: str, description: str) -> Drawn:
    """Two bars a row, one for each arm: label, arm, count (patients), percent, n (patients with a record)."""
    if shares.empty:
        return NoChart("no previous therapy is recorded")
    frame = named_arms(shares)
    frame["patients"] = [
        f"{int(row.count_)} of {int(row.n)}" for row in frame.rename(columns={"count": "count_"}).itertuples()
    ]
    y = alt.Y("label:N", sort=None, title=None, axis=None, scale=alt.Scale(paddingInner=0.5, paddingOuter=0.4))
    bars = (
        alt.Chart(frame)
        .mark_bar(strokeWidth=1.6)
        .encode(
            alt.X("percent:Q", title=title, scale=alt.Scale(domain=[0, 100])),
            y,
            alt.Color("arm:N", title=None, scale=arm_scale("colour")),
            alt.Stroke("arm:N", title=None, scale=arm_scale("outline")),
            alt.YOffset("arm:N"),
            tooltip=[alt.Tooltip("label:N", title="Therapy"), "arm:N", alt.Tooltip("patients:N", title="Patients")],
        )
    )
    labels = row_labels(frame.drop_duplicates("label"), y)
    labels = labels.mark_text(align="left", baseline="bottom", dy=-11, fontSize=12)
    return alt.layer(bars, labels).properties(**rows_of(46, frame["label"].nunique()), description=description)


def balance(differences: pd.DataFrame, description: str) -> Drawn:
    """Standardised differences, each over the range that random arms give.

    differences: label, smd, lower, upper, permuted_lower, permuted_upper, in standard deviations.
    """
    known = differences.dropna(subset=["smd"])
    if known.empty:
        return NoChart("there are no two arms to compare")
    frame = missing_to_none(known)
    title = "Difference in standard deviations"
    y = alt.Y("label:N", sort=None, title=None, axis=None)
    chance = alt.Chart(frame.dropna(subset=["permuted_lower"])).mark_bar(color=PALE, height=14)
    limits = alt.Chart(frame.dropna(subset=["lower"])).mark_rule(color=INK)
    points = alt.Chart(frame).mark_point(shape="square", size=60, color=INK)
    tooltip = [alt.Tooltip("label:N", title="Characteristic"), alt.Tooltip("smd:Q", title="Difference", format=".2f")]
    layers = [
        chance.encode(alt.X("permuted_lower:Q", title=title), alt.X2("permuted_upper:Q"), y),
        limits.encode(alt.X("lower:Q", title=title), alt.X2("upper:Q"), y),
        points.encode(alt.X("smd:Q", title=title), y, tooltip=tooltip),
        row_labels(frame, y),
        reference_lines([0.0], axis="x"),
    ]
    return alt.layer(*layers).properties(**rows_of(40, len(frame)), description=description)


def marks_by_measure(marks: pd.DataFrame, titles: Mapping[str, str], description: str) -> Stack:
    """One strip plot a measure: patient_id, arm, measure, value; logarithmic where the values span more than a decade."""
    parts = []
    for measure, title in titles.items():
        rows = marks[marks["measure"] == measure].assign(arm=lambda frame: named_arms(frame)["arm"])
        positive = rows["value"].min() > 0 if len(rows) else False
        spans = bool(positive and rows["value"].max() / rows["value"].min() > DECADES)
        parts.append((title, points_by_arm(rows, "value", title, f"{description} Shown here: {title}.", log=spans)))
    return Stack(parts)
