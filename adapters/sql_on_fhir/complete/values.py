"""Equality, order and arithmetic of FHIRPath values as they come out of JSON.

Values are str, bool, int, float, Decimal, dict and, for quantity literals, Quantity. Numbers are compared and
computed as Decimal (a float counts as the decimal it prints as), so 0.1 + 0.2 is 0.3. Empty is None.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, DecimalException, localcontext
from typing import Any, NamedTuple

from adapters.sql_on_fhir.complete import temporal
from adapters.sql_on_fhir.language.errors import ExpressionError

EXACT = Context(prec=60)
WIDE = Context(prec=1000)
CALENDAR_TO_UCUM = {"second": "s", "millisecond": "ms"}
PLACES = Decimal("1e-18")
MAX_EXPONENT = 400
Number = int | float | Decimal


class Quantity(NamedTuple):
    """A quantity literal, or a FHIR Quantity seen as one: equal units only are comparable."""

    value: Decimal
    unit: str


def is_number(value: Any) -> bool:
    """True for a JSON number; False for a Boolean."""
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def as_decimal(value: Number) -> Decimal:
    """The number as Decimal; a float becomes the decimal it is written as."""
    return Decimal(repr(value)) if isinstance(value, float) else Decimal(value)


def is_workable(value: Any) -> bool:
    """False for a number whose digits would fill memory when written out, such as 1E+999999999."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Decimal):
        return value.is_finite() and _exponent(value) > -MAX_EXPONENT and value.adjusted() < MAX_EXPONENT
    return isinstance(value, int) and value.bit_length() < 4 * MAX_EXPONENT


def as_quantity(value: Any) -> Quantity | None:
    """A FHIR Quantity (dict) or a number as Quantity; None for any other value."""
    if isinstance(value, Quantity):
        return value
    if isinstance(value, Mapping) and is_number(value.get("value")):
        unit = value.get("code") or value.get("unit") or "1"
        return Quantity(as_decimal(value["value"]), str(unit))
    return Quantity(as_decimal(value), "1") if is_number(value) else None


def equal(left: Any, right: Any) -> bool | None:
    """`=` of two items whose types are not temporal."""
    if type(left) is str or type(right) is str:
        return bool(left == right)
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if is_number(left) and is_number(right):
        return as_decimal(left) == as_decimal(right)
    if isinstance(left, Quantity) or isinstance(right, Quantity):
        return _equal_quantities(left, right)
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(equal(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(equal(a, b) for a, b in zip(left, right, strict=True))
    return bool(left == right)


def _equal_quantities(left: Any, right: Any) -> bool | None:
    first, second = as_quantity(left), as_quantity(right)
    if first is None or second is None:
        return False
    return first.value == second.value if _unit(first) == _unit(second) else None


def _unit(quantity: Quantity) -> str:
    return CALENDAR_TO_UCUM.get(quantity.unit, quantity.unit)


def equal_moments(left: Any, right: Any) -> bool | None:
    """`=` of two dates or times: None if their precision does not decide it."""
    if left == right:
        return True
    if not isinstance(left, str) or not isinstance(right, str):
        return False
    order = temporal.compare(left, right)
    return None if order is None else order == 0


def equivalent(left: Any, right: Any) -> bool:
    """`~` of two items: text without case and extra space, numbers at the coarser precision."""
    if isinstance(left, str) and isinstance(right, str):
        return " ".join(left.lower().split()) == " ".join(right.lower().split())
    if is_number(left) and is_number(right):
        first, second = as_decimal(left), as_decimal(right)
        if not is_workable(left) or not is_workable(right):
            return first == second
        places = Decimal(1).scaleb(max(_exponent(first), _exponent(second)))
        return first.quantize(places, context=WIDE) == second.quantize(places, context=WIDE)
    return equal(left, right) is True


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def order(left: Any, right: Any, moments: bool = False) -> int | None:
    """-1, 0, 1 for `<`, `=`, `>`; None if it cannot be decided. Raises ExpressionError for types without an order."""
    if is_number(left) and is_number(right):
        first, second = as_decimal(left), as_decimal(right)
        return (first > second) - (first < second)
    if isinstance(left, str) and isinstance(right, str):
        return temporal.compare(left, right) if moments else (left > right) - (left < right)
    first_quantity, second_quantity = as_quantity(left), as_quantity(right)
    if first_quantity is not None and second_quantity is not None:
        if _unit(first_quantity) != _unit(second_quantity):
            return None
        return (first_quantity.value > second_quantity.value) - (first_quantity.value < second_quantity.value)
    raise ExpressionError("values of these types have no order")


def arithmetic(operator: str, left: Any, right: Any) -> Any:
    """`+ - * / div mod &` of two single values; None where FHIRPath says empty (division by zero, overflow)."""
    if operator == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if not is_number(left) or not is_number(right):
        raise ExpressionError(f"{operator!r} needs two numbers")
    if not is_workable(left) or not is_workable(right):
        return None
    try:
        return _compute(operator, left, right)
    except DecimalException:
        return None


def _compute(operator: str, left: Number, right: Number) -> Number | None:
    first, second = as_decimal(left), as_decimal(right)
    if operator in ("/", "div", "mod") and second == 0:
        return None
    with localcontext(EXACT):
        if operator == "/":
            return _quotient(first / second, left, right)
        if operator == "div":
            return int(first // second)
        result = {"+": first.__add__, "-": first.__sub__, "*": first.__mul__, "mod": first.__mod__}[operator](second)
    whole = isinstance(left, int) and isinstance(right, int)
    return int(result) if whole else result


def _quotient(quotient: Decimal, left: Number, right: Number) -> Number:
    """A quotient to 18 places; a float where both numbers are whole and the float is exact, as JSON would read it."""
    if isinstance(left, int) and isinstance(right, int) and Decimal(float(quotient)) == quotient:
        return float(quotient)
    return (
        quotient.quantize(PLACES, context=EXACT).normalize()
        if _exponent(quotient) < -18 and quotient.adjusted() < 40
        else quotient
    )


def decimal_boundary(value: Number, *, low: bool) -> Number | None:
    """The least or greatest number that rounds to `value` at its precision: 1.0 -> 0.95, 1.05."""
    exact = as_decimal(value)
    if not is_workable(value):
        return None
    half = Decimal(5).scaleb(_exponent(exact) - 1)
    with localcontext(EXACT):
        bound = exact - half if low else exact + half
    return float(bound) if isinstance(value, float) else bound


def rounded(value: Number, places: int) -> Decimal:
    """`round(places)`: half away from zero."""
    return as_decimal(value).quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=WIDE)
