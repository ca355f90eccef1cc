"""Printed statements of the paper beside their own arithmetic: rounding, totals, units, wording.

Each row of `discrepancies.csv` has the place, the printed text, and the arithmetic as a formula, which is computed here.
A slip contradicts its arithmetic or is cut off instead of rounded. A remark is right but needs an explanation. A slip is
no judgement of the study; several may be errors of typesetting.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path

import pandas as pd

ROUNDS, TRUNCATES, NEITHER = "rounds", "truncates", "neither"
SLIP, REMARK = "slip", "remark"
NOISE = Decimal("1e-9")  # what floating point may add to an exact value
OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def verdict(printed: str, value: float) -> str:
    """Whether `value` rounds (half up) to the printed digits, only truncates to them, or neither.

    The number of digits is that of the text: "5.0" asks for one decimal. Raises decimal.InvalidOperation for a text
    that is no number.
    """
    text = Decimal(printed)
    digits = Decimal(1).scaleb(min(0, int(text.as_tuple().exponent)))
    exact = Decimal(repr(float(value))).quantize(NOISE)
    if exact.quantize(digits, rounding=ROUND_HALF_UP) == text:
        return ROUNDS
    return TRUNCATES if exact.quantize(digits, rounding=ROUND_DOWN) == text else NEITHER


def compute(formula: str) -> float:
    """Value of a formula of numbers, + - * / and brackets. Raises ValueError for anything else."""
    return _value(ast.parse(formula, mode="eval").body, formula)


def _value(node: ast.expr, formula: str) -> float:
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
        return OPERATORS[type(node.op)](_value(node.left, formula), _value(node.right, formula))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, formula)
    raise ValueError(f"not a formula of numbers: {formula}")


@cache
def _rows() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name("discrepancies.csv"), dtype="string").fillna("")


def discrepancies_frame() -> pd.DataFrame:
    """One row per discrepancy, slips before remarks.

    Columns key, level, kind, where, printed, formula, computed (NaN without formula), means. level: `SLIP` or `REMARK`.
    kind: "arithmetic", "unit", "statistic" (which one is shown), "wording" or "design".
    """
    rows = _rows().sort_values("level", key=lambda level: level.eq(REMARK), kind="stable", ignore_index=True)
    computed = [compute(formula) if formula else float("nan") for formula in rows["formula"]]
    return rows.assign(computed=computed)[["key", "level", "kind", "where", "printed", "formula", "computed", "means"]]
