"""Joins on keys: references by identifier, records linked as one patient, resources that share an identifier."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import pandas as pd

_SAME_PERSON = frozenset({"replaced-by", "replaces"})  # seealso and refer name other records, not a merge
Key = TypeVar("Key", int, str)
BY_IDENTIFIER = "?identifier="  # what marks a key that must be joined by identifier


@dataclass
class Identified:
    """Resources of one type by business identifier, to resolve keys such as `Patient?identifier=system|value`."""

    by_name: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, identifiers: pd.DataFrame | None, kind: str, keys: Sequence[str]) -> Identified:
        """The index of all resources of type `kind`, by "system|value" and by "value" alone; `keys` by number."""
        names: dict[str, set[str]] = defaultdict(set)
        if identifiers is not None:
            own = identifiers[identifiers["resource_type"] == kind]
            for number, system, value in zip(own["resource_key"], own["system"], own["value"], strict=True):
                names[str(value)].add(keys[number])
                if isinstance(system, str):
                    names[f"{system}|{value}"].add(keys[number])
        return cls({name: frozenset(keys) for name, keys in names.items()})

    def find(self, key: str) -> frozenset[str]:
        """The keys that `key` means: itself, or those that carry the identifier it names."""
        kind, mark, name = key.partition(BY_IDENTIFIER)
        return self.by_name.get(name, frozenset()) if mark and kind else frozenset({key})


@dataclass
class People:
    """Patient records grouped into persons: Patient key -> main key of the person."""

    main: dict[str, str] = field(default_factory=dict)
    records: dict[str, list[str]] = field(default_factory=dict)  # main key -> all its Patient keys
    current: dict[str, list[str]] = field(default_factory=dict)  # of these, the ones that no other replaces
    identified: Identified = field(default_factory=lambda: Identified({}))

    def resolve(self, keys: pd.Series) -> pd.Series:
        """The person meant by each patient key; missing where it is nobody read, or more than one person."""
        known = {key: self._person(key) for key in keys.dropna().unique()}
        return keys.map(known).astype(object)

    def ambiguous(self, keys: pd.Series) -> int:
        """How many of the keys name more than one person by identifier."""
        unclear = {key for key in keys.dropna().unique() if len(self._persons(key)) > 1}
        return int(keys.isin(unclear).sum())

    def _person(self, key: str) -> str | None:
        persons = self._persons(key)
        return next(iter(persons)) if len(persons) == 1 else None

    def _persons(self, key: str) -> set[str]:
        return {self.main[record] for record in self.identified.find(key) if record in self.main}


def find_people(patients: Iterable[str], links: pd.DataFrame, identified: Identified) -> People:
    """Group Patient keys into persons: `replaced-by` and `replaces` links count from both ends.

    A record that no other replaces stands for the person. `links` : source_key, role, target_key of Patients.
    """
    people = People(identified=identified)
    keys = list(dict.fromkeys(patients))
    parent = {key: key for key in keys}
    replaced: set[str] = set()
    links = links[links["role"].isin(_SAME_PERSON) & links["target_key"].notna()]
    for source, role, target in zip(links["source_key"], links["role"], links["target_key"], strict=True):
        for other in identified.find(target):
            if source in parent and other in parent:
                parent[_root(parent, source)] = _root(parent, other)
                replaced.add(source if role == "replaced-by" else other)
    groups: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        groups[_root(parent, key)].append(key)
    for group in groups.values():
        current = [key for key in group if key not in replaced] or group
        people.records[current[0]], people.current[current[0]] = group, current
        people.main.update(dict.fromkeys(group, current[0]))
    return people


def _root(parent: dict[Key, Key], key: Key) -> Key:
    while parent[key] != key:
        parent[key] = parent[parent[key]]
        key = parent[key]
    return key


def one_of_each(identifiers: pd.DataFrame | None, kind: str, owner: Mapping[int, str]) -> dict[int, int]:
    """Number -> that of the first resource of the same owner that shares an identifier with system; else itself."""
    parent = {key: key for key in owner}
    seen: dict[tuple[str, str, str], int] = {}
    if identifiers is not None:
        own = identifiers[(identifiers["resource_type"] == kind) & identifiers["system"].notna()]
        for key, system, value in zip(own["resource_key"], own["system"], own["value"], strict=True):
            if key in parent:
                first = seen.setdefault((owner[key], system, value), key)
                parent[_root(parent, key)] = _root(parent, first)
    return {key: _root(parent, key) for key in parent}
