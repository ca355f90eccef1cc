"""Small tidy tables by hand: only what a test says, in the dtypes of the contract."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

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
    lu_gbq: float = 6.2
    sirt_gbq: float | None = 2.2
    other: Sequence[tuple[str, int, float]] = ()
    status: Sequence[tuple[str, int, str]] = ()


def tables_of(*patients: Patient) -> dict[str, pd.DataFrame]:
    """The seven clinical tables for these patients; empty tables keep their columns and dtypes."""
    return {
        "patients": _patients(patients),
        "conditions": _conditions(patients),
        "procedures": _procedures(patients),
        "observations": _observations(patients),
        "lesions": _lesions(patients),
        "medications": pd.DataFrame({"patient_id": pd.Series(dtype="string")}),
    }


def _frame(rows: list[dict], dtypes: Mapping[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(dtypes)).astype(dict(dtypes))


def _patients(patients: Sequence[Patient]) -> pd.DataFrame:
    rows = [{"patient_id": p.id, "has_day_zero": bool(p.lu)} for p in patients]
    return _frame(rows, {"patient_id": "string", "has_day_zero": "boolean"})


def _conditions(patients: Sequence[Patient]) -> pd.DataFrame:
    rows = [{"patient_id": p.id, "condition": "metastasis", "site": "liver", "day": -30} for p in patients if p.liver]
    rows += [{"patient_id": p.id, "condition": "castration_resistance", "site": "none", "day": -300} for p in patients]
    return _frame(rows, {"patient_id": "string", "condition": "category", "site": "category", "day": "Int64"})


def _procedures(patients: Sequence[Patient]) -> pd.DataFrame:
    rows: list[dict] = []
    for p in patients:
        given: list[tuple[str, int, float | None, str]] = [("lu_psma", day, p.lu_gbq, "none") for day in p.lu]
        given += [("sirt", day, p.sirt_gbq, "none") for day in p.sirt]
        given += [("psma_pet", day, None, tracer) for day, tracer in p.pet.items()]
        for number, (procedure, day, activity, tracer) in enumerate(sorted(given, key=lambda row: row[1]), start=1):
            rows.append(
                {
                    "patient_id": p.id,
                    "procedure_id": f"{p.id}-P{number}",
                    "procedure": procedure,
                    "day": day,
                    "order": 1,
                    "activity_gbq": activity,
                    "site": "none",
                    "tracer": tracer,
                    "status": "completed",
                }
            )
    return _frame(
        rows,
        {
            "patient_id": "string",
            "procedure_id": "string",
            "procedure": "category",
            "day": "Int64",
            "order": "Int64",
            "activity_gbq": "float64",
            "site": "category",
            "tracer": "category",
            "status": "category",
        },
    )


def _observations(patients: Sequence[Patient]) -> pd.DataFrame:
    rows: list[dict] = []
    for p in patients:
        for measure, series in (("lesion_diameter", p.mm), ("lesion_short_axis", p.short_axis)):
            for lesion, values in series.items():
                for day, value in values.items():
                    rows.append(
                        {"patient_id": p.id, "measure": measure, "value": value, "lesion_id": lesion, "day": day}
                    )
        for lesion, uptake in p.suv.items():
            for day, (value, tracer) in uptake.items():
                row = {"patient_id": p.id, "measure": "suv_max", "value": value, "lesion_id": lesion, "day": day}
                rows.append({**row, "tracer": tracer})
        for measure, day, value in p.other:
            rows.append({"patient_id": p.id, "measure": measure, "value": value, "day": day})
        for site, day, category in p.status:
            row = {"patient_id": p.id, "measure": "disease_status", "category": category, "site": site, "day": day}
            rows.append(row)
    for number, row in enumerate(rows, start=1):
        row |= {"observation_id": f"O{number}", "order": 1}
    return _frame(
        rows,
        {
            "patient_id": "string",
            "observation_id": "string",
            "measure": "category",
            "value": "float64",
            "category": "category",
            "lesion_id": "string",
            "tracer": "category",
            "site": "category",
            "day": "Int64",
            "order": "Int64",
            "absent_reason": "category",
        },
    )


def _lesions(patients: Sequence[Patient]) -> pd.DataFrame:
    rows = []
    for p in patients:
        for lesion in sorted({*p.mm, *p.suv, *p.short_axis}):
            organ = p.organ.get(lesion, "liver")
            rows.append({"patient_id": p.id, "lesion_id": lesion, "organ": organ, "is_node": organ == "lymph_node"})
    dtypes = {"patient_id": "string", "lesion_id": "string", "organ": "category", "is_node": "boolean"}
    return _frame(rows, dtypes)
