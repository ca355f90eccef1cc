"""Who belongs to the study on a server, and that nobody and nothing of them is passed over in silence."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.errors import IncompleteError, InputError
from adapters.fhir.selection import Selection
from adapters.settings import load_settings
from adapters.sources.http.origin import parse_base
from adapters.sources.search.codes import MOST_OF_A_PREFIX, beneath, cohort_codes, observation_codes
from tests.support.server.fake_fhir import LU, OTHER, PSA, observation, small_cohort
from tests.support.server.resume_support import heard, keys

OPS, OLD_OPS = "http://fhir.de/CodeSystem/bfarm/ops", "http://fhir.de/CodeSystem/dimdi/ops"
LOCAL = "https://example.org/fhir/radionuclide-study/CodeSystem/local"
SNOMED_OID, LOINC_OID = "urn:oid:2.16.840.1.113883.6.96", "urn:oid:2.16.840.1.113883.6.1"


def therapy(identity: str, reference: Any, system: str = LU["system"], code: str = LU["code"]) -> dict[str, Any]:
    subject = reference if isinstance(reference, dict) else {"reference": reference}
    return {"resourceType": "Procedure", "id": identity, "status": "completed", "performedDateTime": "2016-05-01",
            "code": {"coding": [{"system": system, "code": code}]}, "subject": subject}  # fmt: skip


# ------------------------------------------------------------------ codes


@pytest.mark.parametrize(
    ("system", "code"), [(OLD_OPS, "8-530.d1"), (OPS, "8-530.d0"), (SNOMED_OID, LU["code"]), (LU["system"], LU["code"])]
)
def test_a_therapy_is_found_under_any_address_of_its_code_system(system, code, fake, opened):
    fake.resources.append(therapy("p9", "Patient/c", system, code))
    assert {"Patient/c", "Procedure/p9"} <= keys(opened())


def test_a_measurement_is_found_under_any_address_of_its_code_system(fake, opened):
    fake.resources.append(observation(20, "a", {"system": LOINC_OID, "code": PSA["code"]}))
    assert "Observation/o20" in keys(opened())


def test_a_code_of_another_system_is_not_taken_for_ours_and_counted(fake, opened):
    fake.resources.append(therapy("p9", "Patient/c", "urn:local", LU["code"]))
    source = opened()
    assert "Patient/c" not in keys(source)
    assert sum(row["surplus"] for row in source.manifest["queries"] if row["query"].startswith("Procedure")) == 1


@pytest.mark.parametrize(
    ("stem", "among", "number"), [("8-530.d", "8-530.dx", 37), ("8-522", "8-522.30", 1333), ("8-530.d0", "8-530.d0", 1)]
)
def test_all_codes_beneath_a_prefix_are_asked_for(stem, among, number):
    found = beneath(OPS, stem)
    assert stem in found
    assert among in found
    assert len(found) == len(set(found)) == number


@pytest.mark.parametrize(("system", "stem"), [("urn:local", "A"), (OPS, "8-5"), (OPS, "XX")])
def test_a_prefix_that_no_search_can_name_is_an_error_with_a_remedy(system, stem):
    with pytest.raises(InputError, match=r"cannot be asked for all codes.*name the codes in full"):
        beneath(system, stem)
    assert MOST_OF_A_PREFIX < 36**3


APPLICATION = (
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/"
    "mii-cs-onko-strahlentherapie-applikationsart"
)


@pytest.mark.parametrize("codes", [cohort_codes(load_settings()), observation_codes(load_settings())])
def test_every_code_that_is_asked_for_is_judged_to_be_one_of_ours(codes):
    assert len(codes.asked()) > 50
    assert {codes.matches("urn:local", code) for code in codes.asked()} == {False}
    known = (LU["system"], PSA["system"], OPS, "http://www.whocc.no/atc", "urn:oid:2.16.840.1.113883.6.285",
             "http://dicom.nema.org/resources/ontology/DCM", LOCAL, APPLICATION)  # fmt: skip
    assert [code for code in codes.asked() if not any(codes.matches(system, code) for system in known)] == []


def test_what_would_part_a_search_is_escaped(tmp_path, monkeypatch):
    (tmp_path / "procedures.csv").write_text("system,code,display,means,source\nurn:local,a,,lu_psma,\n"
                                             'urn:local,"b,c|d$",,lu_psma,\n')  # fmt: skip
    monkeypatch.setattr(
        "adapters.settings.Settings.overlay", lambda self, name: tmp_path if name == "codelists" else None
    )
    assert r"b\,c\|d\$" in cohort_codes(load_settings()).asked()


# ------------------------------------------------------------------ references


@pytest.mark.parametrize(
    "shape",
    ["Patient/c", "Patient/c/_history/3", "{base}/Patient/c", "{base}/Patient/c/_history/3", "{loud}/Patient/c"],
)
def test_a_reference_is_understood_however_it_is_written(shape, fake, opened):
    loud = fake.base.replace("localhost", "LocalHost")
    reference = shape.format(base=fake.base, loud=loud)
    fake.resources.append(therapy("p9", "Patient/c"))  # what the search by patient finds
    before = keys(opened())
    fake.after = lambda server, request, bundle: _with_subject(bundle, reference)
    source = opened()
    assert keys(source) == before
    assert source.manifest["therapies_astray"] == 0


def _with_subject(bundle: dict[str, Any], reference: str) -> dict[str, Any]:
    for entry in bundle["entry"]:
        if entry["resource"]["id"] == "p9":
            entry["resource"] = {**entry["resource"], "subject": {"reference": reference}}
    return bundle


INNER = "http://inner:8080/fhir/Patient/c"


@pytest.mark.parametrize(("reference", "expected"), [
    ("http://h.example.org/r4/Patient/1", "Patient/1"),
    ("HTTP://H.Example.org:80/r4/Patient/1/_history/2", "Patient/1/_history/2"),
    ("http://h.example.org/r4x/Patient/1", None), ("http://h.example.org:81/r4/Patient/1", None),
    ("http://h.example.org@evil.example.org/r4/Patient/1", None), ("http://h.example.org/r4/../x/Patient/1", None),
    ("http://h.example.org/r4/Patient?identifier=1", None), ("urn:uuid:1", None), ("#c", None), ("http://[/r4/a/b", None),
])  # fmt: skip
def test_what_is_ours_becomes_relative_and_nothing_else(reference, expected):
    base = parse_base("https://h.example.org/r4")
    assert base.relative(reference.replace("http:", "https:").replace("HTTP:", "HTTPS:").replace(":80/", ":443/")) == (
        expected or reference.replace("http:", "https:")
    )


def test_an_inner_host_is_ours_where_the_settings_say_that_a_proxy_writes_it(fake, opened):
    fake.resources.append(therapy("p9", "Patient/c"))
    fake.after = lambda server, request, bundle: _with_subject(bundle, INNER)
    assert "Patient/c" in keys(opened(rewrite_links=True))


@pytest.mark.parametrize(
    "subject", [{"reference": INNER}, {"display": "somebody"}, {"identifier": {"value": "unknown"}}]
)
def test_a_therapy_without_a_patient_here_is_said_and_kept_to_be_counted(subject, fake, opened):
    fake.resources.append(therapy("p9", subject))
    source = opened()
    assert any("1 therapies of the cohort rule name no patient" in note for note in heard(source))
    assert "Procedure/p9" in keys(source)
    assert source.manifest["therapies_astray"] == 1


def test_what_a_search_by_patient_does_not_find_by_identifier_is_an_error(fake, opened):
    fake.resources.append(therapy("p9", {"identifier": {"system": "urn:mrn", "value": "m-c"}}))
    with pytest.raises(IncompleteError, match=r"1 of 3 therapies .* are not given by patient.*--bulk"):
        keys(opened())


# ------------------------------------------------------------------ patients


def test_a_patient_who_is_not_given_is_an_error_unless_that_is_accepted(fake, opened):
    fake.resources = [one for one in fake.resources if one["id"] != "a"]
    with pytest.raises(IncompleteError, match=r"1 of 2 patients of the cohort are not given.*accept_missing_patients"):
        keys(opened())
    source = opened(accept_missing_patients=True)
    assert any("1 of 2 patients of the cohort are not on the server" in note for note in heard(source))
    assert source.manifest["patients_not_given"] == 1


def test_a_server_that_ignores_the_link_gives_nobody_else(fake, opened):
    fake.ignores = frozenset({"link", "_id"})
    source = opened()
    assert {key for key in keys(source) if key.startswith("Patient/")} == {"Patient/a", "Patient/b", "Patient/b-old"}
    assert sum(row["surplus"] for row in source.manifest["queries"] if row["query"].startswith("Patient")) > 0


def test_who_should_only_be_seen_also_is_somebody_else(fake, opened):
    fake.resources[3]["link"] = [{"other": {"reference": "Patient/a"}, "type": "seealso"}]
    assert "Patient/c" not in keys(opened())


STRANGERS = [{"reference": "Patient/nobody"}, {"reference": "Group/other"}, {"identifier": {"value": "?"}}, {}]


@pytest.mark.parametrize("stranger", STRANGERS)
def test_a_member_of_the_group_who_is_not_found_is_an_error(stranger, fake, opened):
    members = [{"entity": {"reference": "Patient/a"}}, {"entity": stranger}]
    fake.resources.append({"resourceType": "Group", "id": "g", "member": members})
    with pytest.raises(IncompleteError, match=r"1 of 2 "):
        keys(opened(selection=Selection(group="g")))


# ------------------------------------------------------------------ what a server says it can


def test_a_type_that_is_not_listed_is_said(fake, opened):
    fake.types = tuple(kind for kind in fake.types if kind != "Condition")
    source = opened()
    assert any("does not list Condition" in note for note in heard(source))
    assert source.manifest["not_served"] == ["Condition"]


def test_a_server_that_lists_no_therapies_finds_nobody(fake, opened):
    fake.types = ("Patient", "Observation")
    with pytest.raises(IncompleteError, match=r"lists no therapies.*--patients"):
        keys(opened())


def test_what_a_server_can_as_a_client_is_not_what_it_serves(fake, opened, monkeypatch):
    statement = fake.capability()
    statement["rest"].append({"mode": "client", "resource": [{"type": "BodyStructure"}]})
    monkeypatch.setattr(fake, "capability", lambda: statement)
    keys(opened())
    assert fake.hits["BodyStructure/_search"] == 0


# ------------------------------------------------------------------ components


def of_component(number: int, coding: dict[str, str]) -> dict[str, Any]:
    plain = observation(number, "a", OTHER)
    return {**plain, "component": [{"code": {"coding": [coding]}, "valueQuantity": plain["valueQuantity"]}]}


@pytest.mark.parametrize(
    ("parameters", "not_asked_for"),
    [(("combo-code",), 1), (("code", "component-code"), 1), (("code",), None)],  # by neither: all are asked for
)
def test_components_are_found_and_what_was_not_asked_for_is_counted_once(parameters, not_asked_for, fake, opened):
    fake.resources.append(of_component(21, PSA))
    fake.parameters = (*parameters, "patient", "link")
    source = opened()
    found = keys(source)
    assert {"Observation/o21", *(f"Observation/o{n}" for n in range(1, 9))} <= found
    assert ("Observation/o9" in found) is (not_asked_for is None)
    assert source.manifest["not_asked_for"] == not_asked_for


def test_the_small_cohort_is_what_these_tests_say():
    assert [one["id"] for one in small_cohort()[:4]] == ["a", "b", "b-old", "c"]
