"""Faults of CSV files as errors of one line."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from functools import wraps
from pathlib import Path
from typing import TypeVar

from adapters.errors import InputError

Row = TypeVar("Row")


def faults_named(rows: Callable[[Path], Iterable[Row]]) -> Callable[[Path], Iterator[Row]]:
    """Let a function that gives the rows of a CSV file raise InputError, which names the file, for malformed CSV."""

    @wraps(rows)
    def named(path: Path) -> Iterator[Row]:
        """The rows of the file. Raises InputError."""
        try:
            yield from rows(path)
        except csv.Error as error:
            raise InputError(f"the file is not CSV as it should be ({error})", path.name, "correct that cell") from None

    return named
