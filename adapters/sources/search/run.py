"""One run against one server: searches that are checked against the server's own counts, parted where it is overtaxed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from adapters.errors import IncompleteError
from adapters.fhir.references import references_in
from adapters.sources.http.answers import TIMED_OUT, ServerError
from adapters.sources.http.client import HttpClient
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import Base
from adapters.sources.search.capability import Capability
from adapters.sources.search.searcher import URL_TOO_LONG, ChainTally, ExpiredError, Query, Searcher
from adapters.sources.spool.tally import Tallies, TemplateTally, now

REPEATS = 2  # of a search whose pages the server has forgotten, or whose data changed meanwhile
HALVINGS = 5
GONE = 410
# what servers may answer to a search that is too big for them
TOO_MUCH = frozenset({TIMED_OUT, GONE, 413, URL_TOO_LONG, 431, 500, 502, 503, 504})


@dataclass(frozen=True)
class Found:
    """Matches of a search, each version once; `verified`: the server counts the same; `counted`: its own number."""

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
    tallies: Tallies = field(default_factory=Tallies)
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

    def all_of(self, query: Query, tallies: Tallies | None = None, halvings: int = HALVINGS) -> Found:
        """All matches of a search; in two halves where the server cannot answer for all of it at once.

        Raises IncompleteError naming the query: a chain that does not end, or a server that counts otherwise than it
        gives. `tallies` are those of the run where no others are named.
        """
        tallies = self.tallies if tallies is None else tallies
        try:
            return self._checked(query, tallies)
        except ServerError as error:
            halves = query.halves()
            if halves is None or not halvings or error.status not in TOO_MUCH:
                raise
        return united([self.all_of(half, tallies, halvings - 1) for half in halves])

    def check_list(self, query: Query, found: Found) -> None:
        """That the server looks for all values of a list, once for each template: some take the first of many.

        The order of the values must not matter to its count. Raises IncompleteError naming the query.
        """
        with self._lock:
            turned = query.reversed()
            if not found.verified or turned == query or query.name in self._lists_checked:
                return
            self._lists_checked.add(query.name)
        number = self.searcher.total(turned)
        if number not in (None, found.counted) and self.searcher.total(query) == found.counted:  # nothing was added
            what = f"the server counts {found.counted}, and {number} for the same values in another order"
            raise IncompleteError(
                what, query.name, "it does not search for all values of a list: use --bulk or an export"
            )

    def _checked(self, query: Query, tallies: Tallies) -> Found:
        """One search between two counts. What changes meanwhile is asked for again, a few times."""
        for repeat in range(REPEATS + 1):
            before = self.searcher.total(query) if self.config.counts else None
            found, total = self._chain(query, tallies)
            distinct = _distinct(found)
            after = self.searcher.total(query) if before is not None else None
            counts = {number for number in (before, after) if number is not None}
            if not counts <= {distinct}:
                if before == after or repeat == REPEATS:
                    raise _miscounted(before, after, distinct, query)
                tallies.add(query.name, TemplateTally(restarts=1))
                continue
            if not counts and self.config.counts and total is not None and total > distinct:
                raise _miscounted(total, total, distinct, query)
            verified = before is not None and after is not None
            self.verified = self.verified and verified
            return Found(found, verified, distinct)
        raise AssertionError  # pragma: no cover - the last repeat returns or raises

    def _chain(self, query: Query, tallies: Tallies) -> tuple[list[dict[str, Any]], int | None]:
        """All pages of a search, from the first one again where the server has forgotten one; and its last `total`."""
        begun, started = time.monotonic(), now()
        for repeat in range(REPEATS + 1):
            tally, found = ChainTally(), {}
            try:
                for page in self.searcher.chain(query, tally):
                    found.update({_version_key(one): one for one in page})
                break
            except ExpiredError:
                if repeat == REPEATS:
                    what = "its pages expire before they can be read"
                    raise ServerError(what, query.name, "lower chunk_size", GONE) from None
                tallies.add(query.name, TemplateTally(restarts=1))
        seen = TemplateTally(
            1, tally.pages, tally.entries, _distinct(list(found.values())), tally.included, 0, tally.total, 0,
            tally.issues, tally.retries, time.monotonic() - begun, started, now(),
        )  # fmt: skip
        tallies.add(query.name, seen)
        for one in found.values():
            self._localise(one)
        return list(found.values()), tally.total

    def _localise(self, resource: dict[str, Any]) -> None:
        """Absolute references to this server become relative: what they lead to is found under one name only."""
        for _, holder in references_in(resource, ""):
            holder["reference"] = self.base.relative(holder["reference"], rewrite=self.config.rewrite_links)


def united(parts: Sequence[Found]) -> Found:
    """What several searches found, each version once."""
    found = {_version_key(one): one for part in parts for one in part}
    resources = list(found.values())
    return Found(resources, all(part.verified for part in parts), _distinct(resources))


def _miscounted(before: int | None, after: int | None, distinct: int, query: Query) -> IncompleteError:
    counted = " and ".join(
        f"{number} {when}" for number, when in ((before, "before"), (after, "after")) if number is not None
    )
    what = f"the server counts {counted}, but gave {distinct}"
    remedy = "the data may be changing: try again; for a server that only estimates its counts set counts = false"
    return IncompleteError(what, query.name, remedy)


def _version_key(resource: dict[str, Any]) -> tuple[str, str]:
    meta = resource.get("meta")
    return resource["id"], str(meta.get("versionId")) if isinstance(meta, dict) else ""


def _distinct(resources: list[dict[str, Any]]) -> int:
    return len({resource["id"] for resource in resources})
