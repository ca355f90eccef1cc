"""All codings of all resources, and what they mean by the code lists, whatever their order and spelling."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from adapters.fhir.codelists import CodeLists, Rule
from adapters.fhir.spelling import Spelling

_PLACES = {"tracer": "used"}  # roles of the views that code lists call otherwise


@dataclass
class Coded:
    """All codings of all resources: columns resource_key, part, role, system, code."""

    frame: pd.DataFrame
    lists: CodeLists
    _pairs: list[Spelling] = field(init=False)  # the different pairs of system and code, as the lists spell them
    _by_role: dict[str, pd.DataFrame] = field(init=False)
    _cache: dict[tuple[str, ...], pd.DataFrame] = field(default_factory=dict)
    _beside: dict[tuple[str, str], set[int]] = field(default_factory=dict)  # coding -> resources that have it

    def __post_init__(self) -> None:
        systems, codes = (self.frame[name].fillna("").astype(str) for name in ("system", "code"))
        system_numbers, different_systems = pd.factorize(systems)
        code_numbers, different_codes = pd.factorize(codes)
        numbers, pairs = pd.factorize(system_numbers * len(different_codes) + code_numbers)
        places = (divmod(int(pair), len(different_codes)) for pair in pairs)
        spelling = self.lists.spelling
        self._pairs = [spelling(different_systems[system], different_codes[code]) for system, code in places]
        frame = self.frame[["resource_key", "part", "role"]].assign(pair=numbers)
        self._by_role = dict(iter(frame.groupby("role", sort=False)))

    def means(self, name: str, *roles: str) -> pd.DataFrame:
        """What the codings in `roles` mean in the list `name`: resource_key, part, means, without repetition."""
        if (name, *roles) not in self._cache:
            chosen = self._in(roles)
            code_list = self.lists.lists.get(name)
            known = [code_list.means(pair.system, pair.code) if code_list else None for pair in self._pairs]
            means = np.array([*known, None], dtype=object)[chosen["pair"]]
            rows = chosen[["resource_key", "part"]].assign(means=means)
            rows = self._with_rules(rows, name, roles)
            self._cache[(name, *roles)] = rows[rows["means"].notna()].drop_duplicates(ignore_index=True)
        return self._cache[(name, *roles)]

    def has(self, *roles: str) -> pd.DataFrame:
        """The (resource_key, part) that have any coding in `roles`, listed or not."""
        return self._in(roles)[["resource_key", "part"]].drop_duplicates(ignore_index=True)

    def any_in(self, *roles: str) -> bool:
        """True if any resource has a coding in one of the roles."""
        return any(role in self._by_role for role in roles)

    def with_code(self, *roles: str) -> pd.DataFrame:
        """As `has`, without those that give a text alone."""
        chosen = self._in(roles)
        with_system = {number for number, pair in enumerate(self._pairs) if pair.system}
        return chosen.loc[chosen["pair"].isin(with_system), ["resource_key", "part"]]

    def respelled(self, *roles: str) -> pd.Series:
        """The resource of each coding in `roles` whose spelling had to be mended to be listed, once a coding."""
        listed = {
            number
            for number, pair in enumerate(self._pairs)
            if pair.is_mended and any(self._knows(name, pair) for name in self.lists.lists)
        }
        chosen = self._in(roles)
        return chosen.loc[chosen["pair"].isin(listed), "resource_key"]

    def _knows(self, name: str, pair: Spelling) -> bool:
        code_list = self.lists.lists[name]
        return bool(code_list.means(pair.system, pair.code)) or (pair.system, pair.code) in code_list.rules

    def _with_rules(self, rows: pd.DataFrame, name: str, roles: tuple[str, ...]) -> pd.DataFrame:
        """`rows` with the meanings of rules that name a place or another code; these come before all others."""
        rules = self.lists.lists[name].rules if name in self.lists.lists else {}
        numbers = {n: rules[(p.system, p.code)] for n, p in enumerate(self._pairs) if (p.system, p.code) in rules}
        if not numbers:
            return rows
        chosen = self._in(roles)
        ruled = chosen[chosen["pair"].isin(numbers)]
        meanings = rows["means"].copy()
        for role in roles:
            own = ruled[ruled.index.isin(self._by_role.get(role, ruled[:0]).index)]
            for index, key, pair in zip(own.index, own["resource_key"], own["pair"], strict=True):
                rule = self._fitting(numbers[pair], role, key)
                if rule is not None:
                    meanings[index] = rule.means or None
        return rows.assign(means=meanings)

    def _fitting(self, rules: Iterable[Rule], role: str, key: int) -> Rule | None:
        """The last rule that holds at this place of this resource; a rule with a second code comes first."""
        fitting = [rule for rule in rules if rule.place in ("", _PLACES.get(role, role)) and self._is_beside(rule, key)]
        return max(fitting, key=lambda rule: rule.beside is not None, default=None)

    def _is_beside(self, rule: Rule, key: int) -> bool:
        if rule.beside is None:
            return True
        if rule.beside not in self._beside:
            numbers = [n for n, pair in enumerate(self._pairs) if (pair.system, pair.code) == rule.beside]
            frames = self._by_role.values()
            keys = {key for frame in frames for key in frame.loc[frame["pair"].isin(numbers), "resource_key"]}
            self._beside[rule.beside] = keys
        return key in self._beside[rule.beside]

    def _in(self, roles: tuple[str, ...]) -> pd.DataFrame:
        """The codings in `roles`, in the order read."""
        chosen = [self._by_role[role] for role in roles if role in self._by_role]
        if len(chosen) == 1:
            return chosen[0]
        return pd.concat(chosen).sort_index() if chosen else self.frame[["resource_key", "part"]][:0].assign(pair=[])
