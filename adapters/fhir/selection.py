"""The patients a call asks for, and the identifiers of a Patient resource."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.errors import InputError


@dataclass(frozen=True, slots=True)
class Selection:
    """Which patients a call asks for; None where it does not restrict.

    patients : ids ("123", "Patient/123") or identifiers ("system|value", "value")
    group : id of a Group resource in the source
    """

    patients: frozenset[str] | None = None
    group: str | None = None


def load_patients(path: Path) -> frozenset[str]:
    """The lines of a file of ids; blank lines and lines from # on are no ids. Raises InputError."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError):
        raise InputError("the file of patients cannot be read", path.name, "give a text file, one id a line") from None
    wanted = frozenset(line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#"))
    if not wanted:
        raise InputError("the file of patients names nobody", path.name, "give one id a line")
    return wanted


def identifiers_of(resource: dict[str, Any]) -> Iterator[str]:
    """The business identifiers of a Patient: "value" and "system|value" of each identifier."""
    identifiers = resource.get("identifier")
    for identifier in identifiers if isinstance(identifiers, list) else ():
        if isinstance(identifier, dict) and isinstance(identifier.get("value"), str):
            yield identifier["value"]
            yield f"{identifier.get('system', '')}|{identifier['value']}"
