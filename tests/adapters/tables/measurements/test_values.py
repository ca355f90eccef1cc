"""Rule 8, values: comparators, texts, absent reasons, units, limits, the reference range that fits; and rule 6, codes."""

from __future__ import annotations

from decimal import Decimal

import pandas as pd
import pytest

from adapters.ledger import FindingKind
from tests.support.tables_support import (  # fmt: skip
    DCM,
    LOCAL,
    LOINC,
    SCT,
    Cases,
    cases,
    concept,
    cycle,
    observation,
    patient,
    psa,
    quantity,
    study,
)

ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
MEANING = "http://terminology.hl7.org/CodeSystem/referencerange-meaning"
ALT, BILIRUBIN, HB = (LOINC, "1742-6"), (LOINC, "14631-6"), (LOINC, "718-7")
MALE, FEMALE = concept((SCT, "248153007")), concept((SCT, "248152002"))


def lab(code: tuple[str, str], value: float, unit: str | None, *ranges: dict, **more) -> dict:  # type: ignore[no-untyped-def, type-arg]
    return observation(
        code, valueQuantity=quantity(value, unit), **({"referenceRange": list(ranges)} if ranges else {}), **more
    )


def limits(low: float | None, high: float | None, unit: str | None = "g/dL", **more) -> dict:  # type: ignore[no-untyped-def, type-arg]
    found = {"low": low, "high": high}
    return {name: quantity(value, unit) for name, value in found.items() if value is not None} | more


def years(low: float | None, high: float | None) -> dict:  # type: ignore[type-arg]
    return {k: quantity(v, "a") for k, v in {"low": low, "high": high}.items() if v is not None}


@pytest.fixture(scope="module")
def found() -> Cases:
    return cases({
        "comparator": [observation(valueQuantity=quantity(0.1, "ng/mL") | {"comparator": "<"})],
        "text": [observation(valueString="<0.1 ng/mL")],
        "text without unit": [observation(valueString="< 0,1")],
        "text of another measure without unit": [observation(ALT, valueString="35")],
        "word": [observation(valueString="not detectable")],
        "absent": [observation(dataAbsentReason=concept((ABSENT, "error")))],
        "absent for a new reason": [observation(dataAbsentReason=concept((ABSENT, "brand-new")))],
        "nothing": [observation()],
        "range": [observation(valueRange={"low": quantity(1, "ng/mL")})],
        "no unit": [psa(12.5, None)],
        "no unit, not known": [lab(ALT, 35, None)],
        "unknown unit": [lab(ALT, 35, "furlong")],
        "molar": [lab(BILIRUBIN, 17.104, "umol/L")],
        "converted": [lab(HB, 126, "g/L", limits(140, 180, "g/L"))],
        "limits in another unit": [lab(HB, 12.6, "g/dL", limits(140, 18, "g/L"))],
        "limit of unknown unit": [lab(HB, 12.6, "g/dL", limits(14, 18, "furlong"))],
        "limit above only": [lab(ALT, 35, "U/L", limits(None, 50, "U/L"))],
        "normal beside treatment": [
            psa(referenceRange=[limits(None, 4, "ng/mL", type=concept((MEANING, "normal"))),
                                limits(None, 0.2, "ng/mL", type=concept((MEANING, "treatment")))])],
        "treatment only": [psa(referenceRange=[limits(None, 0.2, "ng/mL", type=concept((MEANING, "treatment")))])],
        "by sex": [lab(HB, 12.6, "g/dL", limits(14, 18, appliesTo=[MALE]), limits(12, 16, appliesTo=[FEMALE]))],
        "by sex, woman": [patient(gender="female"), lab(
            HB, 12.6, "g/dL", limits(14, 18, appliesTo=[MALE]), limits(12, 16, appliesTo=[FEMALE]))],
        "by sex, unknown": [patient(gender="unknown"), lab(
            HB, 12.6, "g/dL", limits(14, 18, appliesTo=[MALE]), limits(12, 16, appliesTo=[FEMALE]))],
        "for pregnant women": [lab(HB, 12.6, "g/dL", limits(11, 15, appliesTo=[concept((SCT, "77386006"))]))],
        "by age": [lab(HB, 12.6, "g/dL", limits(14, 18, age=years(18, 69)), limits(13, 17, age=years(70, None)))],
        "by age, a day younger": [lab(
            HB, 12.6, "g/dL", limits(14, 18, age=years(18, 69)), limits(13, 17, age=years(70, None)), when="2017-02-28")],
        "by age, birth year only": [patient(birthDate="1947"), lab(HB, 12.6, "g/dL", limits(13, 17, age=years(70, None)))],
        "two that differ": [lab(HB, 12.6, "g/dL", limits(14, 18), limits(13, 17))],
        "two that agree": [lab(HB, 12.6, "g/dL", limits(14, 18), limits(14, 18))],
        "ecog as number": [observation((LOINC, "89247-1"), valueInteger=2)],
        "ecog as finding": [observation((SCT, "423690003"), component=[
            {"code": concept((SCT, "423740007")), "valueCodeableConcept": concept((SCT, "422894000"))}])],
        "gleason as finding": [observation((LOINC, "35266-6"), valueCodeableConcept=concept((SCT, "33013007")))],
        "gleason of another list": [observation((LOINC, "35266-6"), valueCodeableConcept=concept((SCT, "1")))],
        "suv": [lab((DCM, "126401"), 18.2, "g/ml{SUVbw}", method=concept((SCT, "56851009")))],
        "suv mean": [lab((DCM, "126401"), 8.2, "g/ml{SUVbw}", method=concept((SCT, "373098007")))],
        "flow": [observation((LOCAL, "gi-flow"), valueBoolean=False)],
        "negative": [psa(-1.0)],
        "integer psa": [observation(valueInteger=3)],
        "two components": [observation((LOINC, "85354-9"), component=[
            {"code": concept(HB), "valueQuantity": quantity(12.6, "g/dL")},
            {"code": concept(ALT), "valueQuantity": quantity(35, "U/L")},
            {"code": concept((LOINC, "8480-6")), "valueQuantity": quantity(120, "mm[Hg]")}])],
    })  # fmt: skip


