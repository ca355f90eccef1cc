"""What all charts share: colours and shapes of the arms, one theme, and drawing without network or server.

Each chart leaves its notebook cell as a static SVG plus its specification. The book's script replaces the drawing by an
interactive one; without scripts, in print and in JupyterLab the static one stays. The alternative text is the
`description` of the chart, which therefore every chart must have.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

# Okabe-Ito colours; dash and shape differ as well, so that nothing rests on colour alone.
ARM_NAMES = {"lu": "177Lu-PSMA alone", "lu_sirt": "177Lu-PSMA and SIRT"}
ARM_COLOURS = {"lu": "#0072B2", "lu_sirt": "#D55E00"}
ARM_DASHES: dict[str, list[int]] = {"lu": [1, 0], "lu_sirt": [6, 3]}
ARM_SHAPES = {"lu": "circle", "lu_sirt": "triangle-up"}
ARM_OUTLINES = {"lu": "#0072B2", "lu_sirt": "#1b1b1b"}  # of bars: its own colour, and ink
RESPONSE_COLOURS = {"progressive": "#D55E00", "stable": "#7f7f7f", "partial_response": "#0072B2"}
RESPONSE_COLOURS |= {"complete_response": "#009E73", "not_evaluable": "#CC79A7"}
INK, PALE, RULE = "#1b1b1b", "#e6e6e6", "#767676"

WIDTH, HEIGHT = 640, 320
VEGA_LITE = "6.4"


def theme() -> Any:
    """Dark text on a light card in every mode, no frame, sizes that stay legible on a telephone."""
    axis = {"labelColor": INK, "titleColor": INK, "labelFontSize": 12, "titleFontSize": 13, "titleFontWeight": "normal"}
    return {
        "config": {
            "background": "white",
            "font": "sans-serif",
            "view": {"stroke": None, "continuousWidth": WIDTH, "continuousHeight": HEIGHT},
            "axis": axis | {"gridColor": PALE, "domainColor": RULE, "tickColor": RULE, "labelOverlap": True},
            "legend": {
                "labelFontSize": 12,
                "titleFontSize": 12,
                "orient": "top",
                "direction": "vertical",
                "symbolSize": 90,
                "labelLimit": 320,
            },
            "text": {"color": INK, "fontSize": 12},
            "line": {"strokeWidth": 2},
            "point": {"size": 60, "filled": True},
        }
    }


def arm_scale(kind: str, names: Mapping[str, str] = ARM_NAMES) -> alt.Scale:
    """The same arm looks the same everywhere; `kind`: "colour", "dash", "shape" or "outline".

    Domain: `names` of the arms.
    """
    ranges: dict[str, dict[str, Any]] = {
        "colour": ARM_COLOURS, "dash": ARM_DASHES, "shape": ARM_SHAPES, "outline": ARM_OUTLINES,
    }  # fmt: skip
    return alt.Scale(domain=[names[arm] for arm in ARM_NAMES], range=list(ranges[kind].values()))


def log_scale(values: Iterable[float]) -> alt.Scale:
    """A logarithmic scale that ends a little beyond the values: whole decades would leave most of a drawing empty."""
    known = list(values)
    return alt.Scale(type="log", domain=[min(known) / 1.2, max(known) * 1.2], nice=False)


def rows_of(pixels: int, rows: int) -> dict[str, Any]:
    """Properties of a chart with one row of `pixels` a category, as wide as its card."""
    return {"width": "container", "height": pixels * max(rows, 1)}


def row_labels(frame: pd.DataFrame, y: alt.Y) -> alt.Chart:
    """The text of `label` above each row from the left edge, so that long names leave the width to the drawing."""
    words = alt.Chart(frame).mark_text(align="left", baseline="bottom", dy=-9, fontSize=12, aria=False)
    return words.encode(x=alt.value(0), y=y, text="label:N")


def missing_to_none(frame: pd.DataFrame) -> pd.DataFrame:
    """Nullable and categorical columns as plain ones, missing as None or NaN, so that Altair draws what is there."""
    plain = frame.copy()
    for column in plain.columns:
        if pd.api.types.is_bool_dtype(plain[column]) or isinstance(plain[column].dtype, pd.CategoricalDtype):
            plain[column] = plain[column].astype("object").where(plain[column].notna(), None)
        elif pd.api.types.is_numeric_dtype(plain[column]):
            plain[column] = plain[column].astype("float64")
    return plain


def named_arms(frame: pd.DataFrame, names: Mapping[str, str] = ARM_NAMES) -> pd.DataFrame:
    """The same frame with the arms in words, missing cells as Altair draws them."""
    return missing_to_none(frame.assign(arm=frame["arm"].astype("object").map(names)))


@dataclass(frozen=True, slots=True)
class NoChart:
    """What stands in place of a chart that has nothing to draw: a sentence saying why."""

    why: str

    def _repr_html_(self) -> str:
        return f'<p class="no-data">Nothing to draw: {escape(self.why)}.</p>'


@dataclass(frozen=True, slots=True)
class Stack:
    """Several charts one below the other, so that each can fill the width of the page."""

    parts: Sequence[tuple[str, Drawn]]

    def _repr_html_(self) -> str:
        return "".join(
            chart._repr_html_() if isinstance(chart, NoChart) else chart_html(chart) for _, chart in self.parts
        )


Drawn = alt.Chart | alt.LayerChart | alt.FacetChart | NoChart


def first_groups(frame: pd.DataFrame, column: str, limit: int) -> pd.DataFrame:
    """The rows of the first `limit` groups in the order they appear: a drawing of thousands would show nothing."""
    return frame[frame[column].isin(frame[column].drop_duplicates().head(limit))]


def reference_lines(values: Sequence[float], *, axis: str = "y") -> alt.Chart:
    """Dashed lines at fixed values, such as the limits of response."""
    rule = alt.Chart(pd.DataFrame({"at": list(values)})).mark_rule(strokeDash=[4, 4], color=RULE, aria=False)
    return rule.encode(y="at:Q") if axis == "y" else rule.encode(x="at:Q")


def chart_html(chart: alt.TopLevelMixin) -> str:
    """Container with static SVG and specification; its id is the hash of the specification, equal on every run.

    Raises ValueError for a chart without description: it would have no alternative text.
    """
    spec = chart.to_dict()
    return spec_html(spec)


def spec_html(spec: dict[str, Any]) -> str:
    """The same for a Vega-Lite specification as a dictionary."""
    description = spec.get("description")
    if not description:
        raise ValueError("a chart needs a description: it is its alternative text")
    text = json.dumps(spec, sort_keys=True, ensure_ascii=False, allow_nan=False)
    name = f"chart-{sha256(text.encode()).hexdigest()[:12]}"
    safe = text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    return (
        f'<div class="chart" id="{name}">{_static(spec, name, description)}'
        f'<script type="application/json" class="chart-spec">{safe}</script></div>'
    )


def _static(spec: dict[str, Any], name: str, description: str) -> str:
    fixed = json.loads(json.dumps(spec))
    if fixed.get("width") == "container":
        fixed["width"] = WIDTH
    svg = vl_convert.vegalite_to_svg(fixed, vl_version=VEGA_LITE)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", svg)
    label = escape(description, quote=True)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)


def _display(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    return {"text/html": spec_html(spec)}


def enable() -> None:
    """Theme and renderer for the running notebook."""
    alt.theme.register("study", enable=True)(theme)
    alt.renderers.register("study", _display)
    alt.renderers.enable("study")
    alt.data_transformers.disable_max_rows()
