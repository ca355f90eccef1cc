"""Several versions under one id: the latest counts, and what nothing orders is a finding."""

from __future__ import annotations

import pytest

from tests.support.reading_support import (
    bundle,
    listed,
    meta,
    patient,
    psa,
    staged,
    value,
    write,
)


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        (meta("2020-01-01T00:00:00Z"), meta("2020-01-02T00:00:00Z"), 2),
        (meta("2020-01-02T00:00:00Z"), meta("2020-01-01T00:00:00Z"), 1),
        (meta("2020-01-01T23:30:00Z"), meta("2020-01-02T00:00:00+01:00"), 1),  # as instants, not as text
        (meta("2020-01-01T00:00:00Z", "2"), meta("2020-01-01T00:00:00Z", "10"), 2),  # as numbers, not as text
        (meta(version="9"), meta(version="10"), 2),
        (meta("2020-01-02T00:00:00Z", "1"), meta("2020-01-01T00:00:00Z", "7"), 1),  # lastUpdated first
    ],
)
def test_the_latest_version_counts(first, second, winner):
    outcome = staged(listed(patient(), psa(value=1, **first), psa(value=2, **second)))
    assert value(outcome) == winner
    assert outcome.reasons() == {"older-version": 1}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (meta(), meta()),
        (meta("2020-01-01T00:00:00Z"), meta()),
        (meta(version="1"), meta()),
        (meta("2020-01-01T00:00:00Z"), meta(version="2")),
        (meta("2020-01-01T00:00:00Z", "1"), meta("2020-01-01T00:00:00Z", "1")),
        (meta(version="W/a"), meta(version="W/b")),
    ],
)
def test_different_contents_that_nothing_orders_are_a_finding_and_none_is_guessed(first, second):
    outcome = staged(listed(patient(), psa(value=1, **first), psa(value=2, **second)))
    assert "Observation/o1" not in outcome.resources
    assert outcome.reasons() == {"conflicting-versions": 2}
    assert outcome.findings() == {"conflicting-versions": 2}


@pytest.mark.parametrize(
    ("first", "second"),
    [(meta(), meta()), (meta("2020-01-01T00:00:00Z"), meta("2021-01-01T00:00:00Z")), (meta(version="1"), meta())],
)
def test_equal_content_collapses_whatever_meta_and_narrative_say(first, second):
    outcome = staged(listed(patient(), psa(**first), psa(text={"div": "x"}, **second)))
    assert outcome.reasons() == {"duplicate": 1}
    assert not outcome.findings()


def test_copies_whose_references_are_written_differently_are_equal(tmp_path):
    urn = "urn:uuid:1"
    write(tmp_path / "1.json", bundle(patient(), psa(subject=urn), urls=[urn]))
    write(tmp_path / "2.ndjson", patient(), psa())
    outcome = staged(tmp_path)
    assert outcome.reasons() == {"duplicate": 2}
    assert set(outcome.resources) == {"Patient/p1", "Observation/o1"}


def test_the_newest_version_entered_in_error_withdraws_the_older_ones():
    old, new = psa(value=1, **meta(version="1")), psa(value=1, status="entered-in-error", **meta(version="2"))
    outcome = staged(listed(patient(), old, new))
    assert "Observation/o1" not in outcome.resources
    assert outcome.reasons() == {"older-version": 1, "entered-in-error": 1}


def test_one_id_on_two_servers_is_two_resources(tmp_path):
    a, b = "http://a.example/fhir", "http://b.example/fhir"
    document = bundle(
        patient(),
        patient(birthDate="1944-01-01"),
        psa(value=1),
        psa("o2", value=2),
        urls=[f"{a}/Patient/p1", f"{b}/Patient/p1", f"{a}/Observation/o1", f"{b}/Observation/o2"],
    )
    outcome = staged(write(tmp_path / "b.json", document))
    born = {
        key: outcome.resources[outcome.resources[key]["subject"]["reference"]]["birthDate"]
        for key in ("Observation/o1", "Observation/o2")
    }
    assert born == {"Observation/o1": "1950-03-04", "Observation/o2": "1944-01-01"}


def test_two_names_of_one_server_do_not_double_a_patient(tmp_path):
    urls = ["http://a.example/fhir/Patient/p1", "http://proxy.example/fhir/Patient/p1"]
    outcome = staged(write(tmp_path / "b.json", bundle(patient(), patient(), urls=urls)))
    assert list(outcome.resources) == ["Patient/p1"]
