"""Tables that remember what was derived from them, so that one chapter derives scans and changes once.

Scans, the scans that frame a therapy and the lesion values are needed by a dozen results. `Remembering` wraps the
tables for the length of one computation; functions marked `remembered` look there first. Nothing is remembered for
plain tables, so changing them in place never meets an old answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import wraps
from typing import Concatenate, ParamSpec

import pandas as pd

from analysis.settings import Study

P = ParamSpec("P")
Derived = Callable[Concatenate[Mapping[str, pd.DataFrame], Study, P], pd.DataFrame]


class Remembering(Mapping[str, pd.DataFrame]):
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


def remembering(tables: Mapping[str, pd.DataFrame]) -> Remembering:
    """`tables` with a memory; tables that have one already are given back as they are."""
    return tables if isinstance(tables, Remembering) else Remembering(tables)


def remembered(function: Derived[P]) -> Derived[P]:
    """Let `function(tables, study, ...)` answer from the memory of `Remembering` tables; each caller gets its own
    frame.
    """

    @wraps(function)
    def answer(tables: Mapping[str, pd.DataFrame], study: Study, *args: P.args, **kwargs: P.kwargs) -> pd.DataFrame:
        if not isinstance(tables, Remembering):
            return function(tables, study, *args, **kwargs)
        key = (function.__name__, id(study), *args, *sorted(kwargs.items()))
        if key not in tables.memory:
            tables.memory[key] = function(tables, study, *args, **kwargs)
        return tables.memory[key].copy(deep=False)

    return answer
