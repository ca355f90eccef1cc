"""Which elements of a resource hold its code, and which code lists a pull looks that code up in."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_TABLE = Path(__file__).with_name("coded_elements.csv")


@dataclass(frozen=True, slots=True)
class CodedElement:
    """One row of coded_elements.csv.

    part : backbone element whose items are coded one by one ("component"), or empty for the resource itself
    elements : dotted JSON paths; the codings of all of them together name one thing
    lists : names of the code lists that may map these codings
    """

    resource_type: str
    part: str
    elements: tuple[str, ...]
    lists: tuple[str, ...]

    def concepts(self, resource: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """The concepts that code the resource, or each of its parts, whether they have a code or a text alone."""
        for part in _items(resource, self.part):
            yield [concept for path in self.elements for concept in _items(part, path)]

    def codings(self, resource: dict[str, Any]) -> Iterator[list[dict[str, Any]]]:
        """The codings that have a code, as one list for the resource or for each of its parts."""
        for part in _items(resource, self.part):
            concepts = (concept for path in self.elements for concept in _items(part, path))
            yield [coding for concept in concepts for coding in _items(concept, "coding") if coding.get("code")]


@cache
def coded_elements() -> tuple[CodedElement, ...]:
    """All rows of coded_elements.csv, in its order."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(
            CodedElement(row["resource_type"], row["part"], tuple(row["elements"].split()), tuple(row["lists"].split()))
            for row in csv.DictReader(file)
        )


def types_of_list(name: str) -> tuple[str, ...]:
    """The resource types whose codes the code list `name` may map, each once."""
    return tuple(dict.fromkeys(row.resource_type for row in coded_elements() if name in row.lists))


def list_names() -> tuple[str, ...]:
    """The code lists that map the code of some resource, each once."""
    return tuple(dict.fromkeys(name for row in coded_elements() for name in row.lists))


def _items(value: dict[str, Any], path: str) -> Iterator[dict[str, Any]]:
    """The objects at a dotted path, whatever repeats on the way; the value itself for an empty path."""
    items = [value]
    for name in path.split(".") if path else ():
        items = [found for item in items for found in _objects(item.get(name))]
    yield from items


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, dict)]
