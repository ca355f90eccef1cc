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
from adapters.sources.search.run import Run, content_key
from adapters.sources.search.searcher import Query
from adapters.sources.spool.counts import SearchCounts

LINK_ROUNDS = 50  # from one record of a person to another
EVERYBODY = Query("Patient", "Patient", ())


@dataclass(frozen=True)
class Cohort:
    """Who belongs to the study, and why.

    patients : sorted ids of all their Patient resources
    named : those of them that a therapy, the selection or the Group names; the others are linked to these
    therapies : keys ("Procedure/p1") of the therapies that put them into the study; empty for a selection
    without_patient : therapies of the study that name no Patient of this server; counted as for a file
    """

    patients: list[str]
    named: frozenset[str]
    therapies: frozenset[str] = frozenset()
    without_patient: tuple[dict[str, Any], ...] = ()


def find_cohort(run: Run, settings: Settings, selection: Selection) -> Cohort:
    """The cohort. `--patients` and `--group` replace the search by therapy.

    Raises IncompleteError when a search cannot be finished or a member of the Group is not found, InputError when the
    Group does not exist.
    """
    therapies: frozenset[str] = frozenset()
    without_patient: tuple[dict[str, Any], ...] = ()
    if selection.group is not None:
        named = _group_members(run, selection.group)
    elif selection.patients is not None:
        named = set().union(*_named(run, selection.patients).values())
    elif settings.cohort.everyone:
        named = {patient["id"] for patient in run.all_of(EVERYBODY)}
    else:
        named, therapies, without_patient = _treated(run, settings)
    return Cohort(sorted(_with_links(run, named)), frozenset(named), therapies, without_patient)


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
    therapies = {content_key(therapy): therapy for therapy in _therapies(run, settings)}  # each content of an id counts
    literal = {content: patient_id(therapy) for content, therapy in therapies.items()}
    by_identifier = {content: set(_logical(therapies[content])) for content, known in literal.items() if known is None}
    named = _named(run, set().union(*by_identifier.values()))
    patients = {content: {patient} for content, patient in literal.items() if patient is not None}
    patients |= {
        content: set().union(*(named.get(name, set()) for name in by_identifier[content])) for content in by_identifier
    }
    without = tuple(therapies[content] for content, ids in patients.items() if not ids)
    keys = (
        f"{therapies[content]['resourceType']}/{therapies[content]['id']}" for content, ids in patients.items() if ids
    )
    return set().union(*patients.values()), frozenset(keys), without


def _therapies(run: Run, settings: Settings) -> Iterator[dict[str, Any]]:
    if not any(run.capability.has_type(kind) for kind in COHORT_TYPES):
        raise IncompleteError("the server lists no therapies", "GET metadata", "name the patients with --patients")
    wanted = cohort_codes(settings)
    for query in cohort_queries(settings):
        yield from _judged(run, query, wanted.match)
    if not run.capability.has_type("MedicationAdministration"):
        return
    drugs = (drug["id"] for query in medication_queries(settings) for drug in _judged(run, query, wanted.match))
    for ids in run.chunks(sorted(set(drugs))):

        def given(resource: dict[str, Any], among: frozenset[str] = frozenset(ids)) -> bool:
            return medication_id(resource) in among

        references = [f"Medication/{drug}" for drug in ids]
        yield from _judged(run, by_parameter("MedicationAdministration", "medication", references), given)


def medication_id(resource: dict[str, Any]) -> str | None:
    """The id of the Medication that was given or stated, where it is a resource of its own on this server."""
    reference = resource.get("medicationReference")
    return local_id(reference.get("reference"), "Medication") if isinstance(reference, dict) else None


def _judged(run: Run, query: Query, matches: Callable[[dict[str, Any]], bool]) -> Iterator[dict[str, Any]]:
    """The resources that match the search. Others, from a server that ignores a filter, are counted as surplus."""
    if not run.capability.has_type(query.type):
        return
    answer = run.all_of(query)
    run.check_list(query, answer)
    matching = [resource for resource in answer if matches(resource)]
    run.statistics.add(query.name, SearchCounts(surplus=len(answer.resources) - len(matching)))
    yield from matching


