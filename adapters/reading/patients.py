"""Patients who are left out: not selected, without consent, or test patients among real ones."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from adapters.errors import InputError
from adapters.fhir.selection import Selection, identifiers_of
from adapters.reading.references import Directory
from adapters.sources.base import Read

ACT_REASONS, HTEST = "http://terminology.hl7.org/CodeSystem/v3-ActReason", "HTEST"
COHORT_TAGS = "https://example.org/fhir/radionuclide-study/CodeSystem/cohort"


def is_tagged(meta: dict[str, Any]) -> bool:
    """Whether the resource of this `meta` is marked as test data (security label HTEST)."""
    return HTEST in _codes(meta.get("security"), ACT_REASONS)


def cohort_tags(meta: dict[str, Any]) -> list[str]:
    """The tags that name the synthetic cohort of the resource."""
    return [str(code) for code in _codes(meta.get("tag"), COHORT_TAGS)]


def _codes(codings: Any, system: str) -> list[Any]:
    """The codes of one system."""
    if not isinstance(codings, list):
        return []
    return [coding.get("code") for coding in codings if isinstance(coding, dict) and coding.get("system") == system]


@dataclass
class People:
    """Patient identifiers, Groups and Consents, collected while reading."""

    names: dict[str, list[str]] = field(default_factory=dict)  # Patient key -> its ids and identifiers
    groups: dict[str, Read] = field(default_factory=dict)
    consents: list[Read] = field(default_factory=list)

    def add_patient(self, key: str, resource: dict[str, Any]) -> None:
        """Add the ids and identifiers by which a call may ask for a patient."""
        names = self.names.setdefault(key, [key, key.partition("/")[2]])
        names.extend(identifiers_of(resource))

    def selected(self, selection: Selection, directory: Directory) -> set[str] | None:
        """The keys asked for, None if the call does not restrict. Raises InputError if the Group is not there."""
        chosen: set[str] | None = None
        if selection.patients is not None:
            wanted = selection.patients
            chosen = {key for key, names in self.names.items() if not wanted.isdisjoint(names)}
        if selection.group is not None:
            members = self._members(selection.group, directory)
            chosen = members if chosen is None else chosen & members
        return chosen

    def _members(self, group: str, directory: Directory) -> set[str]:
        read = self.groups.get(group.removeprefix("Group/"))
        if read is None:
            raise InputError("the source holds no such Group", "--group", "give the id of a Group in the source")
        members = read.resource.get("member")
        entities = [m.get("entity") for m in members or () if isinstance(m, dict) and m.get("inactive") is not True]
        return self._referenced(entities, read, directory)

    def consenting(self, codes: Collection[str], today: date, directory: Directory) -> set[str]:
        """The keys of patients with an active Consent that today permits every one of the provision codes."""
        permitted: dict[str, dict[str, tuple[str, bool]]] = {}
        for read in self.consents:
            if read.resource.get("status") != "active":
                continue
            stated = str(read.resource.get("dateTime", ""))
            provisions = list(_provisions(read.resource.get("provision"), today))
            for patient in self._referenced([read.resource.get("patient")], read, directory):
                known = permitted.setdefault(patient, {})
                for code, allowed in provisions:
                    # the later statement about a code counts; of two of one time the refusal
                    known[code] = max(known.get(code, ("", True)), (stated, allowed), key=lambda s: (s[0], not s[1]))
        return {p for p, known in permitted.items() if all(known.get(c, ("", False))[1] for c in codes)}

    def _referenced(self, references: Iterable[Any], read: Read, directory: Directory) -> set[str]:
        by_name = {name: key for key, names in self.names.items() for name in names}
        keys = set()
        for reference in references:
            if not isinstance(reference, dict):
                continue
            literal = reference.get("reference")
            key = directory.find(literal, "", read.bundle) if isinstance(literal, str) else None
            identifier = reference.get("identifier")
            if key is None and isinstance(identifier, dict):
                key = by_name.get(f"{identifier.get('system', '')}|{identifier.get('value')}")
            if key is not None:
                keys.add(key)
        return keys


def _provisions(provision: Any, today: date) -> Iterator[tuple[str, bool]]:
    """Each provision code that counts today, with whether it is permitted, nested provisions included."""
    if not isinstance(provision, dict) or not _covers(provision.get("period"), today):
        return
    kind = provision.get("type")
    if kind in ("permit", "deny"):
        for concept in provision.get("code") or ():
            for coding in (concept.get("coding") or ()) if isinstance(concept, dict) else ():
                yield str(coding.get("code")), kind == "permit"
                yield f"{coding.get('system', '')}|{coding.get('code')}", kind == "permit"
    for nested in provision.get("provision") or ():
        yield from _provisions(nested, today)


def _covers(period: Any, today: date) -> bool:
    """Whether a period holds the day, by the precision it states; an open end is open."""
    if not isinstance(period, dict):
        return True
    start, end = str(period.get("start", ""))[:10], str(period.get("end", ""))[:10]
    day = today.isoformat()
    return day[: len(start)] >= start and (not end or day[: len(end)] <= end)
