"""The table of FHIR's elements against fhir.resources and against fhirpathpy's own model of R4."""

from __future__ import annotations

import json

import pytest
from fhirpathpy.models import models

from adapters.sql_on_fhir.language import elements
from tests.support.sql_on_fhir.elements_oracle import TABLE, derive, render

STUDY_TYPES = (
    "Patient",
    "Observation",
    "Procedure",
    "Condition",
    "MedicationAdministration",
    "MedicationStatement",
    "MedicationRequest",
    "Medication",
    "BodyStructure",
    "Encounter",
    "DiagnosticReport",
    "ImagingStudy",
    "Specimen",
    "Device",
    "Consent",
    "Group",
    "Bundle",
    "Questionnaire",
)


def property_element(kind: str, key: str) -> elements.Element | None:
    """The element behind a JSON property, `valueQuantity` of the choice `value` included."""
    names = (key[:length] for length in range(len(key), 0, -1))
    return next((found for name in names for found in elements.elements(kind, name) if found.key == key), None)


def test_table_is_what_fhir_resources_declares() -> None:
    assert TABLE.read_text() == render(derive())


@pytest.mark.parametrize("kind", STUDY_TYPES)
def test_types_agree_with_the_model_of_fhirpathpy(kind: str) -> None:
    """fhirpathpy's model is R4 (4.0.1), fhir.resources' R4B (4.3.0): for these resources they must not differ."""
    model = models["r4"]["path2Type"]
    for path, wanted in model.items():
        parts = path.split(".")
        if parts[0] != kind or len(parts) != 2 or wanted in ("BackboneElement", "Element"):
            continue
        found = property_element(kind, parts[1])
        if found is None:  # a choice without its type, or an element of all resources under another name
            assert elements.elements(kind, parts[1]), path
            continue
        stated = wanted.removeprefix("System.")
        assert (found.type or "Resource") in (stated, stated[0].lower() + stated[1:], "id"), path


@pytest.mark.parametrize(
    ("kind", "name", "keys"),
    [
        ("Observation", "status", ["status"]),
        ("Observation", "code", ["code"]),
        ("Patient", "deceased", ["deceasedBoolean", "deceasedDateTime"]),
        ("Observation", "nonsense", []),
        ("Nonsense", "status", []),
        ("Patient", "", []),
    ],
)
def test_elements_gives_the_json_properties(kind: str, name: str, keys: list[str]) -> None:
    assert [element.key for element in elements.elements(kind, name)] == keys


def test_element_tells_repetition_and_targets() -> None:
    (coding,) = elements.elements("CodeableConcept", "coding")
    assert (coding.type, coding.many) == ("Coding", True)
    (subject,) = elements.elements("Observation", "subject")
    assert (subject.type, subject.many, subject.targets[0]) == ("Reference", False, "Patient")
    (contained,) = elements.elements("Patient", "contained")
    assert (contained.type, contained.many) == (None, True)


def test_ancestry_follows_the_definitions() -> None:
    assert elements.ancestry("Age") == ("Age", "Quantity", "Element")
    assert elements.ancestry("code") == ("code", "string")
    assert elements.is_resource("Patient")
    assert not elements.is_resource("Quantity")
    assert not elements.is_resource("Nonsense")


def test_table_is_plain_json() -> None:
    assert len(json.loads(TABLE.read_text())) > 600
