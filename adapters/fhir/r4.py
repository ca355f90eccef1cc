"""FHIR R4 or not: resource types, profiles, CapabilityStatement, and elements that exist only in another version."""

from __future__ import annotations

import json
import re
from functools import lru_cache
from importlib.resources import files
from typing import Any

from adapters.errors import InputError

_FACTS = json.loads((files("adapters.fhir") / "versions.json").read_text(encoding="utf-8"))
RESOURCE_TYPES: frozenset[str] = frozenset(_FACTS["types"])
_READ: dict[str, str] = _FACTS["versions_read"]  # 4.2 and 4.4 to 4.6 are drafts of R5
_TYPES_ELSEWHERE: dict[str, str] = _FACTS["types_elsewhere"]
_ELEMENTS_ELSEWHERE: dict[str, dict[str, str]] = _FACTS["elements_elsewhere"]
_PROFILE = re.compile(
    r"http://hl7\.org/fhir/(?:(?P<folder>\d\.\d|DSTU2|STU3|R[456])/StructureDefinition/|"
    r"StructureDefinition/[^|]*\|(?P<version>\d+\.\d))"
)
REMEDY = "only FHIR R4 is read: export as R4"


def check_version(resource: dict[str, Any], origin: str) -> None:
    """Raises InputError, naming file and element, if the resource is of another FHIR version or no FHIR type at all."""
    kind = resource["resourceType"]
    if kind not in RESOURCE_TYPES:
        version = _TYPES_ELSEWHERE.get(kind)
        if version is not None:
            raise InputError(f"{kind} exists only in FHIR {version}", origin, REMEDY)
        raise InputError("resourceType is not a FHIR R4 resource type", origin, "give FHIR R4 resources")
    if kind == "CapabilityStatement":
        _check_capability(resource, origin)
    meta = resource.get("meta")
    if isinstance(meta, dict) and "profile" in meta:
        _check_profiles(meta["profile"], origin)
    elsewhere = _ELEMENTS_ELSEWHERE.get(kind)
    if elsewhere is None:
        return
    if not elsewhere.keys().isdisjoint(resource):
        element = next(name for name in resource if name in elsewhere)
        raise InputError(f"{kind}.{element} exists only in FHIR {elsewhere[element]}", origin, REMEDY)
    if kind == "Condition" and isinstance(resource.get("clinicalStatus"), str):
        raise InputError("Condition.clinicalStatus as a text exists only in FHIR STU3", origin, REMEDY)


def is_r4(version: Any) -> bool:
    """Whether a version number, such as 4.0.1 or 4.0, is one of R4 or R4B."""
    return isinstance(version, str) and version[:3] in _READ


def check_fhir_version(version: Any, origin: str) -> None:
    """Raises InputError unless the version number that a server or file states is one of R4 or R4B."""
    if not is_r4(version):
        raise InputError("CapabilityStatement.fhirVersion is not FHIR R4 (4.0 or 4.3)", origin, REMEDY)


def _check_capability(resource: dict[str, Any], origin: str) -> None:
    if "fhirVersion" in resource:
        check_fhir_version(resource["fhirVersion"], origin)


def _check_profiles(profiles: Any, origin: str) -> None:
    for profile in profiles if isinstance(profiles, list) else ():
        version = _version_of(profile) if isinstance(profile, str) else None
        if version is not None and version != "R4" and not is_r4(version):
            raise InputError(f"meta.profile names FHIR {version}", origin, REMEDY)


@lru_cache(maxsize=1024)
def _version_of(profile: str) -> str | None:
    """The FHIR version that the address of a profile names; None for any other address."""
    match = _PROFILE.match(profile)
    return None if match is None else match["folder"] or match["version"]


BY_REFERENCE = frozenset({"Medication"})  # no patient of their own: fetched when something refers to them
