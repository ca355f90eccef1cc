"""Short hashes of files: how a manifest names the rules that tables were made by, without their content."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path


def short_hash(parts: Iterable[bytes]) -> str:
    """The first 16 hexadecimal digits of a SHA-256 over the parts."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(hashlib.sha256(part).digest())
    return whole.hexdigest()[:16]


def file_hashes(files: Mapping[str, Path]) -> dict[str, str]:
    """Name -> short hash of content, sorted by name. Raises OSError where a file cannot be read."""
    return {name: short_hash([path.read_bytes()]) for name, path in sorted(files.items())}