def _logical(resource: dict[str, Any]) -> Iterator[str]:
    for name in ("subject", "patient"):
        reference = resource.get(name)
        identifier = reference.get("identifier") if isinstance(reference, dict) else None
        if isinstance(identifier, dict) and identifier.get("value"):
            yield f"{identifier.get('system', '')}|{identifier['value']}"


def _named(run: Run, names: Iterable[str]) -> dict[str, set[str]]:
    """Patients by id ("123", "Patient/123") or by identifier ("system|value", "value"): name -> ids found for it."""
    ids: dict[str, set[str]] = {}
    wanted = sorted(names)
    for chunk in run.chunks([name for name in wanted if "|" not in name]):
        names_by_id = {name.removeprefix("Patient/"): name for name in chunk}
        for patient in run.all_of(by_ids("Patient", sorted(names_by_id))):
            if patient["id"] in names_by_id:
                ids.setdefault(names_by_id[patient["id"]], set()).add(patient["id"])
    for chunk in run.chunks([name for name in wanted if not name.startswith("Patient/")]):
        for patient in run.all_of(by_parameter("Patient", "identifier", [name.replace(",", "\\,") for name in chunk])):
            for name in set(identifiers_of(patient)).intersection(chunk):
                ids.setdefault(name, set()).add(patient["id"])
    return ids


def group_of(run: Run, identifier: str) -> dict[str, Any]:
    """The Group of an id. Raises InputError if there is none, IncompleteError if its contents differ."""
    name = identifier.removeprefix("Group/")
    groups = [group for group in run.all_of(by_ids("Group", [name])) if group["id"] == name]
    if not groups:
        raise InputError("the server has no such Group", "--group", "check its id")
    if len(groups) > 1:
        what = f"the server gives the Group with {len(groups)} different contents"
        raise IncompleteError(what, "--group", "name the patients with --patients")
    return groups[0]


def _group_members(run: Run, identifier: str) -> set[str]:
    """Patients of the Group. Raises IncompleteError where a member is not a Patient of this server."""
    members = group_of(run, identifier).get("member") or ()
    active = [member for member in members if isinstance(member, dict) and not member.get("inactive")]
    entities = [member["entity"] if isinstance(member.get("entity"), dict) else {} for member in active]
    literal = [local_id(entity.get("reference"), "Patient") for entity in entities]
    by_identifier = [
        set(_logical({"subject": entity})) for entity, known in zip(entities, literal, strict=True) if not known
    ]
    named = _named(run, set().union(*by_identifier))
    unknown = [names for names in by_identifier if not any(name in named for name in names)]
    if unknown:
        what = f"{len(unknown)} of {len(active)} members of the Group are no Patient of this server"
        raise IncompleteError(what, "--group", "name the patients with --patients")
    return {patient for patient in literal if patient is not None}.union(*named.values())


def _with_links(run: Run, patients: set[str]) -> set[str]:
    """`patients` and every Patient linked to or from one of them, as far as links lead."""
    reached: set[str] = set()
    waiting = set(patients)
    for _ in range(LINK_ROUNDS):
        reached |= waiting
        linked = {other for chunk in run.chunks(sorted(waiting)) for other in _neighbours(run, frozenset(chunk))}
        waiting = linked - reached
        if not waiting:
            return reached
    what = f"links between Patients do not end ({LINK_ROUNDS} steps)"
    raise IncompleteError(what, "Patient?_id", "ask the server's operator")


def _neighbours(run: Run, chunk: frozenset[str]) -> Iterator[str]:
    """Patients that those of a chunk name as the same person, and those that name one of them."""
    for patient in _judged(run, by_ids("Patient", sorted(chunk)), lambda record: record["id"] in chunk):
        yield from _linked(patient)
    if run.capability.supports("Patient", "link"):
        query = by_parameter("Patient", "link", [f"Patient/{other}" for other in sorted(chunk)])
        for patient in _judged(run, query, lambda record: not _linked(record).isdisjoint(chunk)):
            yield patient["id"]


def _linked(patient: dict[str, Any]) -> set[str]:
    """The Patients that a Patient says it is the same person as."""
    links = patient.get("link")
    others = (
        local_id(link["other"].get("reference"), "Patient")
        for link in (links if isinstance(links, list) else ())
        if isinstance(link, dict) and isinstance(link.get("other"), dict) and link.get("type") != "seealso"
    )
    return {other for other in others if other is not None}
