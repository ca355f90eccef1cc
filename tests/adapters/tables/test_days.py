"""Rules 9 and 10: day 0, days, order within a day, age; death, last contact and the data cutoff."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from adapters.ledger import FindingKind
from tests.support.tables_support import (  # fmt: skip
    DEATH,
    LOCAL,
    LOINC,
    SCT,
    Cases,
    build,
    cases,
    concept,
    condition,
    cycle,
    observation,
    patient,
    procedure,
    psa,
    study,
)

VITAL = (LOINC, "67162-8")
ALIVE, DEAD = concept((SCT, "438949009")), concept((SCT, "419099009"))


def vital(answer: dict, when: str | None, identity: str = "v") -> dict:  # type: ignore[type-arg]
    return observation(VITAL, identity, when, valueCodeableConcept=answer)


def follow_up(when: str, identity: str = "f") -> dict:  # type: ignore[type-arg]
    return observation((LOCAL, "last-contact"), identity, when)


@pytest.fixture(scope="module")
def found() -> Cases:
    return cases({
        "exact": [psa(when="2017-03-11")],
        "month": [psa(when="2017-03")],
        "year": [psa(when="2016")],
        "no date": [psa(when=None)],
        "instant": [psa(when="2017-03-10T23:30:00Z")],
        "zoneless": [psa(when="2017-03-11T00:30:00")],
        "period": [psa(when=None, effectivePeriod={"start": "2017-03-11", "end": "2017-03-15"})],
        "period without start": [psa(when=None, effectivePeriod={"end": "2017-03-15"})],
        "effective instant": [psa(when=None, effectiveInstant="2017-03-11T08:00:00+01:00")],
        "order": [
            psa(1.0, identity="o1", when="2017-03-11T18:00:00+01:00"), psa(2.0, identity="o2", when="2017-03-11T07:00:00Z"),
            psa(3.0, identity="o3", when="2017-03-11"), psa(4.0, identity="o4", when="2017-03-11T08:00:00+01:00")],
        "dead on a day": [patient(deceasedDateTime="2018-01-15"), vital(DEAD, "2018-01-15")],
        "dead at a time": [patient(deceasedDateTime="2018-01-14T23:30:00Z")],
        "dead in a month": [patient(deceasedDateTime="2018-01"), psa(when="2017-12-24")],
        "dead, no date": [patient(deceasedBoolean=True), psa(when="2017-12-24")],
        "dead by status": [patient(deceasedBoolean=True), vital(concept((DEATH, "T")), "2018-01-15")],
        "dead by status alone": [vital(DEAD, "2018-01-15")],
        "dead by cause of death": [observation((SCT, "184305005"), when="2018-01-15")],
        "dead on two days": [patient(deceasedDateTime="2018-01-15"), vital(DEAD, "2018-02-15")],
        "dead and denied": [patient(deceasedBoolean=False), vital(DEAD, "2018-01-15")],
        "alive after death": [patient(deceasedDateTime="2018-01-15"), vital(ALIVE, "2018-02-15")],
        "measured after death": [patient(deceasedDateTime="2018-01-15"), psa(when="2018-02-15")],
        "alive": [vital(ALIVE, "2018-06-01", "v1"), vital(ALIVE, "2018-03-01", "v2"), psa(when="2018-01-01")],
        "alive, then measured": [vital(ALIVE, "2018-03-01"), psa(when="2018-06-01")],
        "follow-up": [follow_up("2018-06-01"), vital(ALIVE, "2018-03-01")],
        "events only": [psa(when="2017-05-01"), procedure((SCT, "77477000"), when="2017-06-01"),
                        condition((SCT, "389026000"), onsetDateTime="2017-05-15")],
        "month only after": [psa(when="2017-05-01", identity="o1"), psa(when="2017-06", identity="o2")],
    })  # fmt: skip


def given(row: pd.Series, *names: str) -> list[object]:
    return [None if pd.isna(row[name]) else row[name] for name in names]


@pytest.mark.parametrize(
    ("case", "day", "first", "last"),
    [
        ("exact", 10, 10, 10),
        ("month", None, 0, 30),
        ("year", None, -425, -60),
        ("no date", None, None, None),
        ("instant", 10, 10, 10),
        ("zoneless", 10, 10, 10),
        ("period", 10, 10, 10),
        ("period without start", None, None, 14),
        ("effective instant", 10, 10, 10),
    ],
)
def test_day_only_where_exact_and_bounds_else(found: Cases, case: str, day: int, first: int, last: int) -> None:
    assert given(found.row(case), "day", "day_min", "day_max") == [day, first, last]


def test_inexact_dates_are_findings(found: Cases) -> None:
    assert found.count("zoneless", FindingKind.TIME_WITHOUT_ZONE) == 1
    assert found.built.count(FindingKind.DATE_MISSING, measure="psa") == 1
    assert found.built.count(FindingKind.PARTIAL_DATE, measure="psa") == 4


def test_order_within_a_day_follows_the_original_time(found: Cases) -> None:
    rows = found.rows("order")
    assert dict(zip(rows["value"], rows["order"], strict=True)) == {3.0: 1, 2.0: 2, 4.0: 2, 1.0: 3}
    assert rows["value"].tolist()[0] == 3.0


@pytest.mark.parametrize(
    ("case", "death", "first", "last", "contact", "source"),
    [
        ("dead on a day", 320, 320, 320, 320, "death"),
        ("dead at a time", 320, 320, 320, 320, "death"),
        ("dead in a month", None, 306, 336, 298, "clinical_event"),
        ("dead, no date", None, None, None, 298, "clinical_event"),
        ("dead by status", 320, 320, 320, 320, "death"),
        ("dead by status alone", 320, 320, 320, 320, "death"),
        ("dead by cause of death", 320, 320, 320, 320, "death"),
        ("dead on two days", 320, 320, 320, 320, "death"),
        ("dead and denied", 320, 320, 320, 320, "death"),
        ("alive after death", 320, 320, 320, 320, "death"),
        ("measured after death", 320, 320, 320, 320, "death"),
    ],
)
def test_death(found: Cases, case: str, death: int, first: int, last: int, contact: int, source: str) -> None:
    row = found.row(case, "patients")
    assert row["death_observed"]
    assert given(row, "death_day", "death_day_min", "death_day_max") == [death, first, last]
    assert given(row, "last_contact_day", "last_contact_source") == [contact, source]


@pytest.mark.parametrize(
    ("case", "contact", "source"),
    [
        ("alive", 457, "vital_status"),
        ("alive, then measured", 365, "vital_status"),
        ("follow-up", 457, "follow_up"),
        ("events only", 92, "clinical_event"),
        ("month only after", 61, "clinical_event"),
        ("exact", 10, "clinical_event"),
        ("no date", 0, "clinical_event"),
    ],
)
def test_last_contact_of_the_living(found: Cases, case: str, contact: int, source: str) -> None:
    row = found.row(case, "patients")
    assert not row["death_observed"]
    assert given(row, "death_day", "last_contact_day", "last_contact_source") == [None, contact, source]


def test_a_follow_up_feeds_the_last_contact_and_no_table(found: Cases) -> None:
    assert found.rows("follow-up")["measure"].tolist() == ["vital_status"]
    assert found.built.ledger.counts()["left_out"] == 0


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("dead in a month", FindingKind.DEATH_WITHOUT_DATE),
        ("dead, no date", FindingKind.DEATH_WITHOUT_DATE),
        ("dead on two days", FindingKind.CONTRADICTING_DEATH),
        ("dead and denied", FindingKind.CONTRADICTING_DEATH),
        ("alive after death", FindingKind.CONTRADICTING_DEATH),
        ("measured after death", FindingKind.EVENT_AFTER_DEATH),
    ],
)
def test_what_does_not_fit_a_death_is_a_finding(found: Cases, case: str, kind: FindingKind) -> None:
    assert found.count(case, kind) == 1
    assert found.count("dead on a day", kind) == 0


def test_day_zero_is_the_first_completed_cycle() -> None:
    built = build([
        patient(), cycle("c1", "2017-02-01", status="in-progress"), cycle("c2", "2017-03-01"), cycle("c3", "2017-04-20"),
    ])  # fmt: skip
    assert built["procedures"]["day"].tolist() == [-28, 0, 50]


def test_a_cycle_of_inexact_date_that_may_come_first_leaves_no_day_zero() -> None:
    before = build([patient(), cycle("c1", "2017-03"), cycle("c2", "2017-03-15")])
    assert before["procedures"]["day"].isna().all()
    assert not before.only("patients")["has_day_zero"]
    after = build([patient(), cycle("c1", "2017-04"), cycle("c2", "2017-03-15")])
    assert after.only("patients")["has_day_zero"]


def test_without_day_zero_there_are_no_days_and_a_finding() -> None:
    built = build([patient(deceasedDateTime="2018-01-15"), procedure((SCT, "764677008")), psa()])
    row = built.only("patients")
    assert given(row, "age_years", "death_day", "last_contact_day") == [None, None, None]
    assert (row["death_observed"], row["last_contact_source"], row["has_day_zero"]) == (True, "death", False)
    assert built["observations"]["day"].isna().all()
    assert built.count(FindingKind.NO_DAY_ZERO) == 1


def test_day_zero_is_a_setting() -> None:
    built = build([patient(), procedure((SCT, "764677008")), cycle(when="2017-04-20")], day_zero="sirt")
    assert sorted(built["procedures"]["day"]) == [0, 50]


def test_the_zone_is_a_setting() -> None:
    late = psa(when="2017-03-10T23:30:00Z")
    assert study(late).only("observations")["day"] == 10
    assert study(late, zone="UTC").only("observations")["day"] == 9


@pytest.mark.parametrize(
    ("birth", "age"), [("1947-03-01", 25568 / 365.25), ("1947-03-02", 25567 / 365.25), ("1947-03", None)]
)
def test_age_is_exact_days_at_day_zero(birth: str, age: float | None) -> None:
    built = build([patient(birthDate=birth), cycle()])
    assert given(built.only("patients"), "age_years") == [age]
    assert built.count(FindingKind.BIRTH_DATE_PARTIAL) == (age is None)


CUTOFF = {"data_cutoff": date(2017, 12, 31)}


@pytest.mark.parametrize(
    "record",
    [
        [patient(deceasedDateTime="2018-01-15")],
        [patient(deceasedBoolean=True), vital(DEAD, "2018-01-15")],
    ],
)
def test_a_death_after_the_cutoff_is_not_observed(record: list[dict]) -> None:  # type: ignore[type-arg]
    row = build([*record, cycle(), psa(when="2017-12-24")], **CUTOFF).only("patients")
    assert not row["death_observed"]
    assert given(row, "death_day", "last_contact_day", "last_contact_source") == [None, 298, "clinical_event"]


def test_events_after_the_cutoff_are_left_out_and_counted() -> None:
    built = study(psa(identity="o1", when="2017-12-31"), psa(identity="o2", when="2018-01-01"), vital(ALIVE, "2018-06-01"),
                  **CUTOFF)  # fmt: skip
    assert built.fate("Observation") == [("left_out", "after-data-cutoff", 2), ("used", "", 1)]
    assert built.count(FindingKind.AFTER_DATA_CUTOFF) == 2
    assert built.only("patients")["last_contact_day"] == 305


def test_a_first_therapy_after_the_cutoff_makes_no_cohort_patient() -> None:
    assert build([patient(), cycle(when="2018-01-01")], **CUTOFF)["patients"].empty


def test_a_birth_after_day_zero_is_a_finding_and_no_age() -> None:
    built = build([patient(birthDate="2017-03-02"), cycle()])
    assert pd.isna(built.only("patients")["age_years"])
    assert built.count(FindingKind.IMPLAUSIBLE_VALUE, path="birthDate") == 1
    assert build([patient(birthDate="2017-03-01"), cycle()]).only("patients")["age_years"] == 0
