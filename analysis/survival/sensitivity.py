"""Overall survival under other choices of time zero and of undated deaths: the numbers of "what if" in that chapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.datasets.censoring import UNDATED
from analysis.datasets.time_to_event import by_arm, undated_deaths
from analysis.results import Result, missing
from analysis.statistics.cox import SeparationError, cox_firth
from analysis.statistics.kaplan_meier import loglog_median, logrank
from analysis.statistics.time_varying_exposure import from_first_therapy, start_stop, time_varying_hazard_ratio

FROM_FIRST = "time zero at the first of either therapy"
DAY_AFTER = "median if every death on no known day fell on the day after the last contact"


def sensitivity_results(survival: pd.DataFrame, study: Mapping[str, Any], incomparable: str | None) -> list[Result]:
    """os.first_therapy.*, os.undated_deaths and os.*.undated; `incomparable`: why the arms cannot be compared, or None."""
    return [*_first_therapy(survival, study, incomparable), *_undated(survival, study)]


def _first_therapy(survival: pd.DataFrame, study: Mapping[str, Any], incomparable: str | None) -> list[Result]:
    n, moved = len(survival), from_first_therapy(survival)
    earlier = int((moved["time_days"] > survival["time_days"]).sum())
    arm = moved[moved["arm"].eq("lu_sirt")]
    results = [
        Result("os.first_therapy.moved", earlier, n=n, unit="count", method="patients with SIRT before day 0")
        if n
        else missing("os.first_therapy.moved", "no_patients", n=0, unit="count"),
        _median("os.first_therapy.lu_sirt", arm, study, f"Kaplan-Meier median, {FROM_FIRST}"),
    ]
    keys = {
        "os.first_therapy.logrank": "P",
        "os.first_therapy.hr": "ratio",
        "os.first_therapy.hr.time_varying": "ratio",
    }
    if incomparable:
        return results + [missing(key, incomparable, n=n, unit=unit, method=FROM_FIRST) for key, unit in keys.items()]
    times, deaths, exposed = moved["time_days"], moved["death_observed"], moved["arm"].eq("lu_sirt")
    test = logrank(times, deaths, exposed)[1]
    results.append(Result("os.first_therapy.logrank", test, n=n, unit="P", method=f"log-rank test, {FROM_FIRST}"))
    firth, method = cox_firth(times, deaths, exposed), f"Cox hazard ratio, Firth's penalty, {FROM_FIRST}"
    limits = (firth.value, firth.lower, firth.upper)
    results.append(Result("os.first_therapy.hr", *limits, n, "ratio", method, "95% CI, profile"))
    return [*results, _exposed_from_its_day(moved)]


def _exposed_from_its_day(moved: pd.DataFrame) -> Result:
    key, method = (
        "os.first_therapy.hr.time_varying",
        f"Cox hazard ratio, SIRT as exposure from its day on, {FROM_FIRST}",
    )
    try:
        got = time_varying_hazard_ratio(start_stop(moved))
    except SeparationError:
        return missing(key, "separation", n=len(moved), unit="ratio", method=method)
    return Result(key, got.value, got.lower, got.upper, len(moved), "ratio", method, "95% CI, Wald")


def _undated(survival: pd.DataFrame, study: Mapping[str, Any]) -> list[Result]:
    undated, n = survival["event_source"].eq(UNDATED.source), len(survival)
    key, method = "os.undated_deaths", "dead on no known day"
    count = Result(key, int(undated.sum()), n=n, unit="count", method=method)
    results = [count if n else missing(key, "no_patients", n=0, unit="count", method=method)]
    for arm, rows in by_arm(undated_deaths(survival)).items():
        key = f"os.{arm}.undated"
        if rows.empty or undated.any():
            results.append(_median(key, rows, study, DAY_AFTER))
        else:
            results.append(missing(key, "not_applicable", n=len(rows), unit="months", method=DAY_AFTER))
    return results


def _median(key: str, rows: pd.DataFrame, study: Mapping[str, Any], method: str) -> Result:
    if rows.empty:
        return missing(key, "no_patients", n=0, unit="months", method=method)
    got, per_month = loglog_median(rows["time_days"], rows["death_observed"]), study["analysis"]["days_per_month"]
    if got.value is None:
        return missing(key, "not_reached", n=len(rows), unit="months", method=method)
    lower, upper = (None if limit is None else limit / per_month for limit in (got.lower, got.upper))
    return Result(key, got.value / per_month, lower, upper, len(rows), "months", method, "95% CI, log-log")
