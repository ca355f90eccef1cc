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
    """FHIRPath `=`: same length, same order; None if either is empty or an item cannot be told."""
    if not left or not right:
        return None
    if len(left) != len(right):
        return False
    same = values.equal_moments if moments else values.equal
    found: bool | None = True
    for one, other in zip(left, right, strict=True):
        equal = same(one, other)
        if equal is False:
            return False
        if equal is None:
            found = None
    return found


def _equality(left: Typed, right: Typed, *, negate: bool) -> Function:
    moments = has_moments(left, right)

    def compare(focus: list[Any], env: Environment) -> list[Any]:
        found = equal_collections(left.run(focus, env), right.run(focus, env), moments)
        return [] if found is None else [found is not negate]

    return compare


def _equivalence(left: Typed, right: Typed, *, negate: bool) -> Function:
    moments = has_moments(left, right)

    def same(one: Any, other: Any) -> bool:
        return values.equal_moments(one, other) is True if moments else values.equivalent(one, other)

    def compare(focus: list[Any], env: Environment) -> list[Any]:
        ones, others = left.run(focus, env), list(right.run(focus, env))
        for one in ones:
            match = next((index for index, other in enumerate(others) if same(one, other)), None)
            if match is None:
                return [negate]
            del others[match]
        return [(not others) is not negate]

    return compare


def _order(node: Binary, left: Typed, right: Typed) -> Function:
    moments = has_moments(left, right)
    decide = ORDERS[node.operator]

    def compare(focus: list[Any], env: Environment) -> list[Any]:
        one = single(left.run(focus, env), node.position)
        other = single(right.run(focus, env), node.position)
        if one is None or other is None:
            return []
        order = values.order(one, other, moments)
        return [] if order is None else [decide(order)]

    return compare


def conjunction(one: bool | None, other: Callable[[], bool | None]) -> bool | None:
    """`and` of three-valued logic; the second operand is asked only if it matters."""
    if one is False:
        return False
    second = other()
    if second is False:
        return False
    return None if one is None or second is None else True


def disjunction(one: bool | None, other: Callable[[], bool | None]) -> bool | None:
    """`or` of three-valued logic."""
    if one is True:
        return True
    second = other()
    if second is True:
        return True
    return None if one is None or second is None else False


def _exclusive(one: bool | None, other: Callable[[], bool | None]) -> bool | None:
    second = other()
    return None if one is None or second is None else one is not second


def _implication(one: bool | None, other: Callable[[], bool | None]) -> bool | None:
    return disjunction(None if one is None else not one, other)


LOGIC = {"and": conjunction, "or": disjunction, "xor": _exclusive, "implies": _implication}


def _logic(node: Binary, left: Typed, right: Typed) -> Function:
    decide = LOGIC[node.operator]

    def evaluate(focus: list[Any], env: Environment) -> list[Any]:
        one = truth(left.run(focus, env), node.position)
        found = decide(one, lambda: truth(right.run(focus, env), node.position))
        return [] if found is None else [found]

    return evaluate


def _membership(node: Binary, item: Typed, within: Typed) -> Function:
    moments = has_moments(item, within)
    same = values.equal_moments if moments else values.equal

    def evaluate(focus: list[Any], env: Environment) -> list[Any]:
        wanted = single(item.run(focus, env), node.position)
        if wanted is None:
            return []
        return [any(same(wanted, found) for found in within.run(focus, env))]

    return evaluate


def distinct(items: list[Any]) -> list[Any]:
    """The items in order, later ones equal to an earlier one left out."""
    found: list[Any] = []
    for item in items:
        if not any(values.equal(item, earlier) for earlier in found):
            found.append(item)
    return found


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
        one = single(left.run(focus, env), node.position)
        other = single(right.run(focus, env), node.position)
        if one is None or other is None:
            return []
        found = values.arithmetic(operator, one, other)
        return [] if found is None else [found]

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
