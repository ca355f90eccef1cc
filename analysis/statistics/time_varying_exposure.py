"""What waiting for SIRT does to a comparison: time-varying exposure, landmarks, and the gain that no effect would show.

A patient counted as "with SIRT" from day 0 must have lived until SIRT; the days before it cannot hold a death and are
immortal. SIRT on or before day 0 is exposure from day 0. References: Simon and Makuch 1984 (Stat Med 3:35-44); Mantel
and Byar 1974 (J Am Stat Assoc 69:81-86); Giobbie-Hurder et al. 2013 (J Clin Oncol 31:2963-2969, landmark method).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from math import exp, log, nan, sqrt

import numpy as np
import pandas as pd
from lifelines import CoxTimeVaryingFitter
from lifelines.exceptions import ConvergenceWarning
from scipy.stats import chi2 as chi_squared

from analysis.statistics.cox import HazardRatio, SeparationError, cox_efron, is_separated
from analysis.statistics.monte_carlo import IMMORTAL_TIME

NEWTON_STEPS = 25  # each of at most 1 in the logarithm: enough for any ratio that is finite


@dataclass(frozen=True, slots=True)
class RankTest:
    """Chi-squared with one degree of freedom and its P value."""

    chi2: float
    p: float


def start_stop(survival: pd.DataFrame) -> pd.DataFrame:
    """Intervals at risk by exposure: patient_id, start, stop, death, exposed.

    `survival` has patient_id, time_days, death_observed, exposure_day (missing: never). A patient is exposed from the
    exposure day on; one exposed on or after the last day seen contributes unexposed time only.
    """
    rows = []
    for patient in survival.itertuples():
        day = patient.exposure_day
        change = None if pd.isna(day) else max(0.0, float(day))
        end, death = float(patient.time_days), bool(patient.death_observed)
        if change is None or change >= end:
            rows.append((patient.patient_id, 0.0, end, death, 0.0))
            continue
        if change > 0:
            rows.append((patient.patient_id, 0.0, change, False, 0.0))
        rows.append((patient.patient_id, change, end, death, 1.0))
    frame = pd.DataFrame(rows, columns=["patient_id", "start", "stop", "death", "exposed"])
    return frame[frame["stop"] > frame["start"]].reset_index(drop=True)


def time_varying_hazard_ratio(intervals: pd.DataFrame) -> HazardRatio:
    """Cox hazard ratio of exposure as it stands at each death (Efron ties, Wald interval).

    Raises SeparationError when no death, or every death, falls into exposed time, or exposure never differs at a death.
    """
    if mantel_byar_terms(intervals)[2] <= 0 or _is_separated(intervals):
        raise SeparationError("exposure does not vary enough at the deaths for a hazard ratio")
    with warnings.catch_warnings():
        # lifelines suspects separation from a low variance alone; real separation was ruled out above
        warnings.filterwarnings("ignore", message="Column exposed have very low variance", category=ConvergenceWarning)
        ordered = intervals.sort_values(["stop", "start", "death", "exposed"], kind="stable", ignore_index=True)
        fitted = CoxTimeVaryingFitter().fit(
            ordered, id_col="patient_id", start_col="start", stop_col="stop", event_col="death"
        )
    row = fitted.summary.loc["exposed"]
    return HazardRatio(*(float(row[k]) for k in ("exp(coef)", "exp(coef) lower 95%", "exp(coef) upper 95%", "p")))


def mantel_byar_terms(intervals: pd.DataFrame) -> tuple[float, float, float]:
    """Observed and expected deaths of the exposed and the hypergeometric variance over the death times.

    `intervals`: from `start_stop`. Source: Mantel and Byar 1974 (J Am Stat Assoc 69:81-86).
    """
    observed = expected = variance = 0.0
    for moment in np.unique(intervals.loc[intervals["death"], "stop"]):
        at_risk = intervals[(intervals["start"] < moment) & (intervals["stop"] >= moment)]
        dying = at_risk[at_risk["death"] & (at_risk["stop"] == moment)]
        n, n1, d = len(at_risk), at_risk["exposed"].sum(), len(dying)
        observed += dying["exposed"].sum()
        expected += d * n1 / n
        if n > 1:
            variance += d * (n1 / n) * (1 - n1 / n) * (n - d) / (n - 1)
    return float(observed), float(expected), float(variance)


def mantel_byar(intervals: pd.DataFrame) -> RankTest | None:
    """Log-rank test with exposure that may begin late, (O - E)^2 / V; None when exposure never differs among those at risk.

    `intervals`: from `start_stop`. Source: Mantel and Byar 1974 (J Am Stat Assoc 69:81-86).
    """
    observed, expected, variance = mantel_byar_terms(intervals)
    if variance <= 0:
        return None
    statistic = (observed - expected) ** 2 / variance
    return RankTest(statistic, float(chi_squared.sf(statistic, 1)))


def simon_makuch_curve(intervals: pd.DataFrame) -> pd.DataFrame:
    """Survival by exposure with late entry: exposed (bool), time (days), survival, at_risk; first entry, deaths, last day.

    At a death those count as at risk who entered before that day and are still followed, as in `mantel_byar_terms`. The
    exposed curve starts at the first exposure and reads: survival of those exposed so far, given alive then. With
    few at risk early on, one death there pulls the whole curve down.
    """
    columns = ["exposed", "time", "survival", "at_risk"]
    parts = [pd.DataFrame(columns=columns)]
    for exposed, group in intervals.groupby(intervals["exposed"] == 1.0):
        deaths = np.unique(group.loc[group["death"], "stop"])
        at_risk = at_risk_late(group, deaths)
        died = np.array([(group["death"] & group["stop"].eq(day)).sum() for day in deaths])
        first, last = group["start"].min(), group["stop"].max()
        survival = np.cumprod(1 - died / at_risk) if deaths.size else np.array([])
        time = np.concatenate([[first], deaths, [last]])
        height = np.concatenate([[1.0], survival, survival[-1:] if deaths.size else [1.0]])
        risk = np.concatenate([[group["start"].eq(first).sum()], at_risk, at_risk_late(group, np.array([last]))])
        parts.append(pd.DataFrame(dict(zip(columns, (bool(exposed), time, height, risk), strict=True))))
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def at_risk_late(intervals: pd.DataFrame, days: np.ndarray) -> np.ndarray:
    """How many intervals had begun before each of `days` and not yet ended; shape (n_days,).

    `intervals`: columns start and stop in days, from `start_stop`.
    """
    start, stop = (intervals[name].to_numpy(dtype=float) for name in ("start", "stop"))
    moments = np.asarray(days, dtype=float)[:, None]
    begun = (start < moments) | ((moments == 0) & (start == 0))  # on day 0 those followed from day 0 on are at risk
    return np.asarray((begun & (stop >= moments)).sum(axis=1))


def from_first_therapy(survival: pd.DataFrame) -> pd.DataFrame:
    """The same patients followed from the first of either therapy: who had SIRT before day 0 gains the days since.

    Those days are immortal as well, for day 0 had to be reached: a sensitivity analysis, not a better one.
    """
    early = -survival["exposure_day"].astype("Float64").clip(upper=0).fillna(0).astype(float)
    moved = survival["exposure_day"].where(~survival["exposure_day"].lt(0).fillna(False), 0)
    return survival.assign(time_days=survival["time_days"] + early, exposure_day=moved)


@dataclass(frozen=True, slots=True)
class Landmark:
    """Analysis of those alive and followed at `day`: group sizes, those lost before, and the hazard ratio from then on."""

    day: int
    exposed: int
    unexposed: int
    lost: int
    exposed_later: int
    hazard_ratio: HazardRatio | None


def landmark(survival: pd.DataFrame, day: int) -> Landmark:
    """Group by what had been given by `day`; time starts there; who died or left before is lost to this analysis.

    SIRT after the landmark leaves a patient in the unexposed group (`exposed_later` says how many). The hazard ratio is
    None when it is not estimable.
    """
    followed = survival[survival["time_days"] >= day]
    exposed = (followed["exposure_day"] <= day).fillna(False).to_numpy(dtype=bool)
    later = int((followed["exposure_day"] > day).fillna(False).sum())
    ratio = None
    if exposed.any() and not exposed.all() and followed["death_observed"].any():
        try:
            ratio = cox_efron(followed["time_days"] - day, followed["death_observed"].to_numpy(dtype=bool), exposed)
        except SeparationError:
            ratio = None
    return Landmark(day, int(exposed.sum()), int((~exposed).sum()), len(survival) - len(followed), later, ratio)


def spurious_gain(
    waiting_months: list[float], *, median_months: float, exposed: int, unexposed: int, draws: int = 2000
) -> pd.DataFrame:
    """Naive comparison when the exposure does nothing, by the time that the exposed had to survive to receive it.

    Exponential survival with the given median for everybody, no censoring; of each simulated cohort `exposed` patients
    are picked at random among those alive at the waiting time. Columns: waiting_months, gain_months (difference of the
    medians of the two arms, mean over draws) with gain_se, hazard_ratio (Cox, median over draws; NaN where deaths separate
    the arms in the middle draw) with log_hr_se, rejected_pct (asymptotic log-rank P < 0.05) with rejected_se. The closed
    form for one patient: an exponential median grows by exactly the waiting time.
    """
    random = IMMORTAL_TIME.generator()
    rows = []
    for wait in waiting_months:
        late = wait + random.exponential(median_months / log(2), (draws, exposed))
        others = random.exponential(median_months / log(2), (draws, unexposed))
        gain = np.median(late, axis=1) - np.median(others, axis=1)
        is_exposed = np.argsort(np.concatenate([late, others], axis=1), axis=1) < exposed
        log_ratio, log_ratio_se = _middle(cox_log_ratios(is_exposed))
        rejected = (chi_squared.sf(_logrank_statistics(is_exposed), 1) < 0.05).mean()
        rows.append(
            {
                "waiting_months": wait,
                "gain_months": float(gain.mean()),
                "gain_se": float(gain.std(ddof=1) / sqrt(draws)),
                "hazard_ratio": exp(log_ratio),
                "log_hr_se": log_ratio_se,
                "rejected_pct": 100 * float(rejected),
                "rejected_se": 100 * sqrt(rejected * (1 - rejected) / draws),
            }
        )
    return pd.DataFrame(rows)


def cox_log_ratios(is_exposed: np.ndarray) -> np.ndarray:
    """Cox log hazard ratios of many cohorts at once: Newton steps on the partial likelihood, shape (n_cohorts,).

    `is_exposed`: one row a cohort, its patients in the order of their deaths, nobody censored, no ties, both groups present.
    Where all of one group die before the other the likelihood is monotone and the ratio infinite.
    """
    exposed, unexposed = (_still_at_risk(group) for group in (is_exposed, ~is_exposed))
    b = np.zeros((len(is_exposed), 1))
    for _ in range(NEWTON_STEPS):
        share = exposed * np.exp(b) / (exposed * np.exp(b) + unexposed)
        score = (is_exposed - share).sum(axis=1, keepdims=True)
        b += np.clip(score / (share * (1 - share)).sum(axis=1, keepdims=True), -1, 1)
    count = int(is_exposed[0].sum())
    b[is_exposed[:, :count].all(axis=1)] = np.inf
    b[is_exposed[:, -count:].all(axis=1)] = -np.inf
    return b[:, 0]


def _middle(values: np.ndarray) -> tuple[float, float]:
    """Median and its Monte Carlo error, from the ranks one binomial standard error to each side; NaN where not finite."""
    middle, spread = len(values) // 2, round(sqrt(len(values)) / 2)
    low, median, high = np.sort(values)[[middle - spread, middle, middle + spread]]
    return (float(median), float(high - low) / 2) if np.isfinite([low, high]).all() else (nan, nan)


def _logrank_statistics(is_exposed: np.ndarray) -> np.ndarray:
    """(O - E)^2/V of the log-rank test, one per row as in `cox_log_ratios`."""
    share = _still_at_risk(is_exposed) / np.arange(is_exposed.shape[1], 0, -1)
    difference = (is_exposed - share).sum(axis=1)
    return np.asarray(difference**2 / (share * (1 - share)).sum(axis=1))


def _still_at_risk(group: np.ndarray) -> np.ndarray:
    """How many of the group have not died before each death; same shape."""
    return np.asarray(group[:, ::-1].cumsum(axis=1)[:, ::-1], dtype=float)


def _is_separated(intervals: pd.DataFrame) -> bool:
    return is_separated(intervals["stop"], intervals["death"], intervals["exposed"], entry=intervals["start"])
