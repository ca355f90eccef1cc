"""Where resources come from. All sources give the same records: nothing after them depends on the kind of source."""

from __future__ import annotations

from pathlib import Path

from adapters.errors import InputError
from adapters.progress import Progress, silent
from adapters.sources.base import Line, Read, Source, read_again
from adapters.sources.files.source import FileSource
from adapters.sources.question import Question, ServerOptions

__all__ = ["Line", "Question", "Read", "ServerOptions", "Source", "is_server", "open_source", "read_again"]


def is_server(spec: str) -> bool:
    """True if the source is named by an http(s) address."""
    return spec.lower().startswith(("http://", "https://"))


def open_source(
    spec: str,
    *,
    accept_unreadable: bool = False,
    skip_unknown_files: bool = False,
    question: Question | None = None,
    options: ServerOptions | None = None,
    shown: Progress = silent,
) -> Source:
    """The source that `spec` names: a Bundle or resource file, an NDJSON file, a folder of them, or a FHIR base address.

    A server needs a question; files ignore question, options and `shown`. Raises InputError if there is nothing of that
    name.
    """
    if is_server(spec):
        from adapters.sources.servers import open_server  # here, since files need none of the web's libraries

        if question is None:
            raise InputError("a server is asked for what?", "SOURCE", "give the resource types and the cohort")
        return open_server(spec, question, options or ServerOptions(), shown)
    path = Path(spec)
    if not path.exists():
        raise InputError("source not found", str(path), "name a file, a folder or an http(s) address")
    return FileSource(path, accept_unreadable=accept_unreadable, skip_unknown_files=skip_unknown_files)
