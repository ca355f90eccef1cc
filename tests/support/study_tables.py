"""Patients of the imaging studies by hand: therapy days, scans, diameters and uptake, as tables of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from tests.support.cohort_tables import mcrpc, patient, tables

GA, F18 = "ga68_psma_11", "f18_psma_1007"


@dataclass
class Patient:
    """One patient: therapy days, PET days with tracer, diameters and SUVmax per lesion and day."""

    id: str
    lu: Sequence[int] = ()
    sirt: Sequence[int] = ()
    pet: Mapping[int, str] = field(default_factory=dict)
    mm: Mapping[str, Mapping[int, float | None]] = field(default_factory=dict)
    suv: Mapping[str, Mapping[int, tuple[float, str]]] = field(default_factory=dict)
    short_axis: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    organ: Mapping[str, str] = field(default_factory=dict)
    liver: bool = True
    lu_gbq: float | None = 6.2
    sirt_gbq: float | None = 2.2
    other: Sequence[tuple[str, int, float]] = ()
    status: Sequence[tuple[str, int, str]] = ()


def tables_of(*patients: Patient) -> dict[str, pd.DataFrame]:
    """The clinical tables for these patients; without patients all tables are empty."""
    return tables(
        patients=[patient(p.id, has_day_zero=bool(p.lu)) for p in patients],
        conditions=[row for p in patients for row in mcrpc(p.id) if p.liver or row["condition"] != "metastasis"],
        procedures=[row for p in patients for row in _procedures(p)],
        observations=[row for p in patients for row in _observations(p)],
        lesions=[row for p in patients for row in _lesions(p)],
    )


def _procedures(p: Patient) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = [{"procedure": "lu_psma", "day": day, "activity_gbq": p.lu_gbq} for day in p.lu]
    given += [{"procedure": "sirt", "day": day, "activity_gbq": p.sirt_gbq} for day in p.sirt]
    given += [{"procedure": "psma_pet", "day": day, "tracer": tracer} for day, tracer in p.pet.items()]
    return [{"patient_id": p.id, **row} for row in given]


def _observations(p: Patient) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for measure, series in (("lesion_diameter", p.mm), ("lesion_short_axis", p.short_axis)):
        for lesion, values in series.items():
            for day, value in values.items():
                absent = {"absent_reason": "not_performed"} if value is None else {}
                rows.append({"measure": measure, "value": value, "lesion_id": lesion, "day": day, **absent})
    for lesion, uptake in p.suv.items():
        for day, (value, tracer) in uptake.items():
            row = {"measure": "suv_max", "value": value, "lesion_id": lesion, "day": day, "tracer": tracer}
            rows.append(row)
    rows += [{"measure": measure, "day": day, "value": value} for measure, day, value in p.other]
    rows += [
        {"measure": "disease_status", "category": category, "site": site, "day": day}
        for site, day, category in p.status
    ]
    return [{"patient_id": p.id, **row} for row in rows]


def _lesions(p: Patient) -> list[dict[str, Any]]:
    rows = []
    for lesion in sorted({*p.mm, *p.suv, *p.short_axis}):
        organ = p.organ.get(lesion, "liver")
        rows.append({"patient_id": p.id, "lesion_id": lesion, "organ": organ, "is_node": organ == "lymph_node"})
    return rows
