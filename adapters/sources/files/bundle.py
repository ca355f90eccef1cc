"""JSON documents: a Bundle of any type (transaction, batch, collection, searchset, history ...) or a single resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from adapters.errors import InputError
from adapters.fhir import strict_json
from adapters.sources.base import Read


@dataclass
class FileCounts:
    """Counts of a reading. `scopes` numbers the Bundles, since each has its own fullUrls."""

    entries_without_resource: int = 0
    pages_with_next: int = 0
    unreadable: int = 0
    scopes: Iterator[int] = field(default_factory=count)


@dataclass(frozen=True)
class Place:
    """The place of a document: `origin` for messages, `file` for the counts of the manifest."""

    origin: str
    file: str

    def at(self, suffix: str) -> Place:
        """A place within this one."""
        return Place(self.origin + suffix, self.file)


def decoded(data: bytes, place: Place) -> str:
    """The text of UTF-8 bytes, without byte order mark. Raises InputError."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        where = f"{place.origin}, byte {error.start}"
        raise InputError("not UTF-8 text", where, "FHIR JSON is UTF-8: convert the file") from None


def read_document(data: bytes, place: Place, counts: FileCounts) -> Iterator[Read]:
    """All resources of a JSON file. Raises InputError: not JSON, truncated, not a resource."""
    text = decoded(data, place)
    if not text.strip():
        raise InputError("the file is empty", place.origin, "export it again")
    try:
        if strict_json.is_bundle(text):
            yield from _streamed_bundle(text, place, counts)
        else:
            yield from opened(_resource(strict_json.loads(text), place), place, counts)
    except strict_json.JsonError as error:
        raise _not_json(text, error, place) from None


def _not_json(text: str, error: strict_json.JsonError, place: Place) -> InputError:
    where = place.origin
    if error.position is not None:
        line = text.count("\n", 0, error.position) + 1
        where += f", line {line}, character {error.position - text.rfind(chr(10), 0, error.position)}"
    if text.lstrip()[:1] == "<":
        return InputError("XML, not JSON", where, "only FHIR JSON is read: export as application/fhir+json")
    at_end = error.position is not None and error.position >= len(text.rstrip())
    if at_end or error.reason.startswith("unterminated string"):
        return InputError("the JSON is cut off", where, "the file is truncated: copy or export it again")
    return InputError(f"not JSON: {error.reason}", where, "correct the file or export it again")


def _streamed_bundle(text: str, place: Place, counts: FileCounts) -> Iterator[Read]:
    scope, entries = next(counts.scopes), count()
    for key, value in strict_json.stream_object(text, "entry"):
        if key == "entry":
            yield from _entry(value, place.at(f"#entry[{next(entries)}]"), scope, counts)
        elif key == "link":
            counts.pages_with_next += has_next(value)


def opened(
    resource: dict[str, Any], place: Place, counts: FileCounts, full_url: str | None = None, scope: int | None = None
) -> Iterator[Read]:
    """The resource as a record; for a Bundle its entries."""
    if resource["resourceType"] != "Bundle":
        yield Read(resource, place.origin, place.file, full_url, scope)
        return
    inner = next(counts.scopes)
    counts.pages_with_next += has_next(resource.get("link"))
    entries = resource.get("entry", [])
    if not isinstance(entries, list):
        raise InputError("Bundle.entry is not a list", place.origin, "export it again")
    for number, entry in enumerate(entries):
        yield from _entry(entry, place.at(f"#entry[{number}]"), inner, counts)


def _entry(entry: Any, place: Place, scope: int, counts: FileCounts) -> Iterator[Read]:
    if not isinstance(entry, dict):
        raise InputError("a Bundle entry is not an object", place.origin, "export it again")
    if entry.get("resource") is None:
        counts.entries_without_resource += 1  # a deletion, or the answer to a request
        return
    full_url = entry.get("fullUrl")
    url = full_url if isinstance(full_url, str) else None
    yield from opened(_resource(entry["resource"], place), place, counts, url, scope)


def has_next(links: Any) -> bool:
    """True if the links of a Bundle name a next page."""
    return isinstance(links, list) and any(isinstance(x, dict) and x.get("relation") == "next" for x in links)


def no_resource(value: Any) -> str | None:
    """The fault if the value is no resource, else None."""
    if not isinstance(value, dict):
        names: dict[type, str] = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
        return f"{names.get(type(value), 'a number')} where a FHIR resource should be"
    if not isinstance(value.get("resourceType"), str):
        return "an object without resourceType"
    return None


def _resource(value: Any, place: Place) -> dict[str, Any]:
    fault = no_resource(value)
    if fault is not None:
        raise InputError(fault, place.origin, "give FHIR R4 resources or Bundles")
    resource: dict[str, Any] = value
    return resource
