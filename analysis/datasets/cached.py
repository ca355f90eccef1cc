"""Tables that remember what was derived from them, so that one chapter derives scans and changes once.

Scans, the scans that frame a therapy and the lesion values are needed by a dozen results. `CachedTables` wraps the
tables for the length of one computation; functions marked `cached_dataset` look there first. Nothing is cached_dataset for
plain tables, so changing them in place never meets an old answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import pandas as pd

P = ParamSpec("P")
Derived = Callable[Concatenate[Mapping[str, pd.DataFrame], Mapping[str, Any], P], pd.DataFrame]


class CachedTables(Mapping[str, pd.DataFrame]):
    """The same tables, with a memory for frames derived from them under one set of study settings."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self._tables = tables
        self.memory: dict[tuple[Hashable, ...], pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)


def cached_tables(tables: Mapping[str, pd.DataFrame]) -> CachedTables:
    """`tables` with a memory; tables that have one already are given back as they are."""
    return tables if isinstance(tables, CachedTables) else CachedTables(tables)


def cached_dataset(function: Derived[P]) -> Derived[P]:
    """Let `function(tables, study, ...)` answer from the memory of `CachedTables` tables; each caller gets its own
    frame.
    """

    @wraps(function)
    def answer(
        tables: Mapping[str, pd.DataFrame], study: Mapping[str, Any], *args: P.args, **kwargs: P.kwargs
    ) -> pd.DataFrame:
        if not isinstance(tables, CachedTables):
            return function(tables, study, *args, **kwargs)
        key = (function.__name__, id(study), *args, *sorted(kwargs.items()))
        if key not in tables.memory:
            tables.memory[key] = function(tables, study, *args, **kwargs)
        return tables.memory[key].copy(deep=False)

    return answer
