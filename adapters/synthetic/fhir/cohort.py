"""The cohort's CSV files as facts per patient: the only input of the resources."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

COHORT = Path(__file__).parents[1] / "cohort"
SERIES = (
    "cycles",
    "sirt",
    "labs",
    "lesions",
    "lesion_measurements",
    "conditions",
    "medications",
    "procedures",
    "disease_status",
)

Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Patient:
    """One patient of the cohort: the row of patients.csv and all rows of the other files that carry its key.

    `rank` is the place in patients.csv; rules that treat every n-th patient differently use it.
    """

    rank: int
    row: Row
    series: dict[str, list[Row]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The patient's key in all files of the cohort."""
        return self.row["key"]

    @property
    def name(self) -> str:
        """The patient's part of every id."""
        return self.key.lower().replace("_", "-")

    @property
    def day_zero(self) -> date:
        """The date of day 0. Raises ValueError where the cell is no date."""
        return date.fromisoformat(self.row["day_zero_date"])

    def rows(self, name: str) -> list[Row]:
        """The rows of one file, in its order; empty where the patient has none."""
        return self.series.get(name, [])

    def date_of(self, day: int) -> date:
        """The date of a day after (or, negative, before) day 0."""
        return self.day_zero + timedelta(days=day)


def number(text: str) -> Decimal | None:
    """Exact decimal number of a cell; None where it is empty."""
    return Decimal(text) if text else None


def whole(text: str) -> int | None:
    """Whole number of a cell, such as a day; None where it is empty."""
    return int(text) if text else None


def day_of(row: Row, column: str = "day") -> int:
    """The day of a row that must have one. Raises ValueError where the cell is empty."""
    day = whole(row[column])
    if day is None:
        raise ValueError(f"a row of the cohort has no {column}")
    return day


def number_of(row: Row, column: str) -> Decimal:
    """The number of a row that must have one. Raises ValueError where the cell is empty."""
    value = number(row[column])
    if value is None:
        raise ValueError(f"a row of the cohort has no {column}")
    return value


def load_cohort(folder: Path = COHORT) -> list[Patient]:
    """All patients of the cohort in the order of patients.csv.

    Raises ValueError where a row belongs to no patient.
    """
    patients = [Patient(rank, row) for rank, row in enumerate(_read(folder / "patients.csv"))]
    by_key = {patient.key: patient for patient in patients}
    for name in SERIES:
        for row in _read(folder / f"{name}.csv"):
            if row["key"] not in by_key:
                raise ValueError(f"{name}.csv: a row belongs to no patient")
            by_key[row["key"]].series.setdefault(name, []).append(row)
    return patients


def _read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
