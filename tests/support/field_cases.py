"""Inputs as hospitals write them: a Bundle of one patient with one 177Lu-PSMA cycle on day 0 and what is tried."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.tables_support import LOINC, SCT, UCUM, Built, concept, cycle, patient, pulled

CASES = Path(__file__).resolve().parents[1] / "adapters" / "field" / "cases"
ICD = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
ICD_CM = "http://hl7.org/fhir/sid/icd-10-cm"
LIVER = (ICD, "C78.7")
SUBJECT = {"reference": "Patient/p"}
Resource = dict[str, Any]

__all__ = ["ICD", "ICD_CM", "LIVER", "LOINC", "SCT", "SUBJECT", "UCUM", "case", "concept", "read", "readings"]


def case(name: str) -> Built:
    """The tables of one of the field cases, every patient taken."""
    return pulled(next(CASES.glob(f"{name}_*.json")), everyone=True)


def read(folder: Path, *resources: Resource, everyone: bool = True) -> Built:
    """The tables of a Bundle with a patient, a cycle on day 0 and `resources`, read as a source on disk."""
    entries = [{"resource": resource} for resource in (patient(), cycle(), *resources)]
    path = folder / "bundle.json"
    path.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}), encoding="utf-8")
    return pulled(path, everyone=everyone)


def readings(built: Built, measure: str) -> list[tuple[Any, Any]]:
    """(comparator or None, value or None) of a measure, in the order of the table."""
    rows = built["observations"]
    rows = rows[rows["measure"] == measure]
    return [
        (None if comparator != comparator else comparator, None if value != value else value)
        for comparator, value in zip(rows["comparator"].astype(object), rows["value"], strict=True)
    ]
