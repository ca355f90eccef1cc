"""Values as laboratories and registries write them: separators, texts, ordinal values, patterns."""

from __future__ import annotations

from typing import Any

import pytest

from adapters.ledger import FindingKind
from adapters.tables.values.texts import read_gleason, read_number
from tests.support.field_cases import Each, case, concept, read_each, readings
from tests.support.tables_support import LOINC, SCT, observation, psa, quantity

ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
SCORE, PRIMARY, SECONDARY = (SCT, "1812491000004107"), (SCT, "384994009"), (SCT, "384995005")
ECOG, WEIGHT = (LOINC, "89247-1"), (LOINC, "29463-7")
ANSWER = "valueCodeableConcept"


@pytest.mark.parametrize(
    ("text", "plain", "comma", "point"),
    [
        ("5", 5, 5, 5),
        ("0,008", 0.008, 0.008, 0.008),
        ("0.008", 0.008, 0.008, 0.008),
        ("00,125", 0.125, 0.125, 0.125),
        ("1,5", 1.5, 1.5, 1.5),
        ("12.50", 12.5, 12.5, 12.5),
        ("1.2345", 1.2345, 1.2345, 1.2345),
        ("1234,567", 1234.567, 1234.567, 1234.567),
        ("1.234,5", 1234.5, 1234.5, 1234.5),
        ("1,234.5", 1234.5, 1234.5, 1234.5),
        ("1.234,567", 1234.567, 1234.567, 1234.567),
        ("1.234.567", 1234567, 1234567, 1234567),
        ("1,234,567", 1234567, 1234567, 1234567),
        ("1'234", 1234, 1234, 1234),
        ("1'234.5", 1234.5, 1234.5, 1234.5),
        ("1\u202f234,5", 1234.5, 1234.5, 1234.5),
        ("1.000", None, 1000, 1),
        ("1,250", None, 1.25, 1250),
        ("12.345", None, 12345, 12.345),
        ("-1.000", None, -1000, -1),
        ("1.2.3", None, None, None),
        ("1.23,4", None, None, None),
        ("1,234,56", None, None, None),
        ("1.234.5", None, None, None),
        ("0.123.456", None, None, None),
        ("1.200e3", 1200, 1200, 1200),
    ],
)
def test_the_form_of_a_number_decides_and_else_what_is_declared(text, plain, comma, point):
    assert (read_number(text), read_number(text, ","), read_number(text, ".")) == (plain, comma, point)


def test_f05_a_text_with_two_readings_gives_no_value_and_is_said():
    # FHIR R4: valueString has no number format; German laboratories write 1.000 for one thousand.
    built = case("f05")
    assert readings(built, "psa") == [(None, None)] * 3
    assert built.count(FindingKind.TEXT_NOT_PARSED, measure="psa") == 3


def test_f06_a_leading_zero_leaves_one_reading():
    # A leading zero group is no thousand: "0,008" cannot be 8.
    assert readings(case("f06"), "psa") == [("<", 0.008), (None, 0.003), ("<", 0.008)]


def test_f11_the_text_of_a_concept_is_read_as_any_text():
    # FHIR R4, Observation notes: where only text exists, valueCodeableConcept with text is used.
    assert readings(case("f11"), "psa") == [("<", 0.1), ("<", 0.1)]


def test_f04_gleason_scores_of_the_prostate_module_arrive_once():
    # mii-pr-onko-prostate-gleason-grade-group: ordinalValue holds the score; patterns add up to it.
    assert readings(case("f04"), "gleason_score") == [(None, 7)]


def coded(code: str | None, text: str | None = None, ordinal: float | None = None, system: str = SCT) -> dict[str, Any]:
    """A CodeableConcept with an answer, its text and its ordinal value."""
    coding: dict[str, Any] = {"system": system, "code": code}
    if ordinal is not None:
        coding["extension"] = [{"url": ORDINAL, "valueDecimal": ordinal}]
    return ({"coding": [coding]} if code else {}) | ({"text": text} if text else {})


def gleason(**more: Any) -> list[dict[str, Any]]:
    """One Observation of the score."""
    return [observation(SCORE, **more)]


def patterns(first: str | None, second: str | None, **more: Any) -> list[dict[str, Any]]:
    """The Observations of the patterns that are given."""
    own = ((PRIMARY, "a", first), (SECONDARY, "b", second))
    return [observation(code, key, **{ANSWER: coded(value)}, **more) for code, key, value in own if value]


