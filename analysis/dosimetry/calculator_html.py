"""The calculators of the dosimetry page as HTML forms: sliders, outputs, formula and reset in view.

Each opens with the results at its defaults, computed here; the page's script recomputes them in the browser from the
same formulas. They illustrate; they are not for treatment planning.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from analysis.dosimetry.calculators import Calculator, Input, Output
from analysis.report.format import Style, number

RAISED = re.compile(r"\^([0-9.]+)")
WARNING = "Illustration, not for treatment planning."


@dataclass(frozen=True, slots=True)
class Calculators:
    """All calculators of a page, one below the other."""

    forms: Sequence[Calculator]

    def _repr_html_(self) -> str:
        return "".join(calculator_html(form) for form in self.forms)


def calculator_html(calculator: Calculator) -> str:
    """One form; ids and names are those of the calculator, so that scripts and tests find them."""
    values = calculator.python(calculator.defaults())
    sliders = "".join(_slider(calculator.id, item) for item in calculator.inputs)
    outputs = "".join(_output(item, values[item.name]) for item in calculator.outputs)
    formulas = "".join(f"<dt>{escape(item.label)}</dt><dd>{_formula(item.formula)}</dd>" for item in calculator.outputs)
    title = escape(calculator.title)
    return (
        f'<form class="calculator" id="calculator-{escape(calculator.id)}" aria-label="{title}">'
        f'<p class="calculator-title">{title}</p>{sliders}<dl class="calculator-results">{outputs}</dl>'
        f'<p class="calculator-foot"><button type="reset">Reset to defaults</button> {WARNING}</p>'
        f"<details open><summary>Formulas</summary><dl>{formulas}</dl>"
        f'<p class="calculator-foot">{escape(calculator.symbols)}</p></details></form>'
    )


def _formula(plain: str) -> str:
    return RAISED.sub(r"<sup>\1</sup>", escape(plain))


def _slider(form: str, item: Input) -> str:
    name = f"{form}-{item.name}"
    unit = f" {escape(item.unit)}" if item.unit else ""
    default = f"{item.default:g}"
    return (
        f'<div class="calculator-input"><label for="{name}">{escape(item.label)} '
        f'<span class="calculator-default">(default {default}{unit})</span></label>'
        f'<input type="range" id="{name}" name="{escape(item.name)}" min="{item.min:g}" max="{item.max:g}" '
        f'step="{item.step:g}" value="{default}"><output for="{name}" data-of="{escape(item.name)}">{default}</output>'
        f"<span>{unit}</span></div>"
    )


def _output(item: Output, value: float) -> str:
    unit = f" {escape(item.unit)}" if item.unit else ""
    return (
        f'<div><dt>{escape(item.label)}</dt><dd><output data-name="{escape(item.name)}" data-digits="{item.digits}" '
        f'data-formula="{escape(item.formula_js, quote=True)}">{number(value, Style(item.digits))}</output>{unit}</dd></div>'
    )
