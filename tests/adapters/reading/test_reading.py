"""What happens between a record and a view: FHIR version, versions, statuses, corrections, references, test data."""

from __future__ import annotations

import importlib
import json
import random
from itertools import pairwise

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.errors import InputError
from adapters.fhir import r4 as versions
from adapters.fhir.selection import Selection, load_patients
from adapters.ledger import Finding, FindingKind, Ledger, LedgerError, LeftOutReason, QuarantineReason
from adapters.reading.status import status_outcome
from adapters.reading.undecoded import Undecoded
from adapters.settings import Consent, Settings
from adapters.tables.extract.views import extract, load_views
from tests.support.reading_support import HTEST, TODAY, bundle, listed, patient, psa, staged, therapy, write


def meta(updated: str | None = None, version: str | None = None) -> dict[str, object]:
    stated = {"lastUpdated": updated, "versionId": version}
    return {"meta": {name: value for name, value in stated.items() if value}}


def value(outcome, key="Observation/o1") -> float:
    return float(outcome.resources[key]["valueQuantity"]["value"])


# ---------------------------------------------------------------- FHIR version


DRAFTS_OF_R5 = ("4.2.0", "4.4.0", "4.5.0", "4.6.0")


@pytest.mark.parametrize(
    ("resource", "named"),
    [
        ({"resourceType": "Procedure", "occurrenceDateTime": "2019"}, "Procedure.occurrenceDateTime.*R5"),
        ({"resourceType": "MedicationAdministration", "occurenceDateTime": "2019"}, "occurenceDateTime.*R5"),
        ({"resourceType": "MedicationAdministration", "medication": {}}, "MedicationAdministration.medication .*R5"),
        ({"resourceType": "Observation", "comment": "x"}, "Observation.comment.*STU3"),
        ({"resourceType": "Condition", "clinicalStatus": "active"}, "Condition.clinicalStatus.*STU3"),
        ({"resourceType": "BodySite"}, "BodySite.*STU3"),
        ({"resourceType": "ImagingSelection"}, "ImagingSelection.*R5"),
        ({"resourceType": "CapabilityStatement", "fhirVersion": "5.0.0"}, "fhirVersion"),
        ({"resourceType": "CapabilityStatement", "fhirVersion": 4}, "fhirVersion"),
        *(({"resourceType": "CapabilityStatement", "fhirVersion": draft}, "fhirVersion") for draft in DRAFTS_OF_R5),
        ({"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/4.2/StructureDefinition/Patient"]}}, "4.2"),
        ({"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/5.0/StructureDefinition/Patient"]}}, "5"),
        ({"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|3.0.2"]}}, "3"),
        ({"resourceType": "Foo"}, "not a FHIR R4 resource type"),
    ],
)  # fmt: skip
def test_another_fhir_version_is_an_error_that_names_file_and_element(resource, named):
    with pytest.raises(InputError, match=f"b.json: .*{named}") as caught:
        versions.check_version(resource, "b.json")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "resource",
    [
        {"resourceType": "Procedure", "performedDateTime": "2019"},
        {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1"},
        {"resourceType": "CapabilityStatement", "fhirVersion": "4.3.0"},
        {"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|4.0.1"]}},
        {"resourceType": "Patient", "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/p|7.0.0"]}},
        {"resourceType": "Patient", "meta": {"profile": "no list"}},
        {"resourceType": "Patient", "meta": []},
    ],
)
def test_r4_and_profiles_of_other_publishers_pass(resource):
    versions.check_version(resource, "b.json")


@pytest.mark.parametrize("kind", sorted(versions._ELEMENTS_ELSEWHERE))
def test_elements_of_other_versions_are_those_of_the_published_models(kind):
    """The models of fhir.resources are the oracle of the committed list."""

    def elements(package: str) -> set[str]:
        try:
            model = getattr(importlib.import_module(f"fhir.resources{package}.{kind.lower()}"), kind)
        except ImportError:
            return set()
        return {field.alias or name for name, field in model.model_fields.items()}

    elsewhere = (elements("") | elements(".STU3")) - elements(".R4B")
    listed_here = set(versions._ELEMENTS_ELSEWHERE[kind])
    spelling = {name for name in listed_here - elsewhere if name.startswith("occurrence")}
    assert listed_here - spelling == elsewhere
    assert not listed_here & elements(".R4B")


# ---------------------------------------------------------------- versions under one id


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


