"""What the search aims at: the printed values of the paper, with the digits they were printed with.

Read from `targets.csv` (Seifert et al., J Nucl Med 2020;61:723-728; column `where` names the section). Only the search
and its tests read this file: nothing that turns FHIR into tables or tables into results knows a target.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path

TARGETS = Path(__file__).with_name("targets.csv")
ROUNDS, TRUNCATES = "round", "truncate"
SLACK = 1e-9  # floating point noise at the edge of a window


@dataclass(frozen=True, slots=True)
class Window:
    """The values that are printed alike: low <= x < high (for "<": x below high)."""

    low: float
    high: float

    def holds(self, x: float) -> bool:
        """Whether `x` would be printed as this window's text."""
        return self.low - SLACK <= x < self.high - SLACK

    def miss(self, x: float) -> float:
        """Distance of `x` from the window in units of its width; 0 inside, infinite for a missing value."""
        if x != x:
            return float("inf")
        width = self.high - self.low
        inner = min(width, 1.0) * 1e-6
        if x < self.low:
            return (self.low - x + inner) / width
        return 0.0 if x < self.high - SLACK else (x - self.high + inner) / width


@cache
def window(text: str, rule: str = ROUNDS) -> Window:
    """Values that round half up (away from zero), or truncate or round ("truncate"), to the printed `text`.

    >>> window("5.7")
    Window(low=5.65, high=5.75)
    """
    printed = Decimal(text)
    unit = Decimal(1).scaleb(int(printed.as_tuple().exponent))
    half = unit / 2
    if rule == ROUNDS:
        return Window(float(printed - half), float(printed + half))
    low, high = (printed - half, printed + unit) if printed >= 0 else (printed - unit, printed + half)
    return Window(float(low), float(high))


@cache
def _windows(texts: tuple[str, ...], rule: str) -> tuple[Window, ...]:
    return tuple(window(text, rule) for text in texts if text)


@dataclass(frozen=True, slots=True)
class Target:
    """One printed result: value, interval or range as printed (empty: not printed), operator, rule, place."""

    id: str
    operator: str
    value: str
    lower: str
    upper: str
    rule: str
    where: str

    @property
    def number(self) -> float:
        """The printed value as a number."""
        return float(self.value)

    @property
    def windows(self) -> tuple[Window, ...]:
        """Windows of value, lower and upper, as far as they are printed."""
        return _windows((self.value, self.lower, self.upper), self.rule)

    def miss(self, *values: float) -> float:
        """Sum of the distances of value (and lower, upper) from their windows; 0 when all are met."""
        return sum(frame.miss(x) for frame, x in zip(self.windows, values, strict=True))


@cache
def targets() -> dict[str, Target]:
    """All targets by id. Raises FileNotFoundError when the data file is missing."""
    with TARGETS.open(encoding="utf-8", newline="") as file:
        return {row["id"]: Target(**row) for row in csv.DictReader(file)}


def count(target_id: str) -> int:
    """A printed count, such as the number of patients with lung metastases."""
    return int(targets()[target_id].value)
