"""Intervals of one sample: exact for a proportion, Student's t for a mean, order statistics for a median."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats


def exact_interval(events: int, total: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of events / total in percent; (0, 100) when `total` is 0."""
    if total == 0:
        return 0.0, 100.0
    interval = stats.binomtest(events, total).proportion_ci(level, method="exact")
    return 100 * float(interval.low), 100 * float(interval.high)


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
