"""The Arrow type of each column. Loads pyarrow, so it is imported only when Arrow is asked for.

Partial dates are legal FHIR, so date and dateTime are text in Arrow, as the default SQL types of SQL on FHIR have
it; a column tagged `ansi/type` DATE or TIMESTAMP takes whole ones only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa

from adapters.sql_on_fhir.language.definition import View

DECIMAL = pa.decimal128(38, 18)


MOMENT = pa.timestamp("us", tz="UTC")


ARROW_TYPES: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "decimal": DECIMAL,
    "instant": MOMENT,
    "integer64": pa.int64(),
    **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), pa.int32()),
}


SQL_TYPES: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(),
    "DATE": pa.date32(),
    "TIMESTAMP": MOMENT,
    "TIMESTAMP WITH TIME ZONE": MOMENT,
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


SIZED = re.compile(r"(DECIMAL|NUMERIC)\((\d{1,2})(?:,\s*(\d{1,2}))?\)")


def schema(view: View, types: Mapping[str, str | None]) -> pa.Schema:
    """The schema of a view whose columns have these FHIR types."""
    fields = []
    for column in view.columns:
        kind = types[column.name]
        arrow = arrow_type(kind, column.sql_type, column.collection)
        fields.append(pa.field(column.name, arrow, metadata={"fhir_type": kind or ""}))
    return pa.schema(fields)


def arrow_type(kind: str | None, sql_type: str | None, collection: bool) -> pa.DataType:
    """The Arrow type of a column; complex and open types become text (JSON)."""
    item_type = _sql_arrow(sql_type) if sql_type else ARROW_TYPES.get(kind or "", pa.string())
    return pa.list_(item_type) if collection else item_type


def _sql_arrow(sql_type: str) -> pa.DataType:
    name = " ".join(sql_type.upper().split())
    sized = SIZED.fullmatch(name.replace(" ", "") if "(" in name else name)
    if sized:
        return pa.decimal128(min(max(int(sized[2]), 1), 38), int(sized[3] or 0))
    return SQL_TYPES.get(name, pa.string())