def given(row: pd.Series, *names: str) -> list[object]:
    return [None if pd.isna(row[name]) else row[name] for name in names]


@pytest.mark.parametrize(
    ("case", "comparator", "value"),
    [
        ("comparator", "<", 0.1),
        ("text", "<", 0.1),
        ("text without unit", "<", 0.1),
        ("no unit", None, 12.5),
        ("molar", None, 1.0),
        ("converted", None, 12.6),
        ("ecog as number", None, 2.0),
        ("ecog as finding", None, 2.0),
        ("gleason as finding", None, 8.0),
        ("suv", None, 18.2),
        ("integer psa", None, 3.0),
        ("negative", None, -1.0),
        ("word", None, None),
        ("nothing", None, None),
        ("range", None, None),
        ("gleason of another list", None, None),
        ("absent", None, None),
    ],
)
def test_value_and_comparator(found: Cases, case: str, comparator: str | None, value: float | None) -> None:
    assert given(found.row(case), "comparator", "value") == [comparator, value]


@pytest.mark.parametrize("case", ["unknown unit", "no unit, not known", "text of another measure without unit"])
def test_a_unit_that_the_measure_does_not_know_quarantines(found: Cases, case: str) -> None:
    assert found.rows(case).empty


def test_quarantine_names_path_and_reason(found: Cases) -> None:
    assert ("quarantined", "unknown-unit", 3) in found.built.fate("Observation")
    assert found.built.count(FindingKind.QUARANTINED, path="Observation.value.unit (unknown-unit)") == 3


@pytest.mark.parametrize(
    ("case", "kind"),
    [
        ("word", FindingKind.TEXT_NOT_PARSED),
        ("range", FindingKind.VALUE_TYPE_NOT_READ),
        ("no unit", FindingKind.UNIT_MISSING),
        ("text without unit", FindingKind.UNIT_MISSING),
        ("unknown unit", FindingKind.UNKNOWN_UNIT),
        ("limit of unknown unit", FindingKind.UNKNOWN_UNIT),
        ("gleason of another list", FindingKind.ANSWER_NOT_LISTED),
        ("negative", FindingKind.IMPLAUSIBLE_VALUE),
        ("treatment only", FindingKind.NO_REFERENCE_RANGE),
        ("by sex, unknown", FindingKind.NO_REFERENCE_RANGE),
        ("for pregnant women", FindingKind.NO_REFERENCE_RANGE),
        ("by age, birth year only", FindingKind.NO_REFERENCE_RANGE),
        ("two that differ", FindingKind.NO_REFERENCE_RANGE),
    ],
)
def test_what_was_not_understood_is_a_finding_about_the_patient(found: Cases, case: str, kind: FindingKind) -> None:
    assert found.count(case, kind) >= 1


@pytest.mark.parametrize(
    ("case", "reason"),
    [("absent", "error"), ("absent for a new reason", "other"), ("nothing", None), ("no unit", None)],
)
def test_absent_reason(found: Cases, case: str, reason: str | None) -> None:
    assert given(found.row(case), "absent_reason") == [reason]


@pytest.mark.parametrize(
    ("case", "lower", "upper"),
    [
        ("converted", 14.0, 18.0),
        ("limits in another unit", 14.0, 1.8),
        ("limit of unknown unit", None, None),
        ("limit above only", None, 50.0),
        ("normal beside treatment", None, 4.0),
        ("treatment only", None, None),
        ("by sex", 14.0, 18.0),
        ("by sex, woman", 12.0, 16.0),
        ("by sex, unknown", None, None),
        ("for pregnant women", None, None),
        ("by age", 13.0, 17.0),
        ("by age, a day younger", 14.0, 18.0),
        ("by age, birth year only", None, None),
        ("two that differ", None, None),
        ("two that agree", 14.0, 18.0),
    ],
)
def test_limits_of_the_range_that_fits(found: Cases, case: str, lower: float | None, upper: float | None) -> None:
    assert given(found.row(case), "lower_limit", "upper_limit") == [lower, upper]


