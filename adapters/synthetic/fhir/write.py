"""Resources as files: one Bundle, or NDJSON by type; written beside and moved into place when complete."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TextIO

import msgspec

from adapters.synthetic.fhir.record import BASE_URL, HTEST, OWN, Resource

BUNDLE_FILE = "demo.json"
TYPES = (
    "Patient",
    "Condition",
    "BodyStructure",
    "Medication",
    "MedicationStatement",
    "MedicationAdministration",
    "Procedure",
    "Observation",
)
RELATIVE_EVERY = 40  # so many resources of a transaction keep relative references
Line = tuple[str, str, str]  # resource type, id, JSON


def ndjson_name(resource_type: str) -> str:
    """The file for a resource type."""
    return f"{resource_type}.ndjson"


def for_transaction(resources: list[Resource]) -> list[Resource]:
    """The resources as a transaction allows them: each id once, in its latest version, references by urn:uuid."""
    latest: dict[tuple[str, str], Resource] = {}
    for resource in resources:
        latest[resource["resourceType"], resource["id"]] = resource
    known = {f"{resource_type}/{identity}": f"urn:uuid:{identity}" for resource_type, identity in latest}
    return [
        _pointing(resource, known) if number % RELATIVE_EVERY else resource
        for number, resource in enumerate(latest.values())
    ]


def _pointing(node: Any, known: dict[str, str]) -> Any:
    """A copy of a JSON node in which known references are replaced."""
    if isinstance(node, dict):
        return {
            name: known.get(value, value) if name == "reference" else _pointing(value, known)
            for name, value in node.items()
        }
    if isinstance(node, list):
        return [_pointing(value, known) for value in node]
    return node


def transaction_entry(line: Line) -> str:
    """An entry that a server accepts: fullUrl as urn:uuid, the request to put the resource under its id."""
    resource_type, identity, text = line
    request = f'{{"method":"PUT","url":"{resource_type}/{identity}"}}'
    return f'{{"fullUrl":"urn:uuid:{identity}","resource":{text},"request":{request}}}'


def collection_entry(line: Line) -> str:
    """An entry whose fullUrl is the address on the server it came from."""
    resource_type, identity, text = line
    return f'{{"fullUrl":"{BASE_URL}/{resource_type}/{identity}","resource":{text}}}'


def bundle_head(bundle_type: str, tag: str) -> str:
    """Everything of a Bundle before its entries."""
    meta = {"security": [HTEST], "tag": [{"system": f"{OWN}/CodeSystem/cohort", "code": tag}]}
    head = msgspec.json.encode({"resourceType": "Bundle", "meta": meta, "type": bundle_type}).decode()
    return head[:-1] + ',"entry":[\n'


def write_bundle(out: Path, head: str, entries: Iterable[str]) -> list[Path]:
    """Write one Bundle, an entry a line, without holding it in memory. Returns the file written."""

    def fill(open_part: Callable[[str], TextIO]) -> None:
        file = open_part(BUNDLE_FILE)
        file.write(head)
        for number, entry in enumerate(entries):
            file.write(f",\n{entry}" if number else entry)
        file.write("\n]}\n")

    return _replace(out, fill)


def write_ndjson(out: Path, lines: Iterable[Line]) -> list[Path]:
    """Write one file a resource type, line by line. Returns the files written, by type."""

    def fill(open_part: Callable[[str], TextIO]) -> None:
        files: dict[str, TextIO] = {}
        for resource_type, _, text in lines:
            if resource_type not in files:
                files[resource_type] = open_part(ndjson_name(resource_type))
            files[resource_type].write(f"{text}\n")

    return _replace(out, fill)


def _replace(out: Path, fill: Callable[[Callable[[str], TextIO]], None]) -> list[Path]:
    """Let `fill` write parts, then move all of them into place and remove what an earlier run of this module left."""
    out.mkdir(parents=True, exist_ok=True)
    parts: dict[str, Path] = {}
    try:
        with ExitStack() as stack:

            def open_part(name: str) -> TextIO:
                parts[name] = out / f".{name}.part"
                return stack.enter_context(parts[name].open("w", encoding="utf-8", newline="\n"))

            fill(open_part)
        for name, part in parts.items():
            os.replace(part, out / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
    for name in _names():
        if name not in parts:
            (out / name).unlink(missing_ok=True)
    return [out / name for name in _names() if name in parts]


def _names() -> Iterator[str]:
    yield BUNDLE_FILE
    yield from map(ndjson_name, TYPES)
