"""UCUM and common other units -> the one unit of each measure, exactly.

`units.csv` (measure or *, ucum, to, factor, source) says which units are known: a row of the measure itself comes
before one for all measures, an empty unit is known only where a row says so, and a factor may be a quotient. A unit
that no row has is parsed as UCUM, or as a common spelling of it (spellings.csv), and converted by a row of the same
dimension; so molar units need a row of the measure. A folder of a hospital's own rows (`units_overlay` in study.toml)
is read after it and wins.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path

from adapters.contract import MEASURES
from adapters.errors import InputError
from adapters.fhir.overlays import csv_rows, overlay_files
from adapters.tables.values.ucum import Parsed, parse

UNITS = Path(__file__).resolve().parent / "units.csv"
HEADER = ("measure", "ucum", "to", "factor", "source")
ANY = "*"
OUTSIDE_UCUM = "outside UCUM"  # in the source of a row: a spelling, which may mean another unit in UCUM
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
        """True where the unit equals the measure's own unit."""
        return self.times == self.by

    def apply(self, value: float) -> float:
        """`value` converted in decimal arithmetic and rounded to 9 significant digits; unchanged by a factor of 1."""
        if self.is_one:
            return float(value)
        exact = _EXACT.divide(_EXACT.multiply(Decimal(str(value)), self.times), self.by)
        return float(_ROUNDED.plus(exact))


@dataclass(frozen=True)
class Units:
    """All conversions: (measure or *, unit as written, target unit) -> factor; other units by UCUM."""

    factors: dict[tuple[str, str, str], Factor]
    ucum: frozenset[tuple[str, str, str]] = frozenset()  # the rows whose unit is UCUM: what other units are equal to
    _cache: dict[tuple[str, str, str], Factor | None] = field(default_factory=dict, compare=False)

    def factor(self, measure: str, code: str | None, unit: str | None, to: str) -> Factor | None:
        """The factor from the stated unit to `to`, None where the unit is not known for this measure.

        `code` is the coded unit, `unit` the printed one: the printed one counts only where no code is known. With
        neither, the measure must have a row for the empty unit.
        """
        for written in (code, unit) if code or unit else ("",):
            factor = None if written is None else self._of(measure, written.strip(), to)
            if factor is not None:
                return factor
        return None

    def contradicts(self, measure: str, code: str | None, unit: str | None, to: str) -> bool:
        """True if the coded and the printed unit are both known and are not the same unit."""
        if not code or not unit or code == unit:
            return False
        by_code, by_unit = (self._of(measure, written.strip(), to) for written in (code, unit))
        return by_code is not None and by_unit is not None and by_code.apply(1) != by_unit.apply(1)

    def _listed(self, measure: str, name: str, to: str) -> Factor | None:
        return self.factors.get((measure, name, to)) or self.factors.get((ANY, name, to))

    def _of(self, measure: str, name: str, to: str) -> Factor | None:
        known = self._listed(measure, name, to)
        if known is not None or not name:
            return known
        key = (measure, name, to)
        if key not in self._cache:
            self._cache[key] = self._by_ucum(measure, name, to)
        return self._cache[key]

    def _by_ucum(self, measure: str, name: str, to: str) -> Factor | None:
        """The factor of a unit that no row has, by a row of the same dimension; one of a measure before one of all."""
        for reading in parse(name):
            for row in sorted(self.ucum, key=lambda row: (row[0] != measure, row)):
                if row[0] not in (measure, ANY) or row[2] != to:
                    continue
                for known in parse(row[1])[:1]:
                    if known.dimension == reading.dimension and _fits(reading.magnitude, known, to):
                        return _times(self.factors[row], reading.magnitude / known.magnitude)
        return None


def _fits(magnitude: float, known: Parsed, to: str) -> bool:
    """A unit without dimension must be a unit of one, but for percentages: 5 % is no score and no INR of 0.05."""
    return bool(known.dimension) or to == "%" or magnitude == 1


def _times(factor: Factor, ratio: float) -> Factor:
    """A factor multiplied by a ratio of two units, to the digits that floating point holds."""
    return Factor(factor.times * Decimal(f"{ratio:.13g}"), factor.by)


def load_units(overlay: Path | None = None) -> Units:
    """The conversions of units.csv, then those of the `*.csv` files in `overlay`. Raises InputError naming file, line."""
    files = (UNITS, *(overlay_files(overlay, ".csv", _as_csv) if overlay else ()))
    return _load(files, tuple(path.stat().st_mtime_ns for path in files))


def _as_csv(name: str) -> str:
    """A file of units may have any name that ends in .csv."""
    return name if name.endswith(".csv") else f"{name.partition('.')[0]}.csv"


@lru_cache(maxsize=8)
def _load(files: tuple[Path, ...], _changed: tuple[int, ...]) -> Units:
    factors: dict[tuple[str, str, str], Factor] = {}
    ucum: set[tuple[str, str, str]] = set()
    for path in files:
        for key, factor, is_ucum in _rows(path):
            factors[key] = factor
            (ucum.add if is_ucum else ucum.discard)(key)
    return Units(factors, frozenset(ucum))


def _rows(path: Path) -> Iterable[tuple[tuple[str, str, str], Factor, bool]]:
    for line, row in csv_rows(path, HEADER):
        where = f"{path.name}:{line}"
        if row["measure"] not in _MEASURES or row["to"] not in _TARGETS:
            raise InputError("no such measure or unit in the contract", where, "see the data dictionary")
        key = (row["measure"], row["ucum"].strip(), row["to"])
        yield key, _factor(row["factor"], where), bool(key[1]) and OUTSIDE_UCUM not in row["source"]


def _factor(text: str, where: str) -> Factor:
    times, _, by = text.partition("/")
    try:
        factor = Factor(Decimal(times), Decimal(by or "1"))
    except InvalidOperation:
        raise InputError("the factor is not a number or a quotient", where, "write 0.1 or 1/17.104") from None
    if not all(part.is_finite() and part > 0 for part in (factor.times, factor.by)):
        raise InputError("the factor is not above zero", where, "write 0.1 or 1/17.104")
    return factor
