"""Rows (tuples in column order) -> CSV or NDJSON text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from adapters.sql_on_fhir.compiled import CompiledView, Row
from adapters.sql_on_fhir.complete import primitives
from adapters.sql_on_fhir.complete.functions_value import to_text


def ndjson(view: CompiledView, rows: Sequence[Row]) -> bytes:
    """One JSON object a line, decimals with all their digits."""
    names = view.names
    return _LINES.encode_lines([dict(zip(names, row, strict=True)) for row in rows])


def _plain(value: Any) -> Any:
    return str(value)


_LINES = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)


def csv_text(rows: Sequence[Row]) -> bytes:
    """CSV lines without header: null is empty, collections and complex values are JSON."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([[_cell(value) for value in row] for row in rows])
    return buffer.getvalue().encode()


def csv_header(view: CompiledView) -> bytes:
    """The line of column names."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(view.names)
    return buffer.getvalue().encode()


def _cell(value: Any) -> Any:
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool | int | float | Decimal):
        return to_text(value)
    return primitives.json_text(value)
