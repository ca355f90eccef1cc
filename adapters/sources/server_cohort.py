"""Who belongs to the study on a server: by therapy, by name or by Group, with every linked record of each person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from adapters.errors import InputError
from adapters.reading.patients import Selection, identifiers_of
from adapters.settings import Settings
from adapters.sources.http_origin import Base
from adapters.sources.search import Query
from adapters.sources.server_plan import by_ids, by_parameter, cohort_codes, cohort_queries, medication_query
from adapters.sources.server_run import Run
from adapters.sources.server_tally import TemplateTally

EVERYBODY = Query("Patient", "Patient", ())


def find_patients(run: Run, settings: Settings, selection: Selection) -> list[str]:
    """Ids of the cohort's Patients in order. `--patients` and `--group` replace the search by therapy.

    Raises IncompleteError when a search cannot be finished, InputError when a named Group does not exist.
    """
    if selection.group is not None:
        found = set(_group_members(run, selection.group))
    elif selection.patients is not None:
        found = set(_named(run, sorted(selection.patients)))
    elif settings.cohort.everyone:
        found = {patient["id"] for patient in run.all_of(EVERYBODY)}
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
    """Patients with a therapy of the cohort rule; what a server gives beyond that is judged here and left."""
    identifiers: set[str] = set()
    for resource in _therapies(run, settings):
        found = patient_id(resource, run.base)
        if found is not None:
            yield found
        else:
            identifiers |= set(_logical(resource))
    yield from _named(run, sorted(identifiers))


def _therapies(run: Run, settings: Settings) -> Iterator[dict[str, Any]]:
    wanted = cohort_codes(settings)
    for query in cohort_queries(settings):
        yield from _judged(run, query, wanted.match)
    if not run.capability.has_type("MedicationAdministration"):
        return
    medications = sorted(one["id"] for one in _judged(run, medication_query(settings), wanted.match))
    for ids in run.chunks(medications):
        references = {f"Medication/{one}" for one in ids}

        def given(resource: dict[str, Any], among: set[str] = references) -> bool:
            reference = resource.get("medicationReference")
            literal = reference.get("reference") if isinstance(reference, dict) else None
            return f"Medication/{local_id(literal, 'Medication', run.base)}" in among

        yield from _judged(run, by_parameter("MedicationAdministration", "medication", sorted(references)), given)


def _judged(run: Run, query: Query, rightly: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
    """The matches that were asked for; the others, of a server that ignores a filter, are counted."""
    if not run.capability.has_type(query.type):
        return
    found = run.all_of(query)
    kept = [resource for resource in found if rightly(resource)]
    run.tallies.add(query.name, TemplateTally(surplus=len(found.resources) - len(kept)))
    yield from kept


def _logical(resource: dict[str, Any]) -> Iterator[str]:
    for name in ("subject", "patient"):
        reference = resource.get(name)
        identifier = reference.get("identifier") if isinstance(reference, dict) else None
        if isinstance(identifier, dict) and identifier.get("value"):
            yield f"{identifier.get('system', '')}|{identifier['value']}"


def _named(run: Run, names: list[str]) -> Iterator[str]:
    """Patients by id ("123", "Patient/123") or by identifier ("system|value", "value")."""
    ids = [name.removeprefix("Patient/") for name in names if "|" not in name]
    for chunk in run.chunks(ids):
        yield from (patient["id"] for patient in run.all_of(by_ids("Patient", chunk)) if patient["id"] in chunk)
    for chunk in run.chunks([name for name in names if not name.startswith("Patient/")]):
        for patient in run.all_of(by_parameter("Patient", "identifier", [name.replace(",", "\\,") for name in chunk])):
            if not set(identifiers_of(patient)).isdisjoint(chunk):
                yield patient["id"]


def group_of(run: Run, identifier: str) -> dict[str, Any]:
    """The Group of an id. Raises InputError if there is none."""
    name = identifier.removeprefix("Group/")
    for group in run.all_of(by_ids("Group", [name])):
        if group["id"] == name:
            return group
    raise InputError("the server has no such Group", "--group", "check its id")


def _group_members(run: Run, identifier: str) -> Iterator[str]:
    logical: set[str] = set()
    for member in group_of(run, identifier).get("member") or ():
        entity = member.get("entity") if isinstance(member, dict) and not member.get("inactive") else None
        if isinstance(entity, dict):
            found = local_id(entity.get("reference"), "Patient", run.base)
            if found is not None:
                yield found
            else:
                logical |= set(_logical({"subject": entity}))
    yield from _named(run, sorted(logical))


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
