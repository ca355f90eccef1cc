"""From a sample to a `Result`: proportions with exact intervals, medians and means with their range."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.results import Result, missing
from analysis.statistics.intervals import exact_interval, mean_interval, median_interval, sample

EXACT = "95% CI, Clopper-Pearson"


def proportion_result(result_id: str, events: int, total: int, *, reason: str, method: str = "") -> Result:
    """`events` of `total` in percent with the exact interval; `reason` when `total` is 0."""
    if total == 0:
        return missing(result_id, reason, n=0, unit="percent", method=method)
    low, high = exact_interval(events, total)
    return Result(
        result_id,
        100 * events / total,
        low,
        high,
        n=total,
        unit="percent",
        method=method,
        interval=EXACT,
        events=events,
        denominator=total,
    )


def centre_result(  # noqa: PLR0913 - one keyword for each field of the result
    result_id: str,
    values: npt.ArrayLike,
    *,
    unit: str,
    reason: str,
    statistic: str = "median",
    about: str = "",
    n: int | None = None,
) -> Result:
    """Median or mean of `values` with their range; `n` when it is not the number of values (lesions of n patients).

    `about` says what the values are and joins the statistic in the method.
    """
    method = f"{statistic} {about}".strip()
    sample = np.asarray(values, dtype=float)
    sample = sample[~np.isnan(sample)]
    if sample.size == 0:
        return missing(result_id, reason, n=0, unit=unit, method=method)
    centre = np.median(sample) if statistic == "median" else np.mean(sample)
    return Result(
        result_id,
        float(centre),
        float(sample.min()),
        float(sample.max()),
        n=sample.size if n is None else n,
        unit=unit,
        method=method,
        interval="range",
        denominator=sample.size,
    )


def p_result(result_id: str, p: float | None, *, n: int, method: str, reason: str) -> Result:
    """A P value, or the reason why the test is not defined."""
    if p is None:
        return missing(result_id, reason, n=n, unit="P", method=method)
    return Result(result_id, p, n=n, unit="P", method=method)


def assumption_result(result_id: str, values: pd.DataFrame, *, reason: str, method: str, unit: str = "Gy") -> Result:
    """Median of the first column with the medians of the second and third (low, high) as range; `reason` if empty."""
    if values.empty:
        return missing(result_id, reason, n=0, unit=unit, method=method)
    centre, low, high = (float(np.median(values[column])) for column in values.columns)
    interval = "range of assumption"
    return Result(result_id, centre, low, high, n=len(values), unit=unit, method=method, interval=interval)


T_INTERVAL = "95% CI, t interval of the mean"


def described(
    result_id: str, values: npt.ArrayLike, kind: str, *, unit: str, reason: str, level: float = 0.95
) -> Result:
    """One row of a descriptive table.

    `kind`: "median_t" (median with the t interval of the mean), "mean_t", "median_range", "mean_range", "median_order"
    (median with its interval by order statistics), "median" or "sum". n is the number of values; without one the result
    carries `reason`.
    """
    numbers = sample(values)
    statistic, _, spread = kind.partition("_")
    if not numbers.size:
        return missing(result_id, reason, n=0, unit=unit, method=statistic)
    value = float(
        numbers.sum() if statistic == "sum" else np.mean(numbers) if statistic == "mean" else np.median(numbers)
    )
    result = Result(result_id, value, n=int(numbers.size), unit=unit, method=statistic)
    if spread == "t" and (interval := mean_interval(numbers, level)):
        return replace(result, lower=interval[0], upper=interval[1], interval=T_INTERVAL)
    if spread == "range":
        return replace(result, lower=float(numbers.min()), upper=float(numbers.max()), interval="range")
    if spread == "order" and (ordered := median_interval(numbers, level)):
        return replace(result, lower=ordered[0], upper=ordered[1], interval=ordered[2])
    return result


def counted(result_id: str, count: int, total: int, *, reason: str = "no_patients") -> Result:
    """`count` of `total` patients with the percentage; `reason` when there are none."""
    if not total:
        return missing(result_id, reason, n=0, unit="count", method="count")
    return Result(
        result_id, count, n=total, unit="count", method="count", percent=100 * count / total, denominator=total
    )
