"""The operators of FHIRPath over collections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.sql_on_fhir.complete import values
from adapters.sql_on_fhir.complete.typed import Environment, Function, Typed, single, truth
from adapters.sql_on_fhir.language.elements import NUMBER_TYPES, TEMPORAL_TYPES, TEXT_TYPES
from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.language.syntax import Binary, Sign

ORDERS: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    ">": lambda order: order > 0,
    "<=": lambda order: order <= 0,
    ">=": lambda order: order >= 0,
}


def binary(node: Binary, left: Typed, right: Typed) -> Typed:
    """The function of `left operator right`."""
    operator = node.operator
    if operator in ("=", "!="):
        return Typed(_equality(left, right, negate=operator == "!="), "System.Boolean")
    if operator in ("~", "!~"):
        return Typed(_equivalence(left, right, negate=operator == "!~"), "System.Boolean")
    if operator in ORDERS:
        return Typed(_order(node, left, right), "System.Boolean")
    if operator in LOGIC:
        return Typed(_logic(node, left, right), "System.Boolean")
    if operator in ("in", "contains"):
        within, item = (right, left) if operator == "in" else (left, right)
        return Typed(_membership(node, item, within), "System.Boolean")
    if operator == "|":
        kind = left.type if left.type == right.type else None
        return Typed(lambda focus, env: distinct(left.run(focus, env) + right.run(focus, env)), kind)
    return _arithmetic(node, left, right)


def has_moments(left: Typed, right: Typed) -> bool:
    """True where the comparison is one of dates or times."""
    return left.type in TEMPORAL_TYPES or right.type in TEMPORAL_TYPES


def equal_collections(left: list[Any], right: list[Any], moments: bool) -> bool | None:
    """FHIRPath `=`: same length, same order; None if either is empty or an item cannot be compared."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    same = values.equal_moments if moments else values.equal
    verdict: bool | None = True
    for first, second in zip(left, right, strict=True):
        equal = same(first, second)
        if equal is False:
            return False
        if equal is None:
            verdict = None
    return verdict


def _equality(left: Typed, right: Typed, *, negate: bool) -> Function:
    moments = has_moments(left, right)

    def compare(focus: list[Any], env: Environment) -> list[Any]:
        verdict = equal_collections(left.run(focus, env), right.run(focus, env), moments)
        return [] if verdict is None else [verdict is not negate]

    return compare


def _equivalence(left: Typed, right: Typed, *, negate: bool) -> Function:
    moments = has_moments(left, right)

    def same(item: Any, candidate: Any) -> bool:
        return values.equal_moments(item, candidate) is True if moments else values.equivalent(item, candidate)

    def compare(focus: list[Any], env: Environment) -> list[Any]:
        items, candidates = left.run(focus, env), list(right.run(focus, env))
        for item in items:
            match = next((index for index, candidate in enumerate(candidates) if same(item, candidate)), None)
            if match is None:
                return [negate]
            del candidates[match]
        return [(not candidates) is not negate]

    return compare


def _order(node: Binary, left: Typed, right: Typed) -> Function:
    moments = has_moments(left, right)
    decide = ORDERS[node.operator]

    def compare(focus: list[Any], env: Environment) -> list[Any]:
        first = single(left.run(focus, env), node.position)
        second = single(right.run(focus, env), node.position)
        if first is None or second is None:
            return []
        order = values.order(first, second, moments)
        return [] if order is None else [decide(order)]

    return compare


def conjunction(first: bool | None, evaluate_second: Callable[[], bool | None]) -> bool | None:
    """`and` of three-valued logic; the second operand is evaluated only where it matters."""
    if first is False:
        return False
    second = evaluate_second()
    if second is False:
        return False
    return None if first is None or second is None else True


def disjunction(first: bool | None, evaluate_second: Callable[[], bool | None]) -> bool | None:
    """`or` of three-valued logic."""
    if first is True:
        return True
    second = evaluate_second()
    if second is True:
        return True
    return None if first is None or second is None else False


def _exclusive(first: bool | None, evaluate_second: Callable[[], bool | None]) -> bool | None:
    second = evaluate_second()
    return None if first is None or second is None else first is not second


def _implication(first: bool | None, evaluate_second: Callable[[], bool | None]) -> bool | None:
    return disjunction(None if first is None else not first, evaluate_second)


LOGIC = {"and": conjunction, "or": disjunction, "xor": _exclusive, "implies": _implication}


def _logic(node: Binary, left: Typed, right: Typed) -> Function:
    decide = LOGIC[node.operator]

    def evaluate(focus: list[Any], env: Environment) -> list[Any]:
        first = truth(left.run(focus, env), node.position)
        verdict = decide(first, lambda: truth(right.run(focus, env), node.position))
        return [] if verdict is None else [verdict]

    return evaluate


def _membership(node: Binary, item: Typed, within: Typed) -> Function:
    moments = has_moments(item, within)
    same = values.equal_moments if moments else values.equal

    def evaluate(focus: list[Any], env: Environment) -> list[Any]:
        wanted = single(item.run(focus, env), node.position)
        if wanted is None:
            return []
        return [any(same(wanted, member) for member in within.run(focus, env))]

    return evaluate


def distinct(items: list[Any]) -> list[Any]:
    """The items in order, without those equal to an earlier item."""
    unique: list[Any] = []
    for item in items:
        if not any(values.equal(item, earlier) for earlier in unique):
            unique.append(item)
    return unique


def _arithmetic(node: Binary, left: Typed, right: Typed) -> Typed:
    operator = node.operator
    if operator == "&":
        return Typed(_concatenation(node, left, right), "System.String")
    if has_moments(left, right):
        raise ExpressionError("arithmetic with dates is unsupported", node.position)
    for side in (left, right):
        if side.type in ("Quantity", "System.Quantity"):
            raise ExpressionError("arithmetic with quantities is unsupported", node.position)

    def compute(focus: list[Any], env: Environment) -> list[Any]:
        first = single(left.run(focus, env), node.position)
        second = single(right.run(focus, env), node.position)
        if first is None or second is None:
            return []
        result = values.arithmetic(operator, first, second)
        return [] if result is None else [result]

    return Typed(compute, _result_type(operator, left.type, right.type))


def _result_type(operator: str, left: str | None, right: str | None) -> str | None:
    if operator == "/":
        return "System.Decimal"
    if operator == "div":
        return "System.Integer"
    if left in TEXT_TYPES or right in TEXT_TYPES:
        return "System.String"
    if left in NUMBER_TYPES and right in NUMBER_TYPES:
        return "System.Decimal" if "decimal" in f"{left} {right}".lower() else "System.Integer"
    return None


def _concatenation(node: Binary, left: Typed, right: Typed) -> Function:
    def join(focus: list[Any], env: Environment) -> list[Any]:
        parts = []
        for side in (left, right):
            value = single(side.run(focus, env), node.position)
            if value is not None and not isinstance(value, str):
                raise ExpressionError("'&' needs text", node.position)
            parts.append(value or "")
        return ["".join(parts)]

    return join


def sign(node: Sign, operand: Typed) -> Typed:
    """Unary minus and plus."""

    def apply(focus: list[Any], env: Environment) -> list[Any]:
        value = single(operand.run(focus, env), node.position)
        if value is None:
            return []
        if isinstance(value, values.Quantity):
            return [values.Quantity(-value.value, value.unit) if node.operator == "-" else value]
        if not values.is_number(value):
            raise ExpressionError("a sign needs a number", node.position)
        return [-value if node.operator == "-" else value]

    return operand.like(apply)
