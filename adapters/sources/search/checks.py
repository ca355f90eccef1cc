"""Checks beyond the counts: the server gave every patient of the cohort and every therapy that put one there."""

from __future__ import annotations

from collections.abc import Set

from adapters.errors import IncompleteError
from adapters.progress import NOTE, Progress
from adapters.sources.search.cohort import Cohort
from adapters.sources.search.queries import COHORT_TYPES
from adapters.sources.search.run import Run
from adapters.sources.spool.spool import Spool


def check_cohort(cohort: Cohort, spool: Spool, run: Run, types: Set[str], shown: Progress) -> dict[str, int]:
    """Check that the server gave every patient of the cohort and every therapy that names one; counts for the manifest.

    A server may count what it hides as nothing, and may search for the first of several patients only: its counts then
    agree with a part. Raises IncompleteError, but for patients where `accept_missing_patients` is set.
    """
    given = {
        f"{part.partition(' ')[0]}/{resource['id']}"
        for part, entry in spool.parts.items()
        if part.partition(" ")[0] in ("Patient", *COHORT_TYPES)
        for resource in spool.read(entry)
    }
    absent = sum(f"Patient/{patient}" not in given for patient in cohort.named)
    if absent and not run.config.accept_missing_patients:
        what = f"{absent} of {len(cohort.named)} patients of the cohort are not given"
        remedy = "the account may not see them; where they are gone for good set accept_missing_patients = true"
        raise _refused(spool, what, "Patient?_id", remedy)
    asked = {key for key in cohort.therapies if key.partition("/")[0] in types}
    lost = len(asked - given)
    if lost:
        what = f"{lost} of {len(asked)} therapies that the search by code gave are not given by patient"
        remedy = (
            "try chunk_size = 1; a server that does not search by the patients' identifiers needs --bulk or an export"
        )
        raise _refused(spool, what, "Procedure?patient", remedy)
    if cohort.without_patient:
        shown(f"{len(cohort.without_patient)} therapies of the cohort rule name no patient of this server", NOTE)
    if absent:
        shown(f"{absent} of {len(cohort.named)} patients of the cohort are not on the server", NOTE)
    return {
        "patients": len(cohort.patients),
        "patients_not_given": absent,
        "therapies_astray": len(cohort.without_patient),
    }


def _refused(spool: Spool, what: str, where: str, remedy: str) -> IncompleteError:
    """The error. The spool is removed: the next pull must not resume it."""
    spool.remove()
    return IncompleteError(what, where, remedy)


def keep_without_patient(cohort: Cohort, spool: Spool) -> None:
    """Store the therapies that name no patient, so that the manifest counts them as for a file."""
    for kind in COHORT_TYPES:
        resources = [therapy for therapy in cohort.without_patient if therapy["resourceType"] == kind]
        spool.keep(f"{kind} without patient", f"{kind}-without-patient", resources, verified=True)


def not_served(run: Run, types: Set[str], shown: Progress) -> list[str]:
    """Types that the views read and the server does not list. They give no rows."""
    missing = sorted(kind for kind in types if not run.capability.has_type(kind))
    if missing:
        shown(f"the server does not list {', '.join(missing)}: nothing of these is asked for", NOTE)
    return missing
