"""What the searches of a pull came to, by query template: numbers and times for the manifest, never a value or an id.

The tally of a finished part is kept with the part, so that a pull that was interrupted states all of its searches.
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
class TemplateTally:
    """All searches of one query template. `total`: what the server said there is; `started` and `ended` in UTC."""

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

    def plus(self, more: TemplateTally) -> TemplateTally:
        """Both together: numbers add up, the earlier start and the later end count."""
        mine, added = asdict(self), asdict(more)
        sums = {name: _sum(mine[name], added[name]) for name in mine if name not in ("started", "ended")}
        starts = [one for one in (self.started, more.started) if one]
        ends = [one for one in (self.ended, more.ended) if one]
        return TemplateTally(**sums, started=min(starts, default=None), ended=max(ends, default=None))


def _sum(mine: float | None, added: float | None) -> Any:
    if mine is None or added is None:
        return added if mine is None else mine
    return mine + added


@dataclass
class Tallies:
    """Tallies by query template; threads may share them."""

    by_template: dict[str, TemplateTally] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def add(self, name: str, more: TemplateTally) -> None:
        """Add to the tally of a template."""
        with self._lock:
            self.by_template[name] = self.by_template.get(name, TemplateTally()).plus(more)

    def merge(self, noted: Mapping[str, Mapping[str, Any]]) -> None:
        """Add tallies as `noted` gives them."""
        for name, facts in noted.items():
            self.add(name, TemplateTally(**facts))

    def noted(self) -> dict[str, dict[str, Any]]:
        """The tallies as plain values, to be kept with a finished part."""
        return {name: asdict(tally) for name, tally in self.by_template.items()}

    def rows(self) -> list[dict[str, Any]]:
        """One row a template, for the manifest."""
        return [
            {"query": name, **asdict(tally), "seconds": round(tally.seconds, SECOND_DIGITS)}
            for name, tally in sorted(self.by_template.items())
        ]
