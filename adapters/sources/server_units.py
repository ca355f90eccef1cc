"""The parts of a pull from a server: one type for one chunk of patients, fetched, judged, counted and kept at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from adapters.settings import Settings
from adapters.sources.search import Query
from adapters.sources.server_capability import Capability
from adapters.sources.server_cohort import patient_id
from adapters.sources.server_plan import Codes, about_patients, by_ids, observation_codes
from adapters.sources.server_run import Run
from adapters.sources.server_tally import Tallies, TemplateTally


@dataclass(frozen=True)
class Unit:
    """One type for one chunk of patients, or by id where `ids` says so; `codes` judge what comes back."""

    type: str
    patients: tuple[str, ...] = ()
    filters: tuple[tuple[str, str], ...] = ()
    codes: Codes | None = None
    ids: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name by content: the same question has the same name in a later run. It shows no id."""
        text = "\n".join([*self.patients, *self.ids, *(f"{name}={value}" for name, value in self.filters)])
        return f"{self.type} {hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def query(self) -> Query:
        """The search for all of it."""
        if self.ids:
            return by_ids(self.type, self.ids)
        return about_patients(self.type, self.patients, self.filters)


def units(
    types: set[str], chunks: Sequence[Sequence[str]], capability: Capability, settings: Settings | None
) -> list[Unit]:
    """The parts that give everything of `types` about the patients of `chunks`; without settings whatever the code."""
    observed = None if settings is None else observation_codes(settings)
    filters = () if observed is None else observation_filters(capability, observed)
    found = []
    for chunk in chunks:
        for kind in sorted(types):
            if kind == "Patient":
                found.append(Unit(kind, ids=tuple(chunk)))
            elif kind == "Observation" and filters:
                found += [Unit(kind, tuple(chunk), (one,), observed) for one in filters]
            else:
                found.append(Unit(kind, tuple(chunk)))
    return found


def observation_filters(capability: Capability, observed: Codes) -> tuple[tuple[str, str], ...]:
    """Search parameters that find Observations by code: components too, in one search where the server can."""
    tokens = ",".join(observed.asked())
    if capability.supports("Observation", "combo-code"):
        return (("combo-code", tokens),)
    if capability.supports("Observation", "component-code"):
        return ("code", tokens), ("component-code", tokens)
    return (("code", tokens),)


def fetch_unit(run: Run, unit: Unit) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Resources of a part and what is noted about it: verified, not_asked_for, tally.

    Raises IncompleteError when the server counts otherwise than it gives.
    """
    query, tallies = unit.query(), Tallies()
    found = run.all_of(query, tallies)
    kept = [resource for resource in found if asked_for(resource, unit, run)]
    tallies.add(query.name, TemplateTally(surplus=len(found.resources) - len(kept)))
    everything = None
    if unit.filters and found.verified:
        everything = run.searcher.total(about_patients(unit.type, unit.patients))
    facts = {
        "verified": found.verified,
        "not_asked_for": None if everything is None else max(0, everything - found.counted),
        "tally": tallies.noted(),
    }
    return kept, facts


def asked_for(resource: dict[str, Any], unit: Unit, run: Run) -> bool:
    """Whether a server that ignores filters gave this one rightly."""
    if unit.ids:
        return resource["id"] in unit.ids
    about = patient_id(resource, run.base)
    if about is not None and about not in unit.patients:
        return False
    return unit.codes is None or unit.codes.match(resource)