def test_the_method_names_the_statistic_of_an_uptake(found: Cases) -> None:
    assert found.row("suv")["measure"] == "suv_max"
    assert found.row("suv mean")["measure"] == "suv_mean"


def test_yes_and_no_are_present_and_absent(found: Cases) -> None:
    assert given(found.row("flow"), "category", "unit") == ["absent", None]


def test_components_are_measurements_of_their_own_and_their_heading_is_none(found: Cases) -> None:
    rows = found.rows("two components")
    assert dict(zip(rows["measure"], rows["value"], strict=True)) == {"haemoglobin": 12.6, "alt": 35.0}
    assert found.row("ecog as finding")["measure"] == "ecog"


def test_codings_that_mean_different_measures_quarantine_the_resource() -> None:
    both = observation(valueQuantity=quantity(35, "U/L")) | {"code": concept(ALT, (LOINC, "2857-1"))}
    built = study(both)
    assert built.fate("Observation") == [("quarantined", "conflicting-codes", 1)]
    assert built["observations"].empty


def test_an_invalid_comparator_quarantines_the_resource() -> None:
    built = study(observation(valueQuantity=quantity(1, "ng/mL") | {"comparator": "<>"}))
    assert built.fate("Observation") == [("quarantined", "invalid-comparator", 1)]


def test_invalid_values_and_dates_quarantine_with_path_and_reason_but_cost_no_other_resource() -> None:
    built = study(
        psa(identity="o1") | {"effectiveDateTime": "2017-02-30"},
        psa(identity="o2") | {"valueQuantity": {"value": "12.5", "code": "ng/mL"}},
        psa(identity="o3"),
        psa(identity="o4", issued="never"),
        observation((LOINC, "8480-6"), "o5", valueQuantity={"value": "no view's business"}),
    )
    assert built.fate("Observation") == [
        ("left_out", "code-not-listed", 1),
        ("quarantined", "invalid-date", 1),
        ("quarantined", "invalid-value", 1),
        ("used", "", 2),
    ]
    paths = sorted(f.path or "" for f in built.ledger.findings if f.finding == FindingKind.QUARANTINED)
    assert paths == [
        "Observation.effective (invalid-date)",
        "Observation.value.ofType(Quantity).value (invalid-value)",
    ]


def test_an_unlisted_code_is_left_out_and_counted() -> None:
    built = study(observation((LOINC, "8480-6"), valueQuantity=quantity(120, "mm[Hg]")))
    assert built.fate("Observation") == [("left_out", "code-not-listed", 1)]


def test_equal_code_time_and_value_under_two_ids_is_a_finding_and_no_deletion() -> None:
    built = study(psa(identity="o1"), psa(identity="o2"), psa(13.0, identity="o3"))
    assert len(built["observations"]) == 3
    assert built.count(FindingKind.POSSIBLE_DUPLICATE) == 1


def test_overlays_of_codes_and_units_make_a_hospitals_own_data_readable(tmp_path) -> None:  # type: ignore[no-untyped-def]
    for name, text in {
        "codes/observations.csv": "system,code,display,means,source\nhttps://lab.example,PSA,PSA,psa,our laboratory\n",
        "units/own.csv": "measure,ucum,to,factor,source\npsa,ng per ml,ng/mL,1,our laboratory\n",
    }.items():
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text, encoding="utf-8")
    own = observation(("https://lab.example", "PSA"), valueQuantity={"value": 3.5, "unit": "ng per ml"})
    assert study(own)["observations"].empty
    built = study(own, codelists_overlay="codes", units_overlay="units", folder=tmp_path)
    assert built.only("observations")["value"] == 3.5


def test_cycles_are_no_measurements() -> None:
    assert study(cycle("c2", "2017-04-20"))["observations"].empty


@pytest.mark.parametrize("value", [1e400, Decimal("1e500"), 10**400])
def test_a_number_that_no_float_holds_is_a_finding_and_no_value(value: object) -> None:
    built = study(observation(valueQuantity={"value": value, "code": "ng/mL"}))
    assert pd.isna(built.only("observations")["value"])
    assert built.count(FindingKind.IMPLAUSIBLE_VALUE) == 1


def test_a_number_where_an_answer_is_expected_is_a_finding() -> None:
    built = study(observation((LOINC, "67162-8"), valueInteger=1))
    assert built.only("observations")[["value", "category"]].isna().all()
    assert built.count(FindingKind.VALUE_TYPE_NOT_READ) == 1
