"""Code lists: which codes mean which category. All codings of a resource reach them, whatever their order."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from adapters import contract
from adapters.errors import InputError
from adapters.fhir.csv_faults import faults_named

CODELISTS = Path(__file__).resolve().parents[1] / "codelists"
HEADER = ("system", "code", "display", "means", "source")
FOLLOW_UP = "follow_up"  # a measure of its own: only the last contact knows it, no table holds it
STATISTIC = "*"  # in a measure: what the method of the Observation says, such as the maximum
_SUV = tuple(name for name in contract.MEASURES if name.startswith("suv_"))

_ALLOWED: dict[str, frozenset[str]] = {
    "conditions": frozenset(contract.CONDITIONS),
    "procedures": frozenset(contract.PROCEDURES),
    "medications": frozenset(contract.DRUGS),
    "sites": frozenset(contract.SITES),
    "tracers": frozenset(contract.TRACERS),
    "absent_reasons": frozenset(contract.ABSENT_REASONS),
    "statuses": frozenset(contract.STATUSES),
    "statistics": frozenset(name.removeprefix("suv_") for name in _SUV),
    "sexes": frozenset(contract.SEXES),
}


@dataclass(frozen=True)
class CodeList:
    """One list: (system, code) -> meaning. An exact code comes before a prefix, a long prefix before a short one."""

    exact: dict[tuple[str, str], str] = field(default_factory=dict)
    prefixes: dict[tuple[str, str], str] = field(default_factory=dict)

    def add(self, system: str, code: str, means: str) -> None:
        """Add a code, or a prefix where it ends in *; a later row of the same code wins."""
        if code.endswith("*"):
            self.prefixes[(system, code[:-1])] = means
        else:
            self.exact[(system, code)] = means

    def means(self, system: str, code: str) -> str | None:
        """What a code means; None where the list does not hold it, or holds it with an empty meaning."""
        found = self.exact.get((system, code))
        if found is None and self.prefixes:
            for length in range(len(code), 0, -1):
                found = self.prefixes.get((system, code[:length]))
                if found is not None:
                    break
        return found or None


@dataclass(frozen=True)
class CodeLists:
    """All lists by name, and the other addresses under which a code system is known."""

    lists: dict[str, CodeList]
    aliases: Mapping[str, str]

    def means(self, name: str, system: str, code: str) -> str | None:
        """What a code means in the list `name`, under any address of its system."""
        found = self.lists.get(name)
        return found.means(self.aliases.get(system, system), code) if found else None


def load_code_lists(overlay: Path | None = None) -> CodeLists:
    """The lists of adapters/codelists, then the rows of files of the same name in `overlay`, which win.

    Raises InputError naming file and line for another header or a meaning that the contract does not know.
    """
    lists: dict[str, CodeList] = {}
    aliases: dict[str, str] = {}
    for folder in (CODELISTS, overlay) if overlay else (CODELISTS,):
        for path in sorted(folder.glob("*.csv")):
            for system, code, means in _rows(path):
                if path.stem == "systems":
                    aliases[system] = means
                else:
                    lists.setdefault(path.stem, CodeList()).add(aliases.get(system, system), code, means)
    return CodeLists(lists, aliases)


@faults_named
def _rows(path: Path) -> Iterator[tuple[str, str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != HEADER:
            raise InputError("columns are not " + ",".join(HEADER), path.name, "write that line first")
        for row in reader:
            system, code, means = (str(row[name] or "").strip() for name in ("system", "code", "means"))
            if means and not _is_allowed(path.stem, means):
                raise InputError(
                    "the column means holds no category of the contract", f"{path.name}:{reader.line_num}",
                    "see the data dictionary",
                )  # fmt: skip
            yield system, code, means


def _is_allowed(name: str, means: str) -> bool:
    if name == "observations":
        measure, _, answer = means.partition("=")
        known = measure in contract.MEASURES or measure in (FOLLOW_UP, f"suv_{STATISTIC}")
        return known and (not answer or answer in contract.ANSWERS)
    if name == "answers":
        measure, _, answer = means.partition("=")
        return answer in contract.ANSWERS if measure == "category" else measure in contract.MEASURES
    return name not in _ALLOWED or means in _ALLOWED[name]


@dataclass
class Coded:
    """All codings of all resources: columns resource_key, part, role, system, code."""

    frame: pd.DataFrame
    lists: CodeLists
    _pairs: list[tuple[str, str]] = field(init=False)  # the different pairs of system and code
    _by_role: dict[str, pd.DataFrame] = field(init=False)
    _found: dict[tuple[str, ...], pd.DataFrame] = field(default_factory=dict)

    def __post_init__(self) -> None:
        systems, codes = (self.frame[name].fillna("").astype(str) for name in ("system", "code"))
        system_numbers, different_systems = pd.factorize(systems)
        code_numbers, different_codes = pd.factorize(codes)
        numbers, pairs = pd.factorize(system_numbers * len(different_codes) + code_numbers)
        places = (divmod(int(pair), len(different_codes)) for pair in pairs)
        self._pairs = [(different_systems[system], different_codes[code]) for system, code in places]
        frame = self.frame[["resource_key", "part", "role"]].assign(pair=numbers)
        self._by_role = dict(iter(frame.groupby("role", sort=False)))

    def means(self, name: str, *roles: str) -> pd.DataFrame:
        """What the codings in `roles` mean in the list `name`: resource_key, part, means, without repetition."""
        if (name, *roles) not in self._found:
            known = [self.lists.means(name, system, code) for system, code in self._pairs]
            chosen = self._in(roles)
            means = np.array([*known, None], dtype=object)[chosen["pair"]]
            rows = chosen[["resource_key", "part"]].assign(means=means)
            self._found[(name, *roles)] = rows[rows["means"].notna()].drop_duplicates(ignore_index=True)
        return self._found[(name, *roles)]

    def has(self, *roles: str) -> pd.DataFrame:
        """The (resource_key, part) that have any coding in `roles`, listed or not."""
        return self._in(roles)[["resource_key", "part"]].drop_duplicates(ignore_index=True)

    def _in(self, roles: tuple[str, ...]) -> pd.DataFrame:
        """The codings in `roles`, in the order read."""
        chosen = [self._by_role[role] for role in roles if role in self._by_role]
        if len(chosen) == 1:
            return chosen[0]
        return pd.concat(chosen).sort_index() if chosen else self.frame[["resource_key", "part"]][:0].assign(pair=[])
