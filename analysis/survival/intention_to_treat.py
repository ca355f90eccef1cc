"""What would the untreated SIRT candidate have changed?

A candidate who was worked up for SIRT but progressed too fast belongs to SIRT by intention; since nothing more is known,
the survival comparison is run over every time he may have lived.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats
from scipy.stats import CensoredData

from analysis.datasets.arms import Tables, analysis_set, rejected_candidates
from analysis.datasets.time_to_event import overall_survival
from analysis.results import Result, missing
from analysis.settings import Study
from analysis.statistics.kaplan_meier import spss_median

TIMES_MAX = 60  # assumed times looked at; the P only moves when they pass another patient's time


def intention_frame(tables: Tables, study: Study) -> pd.DataFrame:
    """Log-rank P and SIRT median if each rejected candidate had been in the SIRT arm and died after an assumed time.

    One row per assumed time (every time at which somebody's follow-up ends, a quarter of a day before the first and a day
    after the last; at most `TIMES_MAX`): assumed_months, logrank_p, sirt_median_months (NaN if not reached). Empty without
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
    month = study.analysis.days_per_month
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


def intention_results(tables: Tables, study: Study) -> list[Result]:
    """os.intention.*: log-rank P and median with SIRT over every time of the candidate; middle and range."""
    frame, rows = intention_frame(tables, study), []
    reason = "not_applicable" if len(analysis_set(tables, study)) else "no_patients"
    method = "candidate counted to SIRT and dead after any assumed time; middle and range over those times"
    for column, result_id, unit in (
        ("logrank_p", "os.intention.logrank", "P"),
        ("sirt_median_months", "os.intention.median", "months"),
    ):
        known = frame[column].dropna()
        if known.empty:
            rows.append(missing(result_id, reason, unit=unit, method=method))
            continue
        ends = (float(known.median()), float(known.min()), float(known.max()))
        interval = "range over assumed times"
        rows.append(
            Result(result_id, *ends, n=len(rejected_candidates(tables)), unit=unit, method=method, interval=interval)
        )
    return rows
