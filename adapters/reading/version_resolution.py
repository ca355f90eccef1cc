"""One resource from several: versions under the same type and id, and corrections under another id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from adapters.ledger import LeftOutReason, QuarantineReason
from adapters.reading.modifiers import Outcome
from adapters.reading.status import RANKS


class Candidate(msgspec.Struct, gc=False):
    """What the choice between versions needs of a resource version; not its content.

    `digest`, of the content without meta and narrative, is taken only where there are versions to compare.
    """

    number: int  # position in the source
    kind: str
    base: str  # server address in its fullUrl, "" if it has none
    last_updated: object  # meta.lastUpdated and meta.versionId as they stand
    version_id: object
    file: str
    outcome: Outcome  # what its status and modifiers say
    outcome_path: str  # the element that says so
    rank: int  # corrected above final above preliminary
    tagged: bool  # carries the test-data tag
    digest: bytes = b""

    @property
    def updated(self) -> float | None:
        """meta.lastUpdated as a timestamp, None if absent or no instant."""
        try:
            instant = datetime.fromisoformat(str(self.last_updated))
        except ValueError:
            return None
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()

    @property
    def version(self) -> int | None:
        """meta.versionId where it is a number (servers that count), else None."""
        text = str(self.version_id)
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def digest(resource: dict[str, Any]) -> bytes:
    """A hash of the content without meta and narrative, which may differ between copies of one version."""
    content = {name: value for name, value in resource.items() if name not in ("meta", "text")}
    return hashlib.blake2b(msgspec.json.encode(content, order="deterministic"), digest_size=16).digest()


def rank(resource: dict[str, Any]) -> int:
    """Corrected and amended above final, final above preliminary."""
    return RANKS.get(str(resource.get("status")), 1)


SetAside = tuple[Candidate, LeftOutReason | QuarantineReason]  # a version that does not count, and why


def latest(candidates: list[Candidate]) -> tuple[Candidate | None, list[SetAside]]:
    """The version of a type and id that counts, and the others with their reasons.

    The latest `lastUpdated` counts, then the highest `versionId`. Equal content collapses. Where neither says which
    of two different contents is later, no version counts: a guessed value is worse than a missing one.
    """
    distinct, others = _collapse(candidates)
    if len(distinct) == 1:
        return distinct[0], others
    top = _top(distinct)
    others += [(c, LeftOutReason.OLDER_VERSION) for c in distinct if c not in top]
    if len(top) == 1:
        return top[0], others
    return None, others + [(c, QuarantineReason.CONFLICTING_VERSIONS) for c in top]


def correction(candidates: list[Candidate]) -> tuple[Candidate | None, list[SetAside]]:
    """Which of several resources for one measurement counts: corrected, final, preliminary; then the latest."""
    best = max(c.rank for c in candidates)
    lower: list[SetAside] = [(c, LeftOutReason.REPLACED) for c in candidates if c.rank < best]
    top = [c for c in candidates if c.rank == best]
    chosen, others = latest(top)
    return chosen, lower + [(c, _renamed(reason)) for c, reason in others]


def _renamed(reason: LeftOutReason | QuarantineReason) -> LeftOutReason | QuarantineReason:
    return LeftOutReason.REPLACED if reason is LeftOutReason.OLDER_VERSION else reason


def _collapse(candidates: Iterable[Candidate]) -> tuple[list[Candidate], list[SetAside]]:
    """One candidate for each content, the latest of its copies; the copies are duplicates."""
    by_content: dict[bytes, Candidate] = {}
    duplicates: list[SetAside] = []
    for candidate in candidates:
        known = by_content.setdefault(candidate.digest, candidate)
        if known is candidate:
            continue
        later, earlier = (candidate, known) if _order(candidate) > _order(known) else (known, candidate)
        later.tagged = later.tagged or earlier.tagged
        by_content[candidate.digest] = later
        duplicates.append((earlier, LeftOutReason.DUPLICATE))
    return list(by_content.values()), duplicates


def _order(candidate: Candidate) -> tuple[float, int]:
    never = float("-inf")
    return (never if candidate.updated is None else candidate.updated, candidate.version or -1)


def _top(distinct: list[Candidate]) -> list[Candidate]:
    """The latest of different contents; all of them where they cannot be compared."""
    if all(c.updated is not None for c in distinct):
        best = max(map(_order, distinct))
        return [c for c in distinct if _order(c) == best]
    if all(c.version is not None for c in distinct):
        newest = max(c.version or 0 for c in distinct)
        return [c for c in distinct if c.version == newest]
    return distinct


def by_server(candidates: list[Candidate]) -> Iterator[tuple[str, list[Candidate]]]:
    """The candidates of a type and id, grouped by server: equal ids on two servers are two resources.

    Records without a server belong to the first server. Servers with equal content count as one server.
    """
    bases = sorted({c.base for c in candidates if c.base})
    if len(bases) < 2 or len({c.digest for c in candidates}) == 1:
        yield "", candidates
        return
    for base in bases:
        own = [c for c in candidates if c.base == base or (base == bases[0] and not c.base)]
        yield base, own
