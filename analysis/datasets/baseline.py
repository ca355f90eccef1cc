"""Which measurement counts as baseline, and which as the last after therapy?

Days count from day 0, the first 177Lu-PSMA administration. A measurement without an exact day belongs to no window.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.datasets.arms import Tables, certainly_after

COLUMNS = ["value", "comparator", "lower_limit", "upper_limit", "day", "order"]


def numbers(tables: Tables, measures: Iterable[str]) -> pd.DataFrame:
    """Measurements with a number, in time order within patient and measure.

    Columns: patient_id, measure (string), value, comparator, lower_limit, upper_limit, day, order, observation_id.
    """
    rows = tables["observations"]
    rows = rows[rows["measure"].isin(list(measures)) & rows["value"].notna()]
    wanted = ["patient_id", "measure", *COLUMNS, "day_min", "observation_id"]
    measurements = rows.reindex(columns=wanted).astype({"measure": "string", "patient_id": "string"})
    keys = ["patient_id", "measure", "day", "order", "observation_id"]
    return measurements.sort_values(keys, kind="stable", ignore_index=True)


def last_within(rows: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """The last row of each patient and measure inside the patient's window, index (patient_id, measure).

    `windows`: index patient_id, columns first_day and last_day, both inclusive; patients without a window have none.
    """
    inside = in_window(rows, windows)
    return inside.drop_duplicates(["patient_id", "measure"], keep="last").set_index(["patient_id", "measure"])[COLUMNS]


def in_window(rows: pd.DataFrame, windows: pd.DataFrame) -> pd.DataFrame:
    """Rows with an exact day inside the window of their patient (columns first_day, last_day); order and columns stay."""
    limits = windows.reindex(rows["patient_id"]).astype("float64")
    day = rows["day"].astype("float64").to_numpy()
    return rows[(day >= limits["first_day"].to_numpy()) & (day <= limits["last_day"].to_numpy())]


def baseline_windows(patient_ids: Iterable[str], study: Mapping[str, Any]) -> pd.DataFrame:
    """Window before day 0 in which the last value is the baseline, by the settings: index patient_id; first_day, last_day."""
    index = pd.Index(list(patient_ids), name="patient_id", dtype="object")
    return pd.DataFrame({"first_day": -study["toxicity"]["baseline_days"], "last_day": 0}, index=index)


def baseline_values(tables: Tables, study: Mapping[str, Any], measures: Iterable[str]) -> pd.DataFrame:
    """Baseline value of each patient: one row a patient of the tables, one column a measure, NaN where missing."""
    measures = list(measures)
    ids = tables["patients"]["patient_id"]
    last_values = last_within(numbers(tables, measures), baseline_windows(ids, study))["value"]
    wide = last_values.astype("float64").unstack("measure") if len(last_values) else pd.DataFrame(index=ids)
    return wide.reindex(index=pd.Index(ids, dtype="object", name="patient_id"), columns=measures).astype("float64")


def last_known(tables: Tables, measure: str) -> pd.Series:
    """The latest number of `measure` that is not certainly later than day 0, index patient_id; an undated number counts.

    In the unit of the measure. For what is recorded once, often years before (Gleason score).
    """
    rows = numbers(tables, [measure])
    rows = rows[~certainly_after(rows, 0)]
    ordered = rows.assign(dated=rows["day"].notna()).sort_values(["patient_id", "dated", "day"], kind="stable")
    return ordered.groupby("patient_id")["value"].last().astype("float64")
