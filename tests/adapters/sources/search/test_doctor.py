"""What `doctor` says of a server: what is coded there, what is not, what was not counted, which tables stay empty."""

from __future__ import annotations

import re
from urllib.parse import parse_qs

import pytest
from werkzeug import Response

from tests.support.server.fake_fhir import as_json


def test_doctor_counts_what_hits_and_lists_what_no_code_list_maps(run, fake):
    fake.page_size = 50
    result = run("doctor", fake.base)
    assert result.exit_code == 0, result.output
    assert "psa (Observation)" in result.output
    assert "http://loinc.org,9999-9" in result.stdout
    assert not re.search(r"Patient/|m-a", result.output)


def said(result) -> str:
    """The report on one line."""
    assert result.exit_code == 0, result.output
    return " ".join(result.stderr.split())


def test_a_meaning_without_hits_is_named_and_so_is_a_table_without_any(run, fake):
    text = said(run("doctor", fake.base))
    assert re.search(r"no code hits for: [^:]*\balbumin\b", text)
    assert not re.search(r"no code hits for: [^:]*\bpsa\b", text)
    assert "table medications would be empty" in text
    assert "table lesions would be empty" in text
    assert not re.search(r"table (conditions|observations|procedures) would be empty", text)
    assert "not counted" not in text


def test_what_the_server_does_not_count_is_not_called_absent(run, fake):
    fake.counts = False
    text = said(run("doctor", fake.base))
    assert "no code hits for: body structures not counted" in text, "their type is not served"
    assert re.search(r"not counted by the server: [^:]*\bpsa\b", text)
    assert "would be empty" not in text.replace("table lesions would be empty", "")


def test_drugs_are_counted_as_given_and_as_stated(run, fake):
    fake.types = (*fake.types, "MedicationStatement")
    fake.resources.append(
        {"resourceType": "MedicationStatement", "id": "s1", "status": "active", "subject": {"reference": "Patient/a"},
         "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": "L02BX03"}]}}
    )  # fmt: skip
    text = said(run("doctor", fake.base))
    assert "abiraterone (MedicationStatement)" in text
    assert "table medications would be empty" not in text


@pytest.mark.parametrize(
    ("environment", "words"),
    [({}, "without sign-in"), ({"FHIR_TOKEN": "a-token"}, "sign-in (bearer) is accepted")],
)
def test_a_sign_in_is_named_only_where_there_is_one(environment, words, run, fake, monkeypatch):
    monkeypatch.delenv("FHIR_TOKEN", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    text = said(run("doctor", fake.base))
    assert words in text
    assert "auto" not in text


@pytest.mark.parametrize("status", [504, 413])
def test_the_sample_is_of_fewer_patients_where_the_server_cannot_take_them_all(status, run, fake):
    def before(_server, request, _number):
        about = parse_qs(request.get_data(as_text=True)).get("patient", [""])[0]
        return Response("", status) if len(about.split(",")) > 1 else None

    fake.before, fake.page_size = before, 50
    assert "http://loinc.org,9999-9" in run("doctor", fake.base).stdout


def test_a_sample_that_is_refused_is_an_error(run, fake):
    fake.before = lambda server, request, number: (
        as_json({}, 403) if "patient=" in request.get_data(as_text=True) else None
    )
    assert run("doctor", fake.base).exit_code == 3
