"""Where resources come from. Every source gives the same records, so that nothing after it knows which one it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from adapters.errors import InputError
from adapters.sources.base import Line, Read, Source, read_again
from adapters.sources.files.source import FileSource

__all__ = ["Line", "Read", "Source", "is_server", "open_source", "read_again"]


def is_server(spec: str) -> bool:
    """Whether a source is named by an http(s) address."""
    return spec.lower().startswith(("http://", "https://"))


def open_source(spec: str, *, accept_unreadable: bool = False, **options: Any) -> Source:
    """The source that `spec` names: a Bundle or resource file, an NDJSON file, a folder of them, or a FHIR base address.

    `options` belong to servers. Raises InputError if there is nothing of that name.
    """
    if is_server(spec):
        from adapters.sources.servers import open_server  # here, since files need none of the web's libraries

        return open_server(spec, **options)
    path = Path(spec)
    if not path.exists():
        raise InputError("source not found", str(path), "name a file, a folder or an http(s) address")
    return FileSource(path, accept_unreadable=accept_unreadable)
