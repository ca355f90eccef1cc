"""Laboratory Observations as a hospital exports them, and the views that are timed on them."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import orjson

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
TESTS = (
    ("2857-1", "Prostate specific Ag [Mass/volume] in Serum or Plasma", "ng/mL", 4.0),
    ("6768-6", "Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma", "U/L", 129),
    ("1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "mg/dL", 1.2),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 17.5),
    ("777-3", "Platelets [#/volume] in Blood by Automated count", "10*9/L", 400),
)


def observation(number: int, chance: random.Random) -> dict[str, Any]:
    """One laboratory value; every fifth is a panel with two components."""
    code, display, unit, limit = TESTS[number % len(TESTS)]
    quantity = {"unit": unit, "system": UCUM, "code": unit}
    found: dict[str, Any] = {
        "resourceType": "Observation",
        "id": f"lab-{number}",
        "meta": {"versionId": "1", "lastUpdated": "2024-01-02T10:11:12.000+01:00"},
        "identifier": [{"system": "https://hospital.example/lab", "value": f"L{number}"}],
        "status": "final",
        "category": [{"coding": [_coding("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")]}],
        "code": {
            "coding": [
                _coding("https://hospital.example/codes", f"T{number % 5}"),
                _coding(LOINC, code) | {"display": display},
            ],
            "text": display,
        },
        "subject": {"reference": f"Patient/p{number % 9973}"},
        "effectiveDateTime": _moment(chance),
        "issued": _moment(chance),
        "valueQuantity": {"value": round(chance.uniform(0, 3 * limit), 2)} | quantity,
        "interpretation": [
            {"coding": [_coding("http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation", "N")]}
        ],
        "referenceRange": [{"low": {"value": 0} | quantity, "high": {"value": limit} | quantity}],
    }
    if number % 5 == 4:
        parts = (("8480-6", "mm[Hg]"), ("8462-4", "mm[Hg]"))
        found["component"] = [
            {
                "code": {"coding": [_coding(LOINC, part)]},
                "valueQuantity": {"value": chance.randint(50, 180), "code": of},
            }
            for part, of in parts
        ]
    return found


def _coding(system: str, code: str) -> dict[str, Any]:
    return {"system": system, "code": code}


def _moment(chance: random.Random) -> str:
    day, minute = chance.randint(1, 28), chance.randint(0, 1439)
    return f"20{chance.randint(10, 24)}-{chance.randint(1, 12):02}-{day:02}T{minute // 60:02}:{minute % 60:02}:00+01:00"


def write_observations(path: Path, count: int) -> None:
    """NDJSON of `count` Observations, the same on every run."""
    chance = random.Random(20200601)  # noqa: S311 - test data
    with path.open("wb") as file:
        for number in range(count):
            file.write(orjson.dumps(observation(number, chance)) + b"\n")


def view(name: str, *selects: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "ViewDefinition", "name": name, "resource": "Observation", "select": list(selects)}


def columns(**paths: tuple[str, str]) -> dict[str, Any]:
    return {"column": [{"name": name, "path": path, "type": kind} for name, (path, kind) in paths.items()]}


LAB = view(
    "lab",
    columns(
        key=("getResourceKey()", "string"),
        patient=("subject.getReferenceKey(Patient)", "string"),
        loinc=(f"code.coding.where(system='{LOINC}').code.first()", "code"),
        effective=("effective.ofType(dateTime)", "dateTime"),
        value=("value.ofType(Quantity).value", "decimal"),
        upper_limit=("referenceRange.high.value.first()", "decimal"),
    ),
)
COMPONENTS = view(
    "components",
    columns(key=("getResourceKey()", "string")),
    {
        "forEach": "component",
        **columns(
            loinc=(f"code.coding.where(system='{LOINC}').code.first()", "code"),
            value=("value.ofType(Quantity).value", "decimal"),
            unit=("value.ofType(Quantity).code", "code"),
        ),
    },
)
NESTED = view(
    "nested",
    columns(key=("getResourceKey()", "string")),
    {
        "forEachOrNull": "component",
        **columns(component=(f"code.coding.where(system='{LOINC}').code.first()", "code")),
        "select": [{"forEachOrNull": "code.coding", **columns(system=("system", "uri"), code=("code", "code"))}],
    },
)
UNION = view(
    "united",
    columns(key=("getResourceKey()", "string"), patient=("subject.getReferenceKey(Patient)", "string")),
    {
        "unionAll": [
            columns(
                loinc=(f"code.coding.where(system='{LOINC}').code.first()", "code"),
                value=("value.ofType(Quantity).value", "decimal"),
            ),
            {
                "forEach": "component",
                **columns(
                    loinc=(f"code.coding.where(system='{LOINC}').code.first()", "code"),
                    value=("value.ofType(Quantity).value", "decimal"),
                ),
            },
        ]
    },
)
