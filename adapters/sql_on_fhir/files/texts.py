"""Rows (tuples in column order) -> CSV or NDJSON text."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from adapters.sql_on_fhir.compiled import CompiledView, Row
from adapters.sql_on_fhir.complete import primitives
from adapters.sql_on_fhir.complete.functions_value import to_text

# what begins a formula in a spreadsheet, full-width forms too, and what hides such a beginning
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def ndjson(view: CompiledView, rows: Sequence[Row]) -> bytes:
    """One JSON object a line, decimals with all their digits."""
    names = view.names
    return _LINES.encode_lines([dict(zip(names, row, strict=True)) for row in rows])


def _plain(value: Any) -> Any:
    return str(value)


_LINES = msgspec.json.Encoder(decimal_format="number", enc_hook=_plain)


def csv_text(rows: Sequence[Row], *, exact: bool = False) -> bytes:
    """CSV lines without header: null is empty, collections and complex values are JSON.

    A text that a spreadsheet would take for a formula is preceded by an apostrophe, unless `exact`. Numbers are not texts.
    """
    cell = _cell if exact else _harmless_cell
    cells = [[cell(value) for value in row] for row in rows]
    text = _written(cells, csv.QUOTE_MINIMAL)
    if "\r" in text:  # Python before 3.13 leaves a lone CR unquoted, and readers take it for the end of the row
        broken = (any(isinstance(value, str) and "\r" in value for value in row) for row in cells)
        text = "".join(
            _written([row], csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
            for row, quoted in zip(cells, broken, strict=True)
        )
    return text.encode()


def _written(cells: Sequence[Sequence[Any]], quoting: Literal[0, 1]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n", quoting=quoting).writerows(cells)
    return buffer.getvalue()


def csv_header(view: CompiledView) -> bytes:
    """The line of column names."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow(view.names)
    return buffer.getvalue().encode()


def _harmless_cell(value: Any) -> Any:
    if type(value) is str:
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    return _cell(value)


def _cell(value: Any) -> Any:
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool | int | float | Decimal):
        return to_text(value)
    return primitives.json_text(value)
