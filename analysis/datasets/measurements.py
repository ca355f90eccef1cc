"""One measure of every patient over time, counted from day 0 or from the first SIRT."""

from __future__ import annotations

import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.time_to_event import exposure_days


def series(tables: Tables, arms: pd.DataFrame, measure: str, days_per_month: float) -> pd.DataFrame:
    """A measure of all patients of `arms` over time; values without an exact day are left out.

    `arms` has columns patient_id and arm. Columns of the answer: patient_id, arm, months (from day 0), value (unit of
    the measure in the contract); rows in the order of patient and day.
    """
    rows = tables["observations"]
    rows = rows[rows["measure"].eq(measure) & rows["value"].notna() & rows["day"].notna()]
    frame = rows[["patient_id", "day", "order", "value"]].merge(arms[["patient_id", "arm"]], on="patient_id")
    frame = frame.sort_values(["patient_id", "day", "order"])
    months = frame["day"].astype("float64") / days_per_month
    return pd.DataFrame(
        {"patient_id": frame["patient_id"], "arm": frame["arm"], "months": months, "value": frame["value"]}
    )


def from_sirt(tables: Tables, measurements: pd.DataFrame, days_per_month: float) -> pd.DataFrame:
    """`measurements` (from `series`) with months counted from the first SIRT; patients without SIRT are left out."""
    first = exposure_days(tables).dropna()
    frame = measurements.merge(first, on="patient_id")
    shift = frame.pop("exposure_day").astype("float64") / days_per_month
    return frame.assign(months=frame["months"] - shift)
