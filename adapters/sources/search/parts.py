"""The parts of a download: one resource type for one chunk of patients, fetched, filtered and counted together."""

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
from adapters.sources.spool.counts import SearchCounts, SearchStatistics


@dataclass(frozen=True)
class DownloadPart:
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
        return [about_patients(self.type, self.patients, (item,)) for item in self.filters] or [self.unfiltered()]

    def unfiltered(self) -> Query:
        """The search for everything of this type about the patients."""
        return about_patients(self.type, self.patients)


def download_parts(
    types: set[str], chunks: Sequence[Sequence[str]], capability: Capability, settings: Settings | None
) -> list[DownloadPart]:
    """The parts that give everything of `types` about the patients of `chunks`; without settings whatever the code."""
    filters: tuple[tuple[str, str], ...] = ()
    codes = None
    if settings is not None and component_parameters(capability):
        codes = observation_codes(settings)
        filters = tuple(
            (name, values) for name in component_parameters(capability) for values in code_groups(codes.asked())
        )
    parts = []
    for chunk in chunks:
        for kind in sorted(types):
            if kind == "Patient":
                parts.append(DownloadPart(kind, ids=tuple(chunk)))
            elif kind == "Observation":
                parts.append(DownloadPart(kind, tuple(chunk), filters, codes))
            else:
                parts.append(DownloadPart(kind, tuple(chunk)))
    return parts


def component_parameters(capability: Capability) -> tuple[str, ...]:
    """Search parameters that together find Observations by their own code or that of a component.

    Empty if the server cannot search components: all Observations are then asked for, so none is missed.
    """
    if capability.supports("Observation", "combo-code"):
        return ("combo-code",)
    if capability.supports("Observation", "component-code"):
        return "code", "component-code"
    return ()


def fetch_part(run: Run, part: DownloadPart) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Resources of a part and what is noted about it: verified, not_asked_for, counts.

    Raises IncompleteError when the server counts otherwise than it gives.
    """
    statistics, answers = SearchStatistics(), []
    for query in part.queries():
        answer = run.all_of(query, statistics)
        run.check_list(query, answer)
        matching = [resource for resource in answer if matches_search(resource, part)]
        statistics.add(query.name, SearchCounts(surplus=len(answer.resources) - len(matching)))
        answers.append(replace(answer, resources=matching))
    together = united(answers)
    everything = run.searcher.total(part.unfiltered()) if part.filters and together.verified else None
    facts = {
        "verified": together.verified,
        "not_asked_for": None if everything is None else max(0, everything - together.counted),
        "counts": statistics.noted(),
    }
    return together.resources, facts


def matches_search(resource: dict[str, Any], part: DownloadPart) -> bool:
    """True if the resource matches the search of the part: some servers ignore filters."""
    if part.ids:
        return resource["id"] in part.ids
    about = patient_id(resource)
    if about is not None and about not in part.patients:
        return False
    return part.codes is None or part.codes.match(resource)
