"""The demo as FHIR in memory: change one fact of one patient, or everything that should not matter, and pull it."""

from __future__ import annotations

import json
import random
import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from adapters import load_tables
from adapters.contract import TABLES
from adapters.pull import pull
from adapters.sources import open_source
from adapters.synthetic.resample import DATE, shifted
from analysis.book.chapters import collect
from analysis.results import Result
from analysis.settings import load_study

Resource = dict[str, Any]
Entry = dict[str, Any]
CLINICAL = tuple(name for name in TABLES if name != "findings")
STUDY = load_study()
IDENTITY = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{2,63}")


@dataclass(frozen=True)
class Pulled:
    """Tables and manifest of one pull."""

    tables: dict[str, pd.DataFrame]
    manifest: dict[str, Any]

    def results(self) -> dict[str, Result]:
        """Every number of the book, by id."""
        return {result.id: result for result in collect(self.tables, STUDY, self.manifest)}


def entries_of(path: Path) -> list[Entry]:
    """The entries of a Bundle file."""
    entries: list[Entry] = json.loads(path.read_text("utf-8"))["entry"]
    return entries


def pulled(source: Path, out: Path) -> Pulled:
    """All tables of a source, read back from disk."""
    manifest = pull(open_source(str(source)), out)
    return Pulled(dict(load_tables(out)), manifest)


def pulled_entries(entries: Iterable[Entry], folder: Path, *, parts: int = 1) -> Pulled:
    """The tables of a collection Bundle of these entries, or of so many Bundles in one folder."""
    source, given = folder / "fhir", list(entries)
    source.mkdir(parents=True)
    for part in range(parts):
        document = {"resourceType": "Bundle", "type": "collection", "entry": given[part::parts]}
        (source / f"part-{part}.json").write_text(json.dumps(document), "utf-8")
    return pulled(source, folder / "tables")


def patient_named(entries: Iterable[Entry], name: str) -> Resource:
    """The current Patient resource whose identifier is the cohort's key in lower case."""
    (found,) = (
        resource
        for resource in resources(entries, "Patient")
        if resource.get("active") and resource["identifier"][0]["value"] == name
    )
    return found


def resources(entries: Iterable[Entry], resource_type: str) -> Iterator[Resource]:
    """The resources of one type."""
    return (entry["resource"] for entry in entries if entry["resource"]["resourceType"] == resource_type)


def of_patient(entries: list[Entry], name: str, resource_type: str) -> list[Resource]:
    """That patient's resources of one type, in order; references by id, by urn:uuid and by identifier."""
    identity = patient_named(entries, name)["id"]
    return [r for r in resources(entries, resource_type) if _about(r.get("subject") or {}, identity, name)]


def _about(subject: Resource, identity: str, name: str) -> bool:
    by_identifier = subject.get("identifier", {}).get("value") == name
    return by_identifier or re.split("[/:]", subject.get("reference", ""))[-1] == identity


def has_code(resource: Resource, code: str, element: str = "code") -> bool:
    """Whether one of the codings of the element is that code."""
    return any(coding["code"] == code for coding in resource.get(element, {}).get("coding", ()))


def with_change(entries: list[Entry], change: Callable[[list[Entry]], None]) -> list[Entry]:
    """A copy of the entries in which `change` was made."""
    copy: list[Entry] = json.loads(json.dumps(entries))
    change(copy)
    return copy


def without_patient(entries: list[Entry], name: str) -> list[Entry]:
    """The entries without a Patient resource and all that is about this patient."""
    identity = patient_named(entries, name)["id"]
    return [
        entry
        for entry in entries
        if not _about(entry["resource"].get("subject") or entry["resource"].get("patient") or {}, identity, name)
        and entry["resource"]["id"] != identity
    ]


def shuffled(entries: list[Entry]) -> list[Entry]:
    """The entries in another order, always the same one."""
    return random.Random(7).sample(entries, len(entries))


def renamed(entries: list[Entry]) -> list[Entry]:
    """The entries with new ids for every resource and every patient identifier, references and fullUrls following."""
    old = {entry["resource"]["id"] for entry in entries}
    old |= {i["value"] for entry in entries for i in entry["resource"].get("identifier", ()) if "value" in i}
    new = {name: f"{uuid.uuid5(uuid.NAMESPACE_OID, name)}" for name in old}
    text = json.dumps(entries)
    return json.loads(IDENTITY.sub(lambda found: new.get(found[0], found[0]), text))


def moved(entries: list[Entry], days: int) -> list[Entry]:
    """The entries with all dates so many days later, months and instants too; the clock in Berlin stays the same."""
    text = re.sub(f'"({DATE})"', lambda found: f'"{shifted(found[1], days)}"', json.dumps(entries))
    return json.loads(text)


def assert_same_tables(first: Pulled, second: Pulled) -> None:
    """Every clinical table is equal, row for row."""
    for name in CLINICAL:
        pd.testing.assert_frame_equal(first.tables[name], second.tables[name], obj=name)


def changed_ids(before: dict[str, Result], after: dict[str, Result]) -> set[str]:
    """The ids whose value, interval, n, counts or reason differ, or that only one of both has."""
    return {result_id for result_id in before.keys() | after.keys() if before.get(result_id) != after.get(result_id)}
