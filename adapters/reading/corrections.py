"""Corrections under another id: resources that share an identifier, or one that says it replaces another.

Equal code, time and value alone never make one measurement of two; the tables report that as a finding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from adapters.ledger import LeftOutReason
from adapters.reading import version_resolution as version_resolution
from adapters.reading.references import Directory
from adapters.reading.version_resolution import Candidate, SetAside, correction, digest
from adapters.sources.base import Read

REPLACES = frozenset(
    {
        "http://hl7.org/fhir/StructureDefinition/observation-replaces",
        "http://hl7.org/fhir/StructureDefinition/replaces",
    }
)
# What must be equal, besides the identifier: an order number may stand on every result of the order.
_SAME = ("code", "medicationCodeableConcept", "medicationReference", "bodySite", "focus")
_TIMES = ("effective", "performed", "onset")
CORRECTED_TYPES = frozenset(
    {"Observation", "Procedure", "MedicationAdministration", "MedicationStatement", "Condition"}
)


@dataclass(frozen=True, slots=True)
class _Member:
    """A resource that carries an identifier; `content` is a hash without ids, by which copies are known."""

    key: str
    subject: str | None
    base: str
    bundle: int | None
    content: bytes


@dataclass
class Corrections:
    """Resources by what they share, kept only where they carry an identifier or a replaces relation."""

    _groups: dict[bytes, list[_Member]] = field(default_factory=dict)
    _replaced: list[tuple[str, str, str, int | None]] = field(default_factory=list)

    def add(self, read: Read, key: str, candidate: Candidate) -> None:
        """Note a valid resource version."""
        resource = read.resource
        if resource["resourceType"] not in CORRECTED_TYPES:
            return
        if "extension" in resource:
            for target in _replaces(resource):
                self._replaced.append((key, target, candidate.base, read.bundle))
        identifiers = resource.get("identifier")
        for identifier in identifiers if isinstance(identifiers, list) else ():
            if isinstance(identifier, dict) and identifier.get("system") and identifier.get("value"):
                member = _Member(key, _subject(resource), candidate.base, read.bundle, _content(resource))
                self._groups.setdefault(_shared(resource, identifier), []).append(member)

    def replaced(self, chosen: dict[str, Candidate], directory: Directory) -> Iterator[list[SetAside]]:
        """For each measurement in several resources: the resources that do not count, with the reason.

        chosen : key -> the version of it that counts
        """
        gone: set[str] = set()
        yield from self._explicitly_replaced(chosen, directory, gone)
        for members in self._groups.values():
            if len(members) < 2:
                continue
            counting = [member for member in members if member.key in chosen and member.key not in gone]
            for same in _by_patient(counting, directory):
                if len(same) > 1:
                    others = _all_but_the_best(same, chosen)
                    numbers = {candidate.number for candidate, _ in others}
                    gone |= {key for key in same if chosen[key].number in numbers}
                    yield others

    def _explicitly_replaced(
        self, chosen: dict[str, Candidate], directory: Directory, gone: set[str]
    ) -> Iterator[list[SetAside]]:
        """Resources that another one says it replaces; their keys are added to `gone`."""
        for key, target, base, bundle in self._replaced:
            replaced_key = directory.find(target, base, bundle)
            if replaced_key in chosen and replaced_key != key and key in chosen and replaced_key not in gone:
                gone.add(replaced_key)
                yield [(chosen[replaced_key], LeftOutReason.REPLACED)]


def _by_patient(members: list[_Member], directory: Directory) -> Iterable[dict[str, _Member]]:
    """The members of each patient, by key."""
    by_patient: dict[str | None, dict[str, _Member]] = {}
    for member in members:
        patient = member.subject and directory.find(member.subject, member.base, member.bundle)
        by_patient.setdefault(patient or member.subject, {})[member.key] = member
    return by_patient.values()


def _all_but_the_best(same: dict[str, _Member], chosen: dict[str, Candidate]) -> list[SetAside]:
    stand_ins = [msgspec.structs.replace(chosen[key], digest=member.content) for key, member in same.items()]
    _, others = correction(stand_ins)
    return others


def _content(resource: dict[str, Any]) -> bytes:
    return digest({name: value for name, value in resource.items() if name not in ("id", "status", "identifier")})


def _subject(resource: dict[str, Any]) -> str | None:
    subject = resource.get("subject")
    if not isinstance(subject, dict):
        return None
    if isinstance(subject.get("reference"), str):
        return str(subject["reference"])
    identifier = subject.get("identifier")
    return str(identifier.get("value")) if isinstance(identifier, dict) else None


def _shared(resource: dict[str, Any], identifier: dict[str, Any]) -> bytes:
    """A hash of what resources of one measurement share: identifier, code and time."""
    same: list[Any] = [resource["resourceType"], identifier["system"], identifier["value"]]
    same += [_coded(resource.get(name)) for name in _SAME]
    same += [value for name, value in sorted(resource.items()) if name.startswith(_TIMES)]
    return hashlib.blake2b(msgspec.json.encode(same, order="deterministic"), digest_size=16).digest()


def _coded(value: Any) -> Any:
    """The codes of a concept without displays and text, which a correction may word otherwise."""
    codings = value.get("coding") if isinstance(value, dict) else None
    if not isinstance(codings, list):
        return value
    return sorted(f"{c.get('system')}|{c.get('code')}" for c in codings if isinstance(c, dict))


def _replaces(resource: dict[str, Any]) -> Iterator[str]:
    extensions = resource.get("extension")
    for extension in extensions if isinstance(extensions, list) else ():
        if isinstance(extension, dict) and extension.get("url") in REPLACES:
            target = extension.get("valueReference")
            if isinstance(target, dict) and isinstance(target.get("reference"), str):
                yield target["reference"]
