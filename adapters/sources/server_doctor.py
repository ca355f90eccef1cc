"""What a server would give, asked with counts only: version, sign-in, code lists that hit, codes that none maps.

The codes come from one unfiltered page a type about some patients of the cohort; nothing is kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from adapters.sources.search import ChainTally, Query, Searcher
from adapters.sources.server import ServerSource
from adapters.sources.server_capability import Capability, read_capability
from adapters.sources.server_codes import codes
from adapters.sources.server_cohort import find_cohort
from adapters.sources.server_plan import about_patients
from adapters.sources.server_run import Run

LISTS = {
    "procedures": ("Procedure", "MedicationAdministration"),
    "conditions": ("Condition",),
    "observations": ("Observation",),
}
SAMPLED_TYPES = ("Condition", "Observation", "Procedure", "MedicationAdministration", "MedicationStatement")


@dataclass
class ServerReport:
    """What `doctor` found on a server.

    hits : (code list, meaning, resource type) -> number of resources; None where the server does not count
    sample : resources of one page a type, for the codes that no list maps
    """

    software: str
    patients: int
    capability: Capability
    hits: dict[tuple[str, str, str], int | None] = field(default_factory=dict)
    sample: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def examine_server(source: ServerSource) -> ServerReport:
    """Ask the server without keeping anything. Raises as a pull: not there, not allowed, another FHIR version."""
    client = source.client()
    try:
        run = Run(client, Searcher(client, source.config.count), read_capability(client), source.config)
        patients = find_cohort(run, source.settings, source.selection).patients
        report = ServerReport(run.capability.software, len(patients), run.capability)
        for name, types in LISTS.items():
            for means, tokens in _meanings(name, source).items():
                for kind in types:
                    report.hits[(name, means, kind)] = _count(run, kind, tokens)
                    source.shown(f"counting {name}", len(report.hits))
        report.sample = list(_sample(run, patients[: source.config.chunk_size]))
    finally:
        client.close()
    report.notes = list(_notes(report, source))
    return report


def _meanings(name: str, source: ServerSource) -> dict[str, list[str]]:
    every = codes((name,), source.settings)
    return {means: codes((name,), source.settings, (means,)).asked() for means in every.meanings()}


def _count(run: Run, kind: str, tokens: list[str]) -> int | None:
    if not run.capability.has_type(kind):
        return 0
    combined = kind == "Observation" and run.capability.supports(kind, "combo-code")
    parameter = "combo-code" if combined else "code"
    return run.searcher.total(
        Query(f"{kind}?{parameter}={{{len(tokens)} codes}}", kind, ((parameter, ",".join(tokens)),))
    )


def _sample(run: Run, patients: list[str]) -> Any:
    for kind in SAMPLED_TYPES:
        if patients and run.capability.has_type(kind):
            for page in islice(run.searcher.chain(about_patients(kind, patients), ChainTally()), 1):
                yield from page


def _notes(report: ServerReport, source: ServerSource) -> Any:
    yield f"sign-in ({source.config.auth}) is accepted"
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
    if any(number is None for number in report.hits.values()):
        yield "the server does not count: a pull would say `verified: false`"
