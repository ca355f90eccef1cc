"""What the status codes of a Condition mean: verificationStatus, clinicalStatus, certainty of ICD-10-GM codes."""

from __future__ import annotations

import csv
from importlib.resources import files

CERTAINTY = "diagnosesicherheit"


def _load() -> dict[tuple[str, str], dict[str, str]]:
    """(element, system) -> code -> meaning; an element with the system "" holds the codes of all systems."""
    meanings: dict[tuple[str, str], dict[str, str]] = {}
    text = (files("adapters.fhir") / "condition_status.csv").read_text(encoding="utf-8")
    for row in csv.DictReader(text.splitlines()):
        for system in (row["system"], ""):
            meanings.setdefault((row["element"], system), {})[row["code"]] = row["means"]
    return meanings


MEANINGS = _load()
_WEAKENING = {**MEANINGS[("verificationStatus", "")], **MEANINGS[(CERTAINTY, "")]}
_ENDING = {**MEANINGS[("clinicalStatus", "")], **MEANINGS[(CERTAINTY, "")]}


def certainty_of(codes: object) -> str:
    """ "suspected" if one of the codes says so, else "confirmed"; `codes` is a list of texts or missing."""
    said = {_WEAKENING.get(str(code)) for code in codes} if isinstance(codes, list | tuple) else set()
    return "suspected" if "suspected" in said else "confirmed"


def is_past(codes: object) -> bool:
    """True if one of the codes says that the condition is over; `codes` is a list of texts or missing."""
    return isinstance(codes, list | tuple) and any(_ENDING.get(str(code)) == "past" for code in codes)
