"""Imaging, work-up and external radiotherapy; the radionuclide therapies are the dialects' own."""

from __future__ import annotations

from datetime import time

from adapters.synthetic.fhir.cohort import Row, day_of
from adapters.synthetic.fhir.dates import exact, instant, remembered
from adapters.synthetic.fhir.record import Element, Record

RADIUM, EBRT = "ra223", "ebrt"
IMAGING = frozenset({"psma_pet", "ct", "mri", "lu_scintigraphy", "maa_workup", "angiography"})
CLOCK = {"angiography": time(9, 0), "maa_workup": time(11, 0)}  # one day, in this order


def add_procedures(record: Record) -> None:
    """All rows of procedures.csv, then the work-up before SIRT where only sirt.csv mentions it."""
    for row in record.facts.rows("procedures"):
        if row["procedure"] == RADIUM:
            record.dialect.add_radium(record, row)
        else:
            add_procedure(record, row)
    for row in record.facts.rows("sirt"):
        for procedure, site in (("angiography", "liver"), ("maa_workup", "")):
            if row["workup_day"] and (procedure, day_of(row, "workup_day")) not in record.marks:
                add_procedure(record, {"procedure": procedure, "day": row["workup_day"], "site": site, "tracer": ""})


def add_procedure(record: Record, row: Row) -> None:
    """One diagnostic or external therapeutic procedure."""
    procedure, day = row["procedure"], day_of(row)
    elements: Element = {
        "status": "completed",
        "code": record.concept("procedure", procedure),
        "performedDateTime": _performed(record, procedure, day),
    }
    if procedure in IMAGING:
        elements["category"] = record.concept("category", "imaging")
    if site := _site(row):
        elements["bodySite"] = [record.concept("site", site)]
    if row["tracer"] and procedure == "psma_pet":
        elements["usedCode"] = [record.concept("tracer", row["tracer"])]
    record.marks[procedure, day] = record.add("Procedure", "procedure", elements, profile="procedure", day=day)


def _site(row: Row) -> str | None:
    if row["procedure"] == EBRT:
        return row["site"] or "bone"
    return "liver" if row["procedure"] == "angiography" else None


def _performed(record: Record, procedure: str, day: int) -> str:
    if procedure in CLOCK:
        return instant(record.facts, day, CLOCK[procedure], as_utc=record.dialect.UTC_CLOCK)
    return remembered(record.facts, day) if procedure == EBRT else exact(record.facts, day)
