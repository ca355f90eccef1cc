"""Which statuses count: entered in error, cancelled, not done, refuted and planned resources are left out.

The lists are the required value sets of FHIR R4 (statuses.csv); a code from outside them quarantines the resource.
"""

from __future__ import annotations

import csv
from collections.abc import Collection
from importlib.resources import files
from typing import Any

from adapters.ledger import LeftOutReason, QuarantineReason
from adapters.reading.modifiers import Outcome, modifier_outcome

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
    """Why status or a modifier keeps the resource out of the tables, or None; `accepted` are for Observations."""
    return outcome_and_path(resource, accepted)[0]


def outcome_and_path(resource: dict[str, Any], accepted: Collection[str]) -> tuple[Outcome, str]:
    """As `status_outcome`, with the FHIRPath of the element that decides ("" if none does)."""
    outcome = _of_status(resource, accepted)
    return modifier_outcome(resource) if outcome is None else (outcome, status_path(resource["resourceType"]))


def _of_status(resource: dict[str, Any], accepted: Collection[str]) -> Outcome:
    """A missing status keeps nothing out, since it says nothing; a code outside the value set quarantines."""
    kind = resource["resourceType"]
    code = resource.get("status") if kind in _ELEMENTS else None
    if code is None:
        return None
    if not isinstance(code, str) or (kind, code) not in _REASONS:
        return QuarantineReason.INVALID_VALUE
    reason = _REASONS[(kind, code)]
    if kind == "Observation" and reason in (None, LeftOutReason.STATUS_NOT_ACCEPTED):
        return None if code in accepted else LeftOutReason.STATUS_NOT_ACCEPTED
    return reason
