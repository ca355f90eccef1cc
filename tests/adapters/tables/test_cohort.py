"""Rules 2 to 4: who is in the tables, what becomes of every resource, and references settled on keys."""

from __future__ import annotations

import pytest

from adapters.ledger import FindingKind, LeftOutReason
from adapters.settings import Cohort
from tests.support.tables_support import (  # fmt: skip
    LOCAL,
    LOINC,
    OPS,
    SCT,
    billed,
    build,
    concept,
    condition,
    cycle,
    diameter,
    lesion,
    observation,
    patient,
    procedure,
    psa,
    quantity,
    same,
    study,
)

DISTANT = "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/CodeSystem/mii-cs-onko-fernmetastasen"
NAMING = "https://hospital.example/patient"


def identifier(value: str, system: str = NAMING) -> list[dict[str, str]]:
    return [{"system": system, "value": value}]


@pytest.mark.parametrize(
    "act",
    [
        cycle(),
        billed(),
        procedure((SCT, "764677008")),
        procedure((LOCAL, "maa-scintigraphy")),
        procedure((OPS, "3-70c.1")),
    ],
)
def test_each_procedure_of_the_rule_puts_its_patient_into_the_cohort(act: dict) -> None:  # type: ignore[type-arg]
    assert len(build([patient(), act])["patients"]) == 1


def test_others_are_left_out_as_outside_cohort_with_all_they_had() -> None:
    built = study(patient("q"), psa(identity="q1", subject="q"), procedure((SCT, "77477000"), "q2", subject="q"))
    assert len(built["patients"]) == 1
    for kind in ("Observation", "Procedure"):
        assert built.fate(kind) == [("left_out", "outside-cohort", 1)]
    assert ("left_out", "outside-cohort", 1) in built.fate("Patient")


def test_what_is_wrong_with_others_is_nobodys_finding() -> None:
    broken = psa(identity="q1", subject="q") | {"effectiveDateTime": "never"}
    built = study(patient("q"), broken)
    assert built.fate("Observation") == [("left_out", "outside-cohort", 1)]
    same_findings = study()["findings"]
    assert built["findings"].equals(same_findings)


def test_a_therapy_whose_date_cannot_be_read_still_makes_a_cohort_patient() -> None:
    built = build([patient(), cycle(when="2017-02-30"), psa()])
    assert len(built["patients"]) == 1
    assert built.fate("MedicationAdministration") == [("quarantined", "invalid-date", 1)]
    assert built.count(FindingKind.NO_DAY_ZERO) == 1


def test_every_patient_with_cohort_all() -> None:
    built = build([patient(), patient("q"), psa(subject="q")], everyone=True)
    assert len(built["patients"]) == 2
    assert not built["patients"]["has_day_zero"].any()


def test_the_rule_is_a_setting() -> None:
    resources = [patient(), procedure((SCT, "77477000"))]
    assert build(resources)["patients"].empty
    assert len(build(resources, cohort=Cohort(any_of=("ct",)))["patients"]) == 1


@pytest.mark.parametrize(
    "reason", [LeftOutReason.TEST_PATIENT, LeftOutReason.NO_CONSENT, LeftOutReason.OUTSIDE_SELECTION]
)
def test_excluded_patients_are_left_out_with_their_reason(reason: LeftOutReason) -> None:
    built = study(psa(), patient("q"), cycle("q1", subject="q"), psa(identity="q2", subject="q"),
                  excluded={"Patient/q": reason})  # fmt: skip
    assert len(built["patients"]) == 1
    assert ("left_out", reason.value, 1) in built.fate("Patient")
    assert built.fate("Observation") == [("left_out", reason.value, 1), ("used", "", 1)]


def test_nobody_gives_empty_tables_of_the_contract() -> None:
    built = build([])
    assert all(frame.empty for name, frame in built.tables.items() if name != "findings")


@pytest.mark.parametrize("resource", [patient(), cycle(), billed(), psa(), lesion(), condition((SCT, "399068003"))])
def test_a_single_resource_of_any_type_is_settled(resource: dict) -> None:  # type: ignore[type-arg]
    built = build([resource])
    assert built.ledger.counts()["read"] == 1


def test_a_resource_without_a_patient_that_was_read_is_left_out() -> None:
    nobody = psa(identity="o2")
    del nobody["subject"]
    built = study(psa(identity="o1", subject="stranger"), nobody)
    assert built.fate("Observation") == [("left_out", "no-patient", 2)]


def test_resources_count_by_how_many_rows_they_fed() -> None:
    two = observation((LOINC, "85354-9"), "o2", component=[
        {"code": concept((LOINC, code)), "valueQuantity": quantity(35, "U/L")} for code in ("1742-6", "1920-8")])  # fmt: skip
    heading = observation((LOINC, "21889-1"), "o3", component=[{"code": concept((LOINC, "1-8"))}])
    built = study(psa(), two, heading)
    fed = {rows: number for (kind, rows), number in built.ledger.rows_fed.items() if kind == "Observation"}
    assert fed == {"0": 1, "1": 1, "more": 1}


