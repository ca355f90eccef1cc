"""Files that may be packed: whether one is shows in its first bytes, whatever its name."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO

GZIP_MAGIC = b"\x1f\x8b"
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)  # what reading a packed file raises where it is cut off or altered


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """The stream, which must be able to go back to its start, or what it unpacks to. Reading it may raise DAMAGED."""
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=stream, mode="rb")) if magic == GZIP_MAGIC else stream
