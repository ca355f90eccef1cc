"""Diagnoses: the primary tumour, castration resistance, metastases, ascites."""

from __future__ import annotations

from adapters.synthetic.fhir.cohort import Row, day_of
from adapters.synthetic.fhir.dates import remembered
from adapters.synthetic.fhir.record import PRIMARY, Element, Record

PROSTATE_CANCER, METASTASIS = "prostate_cancer", "metastasis"


def add_conditions(record: Record) -> None:
    """All diagnoses of a patient; the primary tumour first, since the others point to it."""
    rows = record.facts.rows("conditions")
    for row in (row for row in rows if row["condition"] == PROSTATE_CANCER):
        added = record.add("Condition", "condition", _condition(record, row), profile="primary", day=None)
        record.marks[PRIMARY, 0] = added
    for row in rows:
        if row["condition"] == METASTASIS:
            record.dialect.add_metastasis(record, row, record.primary)
        elif row["condition"] != PROSTATE_CANCER:
            record.add("Condition", "condition", _condition(record, row), profile="condition", day=None)


def status(record: Record, *, verification: str = "confirmed") -> Element:
    """Clinical and verification status; a condition entered in error has no clinical status (FHIR R4, con-5)."""
    made: Element = {"verificationStatus": record.concept("verification", verification)}
    if verification == "confirmed":
        made["clinicalStatus"] = record.concept("clinical_status", "active")
    return made


def _condition(record: Record, row: Row) -> Element:
    onset = remembered(record.facts, day_of(row))
    made = status(record) | {"code": record.concept("condition", row["condition"])}
    if row["condition"] == PROSTATE_CANCER:
        made["bodySite"] = [record.concept("site", "prostate")]
    return made | record.dialect.condition(onset)
