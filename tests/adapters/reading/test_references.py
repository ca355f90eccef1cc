"""References of all kinds become one key, or are taken away and counted."""

from __future__ import annotations

import pytest

from adapters.ledger import Finding, FindingKind
from tests.support.reading_support import (
    SERVER,
    bundle,
    listed,
    patient,
    psa,
    staged,
    therapy,
    write,
)


@pytest.mark.parametrize(
    "reference",
    [
        "Patient/p1",
        f"{SERVER}/Patient/p1",
        "Patient/p1/_history/3",
        f"{SERVER}/Patient/p1/_history/3",
    ],
)
def test_relative_absolute_and_versioned_references_become_one_key(tmp_path, reference):
    document = bundle(patient(), psa(subject=reference), urls=[f"{SERVER}/Patient/p1", f"{SERVER}/Observation/o1"])
    outcome = staged(write(tmp_path / "b.json", document))
    assert outcome.resources["Observation/o1"]["subject"]["reference"] == "Patient/p1"
    assert not outcome.findings()


@pytest.mark.parametrize("with_id", [True, False], ids=["with id", "without id"])
def test_urn_uuid_references_are_settled_by_full_url(tmp_path, with_id):
    urn = "urn:uuid:04121321-4af5-424c-a0e1-ed3aab1c349d"
    who = patient()
    if not with_id:
        del who["id"]
    outcome = staged(write(tmp_path / "b.json", bundle(who, psa(subject=urn), urls=[urn])))
    assert outcome.resources["Observation/o1"]["subject"]["reference"] in outcome.resources


def test_urn_uuid_references_survive_splitting_the_bundle(tmp_path):
    urn = "urn:uuid:1"
    write(tmp_path / "1.json", bundle(psa(subject=urn)))
    write(tmp_path / "2.json", bundle(patient(), urls=[urn]))
    assert staged(tmp_path).resources["Observation/o1"]["subject"]["reference"] == "Patient/p1"


def test_a_full_url_used_in_two_bundles_means_its_own_bundle_first(tmp_path):
    urn = "urn:uuid:1"
    for name in ("1", "2"):
        document = bundle(patient(f"p{name}"), psa(f"o{name}", subject=urn), urls=[urn])
        write(tmp_path / f"{name}.json", document)
    write(tmp_path / "3.json", bundle(psa("o3", subject=urn)))
    outcome = staged(tmp_path)
    assert outcome.resources["Observation/o1"]["subject"]["reference"] == "Patient/p1"
    assert outcome.resources["Observation/o2"]["subject"]["reference"] == "Patient/p2"
    assert "reference" not in outcome.resources["Observation/o3"]["subject"]  # could be either: neither is guessed


def test_contained_resources_become_resources_of_their_own_and_count_with_their_container():
    medication = {"resourceType": "Medication", "id": "m", "code": {"coding": [{"system": "s", "code": "c"}]}}
    cycle = therapy(contained=[medication], medicationReference={"reference": "#m"})
    outcome = staged(listed(patient(), cycle))
    target = outcome.resources["MedicationAdministration/c1"]["medicationReference"]["reference"]
    assert outcome.resources[target]["code"] == medication["code"]
    assert outcome.ledger.versions_read == 2


def test_contained_resources_of_two_containers_stay_apart():
    def cycle(name: str) -> dict[str, object]:
        return therapy(name, contained=[{"resourceType": "Medication", "id": "m", "status": "active"}])

    assert sum(key.startswith("Medication/") for key in staged(listed(cycle("c1"), cycle("c2"))).resources) == 2


@pytest.mark.parametrize(
    ("reference", "identifier"),
    [
        ("Patient?identifier=http://h.example/mrn|77", {"system": "http://h.example/mrn", "value": "77"}),
        ("Patient?identifier=77", {"value": "77"}),
    ],
)
def test_conditional_references_become_identifiers_for_the_join(reference, identifier):
    subject = staged(listed(patient(), psa(subject=reference))).resources["Observation/o1"]["subject"]
    assert subject == {"type": "Patient", "identifier": identifier}


def test_references_by_identifier_are_left_as_they_are():
    subject = {"identifier": {"system": "http://h.example/mrn", "value": "77"}}
    assert staged(listed(patient(), psa(subject="x") | {"subject": dict(subject)})).resources["Observation/o1"][
        "subject"
    ] == (subject)


@pytest.mark.parametrize("reference", ["Patient/p9", "https://other.example/fhir/Patient/p1", "urn:uuid:9", "#p"])
def test_an_unresolved_reference_is_taken_away_and_counted(tmp_path, reference):
    urls = [f"{SERVER}/Patient/p1", f"{SERVER}/Observation/o1"]
    outcome = staged(write(tmp_path / "b.json", bundle(patient(), psa(subject=reference), urls=urls)))
    assert "reference" not in outcome.resources["Observation/o1"]["subject"]
    expected = Finding(FindingKind.UNRESOLVED_REFERENCE, resource_type="Observation", path="Observation.subject")
    assert outcome.ledger.findings == {expected: 1}


def test_references_to_what_is_not_read_cost_nothing():
    outcome = staged(listed(patient(), psa(performer=[{"reference": "Practitioner/7"}])))
    assert outcome.resources["Observation/o1"]["performer"] == [{"reference": "Practitioner/7"}]
    assert not outcome.findings()


def test_resources_without_id_are_known_by_their_content():
    anonymous = psa()
    del anonymous["id"]
    outcome = staged(listed(patient(), anonymous, anonymous))
    assert len(outcome.resources) == 2
    assert outcome.reasons() == {"duplicate": 1}
