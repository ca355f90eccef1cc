"""The doctor: what a pull would give, and which codes no list knows, as a code list to be filled in."""

from __future__ import annotations

import csv
import io

import pytest

from adapters.doctor import MOST_FREQUENT, examine, unmapped_csv
from adapters.fhir.codelists import HEADER
from adapters.settings import Settings
from tests.support.reading_support import listed, patient, psa, therapy


def coded(identity: str, code: str, display: str = "", system: str = "http://h.example/lab"):
    return psa(identity, code={"coding": [{"system": system, "code": code, "display": display}]})


def examined(*resources):
    return examine(listed(*resources), Settings())


def unmapped(report) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(unmapped_csv(report))))


def test_types_lists_and_rows_are_counted():
    report = examined(patient(), psa("o1"), psa("o2", effectiveDateTime="2019-02-02"), therapy())
    assert report.types == {"MedicationAdministration": 1, "Observation": 2, "Patient": 1}
    assert report.lists["observations"] == 2
    assert report.lists["procedures"] == 1
    assert report.tables["observations"] == 2
    assert "conditions" in report.empty
    assert not report.notes


def test_codes_that_no_list_maps_come_most_frequent_first_as_a_code_list():
    report = examined(
        patient(), therapy(), coded("a", "X1", "PSA, gesamt"), coded("b", "X1"), coded("c", "X2", "=cmd()"), psa()
    )
    rows = unmapped(report)
    assert tuple(rows[0]) == HEADER
    assert [(r["code"], r["means"], r["source"]) for r in rows] == [
        ("X1", "", "2 in the source"),
        ("X2", "", "1 in the source"),
    ]
    assert rows[0]["display"] == "PSA, gesamt"
    assert rows[1]["display"] == "'=cmd()"  # no formula for a spreadsheet


def test_a_resource_that_any_coding_maps_is_not_listed():
    both = psa(code={"coding": [{"system": "local", "code": "1"}, {"system": "http://loinc.org", "code": "2857-1"}]})
    assert not unmapped(examined(patient(), therapy(), both))


def test_codes_of_components_are_looked_at():
    panel = coded("p", "panel") | {"component": [{"code": {"coding": [{"system": "s", "code": "part"}]}}]}
    assert {r["code"] for r in unmapped(examined(patient(), therapy(), panel))} == {"panel", "part"}


def test_the_list_is_bounded():
    many = [coded(f"o{n}", f"X{n}") for n in range(MOST_FREQUENT + 5)]
    assert len(unmapped(examined(patient(), therapy(), *many))) == MOST_FREQUENT


@pytest.mark.parametrize(
    ("resources", "note"),
    [
        ([psa()], "no Patient resources"),
        ([patient(), psa()], "nobody meets the cohort rule"),
        ([patient(), therapy(), psa(subject="Patient/p9")], "belong to no Patient"),
    ],
)
def test_what_would_stop_a_pull_is_said(resources, note):
    assert any(note in said for said in examined(*resources).notes)


def test_nothing_that_names_a_patient_is_in_the_report():
    secret = "CANARY-17"
    report = examined(patient(secret, name=[{"family": secret}]), therapy(secret, subject=f"Patient/{secret}"))
    assert secret not in repr(report)
