"""Findings of the work-up before SIRT: lung shunt, volumes, extrahepatic flow."""

from __future__ import annotations

from adapters.synthetic.fhir.codes import unit_of
from adapters.synthetic.fhir.cohort import Row, day_of, number
from adapters.synthetic.fhir.dates import exact
from adapters.synthetic.fhir.record import Element, Record, reference_to

MEASURES = {
    "lung_shunt_fraction": "lung_shunt_pct",
    "liver_volume": "liver_volume_ml",
    "tumour_volume": "tumour_volume_ml",
}
FROM_SCINTIGRAPHY = frozenset({"lung_shunt_fraction", "gi_flow"})
YES = frozenset({"present", "true", "yes", "1"})


def add_workup(record: Record) -> None:
    """The findings of every work-up, on the work-up's day."""
    for row in record.facts.rows("sirt"):
        for measure, column in MEASURES.items():
            measured = number(row[column])
            if measured is not None:
                quantity = unit_of(record.dialect.NAME, measure).quantity(measured)
                _add(record, row, measure, {"valueQuantity": quantity})
        if row["gi_flow"]:
            state = "present" if row["gi_flow"].lower() in YES else "absent"
            _add(record, row, "gi_flow", {"valueCodeableConcept": record.concept("gi_flow", state)})


def _add(record: Record, row: Row, measure: str, value: Element) -> None:
    day = day_of(row, "workup_day")
    elements: Element = {
        "status": "final",
        "category": [record.concept("observation_category", "imaging")],
        "code": record.concept("measure", measure),
        "effectiveDateTime": exact(record.facts, day),
        **value,
    }
    if measure in FROM_SCINTIGRAPHY:
        elements["partOf"] = [reference_to(record.marks["maa_workup", day])]
    record.add("Observation", "workup", elements, profile="observation", day=day)
