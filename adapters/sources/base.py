"""The interface of all sources: records, lines, and `read`, which may be called again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol, runtime_checkable

import msgspec


class Read(msgspec.Struct, gc=False):
    """One resource version as it arrived. `origin` and `file` hold no identifier and are safe to print."""

    resource: dict[str, Any]
    origin: str  # "Observation.ndjson:12" or "demo.json#entry[3]": for messages
    file: str  # label under which the manifest counts it: "Observation.ndjson", "file-0003.json", a query's name
    full_url: str | None = None
    bundle: int | None = None  # scope of full_url: references of one Bundle are settled within it first


class Line(NamedTuple):
    """A resource as its line of text, not decoded, outside of any Bundle."""

    kind: str  # resourceType
    text: bytes


class Source(Protocol):
    """A source of resource versions.

    `read` may be called more than once and gives the same records in the same order each time (a server source spools
    what it fetched and reads the spool again). It raises InputError (exit 2) or IncompleteError (exit 3).
    """

    kind: str  # "bundle", "ndjson", "folder", "server", "bulk"
    label: str  # "Bundle file", "NDJSON folder", "FHIR server": what pages say where study.toml gives no label
    manifest: dict[str, Any]  # facts for the manifest: queries, verified, ...; complete after the first full read
    unreadable: int  # lines that could not be parsed and were accepted as such; complete after the first full read
    size_bytes: int | None  # for the progress bar; None where unknown

    @property
    def name(self) -> str:
        """The source as given on the command line, for errors about the whole of it."""
        ...

    def read(self) -> Iterator[Read]:
        """All resource versions, one at a time."""
        ...

    def dry_run(self) -> list[str]:
        """What a pull would read or ask, one line each; nothing is read or sent."""
        ...

    def finished(self) -> None:
        """Release temporary files. Called once, after the last read, whether the pull succeeded or not."""
        ...


@runtime_checkable
class LineSource(Protocol):
    """A source that need not decode every resource when it is read once more."""

    def read_again(self) -> Iterator[Read | Line]:
        """The records of `read` in the same order. Call it only after `read` has ended without an error."""
        ...


def read_again(source: Source) -> Iterator[Read | Line]:
    """The records of a source that was read before, as lines where it has them."""
    return source.read_again() if isinstance(source, LineSource) else source.read()
