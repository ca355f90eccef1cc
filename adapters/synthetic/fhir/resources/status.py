"""The patient's condition: ECOG, Gleason score, weight, height, disease status."""

from __future__ import annotations

from adapters.synthetic.fhir.codes import unit_of
from adapters.synthetic.fhir.cohort import day_of, number
from adapters.synthetic.fhir.dates import exact, remembered
from adapters.synthetic.fhir.record import Element, Record
from adapters.synthetic.fhir.resources.conditions import PROSTATE_CANCER

CATEGORIES = {
    "ecog": "exam",
    "gleason_score": "laboratory",
    "weight": "vital-signs",
    "height": "vital-signs",
    "disease_status": "exam",
}
ADMISSION_DAY = -1  # examined on the day before therapy


def add_status(record: Record) -> None:
    """ECOG, weight and height at admission, Gleason score at diagnosis, disease status over time."""
    admission = exact(record.facts, ADMISSION_DAY)
    row = record.facts.row
    if row["ecog"]:
        _add(record, "ecog", admission, record.dialect.ecog(row["ecog"]), "ecog", ADMISSION_DAY)
    if row["gleason"]:
        _add(record, "gleason_score", _diagnosed(record), record.dialect.gleason(row["gleason"]))
    for measure, column in (("weight", "weight_kg"), ("height", "height_cm")):
        measured = number(row[column])
        if measured is not None:
            value = {"valueQuantity": unit_of(record.dialect.NAME, measure).quantity(measured)}
            _add(record, measure, admission, value, measure, ADMISSION_DAY)
    for assessment in record.facts.rows("disease_status"):
        day = day_of(assessment)
        elements = record.dialect.disease_status(record, assessment)
        elements["bodySite"] = record.concept("site", assessment["site"] if assessment["site"] == "liver" else "other")
        if record.primary:
            elements["focus"] = [record.primary]
        _add(record, "disease_status", exact(record.facts, day), elements, "disease_status", day)


def _add(
    record: Record,
    measure: str,
    effective: str,
    value: Element,
    profile: str = "observation",
    day: int | None = None,
) -> None:
    elements: Element = {
        "status": "final",
        "category": [record.concept("observation_category", CATEGORIES[measure])],
        "code": record.concept("measure", measure),
        "effectiveDateTime": effective,
        **value,
    }
    record.add("Observation", "status", elements, profile=profile, day=day)


def _diagnosed(record: Record) -> str:
    """The date of diagnosis, as exactly as it is remembered; the admission where it is unknown."""
    for row in record.facts.rows("conditions"):
        if row["condition"] == PROSTATE_CANCER:
            return remembered(record.facts, day_of(row))
    return exact(record.facts, ADMISSION_DAY)
