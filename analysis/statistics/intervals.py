"""Intervals of one sample: exact for a proportion, Student's t for a mean, order statistics for a median."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats


def exact_interval(events: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of events / total in percent; (0, 100) when `total` is 0.

    Raises ValueError when there are more events than patients (scipy's `binomtest`).
    """
    if total == 0:
        return 0.0, 100.0
    interval = stats.binomtest(events, total).proportion_ci(level, method="exact")
    return 100 * float(interval.low), 100 * float(interval.high)


def sample(values: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The known values as floats in ascending order, shape (n_known,), so that no sum depends on the order of patients."""
    numbers = np.asarray(values, dtype=float).ravel()
    return np.sort(numbers[~np.isnan(numbers)])


def mean_interval(values: npt.ArrayLike, level: float = 0.95) -> tuple[float, float] | None:
    """Student's t interval of the mean, mean +- t SD / sqrt(n); None with fewer than two values.

    NaN is left out. scipy's `ttest_1samp` gives the same but warns of values that are all alike, which is a legitimate
    sample here (every patient with four cycles) with an interval of width 0.
    """
    numbers = sample(values)
    if numbers.size < 2:
        return None
    half = stats.t.ppf((1 + level) / 2, numbers.size - 1) * numbers.std(ddof=1) / np.sqrt(numbers.size)
    return float(numbers.mean() - half), float(numbers.mean() + half)


def median_interval(values: npt.ArrayLike, level: float = 0.95) -> tuple[float, float, str] | None:
    """Distribution-free interval of the median by order statistics, with its name; None without values.

    With five values or fewer even the full range covers less than 95 %, so the range is given and named as such.
    NaN is left out.
    """
    numbers = sample(values)
    if not numbers.size:
        return None
    interval = stats.quantile_test(numbers, q=0, p=0.5).confidence_interval(level)
    if np.isnan(interval.low) or np.isnan(interval.high):
        return float(numbers[0]), float(numbers[-1]), "range"
    return float(interval.low), float(interval.high), "95% CI, order statistics"
