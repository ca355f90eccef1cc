"""Survival drawn: Kaplan-Meier curves with band, censor marks, median and the numbers at risk under the same axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

import altair as alt
import pandas as pd

from analysis.report.charts import ARM_NAMES, HEIGHT, INK, Drawn, NoChart, arm_scale, named_arms

ROW_HEIGHT = 17
FIRST_ROW = 62  # below the axis and its title
COLUMNS_AT_RISK = 10  # more would overlap on a telephone


def kaplan_meier(
    curve: pd.DataFrame,
    censored: pd.DataFrame,
    at_risk: pd.DataFrame,
    medians: Mapping[str, float | None],
    description: str,
    names: Mapping[str, str] = ARM_NAMES,
) -> Drawn:
    """Curves of the arms in months, numbers at risk under the ticks of the axis.

    `curve`: arm, time_months, survival and, for a band, lower, upper; `censored`: arm, time_months, survival; `at_risk`:
    arm, time_months, at_risk; `medians`: arm to months, None where the curve does not reach one half (no line is drawn);
    `names`: words for the arms.
    """
    if curve.empty:
        return NoChart("no patient was followed from a known day 0")
    looks = _Looks(names)
    curve, censored, at_risk = (named_arms(frame, names) for frame in (curve, censored, at_risk))
    moments = sorted(at_risk["time_months"].unique())
    shown = moments[:: max(1, ceil(len(moments) / COLUMNS_AT_RISK))]
    x = _time_axis(moments, shown)
    layers = [*_curves(curve, x, looks), _censor_marks(censored, x, looks), *_median_lines(medians, x, looks)]
    layers += _risk_rows(at_risk[at_risk["time_months"].isin(shown)], x, looks)
    # Only the curves have a legend; shared with the layers that have none, Vega would warn of a conflict.
    drawn = alt.layer(*layers).resolve_legend(color="independent", strokeDash="independent")
    return drawn.properties(width="container", height=HEIGHT, description=description)


def _time_axis(moments: list[float], shown: list[float]) -> alt.X:
    """Months with a label at each of `shown`, also where Vega would thin them: a number at risk is below each."""
    return alt.X(
        "time_months:Q",
        title="Months from day 0",
        scale=alt.Scale(domain=[0, max([*moments, 1.0])], nice=False),
        axis=alt.Axis(values=shown, format="d", tickCount=len(shown), labelOverlap=False, labelFlush=False),
    )


@dataclass(frozen=True, slots=True)
class _Looks:
    """How the arms look under these names: the same colour and dash everywhere, a line in the legend."""

    names: Mapping[str, str]

    def colour(self, *, legend: bool = False) -> alt.Color:
        shown = alt.Legend(symbolType="stroke", symbolSize=400, symbolStrokeWidth=2) if legend else None
        return alt.Color("arm:N", title=None, scale=arm_scale("colour", self.names), legend=shown)

    def dash(self) -> alt.StrokeDash:
        legend = alt.Legend(symbolType="stroke", symbolSize=400, symbolStrokeWidth=2)
        return alt.StrokeDash("arm:N", title=None, scale=arm_scale("dash", self.names), legend=legend)


def _curves(curve: pd.DataFrame, x: alt.X, looks: _Looks) -> list[alt.Chart]:
    axis = alt.Axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
    y = alt.Y("survival:Q", title="Alive", axis=axis, scale=alt.Scale(domain=[0, 1]))
    tooltip = [
        alt.Tooltip("arm:N", title="Group"),
        alt.Tooltip("time_months:Q", title="Months", format=".1f"),
        alt.Tooltip("survival:Q", title="Alive", format=".0%"),
    ]
    lines = alt.Chart(curve).mark_line(interpolate="step-after")
    if "lower" not in curve:
        return [lines.encode(x, y, looks.colour(legend=True), strokeDash=looks.dash(), tooltip=tooltip)]
    tooltip += [alt.Tooltip("lower:Q", title="95% band from", format=".0%")]
    tooltip += [alt.Tooltip("upper:Q", title="to", format=".0%")]
    band = alt.Chart(curve.dropna(subset=["lower", "upper"])).mark_area(interpolate="step-after", opacity=0.13)
    return [
        lines.encode(x, y, looks.colour(legend=True), strokeDash=looks.dash(), tooltip=tooltip),
        band.encode(x, alt.Y("lower:Q", title="Alive"), alt.Y2("upper:Q"), looks.colour()),
    ]


def _censor_marks(censored: pd.DataFrame, x: alt.X, looks: _Looks) -> alt.Chart:
    marks = alt.Chart(censored).mark_tick(thickness=2, size=12, orient="vertical", aria=False)
    return marks.encode(x, alt.Y("survival:Q"), looks.colour())


def _median_lines(medians: Mapping[str, float | None], x: alt.X, looks: _Looks) -> list[alt.Chart]:
    reached = [{"arm": looks.names[arm], "time_months": value} for arm, value in medians.items() if value is not None]
    if not reached:
        return []
    frame = pd.DataFrame(reached).assign(half=0.5, zero=0.0)
    rule: dict[str, Any] = {"strokeDash": [2, 3], "strokeWidth": 1.2, "aria": False}
    down = alt.Chart(frame).mark_rule(**rule).encode(x, alt.Y("half:Q"), alt.Y2("zero:Q"), looks.colour())
    latest = frame[frame["time_months"] == frame["time_months"].max()]
    across = alt.Chart(latest).mark_rule(color=INK, **rule)
    return [down, across.encode(alt.X("zero:Q"), alt.X2("time_months:Q"), alt.Y("half:Q"))]


def _risk_rows(at_risk: pd.DataFrame, x: alt.X, looks: _Looks) -> list[alt.Chart]:
    layers: list[alt.Chart] = []
    text: dict[str, Any] = {"fontSize": 12, "baseline": "middle", "clip": False, "aria": False}
    for position, (arm, rows) in enumerate(at_risk.groupby("arm", sort=False)):
        height = HEIGHT + FIRST_ROW + 2 * position * ROW_HEIGHT
        label = alt.Chart(pd.DataFrame({"arm": [arm], "label": [f"At risk, {arm}"]})).mark_text(align="left", **text)
        layers.append(label.encode(x=alt.value(0), y=alt.value(height), text="label:N", color=looks.colour()))
        counts = alt.Chart(rows).mark_text(**text)
        layers.append(counts.encode(x, y=alt.value(height + ROW_HEIGHT), text="at_risk:Q", color=looks.colour()))
    return layers
