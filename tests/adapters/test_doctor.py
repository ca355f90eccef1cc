"""The doctor: what a pull would give, and which codes no list knows, as a code list to be filled in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import pytest

from adapters.doctor import CodeCounts, Report, examine, print_report, unmapped_csv, write_overlay
from adapters.errors import InputError
from adapters.fhir.coded_elements import coded_elements, list_names, types_of_list
from adapters.fhir.codelists import HEADER, load_code_lists
from adapters.ledger import Ledger, LeftOutReason
from adapters.settings import Reading, Settings
from adapters.sources import open_source
from adapters.sources.search.doctor import COUNTED_LISTS
from adapters.tables import build_tables
from adapters.tables.study_ids import REPOSITORY
from tests.support.field_cases import CASES
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
    return list(csv.DictReader(io.StringIO(unmapped_csv(report.gaps))))


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
    assert tuple(rows[0]) == (*HEADER, "list", "patients", "outside_cohort")
    assert {row["list"] for row in rows} == {"observations"}
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


def test_the_list_is_never_cut():
    many = [coded(f"o{n}", f"X{n}") for n in range(600)]
    assert len(unmapped(examined(patient(), therapy(), *many))) == 600


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


def procedure_of(identity: str, subject: str, code: dict[str, Any]) -> dict[str, Any]:
    """A Procedure of a patient."""
    return {
        "resourceType": "Procedure", "id": identity, "status": "completed", "code": code,
        "subject": {"reference": f"Patient/{subject}"}, "performedDateTime": "2019-05-01",
    }  # fmt: skip


RADIOLIGAND = {"text": "177Lu-PSMA-617 Radioligandentherapie"}
RARE = {"text": "Lu-Therapie Herr Mustermann"}


def texts_report(rare: int = 1) -> Report:
    """Three patients outside the cohort with a text alone, and one with a text of its own."""
    patients = [patient(f"t{n}") for n in range(3)]
    therapies = [procedure_of(f"x{n}", f"t{n}", RADIOLIGAND) for n in range(3)]
    others = [procedure_of(f"r{n}", f"t{n}", RARE) for n in range(rare)]
    return examined(patient(), therapy(), *patients, *therapies, *others)


def test_texts_without_a_code_are_named_with_what_they_cost():
    report = texts_report()
    rows = unmapped(report)
    assert [(r["system"], r["code"], r["patients"], r["outside_cohort"]) for r in rows] == [
        ("", RADIOLIGAND["text"], "3", "3")
    ]
    assert "3 patients would not be in the cohort" in report.verdict


def test_a_text_of_fewer_than_three_patients_is_shown_only_as_a_count(capsys):
    print_report(texts_report())
    shown = capsys.readouterr()
    assert "Mustermann" not in shown.out + shown.err
    assert "1 texts of fewer than 3 patients are not shown" in shown.err


def test_the_first_line_is_the_verdict(capsys):
    print_report(texts_report())
    assert capsys.readouterr().err.startswith(
        "A pull would work and give 1 patient; codes in no code list: 2 of procedures"
    )
    print_report(examined(psa()))
    assert capsys.readouterr().err.startswith("A pull would stop: no Patient resources")


def test_the_overlay_is_one_file_a_list_for_its_owner_alone(tmp_path):
    folder = tmp_path / "overlay"
    files = write_overlay(texts_report().gaps, folder)
    assert [path.name for path in files] == ["procedures.csv", "README.txt"]
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in files)
    rows = list(csv.DictReader((folder / "procedures.csv").read_text(encoding="utf-8").splitlines()))
    assert tuple(rows[0]) == HEADER
    assert {row["code"] for row in rows} == {RADIOLIGAND["text"], RARE["text"]}
    assert {row["means"] for row in rows} == {""}
    assert "procedures.csv: means is one of angiography" in (folder / "README.txt").read_text()


def test_an_overlay_changes_nothing_until_it_is_filled_in(tmp_path):
    report = texts_report()
    write_overlay(report.gaps, tmp_path / "o")
    settings = Settings(reading=Reading(codelists_overlay=str(tmp_path / "o")))
    resources = [patient(), therapy(), patient("t0"), procedure_of("x0", "t0", RADIOLIGAND)]
    assert examine(listed(*resources), settings).tables == examined(*resources).tables
    path = tmp_path / "o" / "procedures.csv"
    path.write_text(path.read_text().replace(f"{RADIOLIGAND['text']},,", f"{RADIOLIGAND['text']},,lu_psma"))
    assert examine(listed(*resources), settings).tables["patients"] == 2


def test_an_overlay_is_refused_inside_the_repository_and_over_another():
    with pytest.raises(InputError, match="inside the repository"):
        write_overlay(texts_report().gaps, REPOSITORY / "overlay")


def test_an_overlay_is_not_written_over_another(tmp_path):
    write_overlay(texts_report().gaps, tmp_path)
    with pytest.raises(InputError, match=r"procedures\.csv is there already"):
        write_overlay(texts_report().gaps, tmp_path)


def test_answers_units_and_statuses_that_are_not_understood_are_named():
    ecog = {"coding": [{"system": "http://loinc.org", "code": "89247-1"}]}
    answer = {"coding": [{"system": "http://h.example/ecog", "code": "ECOG-0"}]}
    resources = [psa(f"e{n}", code=ecog, valueCodeableConcept=answer) for n in range(3)]
    for resource in resources:
        resource.pop("valueQuantity", None)
    unit = psa("u", valueQuantity={"value": 5, "unit": "Einh./L", "code": "Einheiten/L"})
    printed = psa("v", valueQuantity={"value": 5, "unit": "Herr Mustermann"})
    unknown = {
        "resourceType": "Condition", "id": "k", "subject": {"reference": "Patient/p1"}, "code": RADIOLIGAND,
        "verificationStatus": {"coding": [{"system": "urn:h", "code": "maybe"}]},
    }  # fmt: skip
    report = examined(patient(), therapy(), *resources, unit, printed, unknown)
    assert [(r["list"], r["code"], r["source"]) for r in unmapped(report)] == [
        ("answers", "ECOG-0", "3 in the source"),
        ("units", "Einheiten/L", "1 in the source"),
    ]
    assert report.details[("unknown-unit", "value.unit 'Einheiten/L'", "psa")] == 1
    assert (
        report.details[("quarantined", "Condition.verificationStatus 'urn:h|maybe' (modifier-not-understood)", "")] == 1
    )


def test_therapies_and_diagnoses_come_first():
    many = [coded(f"o{n}", "LAB") for n in range(5)]
    local = {"coding": [{"system": "http://h.example", "code": "SIRT-1"}]}
    diagnosis = {"resourceType": "Condition", "id": "k", "subject": {"reference": "Patient/p1"}, "code": local}
    report = examined(patient(), therapy(), *many, diagnosis, procedure_of("x", "p1", local))
    assert [gap.code_list for gap in report.gaps] == ["procedures", "conditions", "observations"]


def test_f13_a_rare_therapy_and_a_diagnosis_are_named_among_many_codes():
    """A therapy of one patient is one code; a routine laboratory code is many."""
    source = open_source(str(CASES / "f13_doctor_hides_rare_codes.json"))
    named = {gap.code for gap in examine(source, Settings()).gaps}
    assert "79445" in named
    assert len(named) >= 53  # 93974005, the other code that was hidden, is in the list of diagnoses by now
