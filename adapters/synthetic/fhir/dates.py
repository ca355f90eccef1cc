"""Days of the cohort as FHIR dates: exact dates, months for old history, instants with a zone."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from adapters.synthetic.fhir.cohort import Patient

BERLIN = ZoneInfo("Europe/Berlin")
HISTORY_DAYS = -365  # what lies longer before day 0 is remembered by month, half of the time
EXPORTED = "2019-03-01T08:00:00Z"  # lastUpdated of what has no date of its own


def exact(patient: Patient, day: int) -> str:
    """The date of a day, YYYY-MM-DD."""
    return patient.date_of(day).isoformat()


def remembered(patient: Patient, day: int) -> str:
    """The date of a day of the history: YYYY-MM for every even day more than a year before day 0, else exact."""
    if day < HISTORY_DAYS and day % 2 == 0:
        return patient.date_of(day).strftime("%Y-%m")
    return exact(patient, day)


def instant(patient: Patient, day: int, clock: time, *, as_utc: bool) -> str:
    """A moment of a day by the clock in Berlin, written with Berlin's offset or in UTC."""
    local = datetime.combine(patient.date_of(day), clock, BERLIN)
    if as_utc:
        return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return local.isoformat()


def updated(patient: Patient, day: int | None) -> str:
    """The time of the last update: the evening of the event, or the export where it has no day."""
    return EXPORTED if day is None else f"{exact(patient, day)}T20:00:00Z"