def test_a_reference_by_identifier_is_joined_on_the_key() -> None:
    by_name = psa(identity="o2") | {"subject": {"type": "Patient", "identifier": identifier("7")[0]}}
    built = build([patient(identifier=identifier("7")), cycle(), by_name])
    assert len(built["observations"]) == 1


def test_a_reference_by_identifier_of_another_system_or_of_two_patients_is_none() -> None:
    wrong = psa(identity="o1") | {"subject": {"type": "Patient", "identifier": identifier("7", "urn:other")[0]}}
    double = psa(identity="o2") | {"subject": {"type": "Patient", "identifier": identifier("8")[0]}}
    built = build([
        patient(identifier=identifier("7")), cycle(), wrong, double,
        patient("q", identifier=identifier("8")), patient("r", identifier=identifier("8")),
    ])  # fmt: skip
    assert built.fate("Observation") == [("left_out", "no-patient", 2)]
    assert built.count(FindingKind.SEVERAL_MATCHES) == 1


@pytest.mark.parametrize("where", ["old", "new", "both"])
def test_a_merged_patient_is_one_whichever_record_names_the_other(where: str) -> None:
    old = patient("old", active=False)
    new = patient("new")
    if where in ("old", "both"):
        old["link"] = [{"other": {"reference": "Patient/new"}, "type": "replaced-by"}]
    if where in ("new", "both"):
        new["link"] = [{"other": {"reference": "Patient/old"}, "type": "replaces"}]
    built = build([old, new, cycle(subject="new"), psa(subject="old")])
    assert len(built["patients"]) == 1
    assert built["observations"]["day"].tolist() == [0]
    assert built.fate("Patient") == [("used", "", 2)]
    assert built.count(FindingKind.MERGED_PATIENT) == 1


def test_what_the_current_record_leaves_open_the_old_one_fills() -> None:
    old = patient("old", birthDate="1947-03-01", link=[{"other": {"reference": "Patient/new"}, "type": "replaced-by"}])
    new = {"resourceType": "Patient", "id": "new", "gender": "female"}
    row = build([old, new, cycle(subject="new")]).only("patients")
    assert row["sex"] == "female"
    assert row["age_years"] == pytest.approx(70.0, abs=0.01)


def test_see_also_is_no_merge() -> None:
    link = [{"other": {"reference": "Patient/q"}, "type": "seealso"}]
    built = build([patient(link=link), patient("q"), cycle(), cycle("c2", subject="q")])
    assert len(built["patients"]) == 2


def test_a_patient_record_that_cannot_be_read_keeps_its_patient_with_nothing_guessed() -> None:
    built = build([patient(birthDate="1947-02-30"), cycle()])
    row = built.only("patients")
    assert (row["sex"], row["has_day_zero"]) == ("unknown", True)
    assert built.fate("Patient") == [("quarantined", "invalid-date", 1)]


def test_lesions_are_those_that_measurements_point_to() -> None:
    built = study(lesion(), lesion("l2"), diameter(34))
    assert built.only("lesions")["organ"] == "liver"
    assert built.fate("BodyStructure") == [("left_out", "not-referred-to", 1), ("used", "", 1)]
    assert built.only("observations")["lesion_id"] == built.only("lesions")["lesion_id"]


def test_a_lesion_may_be_named_by_the_body_site_extension() -> None:
    url = "http://hl7.org/fhir/StructureDefinition/bodySite"
    site = {"extension": [{"url": url, "valueReference": {"reference": "BodyStructure/l"}}]}
    mii = observation((SCT, "439984002"), valueQuantity=quantity(3.4, "cm"), bodySite=site)
    same(study(lesion(), mii), study(lesion(), diameter(34)))


def test_body_structures_of_one_identifier_are_one_lesion() -> None:
    tumour = identifier("tumour 1", "https://hospital.example/tumour")
    built = study(
        lesion(identifier=tumour), lesion("l2", identifier=tumour),
        diameter(34, identity="s1"), diameter(30, "l2", "s2", when="2017-05-02"),
    )  # fmt: skip
    assert len(built["lesions"]) == 1
    assert built["observations"]["lesion_id"].nunique() == 1


def test_a_lesion_of_another_patient_is_none() -> None:
    built = study(lesion(subject="q"), diameter(34), subjects=("p", "q"))
    assert built.only("observations")[["lesion_id"]].isna().all()
    assert built["lesions"].empty


def test_a_lesion_without_a_listed_organ_stays_with_a_finding() -> None:
    built = study(lesion(organ="78961009"), diameter(34))
    assert built.only("lesions")["organ"] == "none"
    assert built.count(FindingKind.LESION_WITHOUT_SITE) == 1


def test_a_diameter_without_a_lesion_stays() -> None:
    assert study(diameter(34, None)).only("observations")["value"] == 34.0


