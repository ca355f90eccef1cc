"""The units of a pull from a server: one type for one chunk of patients, fetched, judged, counted and kept at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from adapters.errors import IncompleteError
from adapters.settings import Settings
from adapters.sources.http_client import ServerError
from adapters.sources.search import Query
from adapters.sources.server_capability import Capability
from adapters.sources.server_cohort import patient_id
from adapters.sources.server_plan import Codes, about_patients, by_ids, observation_codes
from adapters.sources.server_run import Run

TOO_MUCH = frozenset({0, 408, 413, 414, 500, 502, 503, 504})  # what a server may answer to a search that is too big


@dataclass(frozen=True)
class Unit:
    """One type for one chunk of patients; `filters` restrict the codes, `codes` judge what comes back."""

    type: str
    patients: tuple[str, ...]
    filters: tuple[tuple[str, str], ...] = ()
    codes: Codes | None = None

    @property
    def name(self) -> str:
        """Name by content: the same question has the same name in a later run. It shows no id."""
        text = "\n".join([*self.patients, *(name for name, _ in self.filters)])
        return f"{self.type} {hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def query(self, patients: Sequence[str] | None = None) -> Query:
        """The search for all or some of the patients."""
        asked = self.patients if patients is None else patients
        if self.type == "Patient":
            return by_ids("Patient", asked)
        return about_patients(self.type, asked, self.filters)


def units(types: set[str], chunks: list[list[str]], capability: Capability, settings: Settings | None) -> list[Unit]:
    """The units that give everything of `types` about the patients of `chunks`; without settings whatever the code."""
    observed = None if settings is None else observation_codes(settings)
    filters = () if observed is None else observation_filters(capability, observed)
    found = []
    for chunk in chunks:
        for kind in sorted(types):
            if kind == "Observation" and filters:
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
    """Resources of a unit and what is noted about it: verified, resources, not_asked_for.

    Raises IncompleteError when the server counts otherwise than it gives. Counting covers the whole chunk; where the
    server is overtaxed by the search itself, the chunk is halved.
    """
    query = unit.query()
    before = run.searcher.total(query) if run.config.counts else None
    received = fetched(run, unit, unit.patients)
    after = run.searcher.total(query) if before is not None else None
    distinct = len({resource["id"] for resource in received})
    if before is not None and after is not None and not before == after == distinct:
        what = f"the server counts {before} before and {after} after, but gave {distinct}"
        raise IncompleteError(what, query.name, "the data may be changing: try again")
    kept = [resource for resource in received if asked_for(resource, unit, run)]
    run.count_surplus(query.name, len(received) - len(kept))
    everything = (
        run.searcher.total(about_patients(unit.type, unit.patients)) if unit.filters and after is not None else None
    )
    facts = {
        "verified": before is not None and after is not None,
        "resources": len(kept),
        "not_asked_for": None if everything is None else max(0, everything - distinct),
    }
    return kept, facts


def fetched(run: Run, unit: Unit, patients: Sequence[str]) -> list[dict[str, Any]]:
    """All matches about some patients of a unit, in halves where the server cannot answer for all at once."""
    try:
        return run.all_of(unit.query(patients))
    except ServerError as error:
        if len(patients) == 1 or error.status not in TOO_MUCH:
            raise
    half = len(patients) // 2
    return fetched(run, unit, patients[:half]) + fetched(run, unit, patients[half:])


def asked_for(resource: dict[str, Any], unit: Unit, run: Run) -> bool:
    """Whether a server that ignores filters gave this one rightly."""
    if unit.type == "Patient":
        return resource["id"] in unit.patients
    about = patient_id(resource, run.base)
    if about is not None and about not in unit.patients:
        return False
    return unit.codes is None or any(unit.codes.matches(*coding) for coding in codings(resource))


def codings(resource: dict[str, Any]) -> Iterator[tuple[object, object]]:
    """System and code of a resource and its components."""
    for part in [resource, *(part for part in resource.get("component") or () if isinstance(part, dict))]:
        code = part.get("code")
        for coding in code.get("coding") or () if isinstance(code, dict) else ():
            if isinstance(coding, dict):
                yield coding.get("system"), coding.get("code")
