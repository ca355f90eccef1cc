"""Rows (tuples in column order) -> Arrow: the type of each column, and record batches. The only module with pyarrow
beside `parquet`, loaded when Arrow is asked for: it takes longer to load than most files take to read.

Partial dates are legal FHIR, so date and dateTime are text in Arrow, as the default SQL types of SQL on FHIR have
it; a column tagged `ansi/type` DATE or TIMESTAMP takes whole ones only.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from adapters.sql_on_fhir.complete import primitives
from adapters.sql_on_fhir.complete.columns import Misfit
from adapters.sql_on_fhir.complete.values import as_decimal, is_number, is_workable

if TYPE_CHECKING:
    from adapters.sql_on_fhir.compiled import CompiledView, Row

Report = Callable[[str, str, str], None]  # column, path, reason
FRACTION = re.compile(r"\.(\d+)")


class _NoPandas:
    """An import hook that hides pandas."""

    @staticmethod
    def find_spec(name: str, _path: object = None, _target: object = None) -> None:
        if name == "pandas":
            raise ModuleNotFoundError("left out on purpose", name=name)


def leave_pandas_out() -> None:
    """Keep pyarrow from importing pandas, for processes that do nothing but run views.

    pyarrow imports it at the first array, half a second, only to ask whether a list is a Series. What needs pandas
    later, as `to_pandas`, still finds it.
    """
    if "pandas" not in sys.modules:
        sys.meta_path.insert(0, _NoPandas)
        try:
            pa.array([0])
        finally:
            sys.meta_path.remove(_NoPandas)


def record_batch(view: CompiledView, rows: Sequence[Row], report: Report) -> pa.RecordBatch:
    """One Arrow batch; a value the Arrow type cannot hold exactly becomes null and is reported."""
    values = list(zip(*rows, strict=True)) if rows else [()] * len(view.columns)
    arrays = []
    for field, column, column_values in zip(view.arrow_schema, view.view.columns, values, strict=True):
        arrays.append(_array(column_values, field.type, partial(report, column.name, column.path.text)))
    return pa.RecordBatch.from_arrays(arrays, schema=view.arrow_schema)


def ipc(batch: pa.RecordBatch) -> bytes:
    """A record batch as bytes that cross processes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    data: bytes = sink.getvalue().to_pybytes()
    return data


def _array(values: Sequence[Any], wanted: pa.DataType, report: Callable[[str], None]) -> pa.Array:
    """A column as Arrow: all values at once, or one by one where that fails."""
    try:
        return _quick(values, wanted)
    except (pa.ArrowInvalid, pa.ArrowTypeError, TypeError):
        return pa.array([_stored(value, wanted, report) for value in values], wanted)


def _quick(values: Sequence[Any], wanted: pa.DataType) -> pa.Array:
    kinds = set(map(type, values)) - {type(None)}
    if pa.types.is_timestamp(wanted) and kinds <= {str}:
        return pa.array(values, pa.string()).cast(wanted)
    if pa.types.is_decimal(wanted):
        natural = {int, Decimal}
    else:
        natural = {bool if pa.types.is_boolean(wanted) else int if pa.types.is_integer(wanted) else str}
    if (kinds <= natural and not pa.types.is_date(wanted)) or kinds <= {list}:
        return pa.array(values, wanted)
    raise TypeError(wanted)


def _stored(value: Any, wanted: pa.DataType, report: Callable[[str], None]) -> Any:
    try:
        stored = arrow_value(value, wanted)
        if type(stored) is Decimal:
            pa.scalar(stored, wanted)  # Arrow itself refuses one of too many digits
    except Misfit as misfit:
        report(str(misfit))
        return None
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        report(f"does not fit {wanted}")
        return None
    return stored


def arrow_value(value: Any, wanted: pa.DataType) -> Any:
    """A value as Arrow stores it. Raises Misfit where the type cannot hold it exactly."""
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
        if isinstance(value, bool):
            return value
        raise Misfit("not true or false")
    return _number(value, wanted)


def _number(value: Any, wanted: pa.DataType) -> Any:
    """A number as Arrow stores it: decimal, floating or whole."""
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
