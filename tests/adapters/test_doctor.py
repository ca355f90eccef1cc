"""The doctor: what a pull would give, and which codes no list knows, as a code list to be filled in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.doctor import MOST_FREQUENT, CodeCounts, examine, unmapped_csv
from adapters.fhir.coded_elements import coded_elements, list_names, types_of_list
from adapters.fhir.codelists import HEADER, load_code_lists
from adapters.ledger import Ledger, LeftOutReason
from adapters.settings import Settings
from adapters.sources.search.doctor import COUNTED_LISTS
from adapters.tables import build_tables
from tests.support.reading_support import listed, patient, psa, therapy

SCT = "http://snomed.info/sct"
DOCETAXEL = {"coding": [{"system": SCT, "code": "386918005"}]}
TRACER = {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "126758"}]}
LISTS = load_code_lists()
MAXIMUM = {"coding": [{"system": SCT, "code": "56851009"}]}


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


def test_a_drug_coded_as_a_procedure_is_mapped():
    """A pull reads it as a drug line."""
    given = {
        "resourceType": "Procedure",
        "id": "d1",
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "code": DOCETAXEL,
        "performedDateTime": "2018-03-01",
    }
    report = examined(patient(), therapy(), given)
    assert report.tables["medications"] == 1
    assert report.lists["medications"] == 1
    assert not unmapped(report)


def test_an_ingredient_that_a_list_maps_makes_its_medication_mapped():
    drug = {
        "resourceType": "Medication",
        "id": "m1",
        "code": {"coding": [{"system": "local", "code": "infusion"}]},
        "ingredient": [{"itemCodeableConcept": DOCETAXEL}],
    }
    given = therapy("g1", medicationReference={"reference": "Medication/m1"})
    del given["medicationCodeableConcept"]
    report = examined(patient(), therapy(), drug, given)
    assert report.tables["medications"] == 1
    assert not unmapped(report)


def _about(kind: str, identity: str) -> dict[str, Any]:
    """A resource of cohort patient p1 that lacks nothing but its code."""
    owner = "patient" if kind == "BodyStructure" else "subject"
    own: dict[str, Any] = {"resourceType": kind, "id": identity, owner: {"reference": "Patient/p1"}}
    if kind == "Observation":
        return own | {"status": "final", "effectiveDateTime": "2019-01-10", "valueInteger": 1, "method": MAXIMUM}
    if kind == "Procedure":
        return own | {"status": "completed", "performedDateTime": "2019-01-10", "usedCode": [TRACER]}
    dates = {"recordedDate": "2019-01-10"} if kind == "Condition" else {"effectiveDateTime": "2019-01-10"}
    return own | {"status": "completed"} | dates


def _with_each_code() -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """System, code and resources, for each coded element and each code of each list, whether it suits or not."""
    codes = {key for name in list_names() for key in (*LISTS.lists[name].exact, *LISTS.lists[name].prefixes)}
    for place, element in enumerate(coded_elements()):
        for number, (system, code) in enumerate(sorted(codes)):
            resource = _about(element.resource_type, f"x{place}-{number}")
            coding = {"coding": [{"system": system, "code": code}]}
            if element.part:
                resource["component"] = [{"code": coding, "valueInteger": 1}]
                del resource["valueInteger"]
            else:
                resource[element.elements[0]] = coding
            reference = {"reference": f"{element.resource_type}/{resource['id']}"}
            if element.resource_type == "Medication":
                user = _about("MedicationAdministration", f"u{place}-{number}") | {"medicationReference": reference}
                yield system, code, [user, resource]
            elif element.resource_type != "BodyStructure":
                yield system, code, [resource]


class _Recorder(Ledger):
    """A ledger that remembers which keys no code list mapped."""

    def __init__(self) -> None:
        super().__init__()
        self.unlisted: set[str] = set()

    def left_out(self, key: str, reason: LeftOutReason) -> None:
        if reason is LeftOutReason.CODE_NOT_LISTED:
            self.unlisted.add(key)
        super().left_out(key, reason)


def _reported(resource: dict[str, Any]) -> set[tuple[str, str]]:
    """The codes of one resource that the report would call unmapped."""
    counts = CodeCounts(LISTS)
    assert list(counts.watch(iter([resource]))) == [resource]
    return set(counts.unmapped)


def _is_pet_without_tracer(kind: str, system: str, code: str) -> bool:
    """A PET counts as PSMA PET by its tracer, and no type but Procedure names one."""
    return kind.startswith("Medication") and LISTS.means("procedures", system, code) == "psma_pet"


def test_a_code_is_unmapped_exactly_where_a_pull_does_not_map_it():
    """Every code of every list in every type: the reference is the disposition that the tables give the resource."""
    cases = list(_with_each_code())
    ledger = _Recorder()
    resources = [patient(), therapy(), *(resource for _, _, own in cases for resource in own)]
    for number, resource in enumerate(resources):
        ledger.read(f"{resource['resourceType']}/{resource['id']}", f"x:{number}")
    build_tables(iter(resources), settings=Settings(), ledger=ledger)
    ledger.close()
    differ, seen = [], set()
    for system, code, own in cases:
        kind, user = own[-1]["resourceType"], f"{own[0]['resourceType']}/{own[0]['id']}"
        is_mapped = user not in ledger.unlisted
        seen.add((kind, is_mapped))
        is_reported = (system, code) in _reported(own[-1])
        if is_reported is is_mapped and not (is_reported is False and _is_pet_without_tracer(kind, system, code)):
            differ.append((kind, system, code, is_mapped))
    assert differ == []
    assert {kind for kind, is_mapped in seen if is_mapped} == {kind for kind, is_mapped in seen if not is_mapped}
    assert len(seen) == 2 * (len({element.resource_type for element in coded_elements()}) - 1), "all but BodyStructure"


def test_a_server_is_asked_for_the_types_whose_codes_a_list_maps():
    assert {*COUNTED_LISTS, "sites"} == set(list_names()), "a server counts BodyStructures whatever their code"
    assert types_of_list("medications") == (
        "Procedure", "MedicationAdministration", "MedicationStatement", "Medication"
    )  # fmt: skip
    assert types_of_list("conditions") == ("Condition", "Observation")
