"""What a column may hold: the check of a value against its declared type, and the Arrow type of the column.

Values stay as FHIR writes them. Partial dates are legal FHIR, so date and dateTime are text in Arrow, as the
default SQL types of SQL on FHIR have it; a column tagged `ansi/type` DATE or TIMESTAMP takes whole ones only.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from adapters.sql_on_fhir import elements, primitives
from adapters.sql_on_fhir.functions_value import to_text
from adapters.sql_on_fhir.values import as_decimal, is_number, is_workable

DECIMAL = pa.decimal128(38, 18)
ARROW_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "decimal": DECIMAL,
    "instant": pa.timestamp("us", tz="UTC"),
    "integer64": pa.int64(),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), pa.int32()),
}
SQL_TYPES: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
    "TIMESTAMP WITH TIME ZONE": pa.timestamp("us", tz="UTC"),
    "SMALLINT": pa.int16(),
    "INT": pa.int32(),
    "INTEGER": pa.int32(),
    "BIGINT": pa.int64(),
    "DECIMAL": DECIMAL,
    "NUMERIC": DECIMAL,
    "REAL": pa.float32(),
    "FLOAT": pa.float64(),
    "DOUBLE PRECISION": pa.float64(),
}
FRACTION = re.compile(r"\.(\d+)")
SIZED = re.compile(r"(DECIMAL|NUMERIC)\((\d{1,2})(?:,\s*(\d{1,2}))?\)")


class Misfit(ValueError):  # noqa: N818 - a verdict on a value, not a failure of the program
    """The value does not fit the column; the text says why and never holds the value."""


def system_type(kind: str | None) -> str | None:
    """`System.String` -> `string`: the FHIR type a column of computed values has."""
    if kind is None or not kind.startswith("System."):
        return kind
    name = kind.removeprefix("System.")
    return name[0].lower() + name[1:] if name != "Empty" else None


def fitted(kind: str | None) -> Callable[[Any], Any]:
    """The function that passes a value of the type, converts what converts exactly, and raises Misfit otherwise."""
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


def arrow_type(kind: str | None, sql_type: str | None, collection: bool) -> pa.DataType:
    """The Arrow type of a column; complex and open types become text (JSON)."""
    found = _sql_arrow(sql_type) if sql_type else ARROW_TYPES.get(kind or "", pa.string())
    return pa.list_(found) if collection else found


def _sql_arrow(sql_type: str) -> pa.DataType:
    name = " ".join(sql_type.upper().split())
    sized = SIZED.fullmatch(name.replace(" ", "") if "(" in name else name)
    if sized:
        return pa.decimal128(min(max(int(sized[2]), 1), 38), int(sized[3] or 0))
    return SQL_TYPES.get(name, pa.string())


def arrow_value(value: Any, wanted: pa.DataType) -> Any:
    """A fitted value as what Arrow stores; Misfit if the type cannot hold it exactly."""
    if value is None:
        return None
    if pa.types.is_list(wanted):
        return [arrow_value(item, wanted.value_type) for item in value]
    if pa.types.is_string(wanted):
        return value if isinstance(value, str) else primitives.json_text(value)
    if pa.types.is_timestamp(wanted):
        return _timestamp(value)
    if pa.types.is_date(wanted):
        return _whole_date(value)
    if pa.types.is_boolean(wanted):
        return _boolean(value)
    if not is_number(value):
        raise Misfit("not a number")
    if not is_workable(value):
        raise Misfit("not a number of ordinary size")
    if pa.types.is_decimal(wanted):
        return _fixed(value, wanted)
    if pa.types.is_floating(wanted):
        return float(value)
    return _sized_integer(value, wanted)


def _sized_integer(value: Any, wanted: pa.DataType) -> int:
    limit = 2 ** (wanted.bit_width - 1)
    if value != int(value) or not -limit <= value < limit:
        raise Misfit(f"no {wanted}")
    return int(value)


def _fixed(value: Any, wanted: pa.DataType) -> Decimal:
    exact = as_decimal(value)
    exponent = exact.normalize().as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    if places > wanted.scale or exact.adjusted() >= wanted.precision - wanted.scale:
        raise Misfit(f"more digits than {wanted}")
    return exact


def _timestamp(value: Any) -> datetime:
    text = str(value)
    if primitives.fault("instant", text) is not None:
        raise Misfit("not exact to the second with a time zone")
    fraction = FRACTION.search(text)
    if fraction and len(fraction[1].rstrip("0")) > 6:
        raise Misfit("more exact than a microsecond")
    try:
        moment = datetime.fromisoformat(text.replace(":60", ":59"))
        leap = timedelta(seconds=1 if ":60" in text else 0)
        return moment.astimezone(UTC) + leap
    except OverflowError as fault:
        raise Misfit("outside the years 1 to 9999") from fault


def _whole_date(value: Any) -> date:
    text = str(value)
    if len(text) < 10:
        raise Misfit("only part of a date")
    try:
        return date.fromisoformat(text[:10])
    except ValueError as fault:
        raise Misfit("not a whole date") from fault
