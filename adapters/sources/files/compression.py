"""Compressed files: the first bytes tell whether a file is gzip, not its name."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO

GZIP_MAGIC = b"\x1f\x8b"
DAMAGED = (EOFError, zlib.error, gzip.BadGzipFile)  # raised on reading a gzip file that is cut off or altered


def decompressed(stream: IO[bytes]) -> IO[bytes]:
    """The stream itself, or its decompressed content. It must be seekable. Reading may raise DAMAGED."""
    magic = stream.read(len(GZIP_MAGIC))
    stream.seek(0)
    return io.BufferedReader(gzip.GzipFile(fileobj=stream, mode="rb")) if magic == GZIP_MAGIC else stream