P3, P4, P5 = "369772003", "369773008", "369774002"
VALUES: list[tuple[list[dict[str, Any]], str, list[tuple[str | None, float | None]], set[str]]] = [
    (gleason(**{ANSWER: coded("1279716004", "4+3", 7)}), "gleason_score", [(None, 7)], set()),
    (gleason(**{ANSWER: coded("1279718003")}), "gleason_score", [(None, 8)], set()),
    (gleason(**{ANSWER: coded("57403001", "7b")}), "gleason_score", [(None, 7)], set()),
    (gleason(**{ANSWER: coded("99", None, 9)}), "gleason_score", [(None, 9)], set()),
    (gleason(**{ANSWER: coded("99", None, 3)}), "gleason_score", [(None, None)], {"answer-not-listed"}),
    (gleason(**{ANSWER: coded(None, "4+3")}), "gleason_score", [(None, 7)], set()),
    (gleason(valueString="4+3=7"), "gleason_score", [(None, 7)], set()),
    (gleason(valueString="Gleason 4 + 5"), "gleason_score", [(None, 9)], set()),
    (gleason(valueString="7a"), "gleason_score", [(None, 7)], set()),
    (gleason(valueString="4+3=8"), "gleason_score", [(None, None)], {"text-not-parsed"}),
    (gleason(valueInteger=8), "gleason_score", [(None, 8)], set()),
    (patterns(P4, P3), "gleason_score", [(None, 7)], set()),
    (patterns(P4, P5), "gleason_score", [(None, 9)], set()),
    (patterns(P4, None), "gleason_score", [], {"code-without-row"}),
    (patterns(P4, P3) + gleason(**{ANSWER: coded("1279720000")}), "gleason_score", [(None, 9)], {"contradicting-value"}),
    ([observation(SCORE, component=[{"code": concept(PRIMARY), ANSWER: coded(P3)},
                                    {"code": concept(SECONDARY), ANSWER: coded(P4)}])], "gleason_score", [(None, 7)], set()),
    ([observation(ECOG, **{ANSWER: coded("99", None, 2)})], "ecog", [(None, 2)], set()),
    ([observation(ECOG, **{ANSWER: coded(None, "1")})], "ecog", [(None, 1)], set()),
    ([observation(ECOG, **{ANSWER: coded("99", "1")})], "ecog", [(None, 1)], set()),
    ([observation(ECOG, **{ANSWER: coded(None, "gut")})], "ecog", [(None, None)], {"text-not-parsed"}),
    ([observation(**{ANSWER: coded(None, "<0,008 ng/ml")})], "psa", [("<", 0.008)], set()),
    ([observation(**{ANSWER: coded(None, ">1.000 ng/ml")})], "psa", [(None, None)], {"text-not-parsed"}),
    ([observation(valueString="> 1.234,5 ng/ml")], "psa", [(">", 1234.5)], set()),
    ([observation(valueString="=< 0.1 ng/ml")], "psa", [("<=", 0.1)], set()),
    ([observation(valueString="nicht nachweisbar")], "psa", [(None, None)], {"text-not-parsed"}),
    ([observation(note=[{"text": "5,0 ng/ml"}])], "psa", [(None, None)], set()),
    ([observation(component=[{"code": concept((LOINC, "2857-1")), "valueString": "0,5 ng/ml"}])], "psa", [(None, 0.5)],
     set()),
    ([observation(valueRange={"low": quantity(1, "ng/mL"), "high": quantity(2, "ng/mL")})], "psa", [(None, None)],
     {"value-type-not-read"}),
    ([observation(valueRatio={"numerator": quantity(1, "ng"), "denominator": quantity(1, "mL")})], "psa", [(None, None)],
     {"value-type-not-read"}),
    ([observation(valueSampledData={"origin": {"value": 0}, "period": 1, "dimensions": 1, "data": "1 2"})], "psa",
     [(None, None)], {"value-type-not-read"}),
    ([observation(WEIGHT, valueQuantity=quantity(80, "kg"))], "weight", [(None, 80)], set()),
    ([observation(valueQuantity=quantity(3.2, "kg")) | {"code": concept(WEIGHT, (LOINC, "8339-4"))}], "weight", [], set()),
]  # fmt: skip


@pytest.fixture(scope="module")
def values(tmp_path_factory) -> Each:
    """All inputs of VALUES read at once."""
    return read_each(tmp_path_factory.mktemp("values"), [resources for resources, _, _, _ in VALUES])


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_a_value_is_read_wherever_and_however_it_is_written(values, number):
    _, measure, expected, findings = VALUES[number]
    rows = values.rows("observations", number)
    rows = rows[rows["measure"] == measure]
    read = [
        (c if isinstance(c, str) else None, None if v != v else v)
        for c, v in zip(rows["comparator"].astype(object), rows["value"], strict=True)
    ]
    assert read == expected
    assert findings <= values.findings(number)
    if expected and expected[0][1] is not None:
        assert not {"text-not-parsed", "answer-not-listed", "value-type-not-read"} & values.findings(number)


@pytest.mark.parametrize(("separator", "value"), [("", None), (",", 1000), (".", 1)])
def test_a_declared_separator_decides_between_two_readings(tmp_path, separator, value):
    each = read_each(tmp_path, [[observation(valueString=">1.000 ng/ml")]], decimal_separator=separator)
    assert readings(each.built, "psa") == [(None if value is None else ">", value)]


def test_other_values_and_their_size_never_decide(tmp_path):
    others = [psa(value, identity=f"o{number}") for number, value in enumerate((900, 950, 1100))]
    each = read_each(tmp_path, [[*others, observation(identity="t", valueString="1.000 ng/ml")]])
    assert (None, None) in readings(each.built, "psa")


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("3+4", 7),
        (" 5 + 5 ", 10),
        ("4+3=7b", 7),
        ("Gleason score: 3+3", 6),
        ("9", 9),
        ("7b", 7),
        ("4+6", None),
        ("11", None),
    ],
)
def test_gleason_texts(text, score):
    assert read_gleason(text) == score
