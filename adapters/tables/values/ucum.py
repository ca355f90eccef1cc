"""Any unit of UCUM as a multiple of base units, by ucumvert and pint; loaded when a unit is met that no list knows.

UCUM section 6 and 12: annotations in braces do not change a unit, 10*9.L-1 is 10*9/L. Arbitrary units such as [IU]
are comparable with themselves only (UCUM section 24), so each is a dimension of its own.
"""

from __future__ import annotations

import csv
import re
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ucumvert import PintUcumRegistry

_ANNOTATION = re.compile(r"\{[^{}]*\}")
_WHOLE_ANNOTATION = re.compile(r"(?<![^./(])\{[^{}]*\}(?=[./)]|$)")  # a component of its own: a unit of one
_OTHER_SUV = re.compile(r"\{SUV(?:lbm|bsa|ibw)", re.IGNORECASE)  # by lean mass, surface, ideal weight: not SUVbw
_BRACKETS = re.compile(r"\[[^\]]*\]")
LONGEST = 60  # no unit is longer; a text that is costs no time


class Parsed(NamedTuple):
    """A unit: its dimension, and how many base units of that dimension it is."""

    dimension: tuple[tuple[str, float], ...]
    magnitude: float


def _table(name: str) -> list[dict[str, str]]:
    text = (files("adapters.tables.values") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@lru_cache(maxsize=1)
def _registry() -> PintUcumRegistry:
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


@lru_cache(maxsize=1)
def _arbitrary() -> frozenset[str]:
    return frozenset(row["code"] for row in _table("arbitrary_units.csv"))


@lru_cache(maxsize=1)
def _spellings() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(row["pattern"]), row["ucum"]) for row in _table("spellings.csv"))


@lru_cache(maxsize=4096)
def parse(text: str) -> tuple[Parsed, ...]:
    """The readings of a unit: as UCUM, then as a common spelling outside UCUM; none if it is neither."""
    if len(text) > LONGEST or _OTHER_SUV.search(text):
        return ()
    spelled = text
    for pattern, ucum in _spellings():
        spelled = pattern.sub(ucum, spelled)
    readings = (_parsed(form) for form in dict.fromkeys((text, spelled)))
    return tuple(reading for reading in readings if reading is not None)


def _parsed(text: str) -> Parsed | None:
    from lark.exceptions import LarkError
    from pint.errors import PintError
    from ucumvert import InvalidUcumError

    plain = _ANNOTATION.sub("", _WHOLE_ANNOTATION.sub("1", text))
    try:
        unit = _registry().from_ucum(plain)
        base = (1 * unit).to_base_units()
    except (InvalidUcumError, LarkError, PintError, ValueError, ArithmeticError, AttributeError):
        return None
    dimension = {name: float(power) for name, power in base.dimensionality.items()}
    for atom in _BRACKETS.findall(plain):
        if atom in _arbitrary():
            dimension[atom] = dimension.get(atom, 0) + 1
    return Parsed(tuple(sorted(dimension.items())), float(base.magnitude))
