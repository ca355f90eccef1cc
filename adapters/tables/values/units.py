"""UCUM and common other units -> the one unit of each measure, exactly.

`units.csv` (measure or *, ucum, to, factor, source) says which units are known: a row of the measure itself comes
before one for all measures, an empty unit is known only where a row says so, and a factor may be a quotient. A folder
of a hospital's own rows (`units_overlay` in study.toml) is read after it and wins.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path

from adapters.contract import MEASURES
from adapters.errors import InputError
from adapters.fhir.csv_faults import faults_named

UNITS = Path(__file__).resolve().parent / "units.csv"
HEADER = ("measure", "ucum", "to", "factor", "source")
ANY = "*"
DIGITS = 9  # significant digits of a converted value: more than any method measures, fewer than binary noise
ACTIVITY, ACTIVITY_UNIT = "activity", "GBq"  # administered activity: a column of its own, no measure
_MEASURES = frozenset(MEASURES) | {ANY, ACTIVITY}
_TARGETS = frozenset(MEASURES.values()) | {ACTIVITY_UNIT}
_EXACT = Context(prec=50)
_ROUNDED = Context(prec=DIGITS)


@dataclass(frozen=True, slots=True)
class Factor:
    """value in the measure's unit = value * times / by."""

    times: Decimal
    by: Decimal

    @property
    def is_one(self) -> bool:
        """True where the unit is the measure's own or equal to it."""
        return self.times == self.by

    def apply(self, value: float) -> float:
        """`value` converted in decimal arithmetic and rounded to 9 significant digits; unchanged by a factor of 1."""
        if self.is_one:
            return float(value)
        exact = _EXACT.divide(_EXACT.multiply(Decimal(str(value)), self.times), self.by)
        return float(_ROUNDED.plus(exact))


@dataclass(frozen=True)
class Units:
    """All conversions: (measure or *, unit as written, target unit) -> factor."""

    factors: dict[tuple[str, str, str], Factor]

    def factor(self, measure: str, code: str | None, unit: str | None, to: str) -> Factor | None:
        """The factor from the stated unit to `to`, None where the unit is not known for this measure.

        `code` is the coded unit, `unit` the printed one: the printed one counts only where no code is known. With
        neither, the measure must have a row for the empty unit.
        """
        for written in (code, unit) if code or unit else ("",):
            if written is None:
                continue
            name = written.strip()
            found = self.factors.get((measure, name, to)) or self.factors.get((ANY, name, to))
            if found is not None:
                return found
        return None


def load_units(overlay: Path | None = None) -> Units:
    """The conversions of units.csv, then those of the `*.csv` files in `overlay`. Raises InputError naming file, line."""
    files = (UNITS, *sorted(overlay.glob("*.csv"))) if overlay else (UNITS,)
    return _load(files, tuple(path.stat().st_mtime_ns for path in files))


@lru_cache(maxsize=8)
def _load(files: tuple[Path, ...], _changed: tuple[int, ...]) -> Units:
    factors: dict[tuple[str, str, str], Factor] = {}
    for path in files:
        factors.update(_rows(path))
    return Units(factors)


@faults_named
def _rows(path: Path) -> Iterable[tuple[tuple[str, str, str], Factor]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != HEADER:
            raise InputError("columns are not " + ",".join(HEADER), path.name, "write that line first")
        for row in reader:
            where = f"{path.name}:{reader.line_num}"
            if row["measure"] not in _MEASURES or row["to"] not in _TARGETS:
                raise InputError("no such measure or unit in the contract", where, "see the data dictionary")
            yield (row["measure"], row["ucum"].strip(), row["to"]), _factor(row["factor"], where)


def _factor(text: str, where: str) -> Factor:
    times, _, by = text.partition("/")
    try:
        factor = Factor(Decimal(times), Decimal(by or "1"))
    except InvalidOperation:
        raise InputError("the factor is not a number or a quotient", where, "write 0.1 or 1/17.104") from None
    if not all(part.is_finite() and part > 0 for part in (factor.times, factor.by)):
        raise InputError("the factor is not above zero", where, "write 0.1 or 1/17.104")
    return factor
