"""Radionuclide therapies given, and the one that was planned and not given."""

from __future__ import annotations

from adapters.synthetic.fhir.cohort import Row, day_of
from adapters.synthetic.fhir.dates import exact
from adapters.synthetic.fhir.record import Record


def add_therapies(record: Record) -> None:
    """177Lu-PSMA cycles and SIRT; a row of sirt.csv without activity is a SIRT that was not done."""
    record.dialect.add_cycles(record)
    for row in record.facts.rows("sirt"):
        if row["activity_gbq"]:
            record.dialect.add_sirt(record, row)
        else:
            _add_not_done(record, row)


def _add_not_done(record: Record, row: Row) -> None:
    day = day_of(row, "day" if row["day"] else "workup_day")
    record.add(
        "Procedure",
        "sirt",
        {
            "status": "not-done",
            "statusReason": record.concept("reason", "progression", text="Rapid progression before treatment"),
            "code": record.concept("procedure", "sirt"),
            "performedDateTime": exact(record.facts, day),
        },
        profile="procedure",
        day=day,
    )
