"""Who belongs to the study on a server: by therapy, by name or by Group, with every linked record of each person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from adapters.errors import InputError
from adapters.reading.patients import Selection
from adapters.settings import Settings
from adapters.sources.http_origin import Base
from adapters.sources.search import Query
from adapters.sources.server_plan import by_ids, by_parameter, cohort_queries, medication_query
from adapters.sources.server_run import Run


def find_patients(run: Run, settings: Settings, selection: Selection) -> list[str]:
    """Ids of the cohort's Patients in order. `--patients` and `--group` replace the search by therapy.

    Raises IncompleteError when a search cannot be finished, InputError when a named Group does not exist.
    """
    if selection.group is not None:
        found = set(_group_members(run, selection.group))
    elif selection.patients is not None:
        found = set(_named(run, sorted(selection.patients)))
    elif settings.cohort.everyone:
        found = {patient["id"] for patient in run.all_of(Query("Patient", "Patient", ()))}
    else:
        found = set(_treated(run, settings))
    return sorted(_with_links(run, found))


def patient_id(resource: dict[str, Any], base: Base) -> str | None:
    """The id of the Patient that a resource is about, or None without a literal reference to this server."""
    for name in ("subject", "patient"):
        reference = resource.get(name)
        if isinstance(reference, dict):
            return local_id(reference.get("reference"), "Patient", base)
    return None


def local_id(reference: Any, kind: str, base: Base) -> str | None:
    """Id in a literal reference to a type of this server: relative, absolute beneath the base, or versioned."""
    if not isinstance(reference, str):
        return None
    text = reference[len(base.text) + 1 :] if reference.startswith(base.text + "/") else reference
    parts = text.split("/")
    if len(parts) >= 2 and parts[0] == kind and parts[1] and (len(parts) == 2 or parts[2] == "_history"):
        return parts[1]
    return None


def _treated(run: Run, settings: Settings) -> Iterator[str]:
    identifiers: set[str] = set()
    queries = cohort_queries(settings)
    if run.capability.has_type("Medication") and run.capability.has_type("MedicationAdministration"):
        medications = sorted(one["id"] for one in run.all_of(medication_query(settings)))
        for ids in run.chunks(medications):
            references = [f"Medication/{one}" for one in ids]
            queries.append(by_parameter("MedicationAdministration", "medication", references))
    for query in queries:
        if not run.capability.has_type(query.type):
            continue
        for resource in run.all_of(query):
            found = patient_id(resource, run.base)
            if found is not None:
                yield found
            else:
                identifiers |= set(_logical(resource))
    yield from _named(run, sorted(identifiers))


def _logical(resource: dict[str, Any]) -> Iterator[str]:
    for name in ("subject", "patient"):
        identifier = (resource.get(name) or {}).get("identifier")
        if isinstance(identifier, dict) and identifier.get("value"):
            yield f"{identifier.get('system', '')}|{identifier['value']}"


def _named(run: Run, names: list[str]) -> Iterator[str]:
    """Patients by id ("123", "Patient/123") or by identifier ("system|value")."""
    ids = [name.removeprefix("Patient/") for name in names if "|" not in name]
    for chunk in run.chunks(ids):
        yield from (patient["id"] for patient in run.all_of(by_ids("Patient", chunk)))
    for chunk in run.chunks([name for name in names if "|" in name]):
        yield from (patient["id"] for patient in run.all_of(by_parameter("Patient", "identifier", chunk)))


def _group_members(run: Run, group: str) -> Iterator[str]:
    query = by_ids("Group", [group])
    groups = list(run.all_of(query))
    if not groups:
        raise InputError("the server has no such Group", "--group", "check its id")
    for member in groups[0].get("member") or ():
        if isinstance(member, dict) and not member.get("inactive"):
            found = local_id((member.get("entity") or {}).get("reference"), "Patient", run.base)
            if found is not None:
                yield found


def _with_links(run: Run, found: set[str]) -> set[str]:
    """`found` and every Patient linked to or from one of them, as far as links lead."""
    reached: set[str] = set()
    waiting = set(found)
    while waiting:
        reached |= waiting
        neighbours: set[str] = set()
        for chunk in run.chunks(sorted(waiting)):
            neighbours |= set(_links(run.all_of(by_ids("Patient", chunk)), run.base))
            if run.capability.supports("Patient", "link"):
                references = [f"Patient/{one}" for one in chunk]
                neighbours |= {one["id"] for one in run.all_of(by_parameter("Patient", "link", references))}
        waiting = neighbours - reached
    return reached


def _links(patients: Iterable[dict[str, Any]], base: Base) -> Iterator[str]:
    for patient in patients:
        for link in patient.get("link") or ():
            found = (
                local_id((link.get("other") or {}).get("reference"), "Patient", base)
                if isinstance(link, dict)
                else None
            )
            if found is not None and link.get("type") != "seealso":
                yield found
