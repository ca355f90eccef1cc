"""Views of the user's own on a server: for whom, whatever the code, with what is referred to, or an error."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.paths import VIEWS


def view_of(kind: str, folder: Path) -> Path:
    """A view that gives the keys of all resources of a type."""
    path = folder / f"{kind}.json"
    select = [{"column": [{"name": "id", "path": "getResourceKey()", "type": "string"}]}]
    path.write_text(json.dumps({"resourceType": "ViewDefinition", "resource": kind, "status": "active",
                                "name": f"keys_{kind}", "select": select}))  # fmt: skip
    return path


def keys(result) -> list[str]:
    assert result.exit_code == 0, result.output
    return sorted(result.stdout.strip().splitlines()[1:])


def test_a_view_on_a_server_says_for_whom(run, fake):
    view = VIEWS / "patients.Patient.json"
    assert run("view", view, fake.base, "--format", "csv").exit_code == 2
    for choice, lines in (("--cohort", 4), ("--all", 5)):
        result = run("view", view, fake.base, "--format", "csv", choice)
        assert result.exit_code == 0, result.output
        assert len(result.stdout.strip().splitlines()) == lines


def test_a_view_of_observations_reads_codes_that_no_list_names(run, fake, tmp_path):
    result = run("view", view_of("Observation", tmp_path), fake.base, "--format", "csv", "--cohort")
    assert len(keys(result)) == 9


def test_a_view_for_the_patients_of_a_file(run, fake, tmp_path):
    named = tmp_path / "patients.txt"
    named.write_text("urn:mrn|m-b\n")
    result = run("view", view_of("Observation", tmp_path), fake.base, "--format", "csv", "--patients", named)
    assert keys(result) == [f"Observation/o{n}" for n in (2, 4, 6, 8)], "with those of the record that was replaced"


def test_a_view_for_the_members_of_a_group(run, fake, tmp_path):
    fake.resources.append({"resourceType": "Group", "id": "g", "member": [{"entity": {"reference": "Patient/c"}}]})
    result = run("view", view_of("Observation", tmp_path), fake.base, "--format", "csv", "--group", "g")
    assert keys(result) == ["Observation/o10"]
    assert run("view", view_of("Patient", tmp_path), fake.base, "--format", "csv", "--group", "x").exit_code == 2


@pytest.mark.parametrize("other", [None, "MedicationAdministration"])
def test_a_view_of_medications_fetches_what_refers_to_them(other, run, fake, tmp_path):
    views = [view_of("Medication", tmp_path), *([view_of(other, tmp_path)] if other else [])]
    result = run("view", *views, fake.base, "--format", "csv", "--out", tmp_path / "rows", "--cohort")
    assert result.exit_code == 0, result.output
    found = b"".join(path.read_bytes() for path in tmp_path.glob("rows*") if path.is_file())
    found += b"".join(path.read_bytes() for path in tmp_path.glob("rows/*"))
    assert b"m1" in found


def test_a_view_of_medications_fetches_those_that_only_a_request_names(run, fake, tmp_path):
    fake.types = (*fake.types, "MedicationRequest")
    fake.resources += [
        {"resourceType": "Medication", "id": "m2"},
        {"resourceType": "MedicationRequest", "id": "r1", "subject": {"reference": "Patient/a"},
         "medicationReference": {"reference": "Medication/m2"}},
    ]  # fmt: skip
    result = run("view", view_of("Medication", tmp_path), fake.base, "--format", "csv", "--cohort")
    assert keys(result) == ["Medication/m1", "Medication/m2"]


@pytest.mark.parametrize("kind", ["Practitioner", "Location", "Organization", "Group"])
def test_a_type_that_is_not_searched_by_patient_is_refused(kind, run, fake, tmp_path):
    result = run("view", view_of(kind, tmp_path), fake.base, "--format", "csv", "--cohort")
    assert result.exit_code == 2
    assert re.search(f"views: {kind} cannot be searched by patient, .*; export these as NDJSON", result.output)
    assert not fake.hits


def test_nothing_is_kept_after_a_view_that_fails(run, fake, tmp_path):
    view = view_of("Observation", tmp_path)
    view.write_text(view.read_text().replace("getResourceKey()", "value.ofType(Quantity).unit.length() > "))
    assert run("view", view, fake.base, "--format", "csv", "--cohort").exit_code == 2
    assert not [path for path in (tmp_path / "spool").rglob("*") if path.is_file()]
