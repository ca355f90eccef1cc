"""A frame as an accessible HTML table with its CSV: caption, header scope, escaped text, figures set right.

The CSV under each table holds the unrounded values of all rows, as a link that needs no file beside the page. A frame
without rows becomes one sentence.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any

import numpy as np
import pandas as pd

from analysis.report.format import Style, Words, cell, number
from analysis.results import Result

LONG = 60  # a longer table scrolls in a box of its own
NOTHING = "nothing to list"  # shown in place of a table without rows
ROWS_SHOWN = 200  # a page stays readable; the CSV has all rows


@dataclass(frozen=True, slots=True)
class Table:
    """A table ready to be shown by a notebook or the book."""

    frame: pd.DataFrame
    caption: str
    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    decimals: Mapping[str, int] = field(default_factory=dict)
    missing: str = "–"
    row_headers: int = 1
    quoted: Sequence[str] = ()  # columns in the words of the paper, marked as such
    rows_shown: int = ROWS_SHOWN
    full: pd.DataFrame | None = None  # what the CSV holds where the page shows a choice of it

    def _repr_html_(self) -> str:
        if self.frame.empty:
            return f'<p class="no-data">{escape(self.caption)}: {NOTHING}.</p>'
        head = "".join(
            f'<th scope="col"{"" if place < self.row_headers else _right(self.frame[c])}>{_cell(self._header(c))}</th>'
            for place, c in enumerate(self.frame)
        )
        body = "".join(self._row(row) for row in self.frame.head(self.rows_shown).itertuples(index=False))
        label = escape(self.caption, quote=True)
        return (
            f'<p class="table-caption" aria-hidden="true">{escape(self.caption)}</p>'
            f'<div class="study-table{self._long()}" role="region" tabindex="0" aria-label="{label}"><table>'
            f"<caption>{escape(self.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
            f'<p class="table-note">{self._note()}{csv_link(self._whole(), self.name)}</p>'
        )

    def _long(self) -> str:
        return " long" if len(self.frame) > LONG else ""

    def _header(self, column: str) -> str:
        return self.headers.get(column, str(column).replace("_", " "))

    def _row(self, row: Sequence[Any]) -> str:
        cells = []
        for position, (column, value) in enumerate(zip(self.frame.columns, row, strict=True)):
            shown = self._shown(column, value)
            shown = f'<span class="paper">{shown}</span>' if column in self.quoted else shown
            if position < self.row_headers:
                cells.append(f'<th scope="row">{shown}</th>')
            else:
                cells.append(f"<td{_right(self.frame[column])}>{shown}</td>")
        return f"<tr>{''.join(cells)}</tr>"

    def _shown(self, column: str, value: Any) -> str:
        if isinstance(value, Result):
            return cell(value).html
        if isinstance(value, Words):
            return value.html
        if pd.isna(value):
            return escape(self.missing)
        if isinstance(value, bool | np.bool_):
            return "yes" if value else "no"
        if isinstance(value, int | float):
            digits = self.decimals.get(column, 0 if float(value).is_integer() else 1)
            return number(value, Style(digits))
        return _cell(str(value))

    def _whole(self) -> pd.DataFrame:
        return self.frame if self.full is None else self.full

    def _note(self) -> str:
        if self.full is not None:
            return f"The CSV holds all {len(self.full):,} rows. "
        if len(self.frame) <= self.rows_shown:
            return ""
        return f"The first {self.rows_shown:,} of {len(self.frame):,} rows are shown. "


@dataclass(frozen=True, slots=True)
class Folded:
    """A table or chart that opens on demand: what only some readers want."""

    title: str
    content: Any

    def _repr_html_(self) -> str:
        return f'<details class="folded"><summary>{escape(self.title)}</summary>{self.content._repr_html_()}</details>'


def csv_link(frame: pd.DataFrame, name: str) -> str:
    """A link that holds the frame as CSV, `name`.csv when saved."""
    plain = frame.map(_plain)
    data = b64encode(plain.to_csv(index=False, lineterminator="\n").encode("utf-8")).decode("ascii")
    return (
        f'<a class="csv" download="{escape(name, quote=True)}.csv" href="data:text/csv;charset=utf-8;base64,{data}">'
        f"CSV of this table</a>"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Result):
        return value.value
    return value.text if isinstance(value, Words) else value


def _right(column: pd.Series) -> str:
    return ' class="num"' if pd.api.types.is_numeric_dtype(column) and column.dtype != bool else ""


def _cell(text: str) -> str:
    return escape(text).replace("\n", "<br>")
