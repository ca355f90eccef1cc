"""Radionuclide therapies in the MII dialect: a Procedure, for some cycles a MedicationAdministration as well."""

from __future__ import annotations

from datetime import time

from adapters.synthetic.fhir.codes import Element, unit_of
from adapters.synthetic.fhir.cohort import Row, day_of, number_of
from adapters.synthetic.fhir.dates import exact, instant, remembered
from adapters.synthetic.fhir.record import LU_PSMA, NAMING, Record, Resource, reference_to

NAME = "mii"
TOTAL_DOSE = (
    "https://www.medizininformatik-initiative.de/fhir/ext/modul-onko/StructureDefinition/"
    "mii-ex-onko-strahlentherapie-bestrahlung-gesamtdosis"
)
ADMINISTRATION = time(10, 30)
DOUBLED_EVERY = 4  # every fourth cycle also has a record of the pharmacy
LINKS = ("part_of", "identifier", "day")  # how the two records of one cycle belong together, in turn
LU_MEDICATION = {"reference": "Medication/medication-lu-psma"}


def add_cycles(record: Record) -> None:
    """Each cycle is a Procedure; every fourth also a MedicationAdministration with the activity."""
    rows = record.facts.rows("cycles")
    if not rows:
        return
    bracket = _bracket(record, [day_of(row) for row in rows])
    for number, row in enumerate(rows):
        turn = record.facts.rank + number
        doubled, link = turn % DOUBLED_EVERY == 0, LINKS[(turn // DOUBLED_EVERY) % len(LINKS)]
        when = instant(record.facts, day_of(row), ADMINISTRATION, as_utc=True)
        elements = _therapy(record, LU_PSMA, when, row)
        elements["partOf"] = [reference_to(bracket)]
        if doubled and (turn // DOUBLED_EVERY) % 2:
            del elements["extension"]  # then only the pharmacy knows the activity
        shared_identifier = [{"system": f"{NAMING}/therapy", "value": record.next_name("therapy")}]
        if doubled and link == "identifier":
            elements["identifier"] = shared_identifier
        procedure = record.add("Procedure", "cycle", elements, profile="radionuclide", day=day_of(row))
        record.marks[LU_PSMA, day_of(row)] = procedure
        if doubled:
            _pharmacy(record, row, when, procedure, link)


def add_sirt(record: Record, row: Row) -> None:
    """SIRT is a Procedure with its activity."""
    elements = _therapy(record, "sirt", exact(record.facts, day_of(row)), row)
    elements["bodySite"] = [record.concept("site", "liver")]
    record.add("Procedure", "sirt", elements, profile="radionuclide", day=day_of(row))


def add_radium(record: Record, row: Row) -> None:
    """An earlier 223Ra therapy, of which only the date is remembered."""
    elements: Element = {
        "status": "completed",
        "medicationCodeableConcept": record.concept("substance", "ra223"),
        "effectivePeriod": {"start": remembered(record.facts, day_of(row))},
    }
    record.add("MedicationAdministration", "dose", elements, profile="administration", day=day_of(row))


def _therapy(record: Record, therapy: str, when: str, row: Row) -> Element:
    activity = unit_of(NAME, "activity_mbq").quantity(number_of(row, "activity_gbq"))
    return {
        "status": "completed",
        "category": record.concept("category", "radionuclide"),
        "code": record.concept("procedure", therapy),
        "performedPeriod": {"start": when, "end": when},
        "usedCode": [record.concept("radiation", therapy), record.concept("application", therapy)],
        "extension": [{"url": TOTAL_DOSE, "valueQuantity": activity}],
    }


def _bracket(record: Record, days: list[int]) -> Resource:
    """The Procedure that all cycles are part of; it is no cycle itself."""
    elements = {
        "status": "completed",
        "category": record.concept("category", "radionuclide"),
        "code": record.concept("procedure", "course"),
        "performedPeriod": {"start": exact(record.facts, min(days)), "end": exact(record.facts, max(days))},
    }
    return record.add("Procedure", "course", elements, profile="course", day=max(days))


def _pharmacy(record: Record, row: Row, when: str, procedure: Resource, link: str) -> None:
    elements: Element = {
        "status": "completed",
        "medicationReference": dict(LU_MEDICATION),
        "effectiveDateTime": when,
        "dosage": {"dose": unit_of(NAME, "activity_gbq").quantity(number_of(row, "activity_gbq"))},
    }
    if link == "part_of":
        elements["partOf"] = [reference_to(procedure)]
    elif link == "identifier":
        elements["identifier"] = procedure["identifier"]
    record.add("MedicationAdministration", "dose", elements, profile="administration", day=day_of(row))
