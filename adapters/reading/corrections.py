"""Corrections under another id: resources that share an identifier, or one that says it replaces another.

Equal code, time and value alone never make one measurement of two; the tables report that as a finding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from adapters.ledger import LeftOutReason
from adapters.reading import versions_of_one as one
from adapters.reading.references import Directory
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

    def add(self, read: Read, key: str, candidate: one.Candidate) -> None:
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

    def settle(self, chosen: dict[str, one.Candidate], directory: Directory) -> Iterator[list[one.Settled]]:
        """For each measurement that several resources tell: those that do not count, with the reason."""
        gone: set[str] = set()
        for key, target, base, bundle in self._replaced:
            found = directory.find(target, base, bundle)
            if found in chosen and found != key and key in chosen and found not in gone:
                gone.add(found)
                yield [(chosen[found], LeftOutReason.REPLACED)]
        for members in self._groups.values():
            by_patient: dict[str | None, dict[str, _Member]] = {}
            for member in members if len(members) > 1 else ():
                if member.key in chosen and member.key not in gone:
                    patient = member.subject and directory.find(member.subject, member.base, member.bundle)
                    by_patient.setdefault(patient or member.subject, {})[member.key] = member
            for same in by_patient.values():
                if len(same) > 1:
                    settled = _one_of(same, chosen)
                    numbers = {candidate.number for candidate, _ in settled}
                    gone |= {key for key in same if chosen[key].number in numbers}
                    yield settled


def _one_of(same: dict[str, _Member], chosen: dict[str, one.Candidate]) -> list[one.Settled]:
    stand_ins = [msgspec.structs.replace(chosen[key], digest=member.content) for key, member in same.items()]
    _, settled = one.correction(stand_ins)
    return settled


def _content(resource: dict[str, Any]) -> bytes:
    return one.digest({name: value for name, value in resource.items() if name not in ("id", "status", "identifier")})


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
