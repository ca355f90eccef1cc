"""Keys: getReferenceKey() equals getResourceKey() for every form a reference can be settled in."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.sql_on_fhir import compile_view
from adapters.sql_on_fhir.complete.references import reference_key, resource_key
from tests.support.sql_on_fhir.views import by_lines, columns, values, view

UUID = "0b2f6a3c-8f5e-4f0a-9d0e-0123456789ab"
PATIENT_KEY = values({"resourceType": "Patient", "id": "1"}, "getResourceKey()")
UUID_KEY = values({"resourceType": "Patient", "id": UUID}, "getResourceKey()")


def observation(subject: dict[str, Any]) -> dict[str, Any]:
    contained = [{"resourceType": "Patient", "id": "p"}, {"resourceType": "Group", "id": "g"}]
    return {"resourceType": "Observation", "id": "o1", "contained": contained, "subject": subject}


def both_ways(subject: dict[str, Any], path: str, **options: Any) -> Any:
    """The key over dicts and over lines, which must agree."""
    compiled = compile_view(view("Observation", columns(key=path)), **options)
    (row,) = compiled.rows([observation(subject)])
    assert by_lines(compiled, [observation(subject)]) == [(row["key"],)]
    return row["key"]


@pytest.mark.parametrize("path", ["subject.getReferenceKey()", "subject.getReferenceKey(Patient)"])
@pytest.mark.parametrize(
    ("reference", "keys"),
    [
        ("Patient/1", PATIENT_KEY),
        ("Patient/1/_history/2", PATIENT_KEY),
        ("https://hospital.example/fhir/Patient/1", PATIENT_KEY),
        ("https://hospital.example/fhir/Patient/1/_history/7", PATIENT_KEY),
        (f"urn:uuid:{UUID}", UUID_KEY),
        (f"Patient/{UUID}", UUID_KEY),
    ],
)
def test_reference_key_equals_resource_key(path: str, reference: str, keys: list[str]) -> None:
    assert [both_ways({"reference": reference}, path)] == keys


def test_contained_resource_has_the_key_of_the_reference_to_it() -> None:
    definition = view(
        "Observation",
        columns(subject="subject.getReferenceKey(Patient)"),
        {"forEach": "contained", **columns(key="getResourceKey()")},
    )
    rows = list(compile_view(definition).rows([observation({"reference": "#p"})]))
    assert [row["key"] for row in rows] == ["Observation/o1#p", "Observation/o1#g"]
    assert {row["subject"] for row in rows} == {"Observation/o1#p"}
    assert both_ways({"reference": "#p"}, "subject.getReferenceKey()") == "Observation/o1#p"
    assert both_ways({"reference": "#g"}, "subject.getReferenceKey(Patient)") is None
    assert both_ways({"reference": "#gone"}, "subject.getReferenceKey()") is None
    assert both_ways({"reference": "#"}, "subject.getReferenceKey()") == "Observation/o1"


@pytest.mark.parametrize(
    ("subject", "key"),
    [
        ({"identifier": {"system": "https://h/mrn", "value": "7"}}, "Patient?identifier=https://h/mrn|7"),
        ({"identifier": {"value": "7"}, "type": "Patient"}, "Patient?identifier=7"),
        (
            {"identifier": {"system": "s", "value": "7"}, "type": "http://hl7.org/fhir/StructureDefinition/Patient"},
            "Patient?identifier=s|7",
        ),
        ({"identifier": {"system": "s", "value": "7"}, "type": "Group"}, None),
        ({"identifier": {"system": "s"}}, None),
        ({"reference": "Patient?identifier=https://h/mrn|7"}, "Patient?identifier=https://h/mrn|7"),
        ({"reference": "Patient?identifier=https%3A%2F%2Fh%2Fmrn%7C7"}, "Patient?identifier=https://h/mrn|7"),
        ({"reference": "https://h/fhir/Patient?active=true&identifier=s|7"}, "Patient?identifier=s|7"),
        ({"reference": "Group?identifier=s|7"}, None),
        ({"display": "somebody"}, None),
        ({"reference": "Group/1"}, None),
        ({"reference": "Patient/1", "identifier": {"system": "s", "value": "7"}}, "Patient/1"),
    ],
)
def test_logical_and_conditional_references_leave_as_text_to_join_later(
    subject: dict[str, Any], key: str | None
) -> None:
    assert both_ways(subject, "subject.getReferenceKey(Patient)") == key


def test_same_id_of_another_type_is_another_key() -> None:
    assert both_ways({"reference": "Group/1"}, "subject.getReferenceKey()") == "Group/1"
    assert PATIENT_KEY == ["Patient/1"]


@pytest.mark.parametrize(
    ("bases", "key"),
    [
        (None, "Patient/1"),
        (["https://hospital.example/fhir/"], "Patient/1"),
        (["https://other.example/fhir"], "https://hospital.example/fhir/Patient/1"),
        ([], "https://hospital.example/fhir/Patient/1"),
    ],
)
def test_own_bases_keep_other_servers_apart(bases: list[str] | None, key: str) -> None:
    reference = {"reference": "https://hospital.example/fhir/Patient/1"}
    assert both_ways(reference, "subject.getReferenceKey(Patient)", own_bases=bases) == key


def test_uuid_without_any_hint_of_a_type_stays_as_it_is() -> None:
    assert reference_key({"reference": f"urn:uuid:{UUID}"}) == f"urn:uuid:{UUID}"
    assert reference_key({"reference": "urn:oid:1.2.3"}) == "urn:oid:1.2.3"


@pytest.mark.parametrize(
    "resource", [None, 5, [], {}, {"resourceType": "Patient"}, {"id": "1"}, {"resourceType": "Patient", "id": ""}]
)
def test_resource_without_type_or_id_has_no_key(resource: Any) -> None:
    assert resource_key(resource) is None


@pytest.mark.parametrize(
    "reference", [None, 5, "Patient/1", {}, {"reference": 5}, {"reference": ""}, {"identifier": []}]
)
def test_what_is_no_reference_has_no_key(reference: Any) -> None:
    assert reference_key(reference) is None
