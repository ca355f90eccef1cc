"""Which statuses count: entered in error, cancelled, not done, refuted and planned resources are left out.

The lists are the required value sets of FHIR R4 (statuses.csv); a code from outside them quarantines the resource.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from importlib.resources import files
from typing import Any

from adapters.ledger import LeftOutReason, QuarantineReason

Outcome = LeftOutReason | QuarantineReason | None
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
# Of several resources for one measurement the corrected one counts, then the final, then the preliminary one.
RANKS = {"preliminary": 0, "final": 1, "completed": 1, "amended": 2, "corrected": 2}


def _load() -> tuple[dict[str, str], dict[tuple[str, str], LeftOutReason | None]]:
    elements: dict[str, str] = {}
    reasons: dict[tuple[str, str], LeftOutReason | None] = {}
    text = (files("adapters.reading") / "statuses.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        elements[row["resource_type"]] = row["element"]
        reasons[(row["resource_type"], row["status"])] = LeftOutReason(row["reason"]) if row["reason"] else None
    return elements, reasons


_ELEMENTS, _REASONS = _load()


def status_path(resource_type: str) -> str:
    """The FHIRPath of the status of a type, for findings."""
    return f"{resource_type}.{_ELEMENTS.get(resource_type, 'status')}"


def status_outcome(resource: dict[str, Any], accepted: Collection[str]) -> Outcome:
    """Why the status keeps the resource out of the tables, or None; `accepted` are study.toml's for Observations.

    A missing status keeps nothing out, since it says nothing; a code that the value set does not hold quarantines.
    """
    kind = resource["resourceType"]
    element = _ELEMENTS.get(kind)
    value = resource.get(element) if element else None
    if value is None:
        return None
    codes = _verification_codes(value) if element == "verificationStatus" else (value,)
    for code in codes:
        if not isinstance(code, str) or (kind, code) not in _REASONS:
            return QuarantineReason.INVALID_VALUE
        reason = _REASONS[(kind, code)]
        if kind == "Observation" and reason in (None, LeftOutReason.STATUS_NOT_ACCEPTED):
            reason = None if code in accepted else LeftOutReason.STATUS_NOT_ACCEPTED
        if reason is not None:
            return reason
    return None


def _verification_codes(value: Any) -> tuple[Any, ...]:
    codings = value.get("coding") if isinstance(value, dict) else None
    if not isinstance(codings, list):
        return ()
    standard = (c for c in codings if isinstance(c, dict) and c.get("system") == _VERIFICATION)
    return tuple(c.get("code") for c in standard)
