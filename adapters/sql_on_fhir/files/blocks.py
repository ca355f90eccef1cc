"""Files of lines -> blocks of whole lines, a plain file in byte ranges, a gzip file as it unpacks."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from adapters.errors import InputError

BLOCK = 64 << 10  # what is decoded at once stays in the processor's cache: half again as fast as 1 MB
RANGE = 8 << 20
MAX_LINE = 256 << 20
ALWAYS_UNPACKED = 256 << 20  # up to here nothing is a bomb
MAX_RATIO = 500  # of a gzip file
BOM = b"\xef\xbb\xbf"
GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a file: a byte range to be read, or lines already read (from gzip)."""

    path: Path
    start: int
    stop: int
    data: bytes | None = None


def is_gzip(path: Path) -> bool:
    """True for a file that starts as gzip files do, whatever its name."""
    with path.open("rb") as file:
        return file.read(2) == GZIP


def pieces(path: Path, size: int = RANGE) -> Iterator[Piece]:
    """The pieces of a file in order; ranges of plain files end anywhere, `lines_of` finds the line ends."""
    if not is_gzip(path):
        length = path.stat().st_size
        for start in range(0, length, size):
            yield Piece(path, start, min(start + size, length))
        return
    with path.open("rb") as raw, gzip.open(raw) as file:
        for data in _unpacked(cast("IO[bytes]", file), path, size // 2):
            yield Piece(path, 0, raw.tell(), data)


def _unpacked(file: IO[bytes], path: Path, size: int) -> Iterator[bytes]:
    """Blocks of a gzip file; a damaged one is an InputError."""
    left = max(ALWAYS_UNPACKED, MAX_RATIO * path.stat().st_size)
    try:
        for data in blocks(file, size):
            left -= len(data)
            if left < 0:
                what = f"it unpacks to more than {MAX_RATIO} times its size"
                raise InputError(what, path.name, "unpack it if that is right")
            yield data
    except (EOFError, gzip.BadGzipFile, zlib.error) as fault:
        raise InputError("the gzip file is cut off or damaged", path.name, "transfer it again") from fault


def lines_of(piece: Piece, size: int = BLOCK) -> Iterator[bytes]:
    """Blocks of whole lines that begin inside the piece."""
    if piece.data is not None:
        yield from blocks(io.BytesIO(piece.data), size)
        return
    with piece.path.open("rb") as file:
        start = piece.start
        if start:
            file.seek(start - 1)
            start = start - 1 + len(file.readline(MAX_LINE))
        yield from blocks(_Ranged(file, max(piece.stop - start, 0)), size)


class _Ranged:
    """A file that ends with the line that crosses the end of the range."""

    def __init__(self, file: IO[bytes], left: int) -> None:
        self.file = file
        self.left = left

    def read(self, size: int) -> bytes:
        data = self.file.read(min(size, self.left))
        self.left -= len(data)
        return data

    def readline(self, size: int) -> bytes:
        # The last line may reach beyond the range; one that begins there is another piece's.
        data = self.file.readline(size)
        self.left = max(0, self.left - len(data))
        return data


def blocks(file: IO[bytes] | _Ranged, size: int = BLOCK) -> Iterator[bytes]:
    """Whole lines of about `size` bytes at a time; InputError for a line longer than MAX_LINE."""
    first = True
    while data := file.read(size):
        if not data.endswith(b"\n"):
            rest = file.readline(MAX_LINE)
            if len(rest) >= MAX_LINE:
                raise InputError(f"a line is longer than {MAX_LINE >> 20} MB", "", "is it NDJSON, one resource a line?")
            data += rest
        if first and data.startswith(BOM):
            data = data[len(BOM) :]
        first = False
        yield data
