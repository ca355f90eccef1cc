"""What a pull would ask a server, as text: every search with its parameters, ids of patients left open. Nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.fhir.r4 import BY_REFERENCE
from adapters.sources.search.capability import Capability
from adapters.sources.search.cohort import EVERYBODY
from adapters.sources.search.parts import download_parts
from adapters.sources.search.queries import by_ids, by_parameter, cohort_queries, medication_queries
from adapters.sources.search.searcher import Query
from adapters.sources.spool.source import SpooledSource

OPEN = "..."  # ids that the searches before will have found
COMBINED = Capability(True, parameters={"Observation": frozenset({"combo-code"})})
SEPARATE = Capability(True, parameters={"Observation": frozenset({"component-code"})})


def dry_run(source: SpooledSource) -> list[str]:
    """The searches in the order of a pull, a comment before each stage."""
    lines = [f"GET {source.base.url('metadata')}", "# who belongs to the study"]
    lines += [_line(source, query) for query in _cohort(source)]
    lines.append(f"# then about these patients, {source.config.chunk_size} at a time")
    settings = None if source.any_code else source.settings
    types = source.types_by_patient
    asked = download_parts(types, [[OPEN]], COMBINED, settings)
    lines += [_line(source, query) for part in asked for query in part.queries()]
    if settings is not None and "Observation" in types:
        lines.append("# where the server does not list combo-code, instead of that")
        separate = download_parts({"Observation"}, [[OPEN]], SEPARATE, settings)
        lines += [_line(source, query) for part in separate for query in part.queries()]
    lines.append("# what these refer to")
    lines += [_line(source, by_ids(kind, [OPEN])) for kind in sorted(source.types & BY_REFERENCE)]
    if source.config.counts:
        lines.append("# before and after each of these the same with _summary=count instead of _count;")
        lines.append("# for Observation also without the codes, so that what was not asked for is counted")
    return lines


def _cohort(source: SpooledSource) -> Iterator[Query]:
    selection = source.selection
    if selection.group is not None:
        yield by_ids("Group", [selection.group.removeprefix("Group/")])
    elif selection.patients is not None:
        yield by_ids("Patient", [OPEN])
        yield by_parameter("Patient", "identifier", [OPEN])
    elif source.settings.cohort.everyone:
        yield EVERYBODY
    else:
        yield from cohort_queries(source.settings)
        yield from medication_queries(source.settings)
        yield by_parameter("MedicationAdministration", "medication", [f"Medication/{OPEN}"])
    yield by_ids("Patient", [OPEN])
    yield by_parameter("Patient", "link", [f"Patient/{OPEN}"])


def _line(source: SpooledSource, query: Query) -> str:
    parameters = [*query.parameters, ("_count", str(source.config.count))]
    return f"POST {source.base.url(query.type)}/_search  " + "&".join(f"{name}={value}" for name, value in parameters)
