"""Small FHIR inputs for the tests of reading, and the reading stage run over them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from adapters.fhir.selection import Selection
from adapters.ledger import Ledger, LeftOutReason
from adapters.reading.stage import Stage
from adapters.settings import Settings
from adapters.sources import Read, open_source

TYPES = frozenset(
    {
        "Patient",
        "Condition",
        "Observation",
        "Procedure",
        "Medication",
        "MedicationAdministration",
        "MedicationStatement",
        "BodyStructure",
    }
)
HTEST = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "HTEST"}]}
TODAY = date(2026, 1, 1)
Resource = dict[str, Any]


def patient(identity: str = "p1", **more: Any) -> Resource:
    """A Patient."""
    return {"resourceType": "Patient", "id": identity, "gender": "male", "birthDate": "1950-03-04", **more}


def psa(identity: str = "o1", subject: str = "Patient/p1", value: float = 12.5, **more: Any) -> Resource:
    """A PSA measurement of a patient."""
    return {
        "resourceType": "Observation",
        "id": identity,
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "2857-1"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": "2019-01-10",
        "valueQuantity": {"value": value, "system": "http://unitsofmeasure.org", "code": "ng/mL"},
        **more,
    }


def therapy(identity: str = "c1", subject: str = "Patient/p1", **more: Any) -> Resource:
    """A 177Lu-PSMA administration, which puts its patient into the cohort and sets day 0."""
    return {
        "resourceType": "MedicationAdministration",
        "id": identity,
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": "http://snomed.info/sct", "code": "1263794005"}]},
        "subject": {"reference": subject},
        "effectiveDateTime": "2019-01-01",
        "dosage": {"dose": {"value": 6.1, "system": "http://unitsofmeasure.org", "code": "GBq"}},
        **more,
    }


def bundle(*resources: Resource, kind: str = "collection", urls: Iterable[str | None] = ()) -> Resource:
    """A Bundle; `urls` are the fullUrls of its first entries."""
    given = [*urls, *[None] * len(resources)]
    entries = [
        {"fullUrl": url, "resource": resource} if url else {"resource": resource}
        for url, resource in zip(given, resources, strict=False)
    ]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def write(path: Path, *contents: Resource) -> Path:
    """Write one document to .json, or one line each to .ndjson; the folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".json":
        (content,) = contents
        path.write_text(json.dumps(content), encoding="utf-8")
    else:
        path.write_text("".join(json.dumps(c) + "\n" for c in contents), encoding="utf-8")
    return path


@dataclass
class Listed:
    """A source made of a list, for tests of what comes after the files."""

    reads: list[Read]
    kind: str = "listed"
    label: str = "list"
    name: str = "list"
    manifest: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0
    size_bytes: int | None = None

    def read(self) -> Iterable[Read]:
        """Fresh copies, as every reading gives them."""
        for read in self.reads:
            yield Read(json.loads(json.dumps(read.resource)), read.origin, read.file, read.full_url, read.bundle)

    def finished(self) -> None:
        """Nothing is kept."""


def listed(*resources: Resource) -> Listed:
    """A source of resources without Bundle."""
    return Listed([Read(r, f"x:{number}", "x") for number, r in enumerate(resources, start=1)])


@dataclass
class Outcome:
    """What came out of the reading stage: resources by key, the ledger, the patients to exclude."""

    resources: dict[str, Resource]
    ledger: Ledger
    excluded: dict[str, LeftOutReason]
    stage: Stage

    def reasons(self) -> dict[str, int]:
        """How many resource versions were left out or quarantined, by reason."""
        counts: dict[str, int] = {}
        for (_, _, disposition, reason), number in self.ledger.dispositions.items():
            if disposition != "used":
                counts[reason] = counts.get(reason, 0) + number
        return counts

    def findings(self) -> dict[str, int]:
        """How often each kind of finding occurred."""
        counts: dict[str, int] = {}
        for finding, number in self.ledger.findings.items():
            counts[finding.finding.value] = counts.get(finding.finding.value, 0) + number
        return counts


def staged(source: Path | Listed, *, settings: Settings | None = None, selection: Selection | None = None) -> Outcome:
    """Run the reading stage and count everything that is still open as used, so that the ledger closes."""
    opened: Any = source if isinstance(source, Listed) else open_source(str(source))
    ledger = Ledger()
    stage = Stage(opened, settings or Settings(), ledger, TYPES, selection or Selection())
    excluded = stage.index(TODAY)
    resources = {f"{r['resourceType']}/{r['id']}": r for r in stage.resources()}
    for key in ledger.open_keys():
        ledger.used(key)
    ledger.close()
    return Outcome(resources, ledger, excluded, stage)


IDENTIFIER = {"identifier": [{"system": "http://lab.example", "value": "A-17"}]}
SERVER = "https://h.example/fhir"


def meta(updated: str | None = None, version: str | None = None) -> dict[str, object]:
    """The meta element of a resource, with what is given."""
    stated = {"lastUpdated": updated, "versionId": version}
    return {"meta": {name: value for name, value in stated.items() if value}}


def value(outcome: Outcome, key: str = "Observation/o1") -> float:
    """The value of a measurement that counts."""
    return float(outcome.resources[key]["valueQuantity"]["value"])
