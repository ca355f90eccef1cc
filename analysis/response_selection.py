"""Who was imaged again, and what would the untreated SIRT candidate have changed?

A scan after therapy needs a patient alive and well enough for it: the imaging subgroup is selected by survival. So its
patients stand beside the others. And a candidate who was worked up for SIRT but progressed too fast belongs to SIRT by
intention; since nothing more is known, the survival comparison is run over every time he may have lived.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats import CensoredData

from analysis.cohort import Tables, analysis_set
from analysis.cohort_flow import rejected_candidates
from analysis.cohort_patients import patient_frame
from analysis.kaplan_meier import spss_median
from analysis.response_subgroup import Evaluation
from analysis.results import Result, missing
from analysis.survival import overall_survival

CHARACTERISTICS = ("age_years", "gleason", "psa", "alp", "ldh", "ecog", "cycles", "lu_total_gbq")
TIMES_MAX = 60  # assumed times looked at; the P only moves when they pass another patient's time


def selection_frame(tables: Tables, study: Mapping[str, Any], found: Evaluation) -> pd.DataFrame:
    """The imaging subgroup beside all others of the analysis set: one row per characteristic.

    Columns characteristic, subgroup_n, subgroup_median, subgroup_low, subgroup_high (range), others_n ...
    others_high; NaN where nobody has a value. The last row is survival (months, Kaplan-Meier median; range: smallest
    and largest time).
    """
    patients = patient_frame(tables, study)
    inside = found.subgroup["in_subgroup"].reindex(patients.index).fillna(False).astype(bool)
    rows = [
        [name, *_described(patients.loc[inside, name]), *_described(patients.loc[~inside, name])]
        for name in CHARACTERISTICS
    ]
    survival = overall_survival(tables, analysis_set(tables, study))
    member = survival["patient_id"].isin(inside.index[inside])
    month = study["analysis"]["days_per_month"]
    rows.append(["survival_months", *_survived(survival[member], month), *_survived(survival[~member], month)])
    parts = [f"{side}_{what}" for side in ("subgroup", "others") for what in ("n", "median", "low", "high")]
    return pd.DataFrame(rows, columns=["characteristic", *parts])


def _described(values: pd.Series) -> list[float]:
    known = values.astype("float64").dropna()
    if known.empty:
        return [0, float("nan"), float("nan"), float("nan")]
    return [len(known), float(known.median()), float(known.min()), float(known.max())]


def _survived(rows: pd.DataFrame, days_per_month: float) -> list[float]:
    if rows.empty:
        return [0, float("nan"), float("nan"), float("nan")]
    months = rows["time_days"] / days_per_month
    median = spss_median(months, rows["death_observed"]).value
    centre = float("nan") if median is None else float(median)
    return [len(rows), centre, float(months.min()), float(months.max())]


def intention_frame(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """Log-rank P and SIRT median if each rejected candidate had been in the SIRT arm and died after an assumed time.

    One row per assumed time (every time at which somebody's follow-up ends, one day before the first and after the
    last; at most `TIMES_MAX`): assumed_months, logrank_p, sirt_median_months (NaN if not reached). Empty without
    candidate, SIRT arm or deaths.
    """
    columns = ["assumed_months", "logrank_p", "sirt_median_months"]
    candidates = len(rejected_candidates(tables))
    survival = overall_survival(tables, analysis_set(tables, study))
    if not candidates or survival["arm"].nunique() < 2:
        return pd.DataFrame(columns=columns, dtype="float64")
    times = np.unique(survival["time_days"])
    times = np.concatenate([[times[0] - 0.25], times, [times[-1] + 1]])
    if times.size > TIMES_MAX:
        times = np.unique(np.quantile(times, np.linspace(0, 1, TIMES_MAX)))
    month = study["analysis"]["days_per_month"]
    rows = [_with_candidates(survival, float(time), candidates, month) for time in times]
    return pd.DataFrame(rows, columns=columns)


def _with_candidates(
    survival: pd.DataFrame, time: float, count: int, days_per_month: float
) -> tuple[float, float, float]:
    days = np.concatenate([survival["time_days"].to_numpy(dtype=float), np.full(count, time)])
    died = np.concatenate([survival["death_observed"].to_numpy(dtype=bool), np.ones(count, dtype=bool)])
    exposed = np.concatenate([survival["arm"].eq("lu_sirt").to_numpy(), np.ones(count, dtype=bool)])
    median = spss_median(days[exposed], died[exposed]).value
    months = float("nan") if median is None else median / days_per_month
    samples = [CensoredData.right_censored(days[side], ~died[side]) for side in (exposed, ~exposed)]
    return time / days_per_month, float(stats.logrank(*samples).pvalue), months


def selection_results(tables: Tables, study: Mapping[str, Any], found: Evaluation) -> list[Result]:
    """resp.selection.*: survival of subgroup and others; resp.intention.*: range over every time of the candidate."""
    table = selection_frame(tables, study, found).set_index("characteristic")
    rows = []
    for side in ("subgroup", "others"):
        method = "Kaplan-Meier median, SPSS rule"
        count, median = (
            int(table.at["survival_months", f"{side}_n"]),
            float(table.at["survival_months", f"{side}_median"]),
        )
        id = f"resp.selection.os.{side}"
        if np.isnan(median):
            rows.append(missing(id, "not_reached" if count else "no_patients", n=count, unit="months", method=method))
        else:
            rows.append(Result(id, median, n=count, unit="months", method=method))
    frame = intention_frame(tables, study)
    for column, id, unit in (
        ("logrank_p", "resp.intention.logrank", "P"),
        ("sirt_median_months", "resp.intention.os", "months"),
    ):
        method = "candidate counted to SIRT and dead after any assumed time; middle and range over those times"
        known = frame[column].dropna()
        if known.empty:
            rows.append(missing(id, "not_applicable", unit=unit, method=method))
            continue
        ends = (float(known.median()), float(known.min()), float(known.max()))
        interval = "range over assumed times"
        rows.append(Result(id, *ends, n=len(rejected_candidates(tables)), unit=unit, method=method, interval=interval))
    return rows
