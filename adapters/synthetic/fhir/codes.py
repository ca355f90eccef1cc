"""The codes, units and profiles of the two dialects, read from the CSV files beside this module."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
BOTH = "both"

Element = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Unit:
    """How a dialect writes one measure: printed unit, code system and code (None: text only), exact factor."""

    unit: str
    system: str | None
    code: str | None
    factor: Decimal

    def quantity(self, value: Decimal, comparator: str | None = None) -> Element:
        """A FHIR Quantity of a value given in the cohort's unit; the product is exact."""
        parts: Element = {"value": value * self.factor, "unit": self.unit}
        if comparator:
            parts["comparator"] = comparator
        if self.code:
            parts |= {"system": self.system, "code": self.code}
        return parts


@cache
def _rows(name: str) -> tuple[dict[str, str], ...]:
    with (HERE / name).open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


@cache
def _codings() -> dict[tuple[str, str, str], list[Element]]:
    by_key: dict[tuple[str, str, str], list[Element]] = defaultdict(list)
    for row in _rows("dialect_codes.csv"):
        coding = {name: row[name] for name in ("system", "version", "code", "display") if row[name]}
        by_key[row["dialect"], row["element"], row["key"]].append(coding)
    return dict(by_key)


def codings(dialect: str, element: str, key: str) -> list[Element]:
    """All codings of one meaning in a dialect, those shared by both dialects first. Raises KeyError where it has none."""
    listed = [*_codings().get((BOTH, element, key), []), *_codings().get((dialect, element, key), [])]
    if not listed:
        raise KeyError(f"{dialect}: no code for {element} {key}")
    return [dict(coding) for coding in listed]


def concept(dialect: str, element: str, key: str, text: str | None = None) -> Element:
    """A CodeableConcept with all codings of one meaning."""
    made: Element = {"coding": codings(dialect, element, key)}
    return made | {"text": text} if text else made


def unit_of(dialect: str, measure: str) -> Unit:
    """How the dialect writes a measure. Raises KeyError where the table of units does not say."""
    for row in _rows("dialect_units.csv"):
        if row["dialect"] in (dialect, BOTH) and row["measure"] == measure:
            return Unit(row["unit"], row["system"] or None, row["code"] or None, Decimal(row["factor"]))
    raise KeyError(f"{dialect}: no unit for {measure}")


def other_ranges(dialect: str, measure: str) -> list[tuple[str, str, str]]:
    """Reference ranges that a dialect prints beside the patient's own: (sex, low, high) in the cohort's unit."""
    return [
        (row["sex"], row["low"], row["high"])
        for row in _rows("dialect_ranges.csv")
        if row["dialect"] == dialect and row["measure"] == measure
    ]


@cache
def profile_of(dialect: str, element: str) -> str:
    """The canonical of the profile that the dialect's guide has for an element; else the base profile of FHIR."""
    for row in _rows("dialect_profiles.csv"):
        if row["dialect"] in (dialect, BOTH) and row["element"] == element:
            return row["profile"]
    raise KeyError(f"{dialect}: no profile for {element}")
