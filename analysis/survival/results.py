"""The numbers of the survival chapter, each once "as printed" (SPSS rules) and once as it should be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

import analysis.datasets.arms as cohort
from analysis.datasets.time_to_event import ARMS, by_arm, overall_survival
from analysis.results import Result, missing
from analysis.statistics.cox import SeparationError, cox_efron, cox_firth
from analysis.statistics.exact_logrank import ENUMERATED, exact_logrank
from analysis.statistics.kaplan_meier import (
    Estimate,
    loglog_median,
    logrank,
    restricted_mean,
    reverse_median_follow_up,
    spss_median,
)
from analysis.statistics.power_and_e_value import detectable_hazard_ratio, e_value, e_value_of_limit
from analysis.statistics.rmst_permutation import restricted_mean_test
from analysis.statistics.time_varying_exposure import (
    Landmark,
    landmark,
    mantel_byar,
    start_stop,
    time_varying_hazard_ratio,
)
from analysis.survival.intention_to_treat import intention_results
from analysis.survival.median_coverage import coverage_results
from analysis.survival.sensitivity import sensitivity_results

MONTHS = "months"
FOLLOW_UP = ".follow_up"  # its event is the censoring


def results(tables: Mapping[str, pd.DataFrame], study: Mapping[str, Any]) -> list[Result]:
    """All numbers of the survival chapter, for any cohort; what cannot be computed carries its reason."""
    survival = overall_survival(tables, cohort.analysis_set(tables, study))
    return [
        Result(
            "stat.alpha", study["analysis"]["alpha"], method="level of significance, fixed beforehand", basis="design"
        ),
        *_arm_results(survival, study),
        *coverage_results(survival),
        *_comparison(survival, study),
        *_restricted_means(survival, study),
        *_hazard_ratios(survival),
        *_waiting(survival, study),
        *sensitivity_results(survival, study, _not_comparable(survival)),
        *intention_results(tables, study),
        *_design(survival, study),
    ]


def _arm_results(survival: pd.DataFrame, study: Mapping[str, Any]) -> list[Result]:
    results: list[Result] = []
    for arm, rows in by_arm(survival).items():
        times, events, n = rows["time_days"], rows["death_observed"], len(rows)
        deaths = int(events.sum())
        results.append(Result(f"os.{arm}.deaths", deaths, n=n, unit="count", method="deaths observed"))
        results.append(Result(f"os.{arm}.censored", n - deaths, n=n, unit="count", method="censored at last contact"))
        for suffix, how, method, interval in (
            ("", spss_median, "Kaplan-Meier median, SPSS rules", "95% CI, SPSS Wald"),
            (".loglog", loglog_median, "Kaplan-Meier median", "95% CI, log-log"),
            (".mean", restricted_mean, "mean up to the last time of the arm, SPSS rules", "95% CI"),
            (FOLLOW_UP, reverse_median_follow_up, "median follow-up, reverse Kaplan-Meier", "95% CI, log-log"),
        ):
            key = f"os.{arm}{suffix}"
            if n == 0:
                results.append(missing(key, "no_patients", n=0, unit=MONTHS, method=method))
                continue
            results.append(_months(key, how(times, events), rows, study, method, interval))
    return results


def _months(
    key: str, estimate: Estimate, rows: pd.DataFrame, study: Mapping[str, Any], method: str, interval: str
) -> Result:
    """An estimate in days as a result in months, with n and deaths of `rows`, the patients it is an estimate of."""
    n, per_month = len(rows), study["analysis"]["days_per_month"]
    if estimate.value is None:
        reason = "few_censored" if key.endswith(FOLLOW_UP) else "not_reached"
        return missing(key, reason, n=n, unit=MONTHS, method=method)
    lower, upper = (None if x is None else x / per_month for x in (estimate.lower, estimate.upper))
    deaths = int(rows["death_observed"].sum())
    return Result(key, estimate.value / per_month, lower, upper, n, MONTHS, method, interval, events=deaths)


def _comparison(survival: pd.DataFrame, study: Mapping[str, Any]) -> list[Result]:
    n = len(survival)
    asymptotic = _test("os.logrank", survival, lambda t, d, g: logrank(t, d, g)[1], "log-rank test, asymptotic")
    method = f"P below {study['analysis']['alpha']} by the asymptotic log-rank test"
    if asymptotic.value is None:
        verdict = missing("os.significant", asymptotic.reason or "arm_empty", n=n, method=method)
    else:
        answer = "yes" if float(asymptotic.value) < study["analysis"]["alpha"] else "no"
        verdict = Result("os.significant", answer, n=n, method=method)
    return [asymptotic, *_exact(survival), verdict]


def _exact(survival: pd.DataFrame) -> list[Result]:
    """Exact log-rank P, how many allocations of patients to arms were looked at, and the error if they were drawn."""
    n, reason = len(survival), _not_comparable(survival)
    method = f"log-rank test over all allocations to arms, two-sided; beyond {ENUMERATED:,} of them over random ones"
    units = {"os.logrank.exact": "P", "os.logrank.exact.allocations": "count", "os.logrank.exact.error": ""}
    if reason:
        return [missing(key, reason, n=n, unit=unit, method=method) for key, unit in units.items()]
    got = exact_logrank(survival["time_days"], survival["death_observed"], survival["arm"] == "lu_sirt")
    values = (got.p, got.allocations, got.monte_carlo_se)
    return [
        Result(key, value, n=n, unit=unit, method=method)
        for (key, unit), value in zip(units.items(), values, strict=True)
    ]


def _test(key: str, survival: pd.DataFrame, test: Callable[..., float], method: str) -> Result:
    reason = _not_comparable(survival)
    if reason:
        return missing(key, reason, n=len(survival), unit="P", method=method)
    p = test(survival["time_days"], survival["death_observed"], survival["arm"] == "lu_sirt")
    return Result(key, p, n=len(survival), unit="P", method=method)


def _not_comparable(survival: pd.DataFrame) -> str | None:
    if survival.empty:
        return "no_patients"
    if survival["arm"].nunique() < len(ARMS):
        return "arm_empty"
    return None if survival["death_observed"].any() else "no_events"


def _restricted_means(survival: pd.DataFrame, study: Mapping[str, Any]) -> list[Result]:
    keys = ("os.rmst.horizon", "os.rmst.lu", "os.rmst.lu_sirt", "os.rmst.difference", "os.rmst.p")
    reason = _not_comparable(survival)
    if reason == "no_events":
        reason = None  # an area needs no deaths
    if reason:
        return [missing(key, reason, n=len(survival), unit=MONTHS, method="restricted mean") for key in keys]
    per_month = study["analysis"]["days_per_month"]
    arms = by_arm(survival)
    horizon = min(float(rows["time_days"].max()) for rows in arms.values())
    method = "restricted mean survival to the smaller of the two last times"
    first = Result(keys[0], horizon / per_month, n=len(survival), unit=MONTHS, method=method)
    areas = {arm: restricted_mean(rows["time_days"], rows["death_observed"], horizon) for arm, rows in arms.items()}
    means = [_months(f"os.rmst.{arm}", areas[arm], arms[arm], study, method, "95% CI") for arm in ARMS]
    difference = ((areas["lu_sirt"].value or 0.0) - (areas["lu"].value or 0.0)) / per_month
    se = float(np.hypot(areas["lu"].se or 0.0, areas["lu_sirt"].se or 0.0)) / per_month
    limits = (difference - 1.96 * se, difference + 1.96 * se)
    last = Result(keys[3], difference, *limits, len(survival), MONTHS, f"difference of {method}", "95% CI")
    return [first, *means, last, _difference_tested(survival, horizon)]


def _difference_tested(survival: pd.DataFrame, horizon: float) -> Result:
    if not survival["death_observed"].any():
        method = "difference of restricted means, random allocations to arms"
        return missing("os.rmst.p", "no_events", n=len(survival), unit="P", method=method)
    columns = (survival["time_days"], survival["death_observed"], survival["arm"] == "lu_sirt")
    test = restricted_mean_test(*columns, horizon)
    method = f"difference of restricted means, {test.draws:,} random allocations to arms, two-sided"
    return Result("os.rmst.p", test.p, n=len(survival), unit="P", method=method)


def _hazard_ratios(survival: pd.DataFrame) -> list[Result]:
    n, deaths = len(survival), int(survival["death_observed"].sum())
    results = []
    for key, how, method, interval in (
        ("os.hr.efron", cox_efron, "Cox hazard ratio, Efron ties, SIRT counted from day 0", "95% CI, Wald"),
        ("os.hr.firth", cox_firth, "Cox hazard ratio, Firth's penalty, SIRT counted from day 0", "95% CI, profile"),
    ):
        reason = _not_comparable(survival)
        if reason:
            results.append(missing(key, reason, n=n, method=method))
            continue
        try:
            got = how(survival["time_days"], survival["death_observed"], survival["arm"] == "lu_sirt")
        except SeparationError:
            results.append(missing(key, "separation", n=n, method=method))
            continue
        results.append(Result(key, got.value, got.lower, got.upper, n, "ratio", method, interval, events=deaths))
    return results + _e_values(results[0], n)


def _e_values(ratio: Result, n: int) -> list[Result]:
    method = "E-value of the hazard ratio, common outcome; covers neither immortal time nor selection"
    if ratio.value is None or ratio.lower is None or ratio.upper is None:
        reason = ratio.reason or "not_applicable"
        return [missing(key, reason, n=n, method=method) for key in ("os.evalue", "os.evalue.limit")]
    return [
        Result("os.evalue", e_value(float(ratio.value)), n=n, unit="ratio", method=method),
        Result(
            "os.evalue.limit",
            e_value_of_limit(ratio.lower, ratio.upper),
            n=n,
            unit="ratio",
            method=method,
        ),
    ]


def _waiting(survival: pd.DataFrame, study: Mapping[str, Any]) -> list[Result]:
    n, reason = len(survival), _not_comparable(survival)
    method = "Cox hazard ratio with SIRT as exposure from its day on, Efron ties"
    landmarks = study["survival"]["landmarks_days"]
    if reason:
        keys = ("os.hr.time_varying", "os.mantel_byar")
        results = [missing(key, reason, n=n, method=method) for key in keys]
    else:
        intervals = start_stop(survival)
        results = [_time_varying(intervals, n, method), _mantel_byar(intervals, n)]
    for day in landmarks:
        results += _landmark(survival, day, reason)
    return results


def _time_varying(intervals: pd.DataFrame, n: int, method: str) -> Result:
    try:
        got = time_varying_hazard_ratio(intervals)
    except SeparationError:
        return missing("os.hr.time_varying", "separation", n=n, method=method)
    return Result("os.hr.time_varying", got.value, got.lower, got.upper, n, "ratio", method, "95% CI, Wald")


def _mantel_byar(intervals: pd.DataFrame, n: int) -> Result:
    test, method = mantel_byar(intervals), "Mantel-Byar test: log-rank with exposure from the day of SIRT on"
    if test is None:
        return missing("os.mantel_byar", "constant_values", n=n, unit="P", method=method)
    return Result("os.mantel_byar", test.p, n=n, unit="P", method=method)


def _landmark(survival: pd.DataFrame, day: int, incomparable: str | None) -> list[Result]:
    """Counts at the landmark, which every cohort has, and the hazard ratio unless the arms are `incomparable`."""
    got, key = landmark(survival, day), f"os.landmark.{day}"
    at_risk, n, at = got.exposed + got.unexposed, len(survival), f"landmark at day {day}"
    named = {"kept": at_risk, "lost": got.lost, "exposed": got.exposed, "later": got.exposed_later}
    counts = [
        Result(f"{key}.{name}", count, n=n, unit="count", method=at)
        if n
        else missing(f"{key}.{name}", "no_patients", n=0, unit="count", method=at)
        for name, count in named.items()
    ]
    method = f"Cox hazard ratio from day {day} on among those alive and followed then"
    if incomparable or got.hazard_ratio is None:
        reason = incomparable or _why_no_ratio(survival, got)
        return [*counts, missing(f"{key}.hr", reason, n=at_risk, method=method)]
    ratio = got.hazard_ratio
    return [
        *counts,
        Result(f"{key}.hr", ratio.value, ratio.lower, ratio.upper, at_risk, "ratio", method, "95% CI, Wald"),
    ]


def _why_no_ratio(survival: pd.DataFrame, got: Landmark) -> str:
    if not (got.exposed and got.unexposed):
        return "arm_empty"
    later = survival.loc[survival["time_days"] >= got.day, "death_observed"]
    return "separation" if later.any() else "no_events"


def _design(survival: pd.DataFrame, study: Mapping[str, Any]) -> list[Result]:
    method = "hazard ratio that a log-rank test of this size detects with 80 % power (Schoenfeld)"
    reason = _not_comparable(survival)
    if reason:
        return [missing("os.detectable_hr", reason, n=len(survival), method=method)]
    share = float((survival["arm"] == "lu_sirt").mean())
    deaths = int(survival["death_observed"].sum())
    value = detectable_hazard_ratio(deaths, share, alpha=study["analysis"]["alpha"])
    return [Result("os.detectable_hr", value, n=len(survival), unit="ratio", method=method, events=deaths)]
