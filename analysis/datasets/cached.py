"""Data sets that are derived once: tables with a cache for the frames derived from them.

Arms, scans, timepoints and lesion values are needed by a dozen results and by several chapters. `cached_tables` wraps
the tables for the length of one computation or one open book; functions marked `cached_dataset` look there first. Plain
tables have no cache, so a change in place never meets an old frame.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

import pandas as pd

P = ParamSpec("P")
Dataset = Callable[Concatenate[Mapping[str, pd.DataFrame], Mapping[str, Any], P], pd.DataFrame]


class CachedTables(Mapping[str, pd.DataFrame]):
    """The same tables by name, with a cache of the data sets derived from them under each set of study settings."""

    def __init__(self, tables: Mapping[str, pd.DataFrame]) -> None:
        self._tables = tables
        self._datasets: dict[tuple[Hashable, ...], pd.DataFrame] = {}
        self._studies: dict[int, Mapping[str, Any]] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self._tables[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)

    def dataset(
        self, key: tuple[Hashable, ...], study: Mapping[str, Any], derive: Callable[[], pd.DataFrame]
    ) -> pd.DataFrame:
        """The data set of `key` under these settings, derived at the first call; a frame of the caller's own.

        Columns may be added to it; values must not be changed in place, since all callers share them.
        """
        self._studies[id(study)] = study  # kept alive, for the id of an object that is gone may be given again
        whole_key = (id(study), *key)
        if whole_key not in self._datasets:
            self._datasets[whole_key] = derive()
        return self._datasets[whole_key].copy(deep=False)


def cached_tables(tables: Mapping[str, pd.DataFrame]) -> CachedTables:
    """`tables` with a cache; tables that have one already are returned as they are."""
    return tables if isinstance(tables, CachedTables) else CachedTables(tables)


def cached_dataset(derive: Dataset[P]) -> Dataset[P]:
    """Let `derive(tables, study, ...)` answer from the cache of `CachedTables`; all further arguments are hashable."""

    @wraps(derive)
    def answer(
        tables: Mapping[str, pd.DataFrame], study: Mapping[str, Any], *args: P.args, **kwargs: P.kwargs
    ) -> pd.DataFrame:
        if not isinstance(tables, CachedTables):
            return derive(tables, study, *args, **kwargs)
        key = (derive.__module__, derive.__name__, *args, *sorted(kwargs.items()))
        return tables.dataset(key, study, lambda: derive(tables, study, *args, **kwargs))

    return answer
