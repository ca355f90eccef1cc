"""Check a value against the declared type of its column. Values stay as FHIR writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.sql_on_fhir.complete import primitives
from adapters.sql_on_fhir.complete.functions_value import to_text
from adapters.sql_on_fhir.complete.values import is_number
from adapters.sql_on_fhir.language import elements


class Misfit(ValueError):  # noqa: N818 - a verdict on a value, not a failure of the program
    """The value does not fit the column; the message gives the reason without the value."""


def system_type(kind: str | None) -> str | None:
    """`System.String` -> `string`: the FHIR type a column of computed values has."""
    if kind is None or not kind.startswith("System."):
        return kind
    name = kind.removeprefix("System.")
    return name[0].lower() + name[1:] if name != "Empty" else None


def fitted(kind: str | None) -> Callable[[Any], Any]:
    """A function that returns a value of the type, converts exactly where it can, and raises Misfit otherwise."""
    if kind is None:
        return lambda value: value
    if kind in elements.BOOLEAN_TYPES:
        return _boolean
    if kind in elements.INTEGER_TYPES:
        return lambda value: _integer(value, kind)
    if kind == "decimal":
        return _decimal
    if kind in elements.TEMPORAL_TYPES:
        return lambda value: _temporal(value, kind)
    if kind in elements.TEXT_TYPES:
        return _text
    return _complex


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise Misfit("not true or false")


def _integer(value: Any, kind: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Misfit("not a whole number")
    low, high = primitives.INTEGER_LIMITS[kind]
    if not low <= value <= high:
        raise Misfit(f"outside the range of {kind}")
    return value


def _decimal(value: Any) -> Any:
    if is_number(value):
        return value
    raise Misfit("not a number")


def _temporal(value: Any, kind: str) -> str:
    if isinstance(value, str):
        # A dateTime column may hold dates; lowBoundary() of a date in a dateTime column is one.
        fault = primitives.fault(kind, value)
        if fault is None or (kind == "instant" and primitives.fault("dateTime", value) is None and len(value) > 10):
            return value
        raise Misfit(fault)
    raise Misfit(f"not a {kind}")


def _text(value: Any) -> str:
    text = to_text(value)
    if text is None:
        raise Misfit("not a single text")
    return text


def _complex(value: Any) -> Any:
    return value
