"""Functions of single values: text, numbers and conversions."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from adapters.sql_on_fhir.complete import values
from adapters.sql_on_fhir.complete.functions import Invocation, function
from adapters.sql_on_fhir.complete.regular_expressions import PatternError, matches, matches_full, replace_matches
from adapters.sql_on_fhir.complete.typed import Environment, Typed, single, single_text
from adapters.sql_on_fhir.language.errors import ExpressionError

STRING, INTEGER, DECIMAL, BOOLEAN = "System.String", "System.Integer", "System.Decimal", "System.Boolean"
TRUE_TEXTS = frozenset({"true", "t", "yes", "y", "1", "1.0"})
FALSE_TEXTS = frozenset({"false", "f", "no", "n", "0", "0.0"})
INTEGER_TEXT = re.compile(r"[+-]?\d{1,18}")
DECIMAL_TEXT = re.compile(r"[+-]?\d{1,40}(\.\d{1,40})?")


def _on_text(name: str, arguments: int, kind: str, apply: Callable[..., Any], most: int | None = None) -> None:
    """Register a function of one text; empty input or argument gives empty."""

    def build(call: Invocation) -> Typed:
        run, position = call.base.run, call.node.position
        others = [call.argument(number).run for number in range(len(call.node.arguments))]

        def evaluate(focus: list[Any], env: Environment) -> list[Any]:
            text = single_text(run(focus, env), position)
            given = [single(other(focus, env), position) for other in others]
            if text is None or any(value is None for value in given):
                return []
            return _listed(_safely(apply, position, text, *given))

        return Typed(evaluate, kind)

    function(name, arguments, most)(build)


def _safely(apply: Callable[..., Any], position: int, *given: Any) -> Any:
    """Call with values from the data; arguments of a wrong type are the expression's fault."""
    try:
        return apply(*given)
    except PatternError as fault:
        raise ExpressionError(str(fault), position) from fault
    except (TypeError, UnicodeError) as fault:
        raise ExpressionError("an argument has the wrong type", position) from fault


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _substring(text: str, start: int, length: int | None = None) -> str | None:
    if not 0 <= start < len(text):
        return None
    return text[start:] if length is None else text[start : start + max(length, 0)]


_on_text("startsWith", 1, BOOLEAN, str.startswith)
_on_text("endsWith", 1, BOOLEAN, str.endswith)
_on_text("contains", 1, BOOLEAN, str.__contains__)
_on_text("indexOf", 1, INTEGER, str.find)
_on_text("substring", 1, STRING, _substring, most=2)
_on_text("upper", 0, STRING, str.upper)
_on_text("lower", 0, STRING, str.lower)
_on_text("trim", 0, STRING, str.strip)
_on_text("length", 0, INTEGER, len)
_on_text("toChars", 0, STRING, list)
_on_text("replace", 2, STRING, str.replace)
_on_text("matches", 1, BOOLEAN, matches)
_on_text("matchesFull", 1, BOOLEAN, matches_full)
_on_text("replaceMatches", 2, STRING, replace_matches)
_on_text("split", 1, STRING, lambda text, mark: text.split(mark) if mark else list(text))


@function("join", 0, 1)
def _join(call: Invocation) -> Typed:
    run, position = call.base.run, call.node.position
    separator = call.argument().run if call.node.arguments else None

    def join(focus: list[Any], env: Environment) -> list[Any]:
        items = run(focus, env)
        mark = single_text(separator(focus, env), position) if separator is not None else ""
        if any(not isinstance(item, str) for item in items):
            raise ExpressionError("join() needs text", position)
        return [(mark or "").join(items)] if items else []

    return Typed(join, STRING)


def _on_number(
    name: str, kind: str | None, apply: Callable[..., Any], arguments: int = 0, most: int | None = None
) -> None:
    """Register a function of one number; what has no result (root of -1) is empty."""

    def build(call: Invocation) -> Typed:
        run, position = call.base.run, call.node.position
        others = [call.argument(number).run for number in range(len(call.node.arguments))]

        def evaluate(focus: list[Any], env: Environment) -> list[Any]:
            given = [single(other(focus, env), position) for other in (run, *others)]
            if any(value is None for value in given):
                return []
            if not all(values.is_number(value) for value in given):
                raise ExpressionError(f"{name}() needs a number", position)
            if not all(values.is_workable(value) for value in given):
                return []
            try:
                return _listed(apply(*given))
            except (ArithmeticError, ValueError, OverflowError):
                return []

        return Typed(evaluate, call.base.type if kind is None else kind)

    function(name, arguments, most)(build)


def _power(base: values.Number, exponent: values.Number) -> values.Number | None:
    if isinstance(base, int) and isinstance(exponent, int) and 0 <= exponent <= 1000:
        return int(base**exponent) if abs(base) < 10**18 else None
    decimal_base, decimal_exponent = values.as_decimal(base), values.as_decimal(exponent)
    if decimal_base < 0 and decimal_exponent != decimal_exponent.to_integral_value():
        return None
    return values.EXACT.power(decimal_base, decimal_exponent)


def _round(value: values.Number, places: int = 0) -> Decimal | None:
    return values.rounded(value, places) if 0 <= places <= 28 else None


_on_number("abs", None, abs)
_on_number("ceiling", INTEGER, lambda value: math.ceil(values.as_decimal(value)))
_on_number("floor", INTEGER, lambda value: math.floor(values.as_decimal(value)))
_on_number("truncate", INTEGER, lambda value: math.trunc(values.as_decimal(value)))
_on_number("round", DECIMAL, _round, 0, 1)
_on_number("sqrt", DECIMAL, lambda value: values.as_decimal(value).sqrt(values.EXACT) if value >= 0 else None)
_on_number("power", None, _power, 1)


def to_text(value: Any) -> str | None:
    """`toString()`: the text of a primitive, decimals with all their digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value, "f") if values.is_workable(value) else str(value)
    return repr(value) if isinstance(value, int | float) else None


def _to_integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    return int(value) if isinstance(value, str) and INTEGER_TEXT.fullmatch(value) else None


def _to_decimal(value: Any) -> values.Number | None:
    if isinstance(value, bool):
        return Decimal(int(value))
    if values.is_number(value):
        return value
    try:
        return Decimal(value) if isinstance(value, str) and DECIMAL_TEXT.fullmatch(value) else None
    except InvalidOperation:
        return None


def _to_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if values.is_number(value):
        return {0: False, 1: True}.get(value)
    text = value.lower() if isinstance(value, str) else ""
    return True if text in TRUE_TEXTS else False if text in FALSE_TEXTS else None


def _register_conversion(name: str, kind: str, convert: Callable[[Any], Any]) -> None:
    def build(call: Invocation, *, ask: bool) -> Typed:
        run, position = call.base.run, call.node.position

        def evaluate(focus: list[Any], env: Environment) -> list[Any]:
            value = single(run(focus, env), position)
            if value is None:
                return []
            converted = convert(value)
            return [converted is not None] if ask else _listed(converted)

        return Typed(evaluate, BOOLEAN if ask else kind)

    function(f"to{name}")(lambda call: build(call, ask=False))
    function(f"convertsTo{name}")(lambda call: build(call, ask=True))


_register_conversion("String", STRING, to_text)
_register_conversion("Integer", INTEGER, _to_integer)
_register_conversion("Decimal", DECIMAL, _to_decimal)
_register_conversion("Boolean", BOOLEAN, _to_boolean)
