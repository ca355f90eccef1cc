"""Rule 5: a Procedure and an administration of one agent are one therapy where they are linked or close in time."""

from __future__ import annotations

import pandas as pd
import pytest

from adapters.ledger import FindingKind
from tests.support.tables_support import (  # fmt: skip
    ATC,
    OPS,
    SCT,
    Cases,
    billed,
    build,
    cases,
    concept,
    cycle,
    patient,
    procedure,
    quantity,
    study,
)

LATER = "2017-05-02"  # day 62, where no cycle of a case's day 0 is near
NAMING = "https://hospital.example/therapy"
SIRT = ((OPS, "8-530.a5"), (SCT, "764677008"))


def ref(kind: str, identity: str) -> dict[str, str]:
    return {"reference": f"{kind}/{identity}"}


def named(value: str) -> list[dict[str, str]]:
    return [{"system": NAMING, "value": value}]


@pytest.fixture(scope="module")
def found() -> Cases:
    return cases({
        "same day": [billed(when=LATER), cycle(when=LATER)],
        "next day": [billed(when="2017-05-03"), cycle(when=LATER)],
        "two days apart": [billed(when="2017-05-04"), cycle(when=LATER)],
        "part of, a week apart": [billed(when="2017-05-09"), cycle(when=LATER, partOf=[ref("Procedure", "b")])],
        "procedure is part of": [billed(when="2017-05-09", partOf=[ref("MedicationAdministration", "c")]), cycle(when=LATER)],
        "shared identifier": [billed(when="2017-05-09", identifier=named("7")), cycle(when=LATER, identifier=named("7"))],
        "other identifier": [billed(when="2017-05-09", identifier=named("7")), cycle(when=LATER, identifier=named("8"))],
        "shared request": [
            billed(when="2017-05-09", basedOn=[ref("ServiceRequest", "r")]),
            cycle(when=LATER, request=ref("ServiceRequest", "r"))],
        "one has no date": [billed(when=None), cycle(when=LATER, partOf=[ref("Procedure", "b")])],
        "month only, not linked": [billed(when="2017-05"), cycle(when=LATER)],
        "another agent": [procedure(SIRT[0], when=LATER), cycle(when=LATER)],
        "two procedures": [billed("b1", LATER), billed("b2", LATER)],
        "activity of the procedure": [billed(when=LATER, mbq=7400), cycle(when=LATER, gbq=None)],
        "activity of the administration": [billed(when=LATER), cycle(when=LATER, gbq=7.4)],
        "equal activities": [billed(when=LATER, mbq=7400), cycle(when=LATER, gbq=7.4)],
        "activities contradict": [billed(when=LATER, mbq=6000), cycle(when=LATER, gbq=7.4)],
        "no activity": [billed(when=LATER), cycle(when=LATER, gbq=None)],
        "in progress and completed": [billed(when=LATER, status="in-progress"), cycle(when=LATER)],
        "time of the procedure": [billed(when="2017-05-02T10:00:00Z"), cycle(when=LATER)],
        "a course of two": [
            billed("course", LATER, status="in-progress"),
            cycle("c1", LATER, partOf=[ref("Procedure", "course")]),
            cycle("c2", "2017-07-01", partOf=[ref("Procedure", "course")])],
        "nearest first": [
            billed("b1", LATER), billed("b2", "2017-05-03"), cycle("c1", LATER, 6.0), cycle("c2", "2017-05-03", 7.0)],
    })  # fmt: skip


def later(found: Cases, case: str) -> list[tuple[int | None, float | None, str]]:
    """Day, activity and status of the therapies after day 0."""
    rows = found.rows(case, "procedures")
    rows = rows[rows["day"].ne(0).fillna(True)]
    found_days = [None if pd.isna(day) else int(day) for day in rows["day"]]
    activities = [None if pd.isna(gbq) else gbq for gbq in rows["activity_gbq"]]
    return list(zip(found_days, activities, rows["status"], strict=True))


@pytest.mark.parametrize(
    "case",
    ["same day", "next day", "part of, a week apart", "procedure is part of", "shared identifier", "shared request",
     "one has no date", "activity of the administration", "time of the procedure"],
)  # fmt: skip
def test_linked_or_close_are_one(found: Cases, case: str) -> None:
    assert [day for day, _, _ in later(found, case)] == [62]


@pytest.mark.parametrize(
    "case", ["two days apart", "other identifier", "month only, not linked", "another agent", "two procedures"]
)
def test_neither_linked_nor_close_are_two(found: Cases, case: str) -> None:
    assert len(later(found, case)) == 2


@pytest.mark.parametrize(
    ("case", "gbq"),
    [
        ("activity of the procedure", 7.4),
        ("activity of the administration", 7.4),
        ("equal activities", 7.4),
        ("activities contradict", 7.4),
        ("no activity", None),
    ],
)
def test_activity_comes_from_the_one_that_has_it(found: Cases, case: str, gbq: float | None) -> None:
    assert later(found, case) == [(62, gbq, "completed")]


