"""Flow of patients and sequence of examinations as HTML boxes: text stays text, and a telephone stacks the boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import pandas as pd

from analysis.report.format import mark


@dataclass(frozen=True, slots=True)
class Box:
    """A counted group: who was left out on the way, the boxes it is divided into, and subsets that may overlap.

    left_out: reason, count, and what the count rests on; `basis`: what `n` rests on. Some bases give a mark.
    """

    label: str
    n: int
    left_out: Sequence[tuple[str, int, str]] = ()
    parts: Sequence[Box] = ()
    subsets: Sequence[Box] = ()
    basis: str = ""

    def _repr_html_(self) -> str:
        return f'<div class="flow" role="group" aria-label="Flow of patients">{self._html()}</div>'

    def _html(self) -> str:
        count = f"<strong>n = {self.n:,}{mark(self.basis)}</strong>"
        inner = f'<div class="flow-box"><span>{escape(self.label)}</span>{count}</div>'
        if self.left_out:
            reasons = "".join(f"<li>{escape(why)}: {n:,}{mark(basis)}</li>" for why, n, basis in self.left_out)
            inner += f'<div class="flow-out"><span>Left out</span><ul>{reasons}</ul></div>'
        rows = _row(self.parts) + _row(self.subsets)
        return f'<div class="flow-node"><div class="flow-line">{inner}</div>{rows}</div>'


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps in order, each with its count and a line on what is done there."""

    name: str
    steps: Sequence[tuple[str, str, int]]

    def _repr_html_(self) -> str:
        items = "".join(
            f"<li><strong>{escape(label)}</strong><span>{escape(what)}</span><span>n = {n:,}</span></li>"
            for label, what, n in self.steps
        )
        return f'<ol class="steps" aria-label="{escape(self.name, quote=True)}">{items}</ol>'


@dataclass(frozen=True, slots=True)
class PatientChoice:
    """A list of patients; choosing one shows that patient in all charts of the page and fades the others."""

    patients: Sequence[str]

    def _repr_html_(self) -> str:
        options = "".join(f'<option value="{escape(p, quote=True)}">{escape(p)}</option>' for p in self.patients)
        return (
            '<div class="patient-choice"><label for="patient-choice">Show one patient</label>'
            '<select class="patient-choice" id="patient-choice" autocomplete="off">'
            f'<option value="all">all</option>{options}</select></div>'
        )


def flow_boxes(flow: pd.DataFrame) -> Box:
    """The boxes of a flow as data: step, parent, kind ("step", "part" or "left_out"), label, count, basis; first on top."""
    return _box(flow, flow.iloc[0])


def _box(flow: pd.DataFrame, row: Any) -> Box:
    below = flow[flow["parent"] == row["step"]]
    steps, parts, out = (below[below["kind"] == kind] for kind in ("step", "part", "left_out"))
    left_out = tuple(zip(out["label"], out["count"], out["basis"], strict=True))
    subsets = [_box(flow, part) for _, part in parts.iterrows()]
    # Who is left out where a box has steps and a subset, is left out of the subset: the steps take everybody.
    if len(steps) and subsets and left_out:
        subsets[0] = replace(subsets[0], left_out=left_out)
        left_out = ()
    below_it = tuple(_box(flow, step) for _, step in steps.iterrows())
    return Box(str(row["label"]), int(row["count"]), left_out, below_it, subsets, str(row["basis"]))


def _row(boxes: Sequence[Box]) -> str:
    return f'<div class="flow-row">{"".join(box._html() for box in boxes)}</div>' if boxes else ""
