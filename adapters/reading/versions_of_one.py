"""One resource from several: versions under the same type and id, and corrections under another id."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from adapters.ledger import LeftOutReason, QuarantineReason
from adapters.reading.status import RANKS, Outcome


class Candidate(msgspec.Struct, gc=False):
    """What must be remembered of a resource version to choose between versions; not its content.

    `digest`, of the content without meta and narrative, is taken only where there are versions to compare.
    """

    number: int  # position in the source
    kind: str
    base: str  # server address in its fullUrl, "" if it has none
    last_updated: object  # meta.lastUpdated and meta.versionId as they stand
    version_id: object
    file: str
    outcome: Outcome  # what its status says
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


Settled = tuple[Candidate, LeftOutReason | QuarantineReason]


def latest(candidates: list[Candidate]) -> tuple[Candidate | None, list[Settled]]:
    """The version that stands for a type and id, and what becomes of the others.

    The latest `lastUpdated` counts, then the highest `versionId`. Equal content collapses. Where neither tells which
    of two different contents is later, none is taken: guessing a value is worse than missing it.
    """
    distinct, settled = _collapse(candidates)
    if len(distinct) == 1:
        return distinct[0], settled
    top = _top(distinct)
    settled += [(c, LeftOutReason.OLDER_VERSION) for c in distinct if c not in top]
    if len(top) == 1:
        return top[0], settled
    return None, settled + [(c, QuarantineReason.CONFLICTING_VERSIONS) for c in top]


def correction(candidates: list[Candidate]) -> tuple[Candidate | None, list[Settled]]:
    """Which of several resources for one measurement counts: corrected, final, preliminary; then the latest."""
    best = max(c.rank for c in candidates)
    lower: list[Settled] = [(c, LeftOutReason.REPLACED) for c in candidates if c.rank < best]
    top = [c for c in candidates if c.rank == best]
    chosen, settled = latest(top)
    return chosen, lower + [(c, _renamed(reason)) for c, reason in settled]


def _renamed(reason: LeftOutReason | QuarantineReason) -> LeftOutReason | QuarantineReason:
    return LeftOutReason.REPLACED if reason is LeftOutReason.OLDER_VERSION else reason


def _collapse(candidates: Iterable[Candidate]) -> tuple[list[Candidate], list[Settled]]:
    """One candidate for each content, the latest of its copies; the copies are duplicates."""
    by_content: dict[bytes, Candidate] = {}
    duplicates: list[Settled] = []
    for candidate in candidates:
        kept = by_content.setdefault(candidate.digest, candidate)
        if kept is candidate:
            continue
        later, earlier = (candidate, kept) if _order(candidate) > _order(kept) else (kept, candidate)
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
    """The candidates of a type and id, apart by the server they came from: equal ids on two servers are two things.

    Records without a server belong to the first one; servers that all tell the same are one.
    """
    bases = sorted({c.base for c in candidates if c.base})
    if len(bases) < 2 or len({c.digest for c in candidates}) == 1:
        yield "", candidates
        return
    for base in bases:
        own = [c for c in candidates if c.base == base or (base == bases[0] and not c.base)]
        yield base, own
