"""The parts of a pull from a server: one type for one chunk of patients, fetched, judged, counted and kept at once."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from adapters.settings import Settings
from adapters.sources.search.capability import Capability
from adapters.sources.search.codes import Codes, observation_codes
from adapters.sources.search.cohort import patient_id
from adapters.sources.search.queries import about_patients, by_ids, code_groups
from adapters.sources.search.run import Run, united
from adapters.sources.search.searcher import Query
from adapters.sources.spool.tally import Tallies, TemplateTally


@dataclass(frozen=True)
class Unit:
    """One type for one chunk of patients, or by id where `ids` says so.

    Where there are `filters` (search parameter, values), a search for each; `codes` judge what comes back.
    """

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

    def queries(self) -> list[Query]:
        """The searches that give all of it together."""
        if self.ids:
            return [by_ids(self.type, self.ids)]
        return [about_patients(self.type, self.patients, (one,)) for one in self.filters] or [self.unfiltered()]

    def unfiltered(self) -> Query:
        """The search for everything of this type about the patients."""
        return about_patients(self.type, self.patients)


def units(
    types: set[str], chunks: Sequence[Sequence[str]], capability: Capability, settings: Settings | None
) -> list[Unit]:
    """The parts that give everything of `types` about the patients of `chunks`; without settings whatever the code."""
    filters: tuple[tuple[str, str], ...] = ()
    codes = None
    if settings is not None and component_parameters(capability):
        codes = observation_codes(settings)
        filters = tuple(
            (name, some) for name in component_parameters(capability) for some in code_groups(codes.asked())
        )
    found = []
    for chunk in chunks:
        for kind in sorted(types):
            if kind == "Patient":
                found.append(Unit(kind, ids=tuple(chunk)))
            elif kind == "Observation":
                found.append(Unit(kind, tuple(chunk), filters, codes))
            else:
                found.append(Unit(kind, tuple(chunk)))
    return found


def component_parameters(capability: Capability) -> tuple[str, ...]:
    """Search parameters that together find Observations by code, also by that of a component.

    None where the server cannot search components: then everything is asked for, and nothing is passed over.
    """
    if capability.supports("Observation", "combo-code"):
        return ("combo-code",)
    if capability.supports("Observation", "component-code"):
        return "code", "component-code"
    return ()


def fetch_unit(run: Run, unit: Unit) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Resources of a part and what is noted about it: verified, not_asked_for, tally.

    Raises IncompleteError when the server counts otherwise than it gives.
    """
    tallies, parts = Tallies(), []
    for query in unit.queries():
        part = run.all_of(query, tallies)
        run.check_list(query, part)
        kept = [resource for resource in part if asked_for(resource, unit)]
        tallies.add(query.name, TemplateTally(surplus=len(part.resources) - len(kept)))
        parts.append(replace(part, resources=kept))
    found = united(parts)
    everything = run.searcher.total(unit.unfiltered()) if unit.filters and found.verified else None
    facts = {
        "verified": found.verified,
        "not_asked_for": None if everything is None else max(0, everything - found.counted),
        "tally": tallies.noted(),
    }
    return found.resources, facts


def asked_for(resource: dict[str, Any], unit: Unit) -> bool:
    """Whether a server that ignores filters gave this one rightly."""
    if unit.ids:
        return resource["id"] in unit.ids
    about = patient_id(resource)
    if about is not None and about not in unit.patients:
        return False
    return unit.codes is None or unit.codes.match(resource)
