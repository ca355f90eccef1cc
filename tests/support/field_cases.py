"""Inputs as hospitals write them: a Bundle of one patient with one 177Lu-PSMA cycle on day 0 and what is tried."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from adapters.tables.study_ids import StudyIds
from tests.support.tables_support import LOINC, SCT, UCUM, Built, concept, cycle, patient, pulled

CASES = Path(__file__).resolve().parents[1] / "adapters" / "field" / "cases"
ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
ICD_CM = "http://hl7.org/fhir/sid/icd-10-cm"
LIVER = (ICD, "C78.7")
SUBJECT = {"reference": "Patient/p"}
Resource = dict[str, Any]

__all__ = [
    "ICD",
    "ICD_CM",
    "LIVER",
    "LOINC",
    "SCT",
    "SUBJECT",
    "UCUM",
    "Each",
    "case",
    "concept",
    "read",
    "read_each",
    "readings",
]


def case(name: str) -> Built:
    """The tables of one of the field cases, every patient taken."""
    return pulled(next(CASES.glob(f"{name}_*.json")), everyone=True)


def read(folder: Path, *resources: Resource, everyone: bool = True) -> Built:
    """The tables of a Bundle with a patient, a cycle on day 0 and `resources`, read as a source on disk."""
    entries = [{"resource": resource} for resource in (patient(), cycle(), *resources)]
    path = folder / "bundle.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}), encoding="utf-8")
    return pulled(path, everyone=everyone)


@dataclass
class Each:
    """What became of many inputs that were read at once, each about a patient of its own."""

    built: Built
    names: list[str]  # study id of the patient of each input

    def rows(self, table: str, number: int) -> pd.DataFrame:
        """The rows of a table about the patient of input `number`, without the cycle on day 0 that makes the cohort."""
        frame = self.built[table]
        frame = frame[frame["patient_id"] == self.names[number]]
        return frame[frame["day"].ne(0) | frame["activity_gbq"].isna()] if table == "procedures" else frame

    def findings(self, number: int) -> set[str]:
        """The kinds of findings about the patient of input `number`."""
        return set(self.rows("findings", number)["finding"])


def read_each(folder: Path, inputs: Sequence[Sequence[Resource]], **reading: Any) -> Each:
    """Read many inputs in one Bundle: the resources of each belong to a patient of its own with a cycle on day 0."""
    entries: list[Resource] = []
    for number, resources in enumerate(inputs):
        own = [patient(f"p{number}"), cycle(f"c{number}", subject=f"p{number}")]
        entries += own + [_renamed(resource, number) for resource in resources]
    path = folder / "each.json"
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": entry} for entry in entries]}
    path.write_text(json.dumps(bundle), encoding="utf-8")
    ids = StudyIds()
    built = pulled(path, everyone=True, ids=ids, **reading)
    return Each(built, [ids.patients[f"Patient/p{number}"] for number in range(len(inputs))])


def _renamed(resource: Resource, number: int) -> Resource:
    subject = "patient" if resource["resourceType"] == "BodyStructure" else "subject"
    return {**resource, "id": f"{resource['id']}-{number}", subject: {"reference": f"Patient/p{number}"}}


def readings(built: Built, measure: str) -> list[tuple[Any, Any]]:
    """(comparator or None, value or None) of a measure, in the order of the table."""
    rows = built["observations"]
    rows = rows[rows["measure"] == measure]
    return [
        (None if comparator != comparator else comparator, None if value != value else value)
        for comparator, value in zip(rows["comparator"].astype(object), rows["value"], strict=True)
    ]