# ---------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("kind", "status", "expected"),
    [
        ("Observation", "final", None),
        ("Observation", "preliminary", None),
        ("Observation", "registered", LeftOutReason.STATUS_NOT_ACCEPTED),
        ("Observation", "unknown", LeftOutReason.STATUS_NOT_ACCEPTED),
        ("Observation", "cancelled", LeftOutReason.CANCELLED),
        ("Observation", "entered-in-error", LeftOutReason.ENTERED_IN_ERROR),
        ("Observation", "completed", QuarantineReason.INVALID_VALUE),  # a code of other resource types
        ("Observation", 5, QuarantineReason.INVALID_VALUE),
        ("Observation", None, None),
        ("Procedure", "completed", None),
        ("Procedure", "stopped", None),
        ("Procedure", "not-done", LeftOutReason.NOT_DONE),
        ("Procedure", "preparation", LeftOutReason.PLANNED),
        ("Procedure", "final", QuarantineReason.INVALID_VALUE),
        ("MedicationAdministration", "not-done", LeftOutReason.NOT_DONE),
        ("MedicationStatement", "not-taken", LeftOutReason.NOT_DONE),
        ("MedicationStatement", "intended", LeftOutReason.PLANNED),
        ("Medication", "entered-in-error", LeftOutReason.ENTERED_IN_ERROR),
        ("Patient", "anything", None),  # has no status
    ],
)
def test_statuses(kind, status, expected):
    assert status_outcome({"resourceType": kind, "status": status}, Settings().reading.accepted_status) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("confirmed", None),
        ("refuted", LeftOutReason.REFUTED),
        ("entered-in-error", LeftOutReason.ENTERED_IN_ERROR),
        ("other", QuarantineReason.INVALID_VALUE),
    ],
)
def test_verification_status_of_conditions(code, expected):
    coding = {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": code}
    resource = {"resourceType": "Condition", "verificationStatus": {"coding": [coding]}}
    assert status_outcome(resource, ()) == expected


def test_accepted_statuses_are_a_setting():
    assert status_outcome(psa(status="preliminary"), ("final",)) == LeftOutReason.STATUS_NOT_ACCEPTED


# ---------------------------------------------------------------- corrections under another id

IDENTIFIER = {"identifier": [{"system": "http://lab.example", "value": "A-17"}]}


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


# ---------------------------------------------------------------- references

SERVER = "https://h.example/fhir"


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


# ---------------------------------------------------------------- who is left out


def test_all_tagged_is_synthetic():
    outcome = staged(listed(patient(meta=HTEST), psa(meta=HTEST)))
    assert outcome.stage.synthetic
    assert not outcome.excluded


def test_none_tagged_is_real():
    assert not staged(listed(patient(), psa())).stage.synthetic


def test_tagged_patients_among_real_ones_are_left_out():
    outcome = staged(listed(patient(), psa(), patient("p2", meta=HTEST), psa("o2", subject="Patient/p2", meta=HTEST)))
    assert not outcome.stage.synthetic
    assert outcome.excluded == {"Patient/p2": LeftOutReason.TEST_PATIENT}
    assert outcome.reasons() == {"test-patient": 1}
    assert outcome.findings() == {"test-data-mixed": 2}


def test_test_patients_with_untagged_resources_are_refused():
    with pytest.raises(InputError, match="all patients are tagged"):
        staged(listed(patient(meta=HTEST), psa()))


MRN = {"identifier": [{"system": "http://h.example/mrn", "value": "77"}]}


@pytest.mark.parametrize("line", ["p1", "Patient/p1", "77", "http://h.example/mrn|77"])
def test_patients_are_selected_by_id_or_identifier(tmp_path, line):
    file = tmp_path / "ids.txt"
    file.write_text(f"# ours\n\n{line}\r\n")
    outcome = staged(listed(patient(**MRN), patient("p2")), selection=Selection(patients=load_patients(file)))
    assert outcome.excluded == {"Patient/p2": LeftOutReason.OUTSIDE_SELECTION}


def test_a_file_of_patients_that_names_nobody_is_an_error(tmp_path):
    (tmp_path / "ids.txt").write_text("\n# none\n")
    with pytest.raises(InputError, match="names nobody"):
        load_patients(tmp_path / "ids.txt")


def test_patients_are_selected_by_group():
    group = {
        "resourceType": "Group",
        "id": "g",
        "member": [
            {"entity": {"reference": "Patient/p1"}},
            {"entity": {"reference": "Patient/p2"}, "inactive": True},
            {"entity": {"identifier": {"system": "http://h.example/mrn", "value": "78"}}},
        ],
    }
    third = patient("p3", identifier=[{"system": "http://h.example/mrn", "value": "78"}])
    outcome = staged(listed(patient(), patient("p2"), third, group), selection=Selection(group="g"))
    assert set(outcome.excluded) == {"Patient/p2"}


def test_an_unknown_group_is_an_error():
    with pytest.raises(InputError, match="no such Group"):
        staged(listed(patient()), selection=Selection(group="g"))


def consent(*provisions: dict[str, object], status: str = "active", when: str = "2020-01-01", **more: object):
    root = {"type": "deny", "provision": list(provisions)}
    return {
        "resourceType": "Consent",
        "id": more.pop("id", "k1"),
        "status": status,
        "patient": {"reference": "Patient/p1"},
        "dateTime": when,
        "provision": root,
    }


def provision(kind: str, code: str = "use", **period: str) -> dict[str, object]:
    return {"type": kind, "code": [{"coding": [{"system": "s", "code": code}]}], "period": period}


@pytest.mark.parametrize(
    ("consents", "allowed"),
    [
        ([consent(provision("permit"))], True),
        ([consent(provision("permit", start="2019-01-01", end="2030"))], True),
        ([consent(provision("permit", end="2025-12-31"))], False),
        ([consent(provision("permit", end=TODAY.isoformat()))], True),
        ([consent(provision("permit", start="2026-01-02"))], False),
        ([consent(provision("deny"))], False),
        ([consent(provision("permit", code="other"))], False),
        ([consent(provision("permit"), status="inactive")], False),
        ([consent(provision("permit")), consent(provision("deny"), when="2021-01-01", id="k2")], False),
        ([consent(provision("deny")), consent(provision("permit"), when="2021-01-01", id="k2")], True),
        ([consent(provision("permit")), consent(provision("deny"), id="k2")], False),
        ([], False),
    ],
)
@pytest.mark.parametrize("code", ["use", "s|use"])
def test_consent_where_the_study_requires_it(consents, allowed, code):
    settings = Settings(consent=Consent(required=True, provision_codes=(code,)))
    outcome = staged(listed(patient(), *consents), settings=settings)
    assert outcome.excluded == ({} if allowed else {"Patient/p1": LeftOutReason.NO_CONSENT})


def test_consent_is_not_asked_where_the_study_does_not_require_it():
    assert not staged(listed(patient(), consent(provision("deny")))).excluded


# ---------------------------------------------------------------- the ledger


def test_each_version_has_exactly_one_disposition():
    ledger = Ledger()
    ledger.read("Patient/1", "f")
    with pytest.raises(LedgerError):
        ledger.close()
    ledger.used("Patient/1", 2)
    ledger.close()
    with pytest.raises(LedgerError):
        ledger.left_out("Patient/1", LeftOutReason.CANCELLED)
    with pytest.raises(LedgerError):
        ledger.used("Patient/2")


def test_findings_about_resources_outside_the_cohort_are_dropped():
    ledger = Ledger()
    for key in ("Observation/in", "Observation/out", "Observation/bad"):
        ledger.read(key, "f")
        ledger.about(key, FindingKind.PARTIAL_DATE, resource_type="Observation")
    ledger.used("Observation/in")
    ledger.left_out("Observation/out", LeftOutReason.OUTSIDE_COHORT)
    ledger.quarantined("Observation/bad", QuarantineReason.INVALID_DATE, "Observation.effective")
    ledger.about("Observation/in", FindingKind.PARTIAL_DATE, resource_type="Observation")
    assert ledger.findings[Finding(FindingKind.PARTIAL_DATE, resource_type="Observation")] == 3


def test_rows_fed_are_counted_as_none_one_and_more():
    ledger = Ledger()
    for number, rows in enumerate((0, 1, 1, 7)):
        ledger.read(f"Observation/{number}", "f")
        ledger.used(f"Observation/{number}", rows)
    assert ledger.counts()["rows_fed"] == [
        {"type": "Observation", "rows": "0", "count": 1},
        {"type": "Observation", "rows": "1", "count": 2},
        {"type": "Observation", "rows": "more", "count": 1},
    ]


# ---------------------------------------------------------------- order, copies and containers do not matter

MATERIAL = [
    patient(),
    patient("p2", link=[{"other": {"reference": "Patient/p1"}, "type": "replaces"}]),
    psa("o1"),
    psa("o1", value=3, **meta(version="2")),
    psa("o2", subject=f"{SERVER}/Patient/p2"),
    psa("o3", status="cancelled"),
    psa("o4", status="preliminary", **IDENTIFIER),
    psa("o5", status="corrected", value=4, **IDENTIFIER),
    therapy(),
]


def content(outcome) -> dict[str, str]:
    return {key: json.dumps(r, sort_keys=True, default=str) for key, r in outcome.resources.items()}


@given(seed=st.integers(0, 2**16), copies=st.integers(1, 3))
def test_order_and_copies_change_nothing(seed, copies):
    records = MATERIAL * copies
    random.Random(seed).shuffle(records)
    assert content(staged(listed(*records))) == content(staged(listed(*MATERIAL)))


@given(cuts=st.lists(st.integers(0, len(MATERIAL)), max_size=4))
def test_splitting_a_bundle_changes_nothing(tmp_path_factory, cuts):
    folder = tmp_path_factory.mktemp("split")
    edges = sorted({0, *cuts, len(MATERIAL)})
    for number, (start, end) in enumerate(pairwise(edges)):
        write(folder / "parts" / f"{number}.json", bundle(*MATERIAL[start:end]))
    whole = write(folder / "whole" / "b.json", bundle(*MATERIAL))
    split = content(staged(folder / "parts"))
    assert split == content(staged(whole))


def test_a_source_that_changes_between_the_passes_is_an_error():
    source = listed(patient(), psa())
    outcome = staged(source)
    source.reads.pop()
    with pytest.raises(InputError, match="changed while it was read"):
        list(outcome.stage.resources())


@pytest.mark.parametrize(
    ("resource", "undecoded"),
    [
        (psa(), True),
        (psa(performer=[{"reference": "Practitioner/1"}, {"display": "laboratory"}]), True),  # of a type not read
        (psa(subject="Patient/p1/_history/2"), False),
        (psa(subject="https://h.example/fhir/Patient/p1"), False),
        (psa(subject="Patient/nobody"), False),
        (psa(subject="Patient?identifier=s|1"), False),
        (psa(subject="#"), False),
        (psa(contained=[{"resourceType": "Practitioner", "id": "x"}]), False),
    ],
)
def test_a_line_with_nothing_to_settle_goes_to_the_views_as_it_is(tmp_path, resource, undecoded):
    stage = staged(write(tmp_path / "x.ndjson", patient(), resource)).stage
    record = list(stage.records())[1]
    assert isinstance(record, Undecoded) is undecoded
    expected = staged(listed(patient(), resource)).resources["Observation/o1"]
    assert (record.resource() if isinstance(record, Undecoded) else record) == expected


def test_a_reference_behind_an_escaped_name_is_settled_too(tmp_path):
    line = json.dumps(psa(subject="Patient/p1/_history/2")).replace('"reference"', '"\\u0072eference"')
    path = write(tmp_path / "x.ndjson", patient())
    path.write_text(path.read_text() + line + "\n")
    assert staged(path).resources["Observation/o1"]["subject"] == {"reference": "Patient/p1"}


def test_a_resource_without_id_that_is_not_decoded_has_the_id_of_its_key(tmp_path):
    nameless = {name: value for name, value in psa().items() if name != "id"}
    stage = staged(write(tmp_path / "x.ndjson", patient(), nameless)).stage
    record = list(stage.records())[1]
    assert isinstance(record, Undecoded)
    found = extract([record], load_views()).frames["observations"]
    assert list(found["resource_key"]) == [record.key]


def test_views_over_lines_give_what_views_over_resources_give(tmp_path):
    odd = [
        psa("quantity", value="12"), psa("code", code=[{}]), psa("own", subject="Patient/p1/_history/2"),
        psa("text", valueQuantity=None, valueString="<0.1"), psa("many", value=1e2),
    ]  # fmt: skip
    many = [psa(f"o{number}") for number in range(200)]
    stage = staged(write(tmp_path / "x.ndjson", patient(), *many[:70], *odd, *many[70:], therapy())).stage
    fast, plain = extract(stage.records(), load_views()), extract(stage.resources(), load_views())
    assert (fast.keys, fast.faults) == (plain.keys, plain.faults)
    assert fast.faults
    for name, frame in plain.frames.items():
        pd.testing.assert_frame_equal(fast.frames[name], frame)


def test_a_line_that_is_no_json_any_more_is_a_source_that_changed():
    with pytest.raises(InputError, match="changed while it was read"):
        Undecoded("Observation/o1", b'{"resourceType":').resource()


def test_no_resources_is_an_error():
    with pytest.raises(InputError, match="no resources"):
        staged(listed())
