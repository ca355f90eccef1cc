"""One run against one server: searches that are checked against the server's own counts, parted where it is overtaxed.

A resource that comes twice with equal content counts once. Different contents under one id are all passed on: the reading
stage chooses the later one or reports the conflict, as for files.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import msgspec

from adapters.errors import IncompleteError
from adapters.fhir.references import references_in
from adapters.sources.http.answers import TIMED_OUT, ServerError
from adapters.sources.http.client import HttpClient
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import Base
from adapters.sources.search.capability import Capability
from adapters.sources.search.searcher import URL_TOO_LONG, ChainCounts, ExpiredError, Query, Searcher
from adapters.sources.spool.counts import SearchCounts, SearchStatistics, now

REPEATS = 2  # of a search whose pages the server has forgotten, or whose data changed meanwhile
HALVINGS = 5
GONE = 410
# what servers may answer to a search that is too big for them
TOO_MUCH = frozenset({TIMED_OUT, GONE, 413, URL_TOO_LONG, 431, 500, 502, 503, 504})


@dataclass(frozen=True)
class Matches:
    """Matches of a search, each content once; `verified`: the server counts the same; `counted`: its own number."""

    resources: list[dict[str, Any]]
    verified: bool
    counted: int

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.resources)


@dataclass
class Run:
    """A server, what it can, and what has been asked of it."""

    client: HttpClient
    searcher: Searcher
    capability: Capability
    config: ServerConfig
    statistics: SearchStatistics = field(default_factory=SearchStatistics)
    verified: bool = True  # until the server gives something that it does not count
    _lists_checked: set[str] = field(default_factory=set)
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

    def all_of(self, query: Query, statistics: SearchStatistics | None = None, halvings: int = HALVINGS) -> Matches:
        """All matches of a search; in two halves where the server cannot answer for all of it at once.

        Raises IncompleteError naming the query: a chain that does not end, or a server that counts otherwise than it
        gives. `statistics` are those of the run where no others are named.
        """
        statistics = self.statistics if statistics is None else statistics
        try:
            return self._checked(query, statistics)
        except ServerError as error:
            halves = query.halves()
            if halves is None or not halvings or error.status not in TOO_MUCH:
                raise
        return united([self.all_of(half, statistics, halvings - 1) for half in halves])

    def check_list(self, query: Query, matches: Matches) -> None:
        """That the server looks for all values of a list, once for each template: some take the first of many.

        The order of the values must not matter to its count. Raises IncompleteError naming the query.
        """
        with self._lock:
            turned = query.reversed()
            if not matches.verified or turned == query or query.name in self._lists_checked:
                return
            self._lists_checked.add(query.name)
        number = self.searcher.total(turned)
        if number not in (None, matches.counted) and self.searcher.total(query) == matches.counted:  # nothing was added
            what = f"the server counts {matches.counted}, and {number} for the same values in another order"
            raise IncompleteError(
                what, query.name, "it does not search for all values of a list: use --bulk or an export"
            )

    def _checked(self, query: Query, statistics: SearchStatistics) -> Matches:
        """One search between two counts. What changes meanwhile is asked for again, a few times."""
        for repeat in range(REPEATS + 1):
            before = self.searcher.total(query) if self.config.counts else None
            resources, total = self._chain(query, statistics)
            distinct = _distinct(resources)
            after = self.searcher.total(query) if before is not None else None
            counts = {number for number in (before, after) if number is not None}
            if not counts <= {distinct}:
                if before == after or repeat == REPEATS:
                    raise _miscounted(before, after, distinct, query)
                statistics.add(query.name, SearchCounts(restarts=1))
                continue
            if not counts and self.config.counts and total is not None and total > distinct:
                raise _miscounted(total, total, distinct, query)
            verified = before is not None and after is not None
            self.verified = self.verified and verified
            return Matches(resources, verified, distinct)
        raise AssertionError  # pragma: no cover - the last repeat returns or raises

    def _chain(self, query: Query, statistics: SearchStatistics) -> tuple[list[dict[str, Any]], int | None]:
        """All pages of a search, from the first one again where the server has forgotten one; and its last `total`."""
        begun, started = time.monotonic(), now()
        for repeat in range(REPEATS + 1):
            counts, versions = ChainCounts(), {}
            try:
                for page in self.searcher.chain(query, counts):
                    versions.update({self._content_key(resource): resource for resource in page})
                break
            except ExpiredError:
                if repeat == REPEATS:
                    what = "its pages expire before they can be read"
                    raise ServerError(what, query.name, "lower chunk_size", GONE) from None
                statistics.add(query.name, SearchCounts(restarts=1))
        seen = SearchCounts(
            1, counts.pages, counts.entries, _distinct(list(versions.values())), counts.included, 0, counts.total, 0,
            counts.issues, counts.retries, time.monotonic() - begun, started, now(),
        )  # fmt: skip
        statistics.add(query.name, seen)
        return list(versions.values()), counts.total

    def _content_key(self, resource: dict[str, Any]) -> bytes:
        """The key of a resource and its content, after references to this server have been made relative."""
        self._localise(resource)
        return content_key(resource)

    def _localise(self, resource: dict[str, Any]) -> None:
        """Make absolute references to this server relative, so that each target has one name."""
        for _, holder in references_in(resource, ""):
            holder["reference"] = self.base.relative(holder["reference"], rewrite=self.config.rewrite_links)


def united(parts: Sequence[Matches]) -> Matches:
    """The matches of several searches, each content once."""
    versions = {content_key(resource): resource for part in parts for resource in part}
    resources = list(versions.values())
    return Matches(resources, all(part.verified for part in parts), _distinct(resources))


def _miscounted(before: int | None, after: int | None, distinct: int, query: Query) -> IncompleteError:
    counted = " and ".join(
        f"{number} {when}" for number, when in ((before, "before"), (after, "after")) if number is not None
    )
    what = f"the server counts {counted}, but gave {distinct}"
    remedy = "the data may be changing: try again; for a server that only estimates its counts set counts = false"
    return IncompleteError(what, query.name, remedy)


def content_key(resource: dict[str, Any]) -> bytes:
    """A hash of the whole resource: equal for equal contents only."""
    return hashlib.blake2b(msgspec.json.encode(resource, order="deterministic"), digest_size=16).digest()


def _distinct(resources: list[dict[str, Any]]) -> int:
    return len({resource["id"] for resource in resources})
