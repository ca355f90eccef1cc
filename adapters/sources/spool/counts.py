"""Counts and times of the searches of a pull, by query template, for the manifest. No value or id is in them.

The counts of a finished part are stored with it, so that a resumed pull states all of its searches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

SECOND_DIGITS = 3


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass
class SearchCounts:
    """All searches of one query template. `total`: number stated by the server; `started`, `ended`: UTC."""

    chunks: int = 0
    pages: int = 0
    entries: int = 0
    distinct_ids: int = 0
    included: int = 0
    surplus: int = 0
    total: int | None = None
    restarts: int = 0
    outcome_issues: int = 0
    retries: int = 0
    seconds: float = 0.0
    started: str | None = None
    ended: str | None = None

    def plus(self, more: SearchCounts) -> SearchCounts:
        """The sum of both: numbers are added; the earlier start and the later end are used."""
        mine, added = asdict(self), asdict(more)
        sums = {name: _sum(mine[name], added[name]) for name in mine if name not in ("started", "ended")}
        starts = [start for start in (self.started, more.started) if start]
        ends = [end for end in (self.ended, more.ended) if end]
        return SearchCounts(**sums, started=min(starts, default=None), ended=max(ends, default=None))


def _sum(mine: float | None, added: float | None) -> Any:
    if mine is None or added is None:
        return added if mine is None else mine
    return mine + added


@dataclass
class SearchStatistics:
    """Counts by query template. Threads may share them."""

    by_template: dict[str, SearchCounts] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, name: str, more: SearchCounts) -> None:
        """Add to the counts of a template."""
        with self._lock:
            self.by_template[name] = self.by_template.get(name, SearchCounts()).plus(more)

    def merge(self, noted: Mapping[str, Mapping[str, Any]]) -> None:
        """Add counts in the form of `noted`."""
        for name, facts in noted.items():
            self.add(name, SearchCounts(**facts))

    def noted(self) -> dict[str, dict[str, Any]]:
        """The counts as plain values, to be stored with a finished part."""
        return {name: asdict(counts) for name, counts in self.by_template.items()}

    def rows(self) -> list[dict[str, Any]]:
        """One row a template, for the manifest."""
        return [
            {"query": name, **asdict(counts), "seconds": round(counts.seconds, SECOND_DIGITS)}
            for name, counts in sorted(self.by_template.items())
        ]
