"""Windows of time around therapy in which laboratory values count, and why a change is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.datasets.arms import Tables, analysis_set, completed
from analysis.datasets.cached import cached_dataset


@cached_dataset
def therapy_windows(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """For each analysed patient, index patient_id: arm, last_therapy (day), sirt_day (first SIRT) and the windows.

    Days as float, NaN where a date is missing. Columns followup_first, followup_last (after the last therapy),
    worst_first, worst_last (all values that can hold the worst grade).
    """
    rules = study["toxicity"]
    frame = analysis_set(tables, study).set_index("patient_id")
    frame.index = frame.index.astype("object")
    given = pd.concat([completed(tables, "lu_psma"), completed(tables, "sirt")])
    frame["last_therapy"] = _day(given, "max").reindex(frame.index)
    frame["sirt_day"] = _day(completed(tables, "sirt"), "min").reindex(frame.index)
    frame["followup_first"] = frame["last_therapy"] + 1
    frame["followup_last"] = frame["last_therapy"] + rules["followup_days"]
    frame["worst_first"] = float(rules["worst_from_day"])
    frame["worst_last"] = frame["followup_last"]
    return frame


def _day(procedures: pd.DataFrame, how: str) -> pd.Series:
    return procedures.groupby("patient_id", observed=True)["day"].agg(how).astype("float64")


def why_missing(rows: pd.DataFrame, cohort: int) -> str:
    """The reason why none of these rows (one measure, one arm) has a change; `cohort`: analysed patients."""
    if not cohort:
        return "no_patients"
    if rows.empty:
        return "arm_empty"
    if rows["baseline"].isna().all() and rows["followup"].isna().all():
        return "no_measurements"
    return "no_baseline" if rows["baseline"].isna().all() else "no_followup"
