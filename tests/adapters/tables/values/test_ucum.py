"""UCUM: any unit that is equal to a listed one gives the same value, whatever its form; nothing is guessed.

ucum_functional_cases.csv holds the conversions of the UCUM functional tests (maintained by Grahame Grieve, as published
in FHIR/Ucum-java 0247922, src/test/resources/UcumFunctionalTests.xml, BSD 3-Clause). The expected factors of the other
tests are powers of ten worked out here, without the library that the product uses.
"""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import MEASURES
from adapters.tables.values.ucum import parse
from adapters.tables.values.units import UNITS, load_units

CASES = list(csv.DictReader((Path(__file__).with_name("ucum_functional_cases.csv")).read_text().splitlines()))
ROWS = list(csv.DictReader(UNITS.read_text(encoding="utf-8").splitlines()))
PREFIXES = {"": 0, "m": -3, "u": -6, "n": -9, "p": -12, "k": 3}
LITRES = {"L": 0, "l": 0, "dL": -1, "mL": -3, "uL": -6, "nl": -9, "dm3": 0, "cm3": -3, "mm3": -6}
units = load_units()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_conversions_of_the_functional_tests(case: dict[str, str]) -> None:
    (source,), (target,) = parse(case["from"])[:1], parse(case["to"])[:1]
    assert source.dimension == target.dimension
    converted = float(case["value"]) * source.magnitude / target.magnitude
    digits = len(case["outcome"].lower().partition("e")[0].replace(".", "").lstrip("0").rstrip("0") or "0")
    assert converted == pytest.approx(float(case["outcome"]), rel=max(10.0**-digits * 5.1, 1e-5))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['measure']} {row['ucum']} to {row['to']}")
def test_no_spelling_of_the_table_gets_another_factor(row: dict[str, str]) -> None:
    measure = next(iter(MEASURES)) if row["measure"] == "*" else row["measure"]
    times, _, by = row["factor"].partition("/")
    expected = float(Decimal(times) / Decimal(by or "1"))
    factor = units.factor(measure, row["ucum"], None, row["to"])
    assert factor is not None
    if (measure, row["ucum"], row["to"]) not in {(r["measure"], r["ucum"], r["to"]) for r in ROWS if r != row}:
        assert factor.apply(1) == pytest.approx(expected, rel=1e-8)


def forms(numerator: str, litre: str, form: int, annotation: str) -> str:
    """One way to write a numerator per volume."""
    inverse = f"{litre}-1" if not litre[-1].isdigit() else f"{litre[:-1]}-{litre[-1]}"
    return (
        f"{numerator}{annotation}/{litre}", f"{numerator}.{inverse}", f"{numerator}/({litre})", f"({numerator})/{litre}",
    )[form]  # fmt: skip


CONCENTRATIONS = {
    **dict.fromkeys(("psa", "nse", "chromogranin_a", "testosterone"), ("g", -6)),  # ng/mL is 1e-6 g/L
    **dict.fromkeys(("bilirubin", "creatinine"), ("g", -2)),
    "haemoglobin": ("g", 1),
    "albumin": ("g", 0),
    **dict.fromkeys(("alp", "ldh", "alt", "ast", "ggt"), ("U", 0)),
}


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(CONCENTRATIONS)), st.sampled_from(sorted(PREFIXES)), st.sampled_from(sorted(LITRES)),
    st.integers(0, 3), st.sampled_from(("", "{total}", "{serum}")),
)  # fmt: skip
def test_any_equal_concentration_gives_the_same_value(measure, prefix, litre, form, annotation) -> None:
    unit, exponent = CONCENTRATIONS[measure]
    factor = units.factor(measure, forms(prefix + unit, litre, form, annotation), None, MEASURES[measure])
    assert factor is not None
    expected = 10.0 ** (PREFIXES[prefix] - LITRES[litre] - exponent)
    assert factor.apply(1) == pytest.approx(expected, rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(("leukocytes", "neutrophils", "lymphocytes", "platelets")), st.integers(1, 12),
    st.sampled_from(sorted(LITRES)), st.integers(0, 3), st.sampled_from(("", "{cells}", "{#}", "{Thrombozyten}")),
)  # fmt: skip
def test_any_equal_count_gives_the_same_value(measure, power, litre, form, annotation) -> None:
    factor = units.factor(measure, forms(f"10*{power}", litre, form, annotation), None, "10*9/L")
    assert factor is not None
    assert factor.apply(1) == pytest.approx(10.0 ** (power - LITRES[litre] - 9), rel=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    st.sampled_from((("creatinine", 113.12, -2), ("bilirubin", 584.66, -2), ("testosterone", 288.42, -6))),
    st.sampled_from(sorted(PREFIXES)), st.sampled_from(sorted(LITRES)), st.integers(0, 3),
)  # fmt: skip
def test_any_equal_molar_concentration_gives_the_same_value(case, prefix, litre, form) -> None:
    measure, molar_mass, exponent = case
    factor = units.factor(measure, forms(f"{prefix}mol", litre, form, ""), None, MEASURES[measure])
    assert factor is not None
    expected = molar_mass * 10.0 ** (PREFIXES[prefix] - LITRES[litre] - exponent)
    assert factor.apply(1) == pytest.approx(expected, rel=2e-4)


