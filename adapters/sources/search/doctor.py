"""What a server would give, asked with counts only: version, sign-in, code lists that hit, codes that none maps.

The codes come from one unfiltered page a type about some patients of the cohort; nothing is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from adapters.fhir.coded_elements import types_of_list
from adapters.sources.http.answers import ServerError
from adapters.sources.search.capability import Capability, read_capability
from adapters.sources.search.codes import codes
from adapters.sources.search.cohort import find_cohort
from adapters.sources.search.queries import about_patients
from adapters.sources.search.run import TOO_MUCH, Run
from adapters.sources.search.searcher import ChainCounts, Query, Searcher
from adapters.sources.search.source import ServerSource

COUNTED_LISTS = ("procedures", "conditions", "observations", "medications")  # each fills the table of its name
LESIONS = ("lesions", "body structures", "BodyStructure")  # whatever their code
SAMPLED_TYPES = ("Condition", "Observation", "Procedure", "MedicationAdministration", "MedicationStatement")


@dataclass
class ServerReport:
    """What `doctor` found on a server.

    hits : (table or its code list, meaning, resource type) -> number of resources; None where the server does not count
    sample : resources of one page a type, for the codes that no list maps
    """

    software: str
    patients: int
    capability: Capability
    hits: dict[tuple[str, str, str], int | None] = field(default_factory=dict)
    sample: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def meanings(self, hit: bool | None) -> list[str]:
        """What is coded somewhere on the server (True), nowhere (False), or not counted by it (None)."""
        return sorted(means for means, numbers in self._numbers(1).items() if _is_hit(numbers) is hit)

    @property
    def empty(self) -> list[str]:
        """The tables that would stay empty, since the server holds nothing for them."""
        return [table for table, numbers in self._numbers(0).items() if _is_hit(numbers) is False]

    def _numbers(self, part: int) -> dict[str, set[int | None]]:
        """What was counted by table (0) or by meaning (1)."""
        numbers: dict[str, set[int | None]] = {}
        for key, number in self.hits.items():
            numbers.setdefault(key[part], set()).add(number)
        return numbers


def _is_hit(numbers: set[int | None]) -> bool | None:
    return True if any(numbers) else None if None in numbers else False


def examine_server(source: ServerSource) -> ServerReport:
    """Ask the server without keeping anything. Raises as a pull: not there, not allowed, another FHIR version."""
    client = source.client()
    try:
        run = Run(client, Searcher(client, source.config.count), read_capability(client), source.config)
        patients = find_cohort(run, source.settings, source.selection).patients
        report = ServerReport(run.capability.software, len(patients), run.capability)
        for name in COUNTED_LISTS:
            for means, tokens in _meanings(name, source).items():
                for kind in types_of_list(name):
                    report.hits[(name, means, kind)] = _count(run, kind, tokens)
                    source.shown(f"counting {name}", len(report.hits))
        report.hits[LESIONS] = _count(run, LESIONS[2])
        report.sample = list(_sample(run, patients[: source.config.chunk_size]))
    finally:
        client.close()
    report.notes = list(_notes(report, source))
    return report


def _meanings(name: str, source: ServerSource) -> dict[str, list[str]]:
    every = codes((name,), source.settings)
    return {means: replace(every, wanted=frozenset({means})).asked() for means in every.meanings()}


def _count(run: Run, kind: str, tokens: list[str] | None = None) -> int | None:
    """How many resources have one of these codes, or any; None where the server does not count."""
    if not run.capability.has_type(kind):
        return 0
    if tokens is None:
        return run.searcher.total(Query(kind, kind, ()))
    combined = kind == "Observation" and run.capability.supports(kind, "combo-code")
    parameter = "combo-code" if combined else "code"
    return run.searcher.total(
        Query(f"{kind}?{parameter}={{{len(tokens)} codes}}", kind, ((parameter, ",".join(tokens)),))
    )


def _sample(run: Run, patients: list[str]) -> Iterator[dict[str, Any]]:
    for kind in SAMPLED_TYPES:
        if patients and run.capability.has_type(kind):
            yield from _first_page(run, about_patients(kind, patients))


def _first_page(run: Run, query: Query) -> list[dict[str, Any]]:
    """The first page of a search; of a part of it where the server cannot answer for all at once."""
    try:
        return next(run.searcher.chain(query, ChainCounts()))
    except ServerError as error:
        halves = query.halves()
        if halves is None or error.status not in TOO_MUCH:
            raise
    return _first_page(run, halves[0])


def _notes(report: ServerReport, source: ServerSource) -> Iterator[str]:
    sign_in = source.config.signs_in_by(os.environ)
    yield "without sign-in" if sign_in == "none" else f"sign-in ({sign_in}) is accepted"
    if not report.capability.known:
        yield "the server gives no CapabilityStatement: what it can is found out by trying"
    elif not report.capability.supports("Observation", "combo-code"):
        yield "the server does not list combo-code: components are searched separately or not at all"
    if report.capability.known and not report.capability.supports("Patient", "link"):
        yield "the server cannot search Patient by link: records that name a patient's record from outside are not found"
    if report.capability.known:
        offered = "export" in " ".join(report.capability.operations)
        yield f"bulk export (--bulk): {'offered' if offered else 'not listed by the server'}"
    missing = [kind for kind in sorted(source.types) if not report.capability.has_type(kind)]
    if missing:
        yield f"not served: {', '.join(missing)}"
    if report.patients == 0:
        yield "nobody meets the cohort rule: a pull would stop with exit code 2"
    for name in report.empty:
        yield f"table {name} would be empty: the server holds nothing for it"
    yield f"no code hits for: {', '.join(report.meanings(hit=False)) or 'none'}"
    uncounted = report.meanings(hit=None)
    if uncounted:
        yield f"not counted by the server: {', '.join(uncounted)}"
    if None in report.hits.values():
        yield "the server does not count: a pull would say `verified: false`"
