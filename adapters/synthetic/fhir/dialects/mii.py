"""The dialect of the German Medical Informatics Initiative: its references and its places of values."""

from __future__ import annotations

from adapters.synthetic.fhir.codes import Element, codings, concept, other_ranges, unit_of
from adapters.synthetic.fhir.cohort import Row, day_of, whole
from adapters.synthetic.fhir.dates import EXPORTED, remembered
from adapters.synthetic.fhir.dialects.mii_therapy import add_cycles, add_radium, add_sirt
from adapters.synthetic.fhir.record import BASE_URL, NAMING, Record, Resource, meta, reference_to
from adapters.synthetic.fhir.resources.laboratory import limits
from adapters.synthetic.fhir.resources.lesions import diameter as diameter_quantity
from adapters.synthetic.fhir.resources.lesions import suv as suv_quantity

__all__ = ["add_cycles", "add_radium", "add_sirt"]

NAME = "mii"
UTC_CLOCK = True
BODY_SITE = "http://hl7.org/fhir/StructureDefinition/bodySite"
CENTIMETRES_EVERY = 4
CONTAINED_EVERY = 7
SHARED_DRUGS = ("docetaxel", "cabazitaxel", "abiraterone", "enzalutamide", "adt", "lu_psma")


def resource_id(name: str) -> str:
    """The name is the id."""
    return name


def subject(record: Record, number: int) -> Element:
    """A reference to the patient: relative, and in between absolute, versioned or by identifier."""
    relative = reference_to(record.patient)
    path = relative["reference"]
    forms: dict[int, Element] = {
        3: {"reference": f"{BASE_URL}/{path}"},
        5: {"reference": f"{path}/_history/1"},
        7: {"identifier": {"system": f"{NAMING}/patient", "value": record.name}},
    }
    return forms.get(number % 11, relative)


def patient(record: Record) -> Element:
    """The Patient only says that it died; the vital status Observation has the date."""
    return {"deceasedBoolean": whole(record.facts.row["death_day"]) is not None}


def condition(onset: str) -> Element:
    """When a condition began; the guide also wants when it was recorded."""
    return {"onsetDateTime": onset, "recordedDate": onset}


def add_metastasis(record: Record, row: Row, primary: Element | None) -> None:
    """A metastatic site is an Observation about the primary tumour."""
    elements: Element = {
        "status": "final",
        "code": record.concept("measure", "metastasis"),
        "effectiveDateTime": remembered(record.facts, day_of(row)),
        "valueCodeableConcept": record.concept("metastasis", row["site"]),
    }
    if primary:
        elements["focus"] = [primary]
    record.add("Observation", "metastasis", elements, profile="metastasis")


def lesion(_record: Record, _row: Row, _primary: Element | None) -> Element:
    """Nothing beyond the common elements."""
    return {}


def diameter(record: Record, row: Row, lesion: Resource) -> Element:
    """The diameter is the value; the body site points to the lesion."""
    quantity = diameter_quantity(record, row, CENTIMETRES_EVERY)
    return {"bodySite": _pointing_to(lesion), "valueQuantity": quantity}


def suv_max(record: Record, row: Row, lesion: Resource) -> Element:
    """The SUV is part of the PET whose tracer it was measured with.

    Raises KeyError where the cohort has no PET on that day.
    """
    pet = record.marks["psma_pet", day_of(row)]
    return {
        "bodySite": _pointing_to(lesion),
        "valueQuantity": suv_quantity(record, row),
        "partOf": [reference_to(pet)],
    }


def _pointing_to(lesion: Resource) -> Element:
    return {"extension": [{"url": BODY_SITE, "valueReference": reference_to(lesion)}]}


def drug(record: Record, row: Row, number: int) -> Element:
    """A reference to the hospital's Medication of that drug; now and then a contained one."""
    if (record.facts.rank + number) % CONTAINED_EVERY:
        return {"medicationReference": {"reference": f"Medication/{_medication_id(row['drug'])}"}}
    contained = {"resourceType": "Medication", "id": "med", **_medication(row["drug"])}
    return {"contained": [contained], "medicationReference": {"reference": "#med"}}


def laboratory(record: Record, row: Row, identity: str) -> Element:
    """Each result has an identifier; the limits of some measures are printed for both sexes."""
    identifier = {
        "type": record.concept("identifier_type", "laboratory"),
        "system": f"{NAMING}/laboratory",
        "value": identity,
        "assigner": {"display": "Laboratory of example.org"},
    }
    made: Element = {"identifier": [identifier]}
    if (others := other_ranges(NAME, row["measure"])) and row["lower_limit"]:
        made["referenceRange"] = [
            _range_for(record, row["measure"], *printed)
            for printed in [("male", row["lower_limit"], row["upper_limit"]), *others]
        ]
    return made


def _range_for(record: Record, measure: str, sex: str, low: str, high: str) -> Element:
    made = limits(unit_of(NAME, measure), low, high)
    return made | {"type": record.concept("range", "normal"), "appliesTo": [record.concept("applies_to", sex)]}


def ecog(grade: str) -> Element:
    """The grade as a component, coded as finding and in the guide's own list."""
    return {
        "component": [
            {"code": concept(NAME, "component", "ecog"), "valueCodeableConcept": concept(NAME, "ecog", grade)}
        ]
    }


def gleason(score: str) -> Element:
    """The score as a finding."""
    return {"valueCodeableConcept": concept(NAME, "gleason_score", score)}


def disease_status(record: Record, row: Row) -> Element:
    """The overall assessment as value, that of the metastases as component."""
    component = {
        "code": record.concept("component", "distant_metastases"),
        "valueCodeableConcept": record.concept("distant_metastases", row["category"]),
    }
    return {"valueCodeableConcept": record.concept("disease_status", row["category"]), "component": [component]}


def shared(tag: str) -> list[Resource]:
    """The hospital's Medications, which the resources of all patients refer to."""
    return [
        {
            "resourceType": "Medication",
            "id": _medication_id(drug),
            "meta": meta(NAME, tag, "medication", EXPORTED),
            "status": "active",
            **_medication(drug),
        }
        for drug in SHARED_DRUGS
    ]


def _medication_id(drug: str) -> str:
    return f"medication-{drug.replace('_', '-')}"


def _medication(drug: str) -> Element:
    element = "substance" if drug == "lu_psma" else "drug"
    ingredient = {"itemCodeableConcept": {"coding": codings(NAME, "ingredient", drug)}}
    return {"code": concept(NAME, element, drug), "ingredient": [ingredient]}
