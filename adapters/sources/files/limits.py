"""How much of a file is taken into memory: a small compressed file may hold more than any machine does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from adapters.errors import InputError
from adapters.sources.files.bundle import Place

MIB = 2**20
MAX_LINE_BYTES = 64 * MIB  # one resource of an NDJSON file; as much as one page of a server
MAX_DOCUMENT_BYTES = 1024 * MIB  # a Bundle is read as a whole
ALWAYS_READ_BYTES = 256 * MIB  # up to here nothing is a bomb
MAX_RATIO = 500  # FHIR as JSON is packed to a tenth or, where it repeats itself, to a hundredth
PIECE_BYTES = MIB


def most_decoded(size_bytes: int) -> int:
    """How many bytes a file of this size may give when it is decompressed."""
    return max(ALWAYS_READ_BYTES, MAX_RATIO * size_bytes)


def lines_within(stream: IO[bytes], size_bytes: int, place: Place) -> Iterator[bytes]:
    """The lines of a file of `size_bytes` on disk. Raises InputError for a line, or a whole, beyond the limits."""
    left, number = most_decoded(size_bytes), 0
    while line := stream.readline(MAX_LINE_BYTES + 1):
        number += 1
        left -= len(line)
        if len(line) > MAX_LINE_BYTES:
            where = f"{place.origin}:{number}"
            raise InputError(f"a line is longer than {MAX_LINE_BYTES // MIB} MB", where, "give one resource a line")
        if left < 0:
            raise _bomb(place)
        yield line


def document_within(stream: IO[bytes], size_bytes: int, place: Place) -> bytes:
    """The content of a file of `size_bytes` on disk. Raises InputError beyond the limits."""
    pieces, size = [], 0
    while piece := stream.read(PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > most_decoded(size_bytes):
            raise _bomb(place)
        if size > MAX_DOCUMENT_BYTES:
            what = f"a JSON document of more than {MAX_DOCUMENT_BYTES // MIB} MB"
            raise InputError(what, place.origin, "give it in parts, or as NDJSON, which is read line by line")
    return b"".join(pieces)


def _bomb(place: Place) -> InputError:
    what = f"it decompresses to more than {MAX_RATIO} times its size"
    return InputError(what, place.origin, "decompress it if that is right")
