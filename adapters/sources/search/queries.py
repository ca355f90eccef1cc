"""Which searches a study needs: the cohort by its therapies, then everything that the views read about those patients."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.settings import Settings
from adapters.sources.search.codes import cohort_codes
from adapters.sources.search.searcher import Query

COHORT_TYPES = ("Procedure", "MedicationAdministration")
CODES_A_SEARCH = 500


def cohort_queries(settings: Settings, kinds: Sequence[str] = COHORT_TYPES) -> Iterator[Query]:
    """Searches for resources of some types that name a therapy which puts a patient into the study."""
    tokens = cohort_codes(settings).asked()
    for kind in kinds:
        for values in code_groups(tokens):
            yield Query(f"{kind}?code={{{len(tokens)} codes of the cohort rule}}", kind, (("code", values),))


def medication_queries(settings: Settings) -> Iterator[Query]:
    """Searches for Medication resources that name a therapy of the cohort rule."""
    return cohort_queries(settings, ("Medication",))


def code_groups(tokens: Sequence[str]) -> list[str]:
    """Codes as values of a search, in as many searches as they need."""
    return [",".join(tokens[start : start + CODES_A_SEARCH]) for start in range(0, len(tokens), CODES_A_SEARCH)]


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
    patients = ",".join(f"Patient/{patient}" for patient in ids)
    return Query(
        f"{kind}?patient={{up to {_round(len(ids))} patients}}{shown}", kind, (("patient", patients), *filters)
    )


def _round(number: int) -> int:
    """Sizes in names are rounded up to a power of ten, so that chunks share a template and tell nothing."""
    size = 1
    while size < number:
        size *= 10
    return size
