"""Lesions and what was measured in them over time."""

from __future__ import annotations

from adapters.synthetic.fhir.codes import unit_of
from adapters.synthetic.fhir.cohort import Row, day_of, number_of
from adapters.synthetic.fhir.dates import exact
from adapters.synthetic.fhir.record import Element, Record, Resource


def add_lesions(record: Record) -> None:
    """A BodyStructure for each lesion, then its diameters and SUVmax."""
    organs = {}
    structures = {}
    for row in record.facts.rows("lesions"):
        elements = {"active": True, "location": record.concept("site", row["organ"])}
        if row.get("segment"):
            elements["description"] = f"Segment {row['segment']}"
        elements |= record.dialect.lesion(record, row, record.primary)
        added = record.add("BodyStructure", "lesion", elements, profile="lesion", owner="patient")
        structures[row["lesion"]], organs[row["lesion"]] = added, row["organ"]
    for row in record.facts.rows("lesion_measurements"):
        _add_measurements(record, row, structures[row["lesion"]], organs[row["lesion"]])


def _add_measurements(record: Record, row: Row, lesion: Resource, organ: str) -> None:
    day = day_of(row)
    common: Element = {
        "status": "final",
        "category": [record.concept("observation_category", "imaging")],
        "effectiveDateTime": exact(record.facts, day),
        "bodySite": record.concept("site", organ),
    }
    if row["diameter_mm"]:
        elements = common | {"method": record.concept("modality", row["modality"])}
        elements |= record.dialect.diameter(record, row, lesion)
        elements["code"] = record.concept("measure", "lesion_diameter")
        elements["bodySite"] = {**elements["bodySite"], **common["bodySite"]}
        record.add("Observation", "diameter", elements, profile="lesion_diameter", day=day)
    if row["suv_max"]:
        elements = common | {"method": record.concept("method", "maximum")}
        elements |= record.dialect.suv_max(record, row, lesion)
        elements["code"] = record.concept("measure", "suv_max")
        elements["bodySite"] = {**elements["bodySite"], **common["bodySite"]}
        record.add("Observation", "suv", elements, profile="suv_max", day=day)


def diameter(record: Record, row: Row, centimetres_every: int) -> Element:
    """A diameter as Quantity: in mm, every n-th of a patient's resources in cm."""
    in_cm = len(record.resources) % centimetres_every == 0
    measure = "lesion_diameter_cm" if in_cm else "lesion_diameter"
    return unit_of(record.dialect.NAME, measure).quantity(number_of(row, "diameter_mm"))


def suv(record: Record, row: Row) -> Element:
    """A maximum standardised uptake value as Quantity."""
    return unit_of(record.dialect.NAME, "suv_max").quantity(number_of(row, "suv_max"))
