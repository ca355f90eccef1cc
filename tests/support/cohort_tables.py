"""Small tidy tables by hand, in the shape of the contract: a test names only the cells that matter to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from adapters.contract import MEASURES, TABLES, conform

Rows = Sequence[Mapping[str, Any]]
DEFAULTS: dict[str, dict[str, Any]] = {
    "patients": {
        "sex": "male",
        "age_years": 70.0,
        "death_observed": False,
        "last_contact_source": "none",
        "has_day_zero": True,
    },
    "conditions": {"site": "none", "is_active": True},
    "procedures": {"order": 1, "site": "none", "tracer": "none", "status": "completed"},
    "medications": {"status": "completed"},
    "observations": {"order": 1},
    "lesions": {"organ": "liver", "is_node": False},
}
ID_COLUMNS = {"procedures": "procedure_id", "medications": "medication_id", "observations": "observation_id"}


def tables(**rows: Rows) -> dict[str, pd.DataFrame]:
    """Contract tables from rows by table name; a `day` also fills day_min and day_max, ids are numbered."""
    return {name: _table(name, rows.get(name, [])) for name in DEFAULTS}


def _table(name: str, rows: Rows) -> pd.DataFrame:
    if not rows:
        return TABLES[name].empty()
    records = []
    for number, given in enumerate(rows, start=1):
        row = {**DEFAULTS[name], **given}
        if name in ID_COLUMNS:
            row.setdefault(ID_COLUMNS[name], f"{row['patient_id']}-X{number}")
        for prefix in ("", "start_", "death_"):
            if f"{prefix}day" in row:
                row.setdefault(f"{prefix}day_min", row[f"{prefix}day"])
                row.setdefault(f"{prefix}day_max", row[f"{prefix}day"])
        if name == "observations":
            row.setdefault("unit", MEASURES[row["measure"]] or None)
        assert row.keys() <= set(TABLES[name].names), "a column that the contract does not know"
        records.append(row)
    return conform(name, pd.DataFrame(records).reindex(columns=TABLES[name].names))


def patient(patient_id: str, **cells: Any) -> dict[str, Any]:
    """A row of `patients`."""
    return {"patient_id": patient_id, **cells}


def mcrpc(patient_id: str, *sites: str, day: int = -90) -> list[dict[str, Any]]:
    """Castration resistance and metastases at the named sites, liver included."""
    rows = [{"patient_id": patient_id, "condition": "castration_resistance", "day": day}]
    return rows + [
        {"patient_id": patient_id, "condition": "metastasis", "site": site, "day": day} for site in ("liver", *sites)
    ]


def lu(patient_id: str, *days: int, gbq: float | None = 6.2) -> list[dict[str, Any]]:
    """177Lu-PSMA cycles on these days."""
    return [{"patient_id": patient_id, "procedure": "lu_psma", "day": day, "activity_gbq": gbq} for day in days]


def act(patient_id: str, procedure: str, day: int | None, **cells: Any) -> dict[str, Any]:
    """Any other procedure."""
    return {"patient_id": patient_id, "procedure": procedure, "day": day, **cells}


def seen(patient_id: str, measure: str, day: int | None, value: float | str, **cells: Any) -> dict[str, Any]:
    """A measurement: a number, or the category of a coded one."""
    kind = "category" if isinstance(value, str) else "value"
    return {"patient_id": patient_id, "measure": measure, "day": day, kind: value, **cells}


def treated(*ids: str, sirt: Sequence[str] = (), sirt_day: int = 120) -> dict[str, list[dict[str, Any]]]:
    """Patients with mCRPC and liver metastases and two cycles each; those in `sirt` had SIRT with 2.2 GBq as well."""
    rows: dict[str, list[dict[str, Any]]] = {"patients": [], "conditions": [], "procedures": []}
    for patient_id in (*ids, *sirt):
        rows["patients"].append(patient(patient_id))
        rows["conditions"] += mcrpc(patient_id)
        rows["procedures"] += lu(patient_id, 0, 56)
    rows["procedures"] += [act(patient_id, "sirt", sirt_day, activity_gbq=2.2) for patient_id in sirt]
    return rows
