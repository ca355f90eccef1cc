"""Who belongs to the study on a server: by therapy, by name or by Group, with every linked record of each person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from adapters.errors import IncompleteError, InputError
from adapters.fhir.selection import Selection, identifiers_of
from adapters.settings import Settings
from adapters.sources.search.codes import cohort_codes
from adapters.sources.search.queries import COHORT_TYPES, by_ids, by_parameter, cohort_queries, medication_queries
from adapters.sources.search.run import Run
from adapters.sources.search.searcher import Query
from adapters.sources.spool.tally import TemplateTally

EVERYBODY = Query("Patient", "Patient", ())


@dataclass(frozen=True)
class Cohort:
    """Who belongs to the study, and how that is known.

    patients : ids of all their Patient resources, in order
    told : of these, the ones that a therapy, a name or the Group names; the others are linked to them
    therapies : keys ("Procedure/p1") of what put them into the study; none where they were named
    astray : therapies of the study that name no Patient of this server: they are counted like those of a file
    """

    patients: list[str]
    told: frozenset[str]
    therapies: frozenset[str] = frozenset()
    astray: tuple[dict[str, Any], ...] = ()


def find_cohort(run: Run, settings: Settings, selection: Selection) -> Cohort:
    """The cohort. `--patients` and `--group` replace the search by therapy.

    Raises IncompleteError when a search cannot be finished or a member of the Group is not found, InputError when the
    Group does not exist.
    """
    therapies: frozenset[str] = frozenset()
    astray: tuple[dict[str, Any], ...] = ()
    if selection.group is not None:
        told = _group_members(run, selection.group)
    elif selection.patients is not None:
        told = set().union(*_named(run, selection.patients).values())
    elif settings.cohort.everyone:
        told = {patient["id"] for patient in run.all_of(EVERYBODY)}
    else:
        told, therapies, astray = _treated(run, settings)
    return Cohort(sorted(_with_links(run, told)), frozenset(told), therapies, astray)


def patient_id(resource: dict[str, Any]) -> str | None:
    """The id of the Patient that a resource is about, or None without a literal reference to this server."""
    for name in ("subject", "patient"):
        reference = resource.get(name)
        if isinstance(reference, dict):
            return local_id(reference.get("reference"), "Patient")
    return None


def local_id(reference: Any, kind: str) -> str | None:
    """Id in a literal reference to a type of this server, relative as a run makes them; a version may follow."""
    parts = reference.split("/") if isinstance(reference, str) else []
    if len(parts) >= 2 and parts[0] == kind and parts[1] and (len(parts) == 2 or parts[2] == "_history"):
        return parts[1]
    return None


def _treated(run: Run, settings: Settings) -> tuple[set[str], frozenset[str], tuple[dict[str, Any], ...]]:
    """Patients with a therapy of the cohort rule, these therapies, and those whose patient is not to be found here."""
    therapies = {f"{one['resourceType']}/{one['id']}": one for one in _therapies(run, settings)}
    literal = {key: patient_id(one) for key, one in therapies.items()}
    by_identifier = {key: set(_logical(one)) for key, one in therapies.items() if literal[key] is None}
    named = _named(run, set().union(*by_identifier.values()))
    found = {key: {one} for key, one in literal.items() if one is not None}
    found |= {key: set().union(*(named.get(name, set()) for name in names)) for key, names in by_identifier.items()}
    astray = tuple(therapies[key] for key, patients in found.items() if not patients)
    return set().union(*found.values()), frozenset(key for key, patients in found.items() if patients), astray


def _therapies(run: Run, settings: Settings) -> Iterator[dict[str, Any]]:
    if not any(run.capability.has_type(kind) for kind in COHORT_TYPES):
        raise IncompleteError("the server lists no therapies", "GET metadata", "name the patients with --patients")
    wanted = cohort_codes(settings)
    for query in cohort_queries(settings):
        yield from _judged(run, query, wanted.match)
    if not run.capability.has_type("MedicationAdministration"):
        return
    drugs = (one["id"] for query in medication_queries(settings) for one in _judged(run, query, wanted.match))
    for ids in run.chunks(sorted(set(drugs))):

        def given(resource: dict[str, Any], among: frozenset[str] = frozenset(ids)) -> bool:
            return medication_id(resource) in among

        references = [f"Medication/{one}" for one in ids]
        yield from _judged(run, by_parameter("MedicationAdministration", "medication", references), given)


def medication_id(resource: dict[str, Any]) -> str | None:
    """The id of the Medication that was given or stated, where it is a resource of its own on this server."""
    reference = resource.get("medicationReference")
    return local_id(reference.get("reference"), "Medication") if isinstance(reference, dict) else None


def _judged(run: Run, query: Query, rightly: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
    """The matches that were asked for; the others, of a server that ignores a filter, are counted."""
    if not run.capability.has_type(query.type):
        return
    found = run.all_of(query)
    run.check_list(query, found)
    kept = [resource for resource in found if rightly(resource)]
    run.tallies.add(query.name, TemplateTally(surplus=len(found.resources) - len(kept)))
    yield from kept


def _logical(resource: dict[str, Any]) -> Iterator[str]:
    for name in ("subject", "patient"):
        reference = resource.get(name)
        identifier = reference.get("identifier") if isinstance(reference, dict) else None
        if isinstance(identifier, dict) and identifier.get("value"):
            yield f"{identifier.get('system', '')}|{identifier['value']}"


def _named(run: Run, names: Iterable[str]) -> dict[str, set[str]]:
    """Patients by id ("123", "Patient/123") or by identifier ("system|value", "value"): name -> ids found for it."""
    found: dict[str, set[str]] = {}
    wanted = sorted(names)
    for chunk in run.chunks([name for name in wanted if "|" not in name]):
        meant = {name.removeprefix("Patient/"): name for name in chunk}
        for patient in run.all_of(by_ids("Patient", sorted(meant))):
            if patient["id"] in meant:
                found.setdefault(meant[patient["id"]], set()).add(patient["id"])
    for chunk in run.chunks([name for name in wanted if not name.startswith("Patient/")]):
        for patient in run.all_of(by_parameter("Patient", "identifier", [name.replace(",", "\\,") for name in chunk])):
            for name in set(identifiers_of(patient)).intersection(chunk):
                found.setdefault(name, set()).add(patient["id"])
    return found


def group_of(run: Run, identifier: str) -> dict[str, Any]:
    """The Group of an id. Raises InputError if there is none."""
    name = identifier.removeprefix("Group/")
    for group in run.all_of(by_ids("Group", [name])):
        if group["id"] == name:
            return group
    raise InputError("the server has no such Group", "--group", "check its id")


def _group_members(run: Run, identifier: str) -> set[str]:
    """Patients of the Group. Raises IncompleteError where a member is not a Patient of this server."""
    members = group_of(run, identifier).get("member") or ()
    active = [one for one in members if isinstance(one, dict) and not one.get("inactive")]
    entities = [one["entity"] if isinstance(one.get("entity"), dict) else {} for one in active]
    literal = [local_id(entity.get("reference"), "Patient") for entity in entities]
    by_identifier = [
        set(_logical({"subject": entity})) for entity, known in zip(entities, literal, strict=True) if not known
    ]
    named = _named(run, set().union(*by_identifier))
    unknown = [names for names in by_identifier if not any(name in named for name in names)]
    if unknown:
        what = f"{len(unknown)} of {len(active)} members of the Group are no Patient of this server"
        raise IncompleteError(what, "--group", "name the patients with --patients")
    return {one for one in literal if one is not None}.union(*named.values())


def _with_links(run: Run, found: set[str]) -> set[str]:
    """`found` and every Patient linked to or from one of them, as far as links lead."""
    reached: set[str] = set()
    waiting = set(found)
    while waiting:
        reached |= waiting
        neighbours = {one for chunk in run.chunks(sorted(waiting)) for one in _neighbours(run, frozenset(chunk))}
        waiting = neighbours - reached
    return reached


def _neighbours(run: Run, chunk: frozenset[str]) -> Iterator[str]:
    """Patients that those of a chunk name as the same person, and those that name one of them."""
    for patient in _judged(run, by_ids("Patient", sorted(chunk)), lambda one: one["id"] in chunk):
        yield from _linked(patient)
    if run.capability.supports("Patient", "link"):
        query = by_parameter("Patient", "link", [f"Patient/{one}" for one in sorted(chunk)])
        for patient in _judged(run, query, lambda one: not _linked(one).isdisjoint(chunk)):
            yield patient["id"]


def _linked(patient: dict[str, Any]) -> set[str]:
    """The Patients that a Patient says it is the same person as."""
    links = patient.get("link")
    others = (
        local_id(link["other"].get("reference"), "Patient")
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and isinstance(link.get("other"), dict) and link.get("type") != "seealso"
    )
    return {one for one in others if one is not None}
