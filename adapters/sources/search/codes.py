"""Codes as a search can ask for them, and the same code lists to judge what comes back.

A server is asked for codes whatever their system: code systems go by several addresses, and a search for one of them
would pass over the others. What the code means is then decided here, by the lists that files are read with.
"""

from __future__ import annotations

import csv
import re
import string
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

from adapters.errors import InputError
from adapters.fhir.codelists import CodeLists, load_code_lists
from adapters.settings import Settings

SHAPES = Path(__file__).with_name("code_shapes.csv")
SIGNS = {"9": string.digits, "x": string.digits + string.ascii_lowercase, "A": string.ascii_uppercase}
MOST_OF_A_PREFIX = 5000
DIAGNOSES = ("icd-10", "icd10")  # in addresses of systems of diagnoses: they never code an Observation
_ESCAPED = re.compile(r"([\\,|$])")


@dataclass(frozen=True)
class Codes:
    """The codes of some code lists: all that mean something there, or those that mean one of `wanted`."""

    lists: CodeLists
    names: tuple[str, ...]
    wanted: frozenset[str] | None = None
    without: tuple[str, ...] = ()  # parts of the addresses of systems that are left out

    def matches(self, system: object, code: object) -> bool:
        """Whether a coding is among them, under any address of its system."""
        meanings = (self.lists.means(name, str(system or ""), str(code)) for name in self.names)
        return self._has(str(system or "")) and any(map(self._is_wanted, meanings))

    def match(self, resource: dict[str, Any]) -> bool:
        """Whether any coding of a resource, of its medication or of its components is."""
        return any(self.matches(*coding) for coding in codings(resource))

    def meanings(self) -> list[str]:
        """What they mean, each once, in the order of the lists."""
        return list(dict.fromkeys(means for _, _, means in self._listed()))

    def asked(self) -> list[str]:
        """The values of a search. Raises InputError for a prefix of which not all codes can be named."""
        values: dict[str, None] = {}
        for system, code, _ in self._listed():
            if not system:  # a text: no token search finds it
                continue
            values.update(dict.fromkeys(beneath(system, code[:-1]) if code.endswith("*") else [code]))
        return [_ESCAPED.sub(r"\\\1", code) for code in values]

    def _listed(self) -> Iterator[tuple[str, str, str]]:
        for name in self.names:
            codes = self.lists.lists[name]
            prefixes = ((system, f"{code}*", means) for (system, code), means in codes.prefixes.items())
            for system, code, means in (*((*key, means) for key, means in codes.exact.items()), *prefixes):
                if self._is_wanted(means) and self._has(system):
                    yield system, code, means

    def _is_wanted(self, means: str | None) -> bool:
        return bool(means) and (self.wanted is None or means in self.wanted)

    def _has(self, system: str) -> bool:
        return not any(part in system.lower() for part in self.without)


def codes(names: Iterable[str], settings: Settings, means: Iterable[str] | None = None) -> Codes:
    """Codes of the project's lists and the hospital's overlay, all or those that mean one of `means`."""
    lists = load_code_lists(settings.overlay("codelists"))
    return Codes(lists, tuple(names), None if means is None else frozenset(means))


def observation_codes(settings: Settings) -> Codes:
    """What an Observation may be coded as: measures, and findings such as metastases, which stand in two lists."""
    return replace(codes(("observations", "conditions"), settings), without=DIAGNOSES)


def cohort_codes(settings: Settings) -> Codes:
    """Codes of the therapies that put a patient into the study."""
    return codes(("procedures",), settings, settings.cohort.any_of)


def beneath(system: str, stem: str) -> list[str]:
    """All codes that a system may have beneath a prefix, the prefix itself among them: a search knows no prefixes.

    Raises InputError where the form of its codes is not known, or where they would be too many to name.
    """
    rests = [rest for shape in _shapes().get(system, ()) if (rest := _rest(shape, stem)) is not None]
    number = sum(_size(rest) for rest in rests)
    if not rests or number > MOST_OF_A_PREFIX:
        what = f"a server cannot be asked for all codes that begin with {stem} (of {system})"
        raise InputError(what, "code lists", "name the codes in full, or pull from an export")
    longer = (stem + "".join(signs) for rest in rests for signs in product(*(SIGNS.get(sign, sign) for sign in rest)))
    return list(dict.fromkeys((stem, *longer)))


def _rest(shape: str, stem: str) -> str | None:
    """What a shape adds to a stem; None where the stem is not the beginning of such a code."""
    fits = len(stem) <= len(shape) and all(
        sign in SIGNS.get(place, place) for place, sign in zip(shape, stem, strict=False)
    )
    return shape[len(stem) :] if fits else None


def _size(rest: str) -> int:
    size = 1
    for sign in rest:
        size *= len(SIGNS.get(sign, sign))
    return size


@cache
def _shapes() -> dict[str, list[str]]:
    shapes: dict[str, list[str]] = {}
    with SHAPES.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            shapes.setdefault(row["system"], []).append(row["shape"])
    return shapes


def codings(resource: dict[str, Any]) -> Iterator[tuple[object, object]]:
    """System and code of a resource, of its medication and of its components."""
    components = resource.get("component")
    for part in [resource, *(components if isinstance(components, list) else ())]:
        for name in ("code", "medicationCodeableConcept"):
            concept = part.get(name) if isinstance(part, dict) else None
            listed = concept.get("coding") if isinstance(concept, dict) else None
            for coding in listed if isinstance(listed, list) else ():
                if isinstance(coding, dict):
                    yield coding.get("system"), coding.get("code")
