"""Kaplan-Meier curve, SPSS medians and means, restricted means, rank tests: the basis of survival analysis.

Times are whole days from the time origin, events are True for an observed death. The SPSS rules are those of the
IBM SPSS Kaplan-Meier procedure (Greenwood variance; density of the median from the 45th and 55th percentiles;
literal 1.96); no Python library offers them. Steps and their
Greenwood errors come from statsmodels; log-log intervals and log-rank tests from lifelines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from lifelines import KaplanMeierFitter
from lifelines.statistics import multivariate_logrank_test
from lifelines.utils import median_survival_times
from numpy.typing import ArrayLike, NDArray
from statsmodels.duration.survfunc import SurvfuncRight

SPSS_Z = 1.96  # SPSS uses the literal, not the normal quantile
HALF = 0.5
EPSILON = 0.05  # SPSS reads the density of the median between survival 0.55 and 0.45
TOLERANCE = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """An estimate, standard error and interval in the unit of the times; None: not reached or undefined."""

    value: float | None
    se: float | None = None
    lower: float | None = None
    upper: float | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """Distinct death times with deaths, numbers at risk, survival just after each and its standard error (Greenwood).

    Arrays of the shape (n_death_times,); `last` is the largest time. The error is 0 where the curve has reached 0.
    """

    time: Floats
    deaths: Floats
    at_risk: Floats
    survival: Floats
    se: Floats
    last: float


def survival_steps(times: ArrayLike, events: ArrayLike) -> Steps:
    """Product-limit steps at the distinct death times, S = prod(1 - d / n), with Greenwood errors.

    SE(S) = S sqrt(sum d / (n (n - d))). Raises ValueError for no times, lengths that differ, and times that are negative
    or not finite.
    """
    t, d = _checked(times, events)
    curve = SurvfuncRight(t, d.astype(float))
    se = np.where(curve.surv_prob <= TOLERANCE, 0.0, curve.surv_prob_se)
    return Steps(curve.surv_times, curve.n_events, curve.n_risk.astype(float), curve.surv_prob, se, float(t.max()))


def spss_median(times: ArrayLike, events: ArrayLike) -> Estimate:
    """Median survival with the symmetric interval that SPSS prints: t50 +- 1.96 SE(S(t50)) / f.

    f = (S(u) - S(l)) / (l - u), u the last death time with S >= 0.55 (time 0, S = 1 when there is none), l the first
    with S <= 0.45. The value is None when survival never falls to one half; the interval when it never falls to 0.45.
    The lower limit may be negative: that is the formula, and it is one reason to read the log-log interval instead.
    """
    steps = survival_steps(times, events)
    index = _reaches_half(steps)
    if index is None:
        return Estimate(None)
    median = float(steps.time[index])
    below = np.flatnonzero(steps.survival <= HALF - EPSILON + TOLERANCE)
    if not below.size:
        return Estimate(median)
    above = np.flatnonzero(steps.survival >= HALF + EPSILON - TOLERANCE)
    upper_time, upper_survival = (steps.time[above[-1]], steps.survival[above[-1]]) if above.size else (0.0, 1.0)
    density = (upper_survival - steps.survival[below[0]]) / (steps.time[below[0]] - upper_time)
    se = float(steps.se[index] / density)
    return Estimate(median, se, median - SPSS_Z * se, median + SPSS_Z * se)


def _reaches_half(steps: Steps) -> int | None:
    """Position of the first time at which survival is one half or less; None when it never is.

    With a tolerance, since a product of fractions may end a hair above the half that it is.
    """
    reached = np.flatnonzero(steps.survival <= HALF + TOLERANCE)
    return int(reached[0]) if reached.size else None


def loglog_median(times: ArrayLike, events: ArrayLike, confidence: float = 0.95) -> Estimate:
    """Median survival with the log-log (Brookmeyer-Crowley) interval; limits are None where the band never crosses.

    Where the curve has reached 0 the band is not defined, so it cannot cross there: as in R, and unlike lifelines, which
    would give the last death as upper limit of five patients, an interval that no five deaths can support.
    """
    t, d = _checked(times, events)
    fitted = KaplanMeierFitter(alpha=1 - confidence).fit(t, d)
    is_defined = fitted.survival_function_.to_numpy().ravel() > TOLERANCE
    band = fitted.confidence_interval_[is_defined]
    limits = np.asarray(median_survival_times(band), dtype=float).ravel()
    lower, upper = (float(x) if np.isfinite(x) else None for x in limits)
    steps = survival_steps(times, events)
    index = _reaches_half(steps)
    return Estimate(None if index is None else float(steps.time[index]), None, lower, upper)


def restricted_mean(times: ArrayLike, events: ArrayLike, horizon: float | None = None) -> Estimate:
    """Area under the curve up to `horizon` with its standard error; without a horizon the SPSS mean (own last time).

    SE = sqrt(sum A_i^2 d_i / (n_i (n_i - d_i))), A_i the area from t_i to the horizon, no small-sample factor.
    Raises ValueError for a horizon beyond the largest time: the curve is not defined there.
    """
    steps = survival_steps(times, events)
    end = steps.last if horizon is None else float(horizon)
    if end > steps.last + TOLERANCE:
        raise ValueError(f"horizon {end} lies beyond the last time {steps.last}")
    inside = steps.time < end
    grid = np.concatenate([[0.0], steps.time[inside], [end]])
    heights = np.concatenate([[1.0], steps.survival[inside]])
    areas = heights * np.diff(grid)
    after = areas[::-1].cumsum()[::-1][1:]
    at_risk, deaths = steps.at_risk[inside], steps.deaths[inside]
    free = at_risk > deaths  # where the curve has reached 0 the area beyond is 0 and so is the term
    se = float(np.sqrt(np.sum(after[free] ** 2 * deaths[free] / (at_risk[free] * (at_risk[free] - deaths[free])))))
    mean = float(areas.sum())
    return Estimate(mean, se, mean - SPSS_Z * se, mean + SPSS_Z * se)


def logrank(times: ArrayLike, events: ArrayLike, group: ArrayLike, weights: str | None = None) -> tuple[float, float]:
    """Chi-squared and P of the Mantel-Cox log-rank test over all groups; `weights`: "wilcoxon" or "tarone-ware".

    Raises ValueError when fewer than two groups or no event exist: the test is then not defined.
    """
    t, d = _checked(times, events)
    groups = np.asarray(group)
    if len(np.unique(groups)) < 2 or not d.any():
        raise ValueError("a log-rank test needs two groups and at least one event")
    test = multivariate_logrank_test(t, groups, d, weightings=weights)
    return float(test.test_statistic), float(test.p_value)


def reverse_median_follow_up(times: ArrayLike, events: ArrayLike) -> Estimate:
    """Median follow-up by the reverse Kaplan-Meier method (censoring is the event), with the log-log interval.

    In the unit of the times; None where fewer than half were censored. Raises ValueError as `survival_steps`.
    """
    t, d = _checked(times, events)
    return loglog_median(t, ~d)


def curve_rows(times: ArrayLike, events: ArrayLike) -> list[dict[str, Any]]:
    """Steps of the curve for drawing: time, survival, log-log lower and upper, from time 0 to the last time.

    Where the curve has reached 0 the band is not defined; it keeps the height that it had until then.
    """
    t, d = _checked(times, events)
    fitted = KaplanMeierFitter().fit(t, d)
    limits = fitted.confidence_interval_.copy()
    limits.loc[fitted.survival_function_.to_numpy().ravel() <= TOLERANCE] = np.nan
    band = limits.ffill().to_numpy()
    rows = [
        {"time": float(u), "survival": float(s), "lower": float(low), "upper": float(high)}
        for u, s, (low, high) in zip(fitted.timeline, fitted.survival_function_.to_numpy().ravel(), band, strict=True)
    ]
    return rows


def at_risk_counts(times: ArrayLike, at: ArrayLike) -> list[int]:
    """Number of patients still under observation just before each time of `at`, one for each of them."""
    t = np.asarray(times, dtype=float)
    return [int((t >= moment).sum()) for moment in np.asarray(at, dtype=float)]


def _checked(times: ArrayLike, events: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    t = np.asarray(times, dtype=float)
    d = np.asarray(events, dtype=bool)
    if t.size == 0 or t.shape != d.shape:
        raise ValueError("times and events must be of one length and not empty")
    if not np.isfinite(t).all() or (t < 0).any():
        raise ValueError("times must be finite and not negative")
    return t, d
