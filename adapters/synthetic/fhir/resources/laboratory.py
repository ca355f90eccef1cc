"""Laboratory results with their reference ranges."""

from __future__ import annotations

from datetime import time

from adapters.synthetic.fhir.codes import Unit, unit_of
from adapters.synthetic.fhir.cohort import Row, day_of, number
from adapters.synthetic.fhir.dates import instant
from adapters.synthetic.fhir.record import Element, Record

MORNING, AT_NIGHT = time(8, 15), time(0, 20)
NIGHT_EVERY = 17  # some blood is drawn just after midnight: the same day in Berlin, the day before in UTC
TUMOUR_MARKERS = frozenset({"psa", "ldh", "nse", "chromogranin_a"})
UNTYPED_EVERY = 3  # some ranges do not say that they are the normal ones


def add_laboratory(record: Record) -> None:
    """All laboratory results of a patient, in the order of labs.csv."""
    for row in record.facts.rows("labs"):
        unit = unit_of(record.dialect.NAME, row["measure"])
        measured = number(row["value"])
        if measured is None:
            raise ValueError("labs.csv: a result has no value")
        add_result(record, row, {"valueQuantity": unit.quantity(measured)})


def add_result(record: Record, row: Row, value: Element) -> Element:
    """One laboratory result with the given value element. Returns the Observation."""
    measure, day = row["measure"], day_of(row)
    name = record.next_name("lab")
    unit = unit_of(record.dialect.NAME, measure)
    profile = "tumour_marker" if measure in TUMOUR_MARKERS else "laboratory"
    elements: Element = {
        "status": "final",
        "category": [record.concept("observation_category", "laboratory")],
        "code": record.concept("lab", measure),
        "effectiveDateTime": instant(record.facts, day, clock(record, day), as_utc=record.dialect.UTC_CLOCK),
        **value,
        **record.dialect.laboratory(record, row, name),
    }
    if (limits := _range(record, row, unit)) and "referenceRange" not in elements:
        elements["referenceRange"] = [limits]
    return record.add("Observation", "lab", elements, profile=profile, day=day, name=name)


def clock(record: Record, day: int) -> time:
    """When blood was drawn that day."""
    return AT_NIGHT if (record.facts.rank + day) % NIGHT_EVERY == 0 else MORNING


def limits(unit: Unit, low: str, high: str) -> Element:
    """Lower and upper limit as Quantities in the unit of the result; empty where neither is known."""
    quantities: Element = {}
    for name, text in (("low", low), ("high", high)):
        value = number(text)
        if value is not None:
            quantities[name] = unit.quantity(value)
    return quantities


def _range(record: Record, row: Row, unit: Unit) -> Element:
    reference_range = limits(unit, row["lower_limit"], row["upper_limit"])
    if reference_range and (record.facts.rank + day_of(row)) % UNTYPED_EVERY:
        reference_range["type"] = record.concept("range", "normal")
    return reference_range
