"""The body of an answer: decompressed whole or not at all, within a time limit.

A gzip body may have several members (servers join files so), and each ends with a trailer that tells its length and
checksum. The HTTP library gives the first member and says nothing of the rest or of a missing trailer, so the bodies are
decompressed here. Reference: RFC 1952 (2.2, 2.3.1), RFC 9110 (8.4).
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterable, Iterator

PIECE = 64 * 1024  # decompressed in pieces of this size, so that a bomb is stopped early
GZIP = 16 + zlib.MAX_WBITS  # of zlib: a gzip header, and a trailer that is checked
PLAIN = frozenset({"", "identity"})
COMPRESSED = frozenset({"gzip", "x-gzip"})


class DamagedError(Exception):
    """The body is cut off, altered, or compressed in a way that was not asked for."""


class TooSlowError(Exception):
    """The body did not end within the time allowed."""


def decompressed(pieces: Iterable[bytes], coding: str, *, may_be_empty: bool) -> Iterator[bytes]:
    """The body behind a Content-Encoding, piece by piece. Raises DamagedError.

    may_be_empty : no bytes at all are a body too, as servers answer errors
    """
    coding = coding.strip().lower()
    if coding in PLAIN:
        return iter(pieces)
    if coding not in COMPRESSED:
        raise DamagedError
    return _members(pieces, may_be_empty)


def in_time(pieces: Iterable[bytes], seconds: float) -> Iterator[bytes]:
    """The pieces until a deadline. Raises TooSlowError: single pieces may be fast and the whole body slow."""
    end = time.monotonic() + seconds
    for piece in pieces:
        if time.monotonic() > end:
            raise TooSlowError
        yield piece


def _members(pieces: Iterable[bytes], may_be_empty: bool) -> Iterator[bytes]:
    """One gzip member after another, each to the end of its trailer; zeros after a member are padding."""
    member, finished = None, may_be_empty
    for piece in pieces:
        rest = piece
        while rest:
            if member is None:
                rest = rest.lstrip(b"\0") if finished else rest
                member, finished = (zlib.decompressobj(GZIP), False) if rest else (None, finished)
                continue
            try:
                yield member.decompress(rest, PIECE)
            except zlib.error:
                raise DamagedError from None
            rest = member.unconsumed_tail
            if member.eof:
                rest, member, finished = member.unused_data, None, True
    if not finished:
        raise DamagedError