def test_contradictions_are_findings(found: Cases) -> None:
    for case, count in (("activities contradict", 1), ("equal activities", 0), ("activity of the procedure", 0)):
        assert found.count(case, FindingKind.CONTRADICTING_ACTIVITY) == count
    for case, count in (("part of, a week apart", 1), ("next day", 1), ("same day", 0), ("one has no date", 0)):
        assert found.count(case, FindingKind.CONTRADICTING_DAY) == count


def test_the_day_is_that_of_the_administration(found: Cases) -> None:
    assert later(found, "part of, a week apart")[0][0] == 62


def test_completed_by_one_is_completed(found: Cases) -> None:
    assert later(found, "in progress and completed") == [(62, 6.1, "completed")]


def test_a_course_swallows_none_of_its_cycles(found: Cases) -> None:
    assert [day for day, _, _ in later(found, "a course of two")] == [62, 122]


def test_of_several_pairs_the_nearest_belong_together(found: Cases) -> None:
    assert later(found, "nearest first") == [(62, 6.0, "completed"), (63, 7.0, "completed")]


def test_both_resources_count_as_used() -> None:
    built = build([patient(), cycle(), billed()])
    assert built.fate("Procedure") == [("used", "", 1)]
    assert built.fate("MedicationAdministration") == [("used", "", 1)]
    assert built.count(FindingKind.MERGED_THERAPY, measure="lu_psma") == 1
    assert len(built["procedures"]) == 1


def test_merge_days_is_a_setting() -> None:
    apart = [patient(), cycle(), billed(when="2017-03-04")]
    assert len(build(apart)["procedures"]) == 2
    assert len(build(apart, merge_days=3)["procedures"]) == 1
    assert len(build([patient(), cycle(), billed(when="2017-03-02")], merge_days=0)["procedures"]) == 2


def test_a_medication_referred_to_names_the_agent_by_product_or_ingredient() -> None:
    medication = {
        "resourceType": "Medication",
        "id": "m",
        "code": concept((ATC, "V10XX05")),
        "ingredient": [{"itemCodeableConcept": concept((SCT, "1263794005"))}],
    }
    other = {"resourceType": "Medication", "id": "n", "code": concept((ATC, "V10XX05"))}
    given = cycle(medicationReference=ref("Medication", "m"))
    del given["medicationCodeableConcept"]
    built = build([patient(), medication, other, given])
    assert built.only("procedures")["procedure"] == "lu_psma"
    assert built.fate("Medication") == [("left_out", "not-referred-to", 1), ("used", "", 1)]


def test_sirt_with_its_microspheres_is_one_with_its_activity_and_site() -> None:
    course = procedure(SIRT[1], "s", LATER, bodySite=[concept((SCT, "10200004"))])
    spheres = cycle("y", LATER, 1.2) | {
        "medicationCodeableConcept": concept((SCT, "764678003")),
        "partOf": [ref("Procedure", "s")],
    }
    built = study(course, spheres)
    sirt = built["procedures"].query("procedure == 'sirt'")
    assert sirt[["day", "activity_gbq", "site"]].values.tolist() == [[62, 1.2, "liver"]]


@pytest.mark.parametrize(("unit", "value"), [("GBq", 7.4), ("MBq", 7400.0), ("mCi", 200.0)])
def test_activity_in_any_unit_of_activity(unit: str, value: float) -> None:
    built = build([patient(), cycle(gbq=None, dosage={"dose": quantity(value, unit)})])
    assert built.only("procedures")["activity_gbq"] == 7.4


def test_a_dose_that_is_no_activity_is_a_finding_and_the_therapy_stays() -> None:
    built = build([patient(), cycle(gbq=None, dosage={"dose": quantity(1, "{vial}")})])
    assert built.only("procedures")[["activity_gbq"]].isna().all()
    assert built.count(FindingKind.UNKNOWN_UNIT, path="activity_gbq") == 1


def test_a_pet_counts_only_with_a_known_psma_tracer() -> None:
    tracer = concept(("http://dicom.nema.org/resources/ontology/DCM", "126758"))
    known = procedure((SCT, "450436003"), "x1", usedCode=[tracer])
    fdg = procedure((SCT, "450436003"), "x2", usedCode=[concept((SCT, "35321007"))])
    built = study(known, fdg)
    assert built["procedures"].query("procedure == 'psma_pet'")["tracer"].tolist() == ["f18_psma_1007"]
    assert ("left_out", "incomplete", 1) in built.fate("Procedure")
    assert built.count(FindingKind.CODE_WITHOUT_ROW, measure="psma_pet") == 1


@pytest.mark.parametrize("value", [-7.4, 1e400])
def test_an_activity_that_cannot_be_is_a_finding_and_the_therapy_stays(value: float) -> None:
    built = build([patient(), cycle(gbq=value)])
    assert built.only("procedures")[["activity_gbq"]].isna().all()
    assert built.count(FindingKind.IMPLAUSIBLE_VALUE, path="activity_gbq") == 1
