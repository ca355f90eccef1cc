"""Drugs before and during the study."""

from __future__ import annotations

from adapters.synthetic.fhir.cohort import Row, whole
from adapters.synthetic.fhir.dates import remembered
from adapters.synthetic.fhir.record import Element, Record


def add_medications(record: Record) -> None:
    """A MedicationStatement for each drug line."""
    dead = bool(record.facts.row["death_day"])
    for number, row in enumerate(record.facts.rows("medications")):
        elements: Element = {"status": "completed" if row["end_day"] or dead else "active"}
        if period := _period(record, row):
            elements["effectivePeriod"] = period
        elements |= record.dialect.drug(record, row, number)
        record.add("MedicationStatement", "drug", elements, profile="statement")


def _period(record: Record, row: Row) -> Element:
    days = {"start": whole(row["start_day"]), "end": whole(row["end_day"])}
    return {name: remembered(record.facts, day) for name, day in days.items() if day is not None}
