"""Patient and vital status."""

from __future__ import annotations

from adapters.synthetic.fhir.cohort import Patient, day_of, whole
from adapters.synthetic.fhir.dates import exact
from adapters.synthetic.fhir.record import NAMING, Element, Record, reference_to

ALIVE, DEAD = "alive", "dead"


def last_day(patient: Patient) -> int | None:
    """The day of death, else of the last contact; None where neither is known. Nothing is recorded after it."""
    death = whole(patient.row["death_day"])
    return death if death is not None else whole(patient.row["last_contact_day"])


def person(record: Record) -> Element:
    """The elements of every record of this person: identifier, artificial name, sex, date of birth."""
    return {
        "identifier": [
            {
                "type": record.concept("identifier_type", "patient"),
                "system": f"{NAMING}/patient",
                "value": record.name,
            }
        ],
        "name": [{"text": f"Synthetic {record.name}", "family": "Synthetic", "given": ["Patient"]}],
        "gender": "male",
        "birthDate": exact(record.facts, day_of(record.facts.row, "birth_day")),
    }


def add_patient(record: Record) -> None:
    """The Patient; always the first resource of a record, since all others refer to it."""
    elements = person(record) | {"active": True} | record.dialect.patient(record)
    record.add("Patient", "patient", elements, profile="patient", day=None, owner=None, name=record.name)


def add_vital_status(record: Record) -> None:
    """Vital status on the day of death or of the last contact."""
    day = last_day(record.facts)
    if day is None:
        return
    state = DEAD if record.facts.row["death_day"] else ALIVE
    elements: Element = {
        "status": "final",
        "category": [record.concept("observation_category", "survey")],
        "code": record.concept("measure", "vital_status"),
        "effectiveDateTime": exact(record.facts, day),
        "valueCodeableConcept": record.concept("vital_status", state),
    }
    record.add("Observation", "vital", elements, profile="vital_status", day=day)


def add_merged_record(record: Record) -> Element:
    """An older record of the same person, merged into the present one. Returns the reference to the older record."""
    older = record.add(
        "Patient",
        "patient",
        person(record)
        | {
            "identifier": [
                {
                    "type": record.concept("identifier_type", "patient"),
                    "system": f"{NAMING}/patient",
                    "value": f"{record.name}-old",
                }
            ],
            "active": False,
            "link": [{"other": reference_to(record.patient), "type": "replaced-by"}],
        },
        profile="patient",
        owner=None,
        name=f"{record.name}-old",
    )
    record.patient["link"] = [{"other": reference_to(older), "type": "replaces"}]
    return reference_to(older)
