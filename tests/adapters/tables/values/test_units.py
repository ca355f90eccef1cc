"""Units: every factor is the one UCUM gives, molar ones by the molar mass they name; nothing unknown is guessed."""

from __future__ import annotations

import csv
import re
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ucumvert import PintUcumRegistry

from adapters.contract import MEASURES
from adapters.errors import InputError
from adapters.tables.values.units import HEADER, UNITS, load_units

ROWS = list(csv.DictReader(UNITS.read_text(encoding="utf-8").splitlines()))
UCUM_ROWS = [row for row in ROWS if row["source"] == "UCUM" and "[IU]" not in row["ucum"]]
TARGETS = {"SUV": "g/ml", "score": "1"}  # the contract's own names of units that UCUM counts otherwise
MASS = re.compile(r"(\d+(?:\.\d+)?) g/mol")
units = load_units()


@pytest.fixture(scope="module")
def ucum() -> PintUcumRegistry:
    return PintUcumRegistry()


@pytest.mark.parametrize("row", UCUM_ROWS, ids=lambda row: f"{row['measure']} {row['ucum']} to {row['to']}")
def test_factor_is_the_one_of_ucum(ucum: PintUcumRegistry, row: dict[str, str]) -> None:
    to = TARGETS.get(row["to"], row["to"])
    wanted = (1 * ucum.from_ucum(row["ucum"])).to(ucum.from_ucum(to)).magnitude
    assert float(Decimal(row["factor"])) == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("row", [row for row in ROWS if MASS.search(row["source"])], ids=lambda row: row["measure"])
def test_molar_factor_follows_from_the_molar_mass(row: dict[str, str]) -> None:
    mass = float(MASS.search(row["source"])[1])  # type: ignore[index]
    times, _, by = row["factor"].partition("/")
    moles_per_litre = 1e-3 if row["ucum"].startswith("mmol") else 1e-9 if row["ucum"].startswith("nmol") else 1e-6
    grams_per_litre = {"mg/dL": 1e-2, "g/dL": 10.0, "ng/mL": 1e-6}[row["to"]]
    assert float(times) / float(by) == pytest.approx(moles_per_litre * mass / grams_per_litre, rel=2e-4)


def test_kilocounts_enzymes_and_curies_follow_from_their_definitions() -> None:
    assert units.factor("alt", "ukat/L", None, "U/L").apply(1) == 60  # type: ignore[union-attr]
    assert units.factor("activity", "mCi", None, "GBq").apply(200) == 7.4  # type: ignore[union-attr]
    assert units.factor("platelets", None, "G/L", "10*9/L").apply(210) == 210  # type: ignore[union-attr]


def test_every_row_leads_to_a_unit_of_the_contract() -> None:
    wanted = set(MEASURES.values()) | {"GBq"}
    assert {row["to"] for row in ROWS} <= wanted
    assert {row["measure"] for row in ROWS} <= set(MEASURES) | {"*"}
    assert all(row["source"] for row in ROWS)


@pytest.mark.parametrize("measure", [name for name, unit in MEASURES.items() if unit not in ("", "score", "SUV")])
def test_every_measure_knows_its_own_unit(measure: str) -> None:
    factor = units.factor(measure, MEASURES[measure], None, MEASURES[measure])
    assert factor is not None
    assert factor.is_one


@pytest.mark.parametrize(
    ("measure", "value", "unit", "expected"),
    [
        ("bilirubin", 17.104, "umol/L", 1.0),
        ("creatinine", 88.40, "umol/L", 1.0),
        ("haemoglobin", 0.62056, "mmol/L", 1.0),
        ("haemoglobin", 7.819056, "mmol/L", 12.6),
        ("haemoglobin", 126, "g/L", 12.6),
        ("testosterone", 3.4671, "nmol/L", 1.0),
        ("neutrophils", 2310, "/uL", 2.31),
        ("lesion_diameter", 3.4, "cm", 34.0),
    ],
)
def test_conversion_by_hand(measure: str, value: float, unit: str, expected: float) -> None:
    assert units.factor(measure, unit, None, MEASURES[measure]).apply(value) == expected  # type: ignore[union-attr]


def test_molar_factors_hold_for_their_own_measure_only() -> None:
    assert units.factor("psa", "umol/L", None, "ng/mL") is None
    assert units.factor("albumin", "nmol/L", None, "g/L") is None


def test_the_printed_unit_counts_only_where_no_code_is_known() -> None:
    assert units.factor("platelets", "strange", "G/L", "10*9/L") is not None
    assert units.factor("haemoglobin", "g/L", "g/dL", "g/dL").apply(126) == 12.6  # type: ignore[union-attr]


def test_a_missing_unit_is_known_only_where_a_row_says_so() -> None:
    assert units.factor("ecog", None, None, "score") is not None
    assert units.factor("inr", None, "", "1") is not None
    assert units.factor("alt", None, None, "U/L") is None
    assert units.factor("haemoglobin", "", "", "g/dL") is None


def test_a_value_in_the_measures_own_unit_passes_unchanged() -> None:
    value = 0.1 + 0.2
    assert units.factor("psa", "ug/L", None, "ng/mL").apply(value) == value  # type: ignore[union-attr]


@given(st.decimals(min_value="0.001", max_value="9999", places=3))
def test_there_and_back_gives_the_same_number(value: Decimal) -> None:
    factor = units.factor("bilirubin", "umol/L", None, "mg/dL")
    assert factor is not None
    assert factor.apply(float(value * Decimal("17.104"))) == float(value)


def _overlay(folder: Path, line: str, header: str = ",".join(HEADER)) -> Path:
    (folder / "own.csv").write_text(f"{header}\n{line}\n", encoding="utf-8")
    return folder


def test_overlay_rows_win_and_add(tmp_path: Path) -> None:
    own = load_units(_overlay(tmp_path, "alt,,U/L,1,our laboratory prints no unit"))
    assert own.factor("alt", None, None, "U/L") is not None
    assert units.factor("alt", None, None, "U/L") is None


@pytest.mark.parametrize("factor", ["", "ten", "0", "-1", "1/0", "1/x", "nan"])
def test_a_factor_that_is_no_number_above_zero_is_an_error_with_its_line(tmp_path: Path, factor: str) -> None:
    with pytest.raises(InputError, match=r"own\.csv:2: the factor"):
        load_units(_overlay(tmp_path, f"alt,x,U/L,{factor},test"))


def test_another_header_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"own\.csv: columns are not"):
        load_units(_overlay(tmp_path, "a,b", header="unit,factor"))


@pytest.mark.parametrize("line", ["platelet,x,10*9/L,1,test", "platelets,x,per litre,1,test"])
def test_a_row_that_the_contract_cannot_use_is_an_error(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=r"own\.csv:2: no such measure or unit"):
        load_units(_overlay(tmp_path, line))
