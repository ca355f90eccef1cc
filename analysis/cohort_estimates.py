"""Descriptive estimates as the paper prints them, and as `Result` objects.

"Average (95% CI)" of Table 1 is a median shown with the t interval of the mean: the printed intervals are centred on
the means that the totals give (89/31, 17/5, 106/36 cycles), the printed values on the medians.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy import stats

from analysis.results import Result, missing

T_INTERVAL = "95% CI, t interval of the mean"


def sample(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The values that are there, as floats in ascending order, so that no sum depends on the order of patients."""
    found = np.asarray(values, dtype=float).ravel()
    return np.sort(found[~np.isnan(found)])


def mean_interval(values: npt.ArrayLike, level: float = 0.95) -> tuple[float, float] | None:
    """Student's t interval of the mean; None with fewer than two values."""
    found = sample(values)
    if found.size < 2:
        return None
    half = stats.t.ppf((1 + level) / 2, found.size - 1) * found.std(ddof=1) / np.sqrt(found.size)
    return float(found.mean() - half), float(found.mean() + half)


def median_interval(values: npt.ArrayLike, level: float = 0.95) -> tuple[float, float, str] | None:
    """Distribution-free interval of the median by order statistics, with its name; None without values.

    With five values or fewer even the full range covers less than 95 %, so the range is given and named as such.
    """
    found = sample(values)
    if not found.size:
        return None
    depth = int(stats.binom.ppf((1 - level) / 2, found.size, 0.5))
    if depth < 1:
        return float(found[0]), float(found[-1]), "range"
    return float(found[depth - 1]), float(found[-depth]), "95% CI, order statistics"


def described(
    id: str, values: npt.ArrayLike, kind: str, *, unit: str, reason: str, basis: str = "free", level: float = 0.95
) -> Result:
    """One row of a descriptive table.

    `kind`: "median_t" (median with the t interval of the mean), "mean_t", "median_range", "mean_range", "median_order"
    (median with its interval by order statistics), "median" or "sum". n is the number of values; without one the result
    carries `reason`.
    """
    found = sample(values)
    statistic, _, spread = kind.partition("_")
    if not found.size:
        return missing(id, reason, n=0, unit=unit, method=statistic, basis=basis)
    value = float(found.sum() if statistic == "sum" else np.mean(found) if statistic == "mean" else np.median(found))
    result = Result(id, value, n=int(found.size), unit=unit, method=statistic, basis=basis)
    if spread == "t" and (interval := mean_interval(found, level)):
        return replace(result, lower=interval[0], upper=interval[1], interval=T_INTERVAL)
    if spread == "range":
        return replace(result, lower=float(found.min()), upper=float(found.max()), interval="range")
    if spread == "order" and (ordered := median_interval(found, level)):
        return replace(result, lower=ordered[0], upper=ordered[1], interval=ordered[2])
    return result


def counted(id: str, count: int, total: int, *, reason: str = "no_patients", basis: str = "free") -> Result:
    """`count` of `total` patients with the percentage; `reason` when there are none."""
    if not total:
        return missing(id, reason, n=0, unit="count", method="count", basis=basis)
    return Result(
        id, count, n=total, unit="count", method="count", basis=basis, percent=100 * count / total, denominator=total
    )
