"""Elements that negate or weaken a resource. A modifier element that is not understood quarantines the resource.

FHIR R4, conformance: a resource with a modifier element that is not understood must not be processed as if the
element were absent. The understood codes are in adapters/fhir/condition_status.csv.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from adapters.fhir.condition_status import CERTAINTY, MEANINGS
from adapters.ledger import LeftOutReason, QuarantineReason

Outcome = LeftOutReason | QuarantineReason | None
_MODIFIER = "modifierExtension"
_CODE = re.compile(r"[^\s']{1,150}")
_LEFT_OUT = {"refuted": LeftOutReason.REFUTED, "entered-in-error": LeftOutReason.ENTERED_IN_ERROR}
# elements of FHIR R4 that are backbone elements or dosages: only these and resources have modifier extensions
_BACKBONES: dict[str, tuple[str, ...]] = {
    "Condition": ("stage", "evidence"),
    "Observation": ("component", "referenceRange"),
    "Observation.component": ("referenceRange",),
    "Procedure": ("performer", "focalDevice"),
    "MedicationAdministration": ("performer", "dosage"),
    "MedicationStatement": ("dosage",),
    "Medication": ("ingredient", "batch"),
    "Patient": ("contact", "communication", "link"),
}
_OTHER_PERSONS = ("RelatedPerson/", "FamilyMemberHistory/")


def modifier_outcome(resource: dict[str, Any]) -> tuple[Outcome, str]:
    """Why a modifier keeps the resource out of the tables, and the path of the modifier; None and "" if none does."""
    kind = resource["resourceType"]
    if "implicitRules" in resource:
        return QuarantineReason.MODIFIER_NOT_UNDERSTOOD, f"{kind}.implicitRules"
    path = _modifier_extension(resource, kind)
    if path:
        return QuarantineReason.MODIFIER_NOT_UNDERSTOOD, path
    if kind == "Condition":
        return _of_condition(resource)
    if kind == "Observation" and "focus" in resource and _is_about_another(resource["focus"]):
        return LeftOutReason.ABOUT_SOMEONE_ELSE, "Observation.focus"
    return None, ""


def _modifier_extension(resource: dict[str, Any], path: str) -> str:
    """The path of the first modifierExtension of a resource or of its backbone elements; "" if there is none."""
    if _MODIFIER in resource:
        return f"{path}.{_MODIFIER}"
    for name in _BACKBONES.get(path, ()):
        if name in resource:
            member = resource[name]
            for element in member if type(member) is list else (member,):
                nested = _modifier_extension(element, f"{path}.{name}") if type(element) is dict else ""
                if nested:
                    return nested
    return ""


def _is_about_another(focus: Any) -> bool:
    """True if an Observation of the patient's record describes a relative."""
    references = [f.get("reference") for f in focus if isinstance(f, dict)] if isinstance(focus, list) else []
    return any(isinstance(r, str) and any(kind in r for kind in _OTHER_PERSONS) for r in references)


def _of_condition(resource: dict[str, Any]) -> tuple[Outcome, str]:
    """The outcome of verificationStatus, clinicalStatus and the certainty of ICD-10-GM codes."""
    for element in ("verificationStatus", "clinicalStatus"):
        concept = resource.get(element)
        if concept is not None:
            outcome = _of_concept(element, concept)
            if outcome is not None:
                return outcome, f"Condition.{element}{_named(concept)}"
    for value in _certainties(resource):
        means = MEANINGS[(CERTAINTY, "")].get(value)
        if means is None:
            return QuarantineReason.MODIFIER_NOT_UNDERSTOOD, f"Condition.code.coding.extension({CERTAINTY})"
        if means in _LEFT_OUT:
            return _LEFT_OUT[means], f"Condition.code.coding.extension({CERTAINTY})"
    return None, ""


def _of_concept(element: str, concept: Any) -> Outcome:
    """The strictest of the understood codings; a value without any understood coding quarantines."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    stated = [coding for coding in codings if isinstance(coding, dict)] if isinstance(codings, list) else []
    understood = []
    for coding in stated:
        meanings = MEANINGS.get((element, str(coding.get("system"))))
        if meanings is None:
            continue  # another code system may say the same in its own words; the required one decides
        if coding.get("code") not in meanings:
            return QuarantineReason.INVALID_VALUE
        understood.append(meanings[coding["code"]])
    for means, reason in _LEFT_OUT.items():
        if means in understood:
            return reason
    says_something = stated or not isinstance(concept, dict) or "text" in concept
    return QuarantineReason.MODIFIER_NOT_UNDERSTOOD if says_something and not understood else None


def _named(concept: Any) -> str:
    """The codings of a status as " 'system|code'"; nothing that could be a free text."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    named = [
        f"{coding.get('system')}|{coding.get('code')}"
        for coding in (codings if isinstance(codings, list) else ())
        if isinstance(coding, dict) and _CODE.fullmatch(f"{coding.get('system')}|{coding.get('code')}")
    ]
    return f" '{' '.join(named)}'" if named else ""


def _certainties(resource: dict[str, Any]) -> Iterator[Any]:
    """Values of extensions named Diagnosesicherheit on the Condition, its code and the codings of its code."""
    code = resource.get("code")
    holders = [resource, code]
    codings = code.get("coding") if isinstance(code, dict) else None
    holders += codings if isinstance(codings, list) else []
    for holder in holders:
        extensions = holder.get("extension") if isinstance(holder, dict) else None
        for extension in extensions if isinstance(extensions, list) else ():
            if isinstance(extension, dict) and CERTAINTY in str(extension.get("url")).lower():
                yield from _extension_codes(extension)


def _extension_codes(extension: dict[str, Any]) -> Iterator[Any]:
    """The code of valueCode, valueString, valueCoding or valueCodeableConcept."""
    for name, value in extension.items():
        if name in ("valueCode", "valueString"):
            yield value
        elif name == "valueCoding" and isinstance(value, dict):
            yield value.get("code")
        elif name == "valueCodeableConcept" and isinstance(value, dict):
            codings = value.get("coding")
            yield from (c.get("code") for c in codings if isinstance(c, dict)) if isinstance(codings, list) else ()
