"""One run against one server: searches with restarts and a tally per query template, for messages and the manifest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import Any

from adapters.errors import IncompleteError
from adapters.sources.http_client import HttpClient
from adapters.sources.http_origin import Base
from adapters.sources.search import ChainTally, ExpiredError, Query, Searcher
from adapters.sources.server_capability import Capability
from adapters.sources.server_config import ServerConfig

RESTARTS = 2  # of a chain whose pages the server has forgotten


@dataclass
class TemplateTally:
    """All chains of one query template."""

    chunks: int = 0
    pages: int = 0
    entries: int = 0
    distinct_ids: int = 0
    included: int = 0
    surplus: int = 0
    total: int | None = None
    restarts: int = 0
    outcome_issues: int = 0
    seconds: float = 0.0


@dataclass
class Run:
    """A server, what it can, and what has been asked of it."""

    client: HttpClient
    searcher: Searcher
    capability: Capability
    config: ServerConfig
    tallies: dict[str, TemplateTally] = field(default_factory=dict)
    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat(timespec="seconds"))
    _lock: Lock = field(default_factory=Lock)

    @property
    def base(self) -> Base:
        """The server's base."""
        return self.client.base

    def chunks(self, items: Sequence[str]) -> Iterator[list[str]]:
        """Items in groups that one search can hold."""
        size = self.config.chunk_size
        for start in range(0, len(items), size):
            yield list(items[start : start + size])

    def all_of(self, query: Query) -> list[dict[str, Any]]:
        """All matches of a search, each id once (the last one seen). Raises IncompleteError naming the query."""
        begun = time.monotonic()
        for attempt in range(RESTARTS + 1):
            tally, found = ChainTally(), {}
            try:
                for page in self.searcher.chain(query, tally):
                    found.update({(one["id"], _version(one)): one for one in page})
                break
            except ExpiredError:
                if attempt == RESTARTS:
                    raise IncompleteError(
                        "its pages expire before they can be read", query.name, "lower count"
                    ) from None
                self._add(query.name, TemplateTally(restarts=1))
        distinct = len({key[0] for key in found})
        self._add(
            query.name,
            TemplateTally(1, tally.pages, tally.entries, distinct, tally.included, 0, tally.total, 0, tally.issues,
                          time.monotonic() - begun),
        )  # fmt: skip
        return list(found.values())

    def count_surplus(self, name: str, number: int) -> None:
        """Entries that the server gave though they were not asked for."""
        if number:
            self._add(name, TemplateTally(surplus=number))

    def queries(self) -> list[dict[str, Any]]:
        """The tallies by template, for the manifest: numbers only."""
        rows = []
        for name, tally in sorted(self.tallies.items()):
            facts = {key: getattr(tally, key) for key in TemplateTally.__dataclass_fields__}
            rows.append({"query": name, **facts, "seconds": round(tally.seconds, 3)})
        return rows

    def _add(self, name: str, more: TemplateTally) -> None:
        with self._lock:
            tally = self.tallies.setdefault(name, TemplateTally())
            for key in TemplateTally.__dataclass_fields__:
                mine, added = getattr(tally, key), getattr(more, key)
                if added is not None:
                    setattr(tally, key, added if mine is None else mine + added)


def _version(resource: dict[str, Any]) -> str:
    meta = resource.get("meta")
    return str(meta.get("versionId")) if isinstance(meta, dict) else ""
