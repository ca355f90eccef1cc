"""What is irregular on purpose is there, in both dialects, and marked the way real systems mark it."""

from collections import Counter
from pathlib import Path

import pytest

from adapters.synthetic.fhir.build import DIALECTS, build_record
from adapters.synthetic.fhir.cohort import COHORT, Patient, load_cohort
from adapters.synthetic.fhir.irregular import KINDS
from adapters.synthetic.fhir.record import Record
from tests.support.fhir_facts import STANDIN, Facts, codes, read_ndjson

Demo = dict[tuple[str, str], Path]


@pytest.fixture(params=["mcode", "mii"])
def dialect(request):
    return request.param


@pytest.fixture
def resources(demo, dialect):
    return read_ndjson(demo[dialect, "ndjson"])


def of_type(resources, *types):
    return [one for one in resources if one["resourceType"] in types]


def test_a_result_was_corrected_under_one_id(resources):
    versions: dict[str, list] = {}
    for one in of_type(resources, "Observation"):
        versions.setdefault(one["id"], []).append(one)
    pairs = [found for found in versions.values() if {one["meta"]["versionId"] for one in found} == {"1", "2"}]
    assert pairs
    for first, second in pairs:
        assert (first["status"], second["status"]) == ("preliminary", "corrected")
        assert first["meta"]["lastUpdated"] < second["meta"]["lastUpdated"]
        assert first["valueQuantity"]["value"] == 2 * second["valueQuantity"]["value"]


def test_a_result_was_corrected_under_one_identifier(resources):
    labs = [one for one in of_type(resources, "Observation") if one.get("identifier")]
    by_identifier: dict[str, list] = {}
    for one in labs:
        by_identifier.setdefault(one["identifier"][0]["value"], []).append(one)
    pairs = [found for found in by_identifier.values() if len({one["id"] for one in found}) > 1]
    assert pairs
    assert all({one["status"] for one in found} == {"preliminary", "corrected"} for found in pairs)


def test_a_resource_stands_twice(resources):
    texts = Counter((one["id"], str(one)) for one in of_type(resources, "Observation", "Procedure"))
    assert {count for count in texts.values() if count > 1} == {2}


def test_results_were_entered_in_error(resources):
    assert [one for one in of_type(resources, "Observation") if one["status"] == "entered-in-error"]


def test_the_candidate_was_not_treated(resources):
    (planned,) = {one["id"]: one for one in of_type(resources, "Procedure") if one["status"] == "not-done"}.values()
    assert "764677008" in codes(planned["code"])
    facts = Facts(resources)
    candidate = facts.who(planned)
    assert candidate in {who for who, kind, *_ in facts.imaging() if kind == "maa_workup"}
    assert candidate not in {who for who, *_ in facts.therapies()}


def test_results_without_a_number_belong_to_the_treated_without_liver_metastases(resources):
    labs = Facts(resources).labs()
    below = {who for who, _, measure, _, text, *_ in labs if measure == "psa" and text == "<"}
    as_text = {who for who, _, measure, _, text, *_ in labs if measure == "testosterone" and text == "<0.1 ng/mL"}
    absent = {who for who, _, measure, value, text, *_ in labs if measure == "ldh" and value is None and text is None}
    assert below
    assert below == as_text == absent
    assert not below & {who for who, site, _ in Facts(resources).metastases() if site == "liver"}


def test_one_patient_without_therapy_has_one_entered_in_error(cohort_folder, resources):
    facts = Facts(resources)
    therapies = of_type(resources, "MedicationAdministration", "Procedure")
    wrong = {facts.who(one) for one in therapies if one["status"] == "entered-in-error"}
    treated = {who for who, *_ in facts.therapies()}
    of_the_study = cohort_folder == COHORT  # irregular.csv speaks of the committed cohort
    assert len(wrong - treated) == of_the_study
    assert bool(wrong & treated) == of_the_study


class TestOneKindAtATime:
    """Each kind of irregular.csv on a patient who has all there is."""

    @pytest.fixture
    def record(self, dialect) -> Record:
        facts = next(one for one in load_cohort(STANDIN) if one.key == "A1")
        quiet = Patient(1000, facts.row, facts.series)  # a rank for which irregular.csv has nothing
        return build_record(quiet, DIALECTS[dialect])

    def test_merging_leaves_an_older_record_that_some_observations_still_name(self, record):
        KINDS["merged"](record)
        older = next(one for one in record.of_type("Patient") if one["active"] is False)
        assert older["link"][0]["type"] == "replaced-by"
        assert record.patient["link"] == [{"other": {"reference": f"Patient/{older['id']}"}, "type": "replaces"}]
        naming = [one["subject"].get("reference", "") for one in record.of_type("Observation")]
        assert 0 < sum(older["id"] in text for text in naming) < len(naming) / 2

    def test_a_correction_may_say_what_it_replaces(self, record):
        before = len(record.resources)
        KINDS["corrected_replaces"](record)
        assert len(record.resources) == before + 1
        first = next(one for one in record.of_type("Observation") if one["status"] == "preliminary")
        second = next(one for one in record.of_type("Observation") if one["status"] == "corrected")
        assert second["extension"][0]["valueReference"]["reference"] == f"Observation/{first['id']}"
        assert first["id"] != second["id"]
        assert first.get("identifier", [1]) != second.get("identifier", [2])

    @pytest.mark.parametrize("kind", ["error_therapy", "error_only_therapy"])
    def test_a_therapy_entered_in_error_is_withdrawn_and_the_others_stay(self, record, kind):
        shared = record.dialect.shared(record.tag)
        before = Facts([*shared, *record.resources]).therapies()
        KINDS[kind](record)
        assert any(
            one["status"] == "entered-in-error" for one in record.of_type("MedicationAdministration", "Procedure")
        )
        assert Facts([*shared, *record.resources]).therapies() == before

    def test_a_metastasis_entered_in_error_is_withdrawn(self, record):
        KINDS["error_metastasis"](record)
        last = record.resources[-1]
        assert last.get("status") == "entered-in-error" or codes(last["verificationStatus"]) == {"entered-in-error"}
        assert "clinicalStatus" not in last


class TestDoubledCycles:
    """In the MII dialect some cycles stand as Procedure and MedicationAdministration."""

    def test_they_are_linked_in_three_ways(self, demo):
        resources = read_ndjson(demo["mii", "ndjson"])
        doses = [
            one
            for one in of_type(resources, "MedicationAdministration")
            if "medicationReference" in one and one["status"] == "completed"
        ]
        ways = {"part_of" if "partOf" in one else "identifier" if "identifier" in one else "day" for one in doses}
        assert ways <= {"part_of", "identifier", "day"}
        cycles = [one for one in of_type(resources, "Procedure") if "8-530.d0" in codes(one["code"])]
        assert 0 < len(doses) < len(cycles) / 2

    def test_of_a_doubled_cycle_the_activity_is_known_to_one_of_the_two(self, demo):
        assert all(value for *_, value in Facts(read_ndjson(demo["mii", "ndjson"])).therapies())

    def test_mcode_has_one_resource_a_cycle(self, demo):
        resources = read_ndjson(demo["mcode", "ndjson"])
        given = [
            (
                one["subject"].get("reference", one["subject"].get("identifier", {}).get("value")),
                one["effectiveDateTime"],
            )
            for one in of_type(resources, "MedicationAdministration")
            if "1263794005" in codes(one["medicationCodeableConcept"]) and one["status"] == "completed"
        ]
        assert len(given) == len(set(given))