@pytest.mark.parametrize(
    ("measure", "unit", "factor"),
    [
        ("alp", "umol/min/L", 1), ("alp", "mU/mL", 1), ("alp", "nmol/s/L", 0.06), ("alp", "m[IU]/mL", 1),
        ("alp", "k[IU]/L", 1000), ("ecog", "{ECOG}", 1), ("ecog", "{Grade}", 1), ("gleason_score", "{score}", 1),
        ("inr", "{INR}", 1), ("suv_max", "{SUVmax}", 1), ("suv_max", "{SUVbw}g/mL", 1), ("suv_max", "kg/L", 1),
        ("weight", "[oz_av]", 0.028349523125), ("weight", "mg", 1e-6), ("height", "[ft_i]", 30.48), ("height", "dm", 10),
        ("lesion_diameter", "um", 0.001), ("body_surface_area", "cm2", 1e-4), ("liver_volume", "dm3", 1000),
        ("lung_shunt_fraction", "{ratio}", 100), ("lung_shunt_fraction", "[ppth]", 0.1), ("absorbed_dose", "cGy", 0.01),
        # spellings outside UCUM
        ("haemoglobin", "gm/dL", 1), ("platelets", "10^3/mm³", 1), ("platelets", "x10^9/L", 1), ("platelets", "10E3/µL", 1),
        ("platelets", "cells/uL", 0.001), ("platelets", "Tsd/µl", 1), ("platelets", "Tsd./µl", 1), ("platelets", "Mrd/l", 1),
        ("platelets", "Mio/ml", 1), ("psa", "mcg/L", 1), ("psa", "ng per ml", 1), ("alp", "IE/l", 1), ("alp", "mIU/mL", 1),
        ("creatinine", "mcmol/L", None), ("weight", "lbs", 0.45359237), ("height", "in", 2.54), ("platelets", "K/mcL", None),
        # other dimensions, and what is not one reading
        ("alp", "ng/mL", None), ("alp", "u/l", None), ("psa", "U/L", None), ("psa", "[IU]/mL", None), ("psa", "mol/L", None),
        ("ecog", "%", None), ("inr", "%", None), ("ecog", "10", None), ("suv_max", "g/ml{SUVlbm}", None),
        ("suv_max", "{SUVbsa}", None), ("platelets", "[IU]/L", None), ("platelets", "/L/L", None), ("psa", "NG/ML", None),
        ("psa", "normal", None), ("psa", "x" * 200, None), ("weight", "cm", None),
    ],
)  # fmt: skip
def test_units_by_hand(measure: str, unit: str, factor: float | None) -> None:
    known = units.factor(measure, unit, None, MEASURES[measure])
    if factor is None:
        assert known is None
    else:
        assert known is not None
        assert known.apply(1) == pytest.approx(factor, rel=1e-9)


@pytest.mark.parametrize(
    ("measure", "code", "unit", "expected"),
    [
        ("albumin", "g/L", "g/dl", True), ("creatinine", "umol/L", "mmol/l", True), ("weight", "kg", "g", True),
        ("platelets", "10*9/L", "/uL", True), ("psa", "ng/mL", "pg/ml", True), ("lesion_diameter", "mm", "cm", True),
        ("albumin", "g/L", "g/l", False), ("platelets", "10*3/uL", "G/L", False), ("alp", "U/L", "IU/l", False),
        ("psa", "ng/mL", "µg/l", False), ("psa", "ng/mL", "Einheiten", False), ("psa", "ng/mL", None, False),
    ],
)  # fmt: skip
def test_a_coded_and_a_printed_unit_contradict_each_other(measure, code, unit, expected) -> None:
    assert units.contradicts(measure, code, unit, MEASURES[measure]) is expected
