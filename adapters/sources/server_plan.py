"""Which searches a study needs: the cohort by its therapies, then everything that the views read about those patients."""

from __future__ import annotations

import csv
import string
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from adapters.settings import Settings
from adapters.sources.search import Query

CODELISTS = Path(__file__).resolve().parents[1] / "codelists"
COHORT_TYPES = ("Procedure", "MedicationAdministration")
BY_REFERENCE = frozenset({"Medication"})  # no patient of their own: fetched when something refers to them
DIAGNOSES = ("icd-10", "icd10")  # systems of diagnoses: they never code an Observation
CONTINUATIONS = string.digits + string.ascii_lowercase


@dataclass(frozen=True)
class Codes:
    """Search tokens (system|code); a prefix of a code list stands for itself and each code one character longer."""

    tokens: tuple[str, ...]
    meanings: tuple[str, ...] = ()  # what they mean, each once

    def matches(self, system: object, code: object) -> bool:
        """Whether a coding is among the tokens or lies beneath a prefix."""
        return f"{system}|{code}" in self._exact or any(f"{system}|{code}".startswith(p) for p in self._prefixes)

    def match(self, resource: dict[str, Any]) -> bool:
        """Whether any coding of a resource, of its medication or of its components does."""
        return any(self.matches(*coding) for coding in _codings(resource))

    @cached_property
    def _exact(self) -> frozenset[str]:
        return frozenset(token for token in self.tokens if not token.endswith("*"))

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        return tuple(token[:-1] for token in self.tokens if token.endswith("*"))

    def asked(self) -> list[str]:
        """Tokens as a search can hold them."""
        found: list[str] = []
        for token in self.tokens:
            stem = token.rstrip("*")
            found += [stem, *(stem + one for one in CONTINUATIONS)] if token.endswith("*") else [token]
        return [token.replace(",", "\\,") for token in found]


def codes(lists: Iterable[str], settings: Settings, means: Sequence[str] | None = None) -> Codes:
    """Codes of the project's code lists and the hospital's overlay, all or those that mean one of `means`."""
    overlay = settings.overlay("codelists")
    found: dict[str, None] = {}
    meanings: dict[str, None] = {}
    for name in lists:
        for folder in (CODELISTS, overlay):
            file = folder / f"{name}.csv" if folder is not None else None
            if file is not None and file.exists():
                with file.open(encoding="utf-8", newline="") as lines:
                    for row in csv.DictReader(lines):
                        if means is None or row["means"] in means:
                            found[f"{row['system']}|{row['code']}"] = None
                            meanings[row["means"]] = None
    return Codes(tuple(found), tuple(meanings))


def observation_codes(settings: Settings) -> Codes:
    """What an Observation may be coded as: measures, and findings such as metastases, which stand in two lists."""
    found = codes(("observations", "conditions"), settings).tokens
    return Codes(tuple(token for token in found if not any(system in token.lower() for system in DIAGNOSES)))


def cohort_codes(settings: Settings) -> Codes:
    """Codes of the therapies that put a patient into the study."""
    return codes(("procedures",), settings, settings.cohort.any_of)


def cohort_queries(settings: Settings) -> list[Query]:
    """Searches for the therapies that put a patient into the study."""
    tokens = cohort_codes(settings).asked()
    label = f"code={{{len(tokens)} codes of the cohort rule}}"
    return [Query(f"{kind}?{label}", kind, (("code", ",".join(tokens)),)) for kind in COHORT_TYPES]


def medication_query(settings: Settings) -> Query:
    """Search for Medication resources that name a therapy of the cohort rule."""
    tokens = cohort_codes(settings).asked()
    return Query(f"Medication?code={{{len(tokens)} codes}}", "Medication", (("code", ",".join(tokens)),))


def by_ids(kind: str, ids: Sequence[str]) -> Query:
    """Search for resources by id."""
    return Query(f"{kind}?_id={{up to {_round(len(ids))} ids}}", kind, (("_id", ",".join(ids)),))


def by_parameter(kind: str, parameter: str, references: Sequence[str]) -> Query:
    """Search by one reference parameter with several values."""
    name = f"{kind}?{parameter}={{up to {_round(len(references))} references}}"
    return Query(name, kind, ((parameter, ",".join(references)),))


def about_patients(kind: str, ids: Sequence[str], filters: tuple[tuple[str, str], ...] = ()) -> Query:
    """Search for what one type holds about these patients, filtered by code where `filters` says so."""
    shown = "".join(f"&{name}={{{len(value.split(','))} codes}}" for name, value in filters)
    patients = ",".join(f"Patient/{one}" for one in ids)
    return Query(
        f"{kind}?patient={{up to {_round(len(ids))} patients}}{shown}", kind, (("patient", patients), *filters)
    )


def _codings(resource: dict[str, Any]) -> Iterator[tuple[object, object]]:
    """System and code of a resource, of its medication and of its components."""
    components = resource.get("component")
    for part in [resource, *(components if isinstance(components, list) else ())]:
        for name in ("code", "medicationCodeableConcept"):
            concept = part.get(name) if isinstance(part, dict) else None
            codings = concept.get("coding") if isinstance(concept, dict) else None
            for coding in codings if isinstance(codings, list) else ():
                if isinstance(coding, dict):
                    yield coding.get("system"), coding.get("code")


def _round(number: int) -> int:
    """Sizes in names are rounded up to a power of ten, so that chunks share a template and tell nothing."""
    size = 1
    while size < number:
        size *= 10
    return size