def test_the_tracer_comes_from_a_component_or_from_the_pet() -> None:
    code = ("http://dicom.nema.org/resources/ontology/DCM", "126401")
    tracer = concept(("http://dicom.nema.org/resources/ontology/DCM", "126758"))
    value = {"valueQuantity": quantity(18.2, "g/ml{SUVbw}"), "method": concept((SCT, "56851009"))}
    component = [{"code": concept((SCT, "349358000")), "valueCodeableConcept": tracer}]
    pet = procedure((SCT, "450436003"), usedCode=[tracer])
    own = study(pet, observation(code, component=component, **value))
    of_scan = study(pet, observation(code, partOf=[{"reference": "Procedure/x"}], **value))
    same(own, of_scan)
    assert own.only("observations")["tracer"] == "f18_psma_1007"


def test_metastases_are_told_by_conditions_or_by_observations() -> None:
    finding = observation((SCT, "385421009"), when="2016-11", valueCodeableConcept=concept((DISTANT, "HEP")))
    told = condition((SCT, "94381002"), onsetDateTime="2016-11")
    one, other = study(finding), study(told)
    same(one, other)
    assert one.only("conditions")["site"] == "liver"


def test_one_row_per_patient_condition_and_site_at_the_earliest_date() -> None:
    liver = (SCT, "94381002")
    built = study(
        condition(liver, "d1", onsetDateTime="2017-02-20"), condition(liver, "d2", onsetDateTime="2017-02"),
        condition((SCT, "128462008"), "d3", bodySite=[concept((SCT, "272673000")), concept((SCT, "39607008"))]),
    )  # fmt: skip
    rows = built["conditions"]
    assert rows["site"].tolist() == ["liver", "bone", "lung"]
    assert rows.loc[0, ["day_min", "day_max"]].tolist() == [-28, -9]
    assert built.ledger.rows_fed[("Condition", "1")] == 2
    assert built.ledger.rows_fed[("Condition", "more")] == 1


def test_a_metastasis_finding_without_a_listed_organ_is_no_metastasis() -> None:
    built = study(observation((SCT, "385421009"), valueCodeableConcept=concept((SCT, "1"))))
    assert built["conditions"].empty
    assert built.count(FindingKind.ANSWER_NOT_LISTED) == 1


@pytest.mark.parametrize(
    ("status", "active"), [("active", True), ("remission", False), ("resolved", False), (None, True)]
)
def test_a_condition_is_active_unless_it_says_otherwise(status: str | None, active: bool) -> None:
    clinical = concept(("http://terminology.hl7.org/CodeSystem/condition-clinical", status or ""))
    told = condition((SCT, "399068003"), **({"clinicalStatus": clinical} if status else {}))
    assert study(told).only("conditions")["is_active"] == active


def test_drug_lines_come_from_statements_and_else_from_first_to_last_dose() -> None:
    drug = concept((SCT, "386918005"))
    statement = {
        "resourceType": "MedicationStatement", "id": "t", "status": "completed", "medicationCodeableConcept": drug,
        "subject": {"reference": "Patient/p"}, "effectivePeriod": {"start": "2016-01", "end": "2016-06-15"},
    }  # fmt: skip
    doses = [cycle(f"g{n}", day, None) | {"medicationCodeableConcept": drug, "subject": {"reference": "Patient/q"}}
             for n, day in enumerate(("2017-03-11", "2017-04-01"))]  # fmt: skip
    built = study(statement, *doses, subjects=("p", "q"))
    lines = built["medications"].sort_values("start_day_min", ignore_index=True)
    assert lines["drug"].tolist() == ["docetaxel", "docetaxel"]
    assert lines.loc[0, ["start_day_min", "start_day_max", "end_day"]].tolist() == [-425, -395, -259]
    assert lines["start_day"].isna().tolist() == [True, False]
    assert lines.loc[1, ["start_day", "end_day"]].tolist() == [10, 31]


def test_androgen_deprivation_may_be_told_as_a_procedure() -> None:
    built = study(procedure((SCT, "707266006"), when="2016-01-01"))
    assert built.only("medications")[["drug", "start_day"]].tolist() == ["adt", -425]
    assert built.only("procedures")["procedure"] == "lu_psma"


def test_references_by_identifier_that_lead_nowhere_are_counted() -> None:
    nobody = psa(identity="o1") | {"subject": {"type": "Patient", "identifier": identifier("7")[0]}}
    named = {"type": "BodyStructure", "identifier": identifier("tumour 1")[0]}
    built = study(nobody, diameter(34, None, focus=[named]))
    assert built.count(FindingKind.UNRESOLVED_REFERENCE, path="patient") == 1
    assert built.count(FindingKind.UNRESOLVED_REFERENCE, path="lesion") == 1


def test_a_lesion_is_found_by_its_identifier() -> None:
    tumour = identifier("tumour 1")
    named = {"type": "BodyStructure", "identifier": tumour[0]}
    built = study(lesion(identifier=tumour), diameter(34, None, focus=[named]))
    assert built.only("observations")["lesion_id"] == "S01-L1"
    assert built.count(FindingKind.UNRESOLVED_REFERENCE) == 0


def test_equal_acts_under_two_ids_are_a_finding_and_no_deletion() -> None:
    built = study(procedure((SCT, "77477000"), "x1"), procedure((SCT, "77477000"), "x2"))
    assert built["procedures"]["procedure"].tolist().count("ct") == 2
    assert built.count(FindingKind.POSSIBLE_DUPLICATE, measure="ct") == 1
