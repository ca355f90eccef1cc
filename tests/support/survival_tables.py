"""Cohorts by last day of each patient, and the numbers of the survival chapter for them."""

from __future__ import annotations

import pandas as pd

from adapters.contract import conform, empty_tables
from analysis.settings import load_study
from analysis.survival import results as survival_results

STUDY = load_study()
PER_MONTH = STUDY.analysis.days_per_month

# one arrangement of 31 and 5 patients that meets the printed medians, intervals and log-rank P
LU = [21, -21, -30, 38, 49, -60, 68, 68, 79, 79, -111, 123, 148, 148, 168, 168, 173, 173, 183, 236, 257, 275, 297, 322,
      322, 382, 420, 466, 527, 615, -788]  # fmt: skip
SIRT = [184, 206, 256, 492, -655]


def tables(lu: list[int], sirt: list[int], sirt_day: int = 60, **patient: object) -> dict[str, pd.DataFrame]:
    """Patients by last day, negative when censored; the second list had SIRT on `sirt_day`."""
    days = [*lu, *sirt]
    ids = [f"S{i:02d}" for i in range(1, len(days) + 1)]
    patients = pd.DataFrame(
        {
            "patient_id": ids,
            "sex": "male",
            "age_years": 70.0,
            "death_observed": [day > 0 for day in days],
            "death_day": pd.array([day if day > 0 else None for day in days], dtype="Int64"),
            "last_contact_day": [abs(day) for day in days],
            "last_contact_source": ["death" if day > 0 else "vital_status" for day in days],
            "has_day_zero": True,
        }
    ).assign(**patient)
    given = [(i, "lu_psma", 0) for i in ids] + [(i, "sirt", sirt_day) for i in ids[len(lu) :]]
    procedures = pd.DataFrame(given, columns=["patient_id", "procedure", "day"])
    procedures = procedures.assign(
        procedure_id=[f"{i}-P{k}" for k, i in enumerate(procedures["patient_id"])],
        status="completed",
        site="none",
        tracer="none",
    )
    conditions = pd.DataFrame(
        [(i, c, s) for i in ids for c, s in (("castration_resistance", "prostate"), ("metastasis", "liver"))],
        columns=["patient_id", "condition", "site"],
    ).assign(is_active=True)
    filled = {"patients": patients, "procedures": procedures, "conditions": conditions}
    return {
        **empty_tables(),
        **{name: conform(name, _complete(name, frame)) for name, frame in filled.items() if len(frame)},
    }


def _complete(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    wanted = empty_tables()[name].columns
    return frame.reindex(columns=wanted)


def numbers(lu: list[int], sirt: list[int], **options: object) -> dict[str, object]:
    return {r.id: r for r in survival_results.results(tables(lu, sirt, **options), STUDY)}
