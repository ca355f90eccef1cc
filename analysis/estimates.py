"""From a sample to a `Result`: proportions with exact intervals, medians and means with their range."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.results import Result, missing

EXACT = "95% CI, Clopper-Pearson"


def exact_interval(events: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of events / total in percent; (0, 100) when `total` is 0."""
    if total == 0:
        return 0.0, 100.0
    interval = stats.binomtest(events, total).proportion_ci(level, method="exact")
    return 100 * float(interval.low), 100 * float(interval.high)


def proportion_result(
    id: str, events: int, total: int, *, reason: str, method: str = "", basis: str = "free"
) -> Result:
    """`events` of `total` in percent with the exact interval; `reason` when `total` is 0."""
    if total == 0:
        return missing(id, reason, n=0, unit="percent", method=method, basis=basis)
    low, high = exact_interval(events, total)
    return Result(
        id,
        100 * events / total,
        low,
        high,
        n=total,
        unit="percent",
        method=method,
        interval=EXACT,
        basis=basis,
        events=events,
        denominator=total,
    )


def centre_result(
    id: str,
    values: npt.ArrayLike,
    *,
    unit: str,
    reason: str,
    statistic: str = "median",
    about: str = "",
    basis: str = "free",
    n: int | None = None,
) -> Result:
    """Median or mean of `values` with their range; `n` when it is not the number of values (lesions of n patients).

    `about` says what the values are and joins the statistic in the method.
    """
    method = f"{statistic} {about}".strip()
    sample = np.asarray(values, dtype=float)
    sample = sample[~np.isnan(sample)]
    if sample.size == 0:
        return missing(id, reason, n=0, unit=unit, method=method, basis=basis)
    centre = np.median(sample) if statistic == "median" else np.mean(sample)
    return Result(
        id,
        float(centre),
        float(sample.min()),
        float(sample.max()),
        n=sample.size if n is None else n,
        unit=unit,
        method=method,
        interval="range",
        basis=basis,
        denominator=sample.size,
    )


def p_result(id: str, p: float | None, *, n: int, method: str, reason: str, basis: str = "free") -> Result:
    """A P value, or the reason why the test is not defined."""
    if p is None:
        return missing(id, reason, n=n, unit="P", method=method, basis=basis)
    return Result(id, p, n=n, unit="P", method=method, basis=basis)


def assumption_result(
    id: str, values: pd.DataFrame, *, reason: str, method: str, unit: str = "Gy", basis: str = "free"
) -> Result:
    """Median of the first column with the medians of the second and third (low, high) as range; `reason` if empty."""
    if values.empty:
        return missing(id, reason, n=0, unit=unit, method=method, basis=basis)
    centre, low, high = (float(np.median(values[column])) for column in values.columns)
    interval = "range of assumption"
    return Result(id, centre, low, high, n=len(values), unit=unit, method=method, interval=interval, basis=basis)
