"""A corrected measurement under another id counts once."""

from __future__ import annotations

import pytest

from tests.support.reading_support import (
    IDENTIFIER,
    listed,
    patient,
    psa,
    staged,
)


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ("preliminary", "final", "Observation/o2"),
        ("final", "corrected", "Observation/o2"),
        ("amended", "final", "Observation/o1"),
        ("corrected", "preliminary", "Observation/o1"),
    ],
)
def test_a_shared_identifier_makes_one_measurement_and_the_corrected_one_counts(first, second, winner):
    outcome = staged(
        listed(patient(), psa("o1", status=first, **IDENTIFIER), psa("o2", value=9, status=second, **IDENTIFIER))
    )
    assert set(outcome.resources) == {"Patient/p1", winner}
    assert outcome.reasons() == {"replaced": 1}


@pytest.mark.parametrize(
    "other",
    [
        {"code": {"coding": [{"system": "http://loinc.org", "code": "6768-6"}]}},  # an order's number on all results
        {"effectiveDateTime": "2019-02-10"},
        {"subject": {"reference": "Patient/p2"}},
        {"identifier": [{"system": "http://lab.example", "value": "A-18"}]},
        {"identifier": [{"value": "A-17"}]},
    ],
    ids=["other code", "other time", "other patient", "other identifier", "identifier without system"],
)
def test_without_the_same_code_time_patient_and_identifier_there_are_two_measurements(other):
    second = psa("o2", status="corrected") | IDENTIFIER | other
    outcome = staged(listed(patient(), patient("p2"), psa("o1", **IDENTIFIER), second))
    assert {"Observation/o1", "Observation/o2"} <= set(outcome.resources)


def test_equal_code_time_and_value_alone_are_two_measurements():
    outcome = staged(listed(patient(), psa("o1"), psa("o2")))
    assert {"Observation/o1", "Observation/o2"} <= set(outcome.resources)


def test_an_explicit_replaces_relation_counts():
    relation = {
        "url": "http://hl7.org/fhir/StructureDefinition/observation-replaces",
        "valueReference": {"reference": "Observation/o1"},
    }
    outcome = staged(listed(patient(), psa("o1"), psa("o2", value=9, extension=[relation])))
    assert set(outcome.resources) == {"Patient/p1", "Observation/o2"}
    assert outcome.reasons() == {"replaced": 1}
