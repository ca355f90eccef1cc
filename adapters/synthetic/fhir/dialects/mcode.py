"""The mCODE dialect (HL7 mCODE STU4): its references and its places of values; codes and units are in CSV files."""

from __future__ import annotations

from datetime import time

from adapters.synthetic.fhir.codes import Element, unit_of
from adapters.synthetic.fhir.cohort import Row, day_of, number_of, whole
from adapters.synthetic.fhir.dates import exact, instant, remembered
from adapters.synthetic.fhir.record import LU_PSMA, NAMING, Record, Resource, reference_to, uuid_of
from adapters.synthetic.fhir.resources.conditions import status
from adapters.synthetic.fhir.resources.lesions import diameter as diameter_quantity
from adapters.synthetic.fhir.resources.lesions import suv as suv_quantity

NAME = "mcode"
UTC_CLOCK = False
GUIDE = "http://hl7.org/fhir/us/mcode/StructureDefinition"
CONDITION_RELATED = "http://hl7.org/fhir/StructureDefinition/condition-related"
CENTIMETRES_EVERY = 5
LOGICAL_EVERY = 23  # some resources name their patient by identifier only
CONTAINED_EVERY = 9
ADMINISTRATION = time(10, 30)


def resource_id(name: str) -> str:
    """A UUID: in a transaction Bundle the resource is known by urn:uuid."""
    return uuid_of(name)


def subject(record: Record, number: int) -> Element:
    """A reference to the patient."""
    if number % LOGICAL_EVERY == LOGICAL_EVERY - 1:
        return {"identifier": {"system": f"{NAMING}/patient", "value": record.name}}
    return reference_to(record.patient)


def patient(record: Record) -> Element:
    """Death is a date on the Patient."""
    day = whole(record.facts.row["death_day"])
    return {} if day is None else {"deceasedDateTime": exact(record.facts, day)}


def condition(onset: str) -> Element:
    """When a condition began."""
    return {"onsetDateTime": onset}


def add_metastasis(record: Record, row: Row, primary: Element | None) -> None:
    """A metastatic site is a Condition related to the primary tumour."""
    elements = status(record) | condition(remembered(record.facts, day_of(row)))
    elements["code"] = record.concept("metastasis", row["site"])
    elements["bodySite"] = [record.concept("site", row["site"])]
    if primary:
        elements["extension"] = [{"url": CONDITION_RELATED, "valueReference": primary}]
    record.add("Condition", "condition", elements, profile="metastasis")


def lesion(record: Record, row: Row, primary: Element | None) -> Element:
    """A tumour has an identifier of its own and points to the primary tumour."""
    identifier = {
        "use": "usual",
        "type": record.concept("identifier_type", "lesion"),
        "system": f"{NAMING}/lesion",
        "value": f"{record.name}-{row['lesion'].lower()}",
    }
    related = [{"url": f"{GUIDE}/mcode-related-condition", "valueReference": primary}] if primary else []
    return {"identifier": [identifier]} | ({"extension": related} if related else {})


def diameter(record: Record, row: Row, lesion: Resource) -> Element:
    """The longest diameter is a component; the lesion is the focus."""
    component = {
        "code": record.concept("component", "lesion_diameter"),
        "valueQuantity": diameter_quantity(record, row, CENTIMETRES_EVERY),
    }
    return {"focus": [reference_to(lesion)], "component": [component]}


def suv_max(record: Record, row: Row, lesion: Resource) -> Element:
    """The tracer of an SUV is a component; the lesion is the focus."""
    tracer = {
        "code": record.concept("component", "tracer"),
        "valueCodeableConcept": record.concept("tracer", record.facts.row["tracer"]),
    }
    return {"focus": [reference_to(lesion)], "valueQuantity": suv_quantity(record, row), "component": [tracer]}


def add_cycles(record: Record) -> None:
    """Each cycle is a MedicationAdministration, part of a course that is itself no cycle."""
    rows = record.facts.rows("cycles")
    if not rows:
        return
    days = [day_of(row) for row in rows]
    course = record.add(
        "Procedure",
        "course",
        {
            "status": "completed",
            "code": record.concept("procedure", "course"),
            "performedPeriod": {"start": exact(record.facts, min(days)), "end": exact(record.facts, max(days))},
        },
        profile="course",
        day=max(days),
    )
    for row in rows:
        day = day_of(row)
        when = instant(record.facts, day, ADMINISTRATION, as_utc=UTC_CLOCK)
        record.marks[LU_PSMA, day] = _administration(record, LU_PSMA, when, day, row, course)


def add_sirt(record: Record, row: Row) -> None:
    """SIRT is a Procedure; its activity is in a MedicationAdministration that is part of it."""
    day = day_of(row)
    procedure = record.add(
        "Procedure",
        "sirt",
        {
            "status": "completed",
            "code": record.concept("procedure", "sirt"),
            "bodySite": [record.concept("site", "liver")],
            "performedDateTime": exact(record.facts, day),
        },
        profile="procedure",
        day=day,
    )
    _administration(record, "sirt", exact(record.facts, day), day, row, procedure)


def add_radium(record: Record, row: Row) -> None:
    """An earlier 223Ra therapy, of which only the date is remembered."""
    day = day_of(row)
    _administration(record, "ra223", remembered(record.facts, day), day, None, None)


def _administration(
    record: Record, agent: str, when: str, day: int, row: Row | None, part_of: Resource | None
) -> Resource:
    elements: Element = {
        "status": "completed",
        "medicationCodeableConcept": record.concept("substance", agent),
        "effectiveDateTime": when,
    }
    if row:
        dose = unit_of(NAME, "activity_gbq").quantity(number_of(row, "activity_gbq"))
        elements["dosage"] = {"text": "single activity, infused slowly", "dose": dose}
    if part_of:
        elements["partOf"] = [reference_to(part_of)]
    return record.add("MedicationAdministration", "dose", elements, profile="administration", day=day)


def drug(record: Record, row: Row, number: int) -> Element:
    """A drug as a code; every few drugs as a contained Medication."""
    named = record.concept("drug", row["drug"], text=row["drug"])
    if (record.facts.rank + number) % CONTAINED_EVERY:
        return {"medicationCodeableConcept": named}
    contained = {"resourceType": "Medication", "id": "med", "code": named}
    return {"contained": [contained], "medicationReference": {"reference": "#med"}}


def laboratory(_record: Record, _row: Row, _identity: str) -> Element:
    """Nothing beyond the common elements."""
    return {}


def ecog(grade: str) -> Element:
    """The grade as an integer."""
    return {"valueInteger": int(grade)}


def gleason(score: str) -> Element:
    """The score as an integer."""
    return {"valueInteger": int(score)}


def disease_status(record: Record, row: Row) -> Element:
    """The trend as one of the guide's findings."""
    return {"valueCodeableConcept": record.concept("disease_status", row["category"])}


def shared(_tag: str) -> list[Resource]:
    """No resource is shared between patients."""
    return []
