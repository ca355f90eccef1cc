"""The browser's formulas equal Python to 0.1 % over a grid; evaluated by Node where it is present, else in Python."""

import itertools
import json
import math
import re
import shutil
import subprocess

import numpy as np
import pytest

from analysis.dosimetry.calculator_html import WARNING, calculator_html
from analysis.dosimetry.calculators import calculators

STEPS = 3  # values per input: lowest, middle on the step grid, highest


def grid(calculator):
    axes = []
    for item in calculator.inputs:
        middle = item.min + round((item.max - item.min) / 2 / item.step) * item.step
        axes.append([item.min, middle, item.max][:STEPS])
    points = [
        dict(zip((item.name for item in calculator.inputs), values, strict=True)) for values in itertools.product(*axes)
    ]
    edges = [10, 10.5, 15, 15.5, 20, 20.5]
    if any(item.name == "shunt_pct" for item in calculator.inputs):
        points += [{**calculator.defaults(), "shunt_pct": shunt} for shunt in edges]
    return [*points, calculator.defaults()]


def in_python(formula: str, values: dict[str, float]) -> float:
    text = formula.replace("Math.pow", "pow").replace("Math.exp", "exp").replace("Math.log", "log")
    while "?" in text:  # innermost conditionals first: (condition ? yes : no)
        text = re.sub(r"\(([^()?:]+) \? ([^()?:]+) : ([^()?:]+)\)", r"[\3, \2][\1]", text, count=1)
        text = re.sub(r"\(([^()?:]+) \? ([^()?:]+) : (\[[^?:]+\]\[[^?:]+\])\)", r"[\3, \2][\1]", text, count=1)
    functions = {"pow": math.pow, "exp": math.exp, "log": math.log}
    return float(eval(text, {"__builtins__": {}}, {**functions, **values}))


@pytest.mark.parametrize("calculator", calculators(), ids=lambda c: c.id)
def test_formula_equals_python_over_a_grid(calculator):
    for values in grid(calculator):
        expected = calculator.python(values)
        for output in calculator.outputs:
            assert in_python(output.formula_js, values) == pytest.approx(expected[output.name], rel=1e-3), output.name


@pytest.mark.program
@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed; the browser test covers the page")
@pytest.mark.parametrize("calculator", calculators(), ids=lambda c: c.id)
def test_formula_in_javascript_equals_python(calculator):
    points = grid(calculator)
    names = [item.name for item in calculator.inputs]
    formulas = [output.formula_js for output in calculator.outputs]
    script = (
        f"const f = {json.dumps(formulas)}.map(t => new Function(...{json.dumps(names)}, 'return ' + t));"
        f"const p = {json.dumps([[point[name] for name in names] for point in points])};"
        "console.log(JSON.stringify(p.map(v => f.map(g => g(...v)))));"
    )
    run = subprocess.run(["node", "-e", script], capture_output=True, text=True, check=True, timeout=60)
    expected = [[calculator.python(point)[output.name] for output in calculator.outputs] for point in points]
    assert np.array(json.loads(run.stdout)) == pytest.approx(np.array(expected), rel=1e-3)


@pytest.mark.parametrize("calculator", calculators(), ids=lambda c: c.id)
def test_defaults_lie_on_their_sliders(calculator):
    for item in calculator.inputs:
        assert item.min <= item.default <= item.max
        steps = (item.default - item.min) / item.step
        assert steps == pytest.approx(round(steps), abs=1e-6), item.name


def test_names_are_unique_and_formulas_use_only_inputs():
    assert len({c.id for c in calculators()}) == len(calculators())
    for calculator in calculators():
        known = {item.name for item in calculator.inputs} | {"Math", "pow", "exp", "log"}
        for output in calculator.outputs:
            assert set(re.findall(r"[A-Za-z_][A-Za-z_0-9]*", output.formula_js)) <= known


NUMBER = re.compile(r"\d+(?:\.\d+)?")


def test_formulas_for_readers_hold_the_numbers_that_the_page_computes_with():
    for calculator in calculators():
        computed = NUMBER.findall("".join(output.formula_js for output in calculator.outputs))
        for output in calculator.outputs:
            for shown in NUMBER.findall(output.formula.replace("%", "")):
                assert any(number.startswith(shown) for number in computed), (output.name, shown)


def test_formulas_read_as_mathematics_and_name_their_letters():
    for calculator in calculators():
        shown = calculator_html(calculator)
        assert calculator.symbols in shown
        assert "Math." not in re.sub(r'data-formula="[^"]*"', "", shown)
    assert "h<sup>0.725</sup>" in calculator_html(calculators()[0])


def test_formulas_defaults_warning_and_reset_are_in_view():
    for calculator in calculators():
        shown = calculator_html(calculator)
        assert "<details open><summary>Formulas</summary>" in shown
        assert WARNING in shown
        assert '<button type="reset">' in shown
        assert all(f"(default {item.default:g}" in shown for item in calculator.inputs)
