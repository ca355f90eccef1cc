"""The statistics that the search compares with the printed values, fast enough for thousands of proposals."""

from __future__ import annotations

from functools import cache
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from analysis.statistics.hodges_lehmann import u_counts

Floats = NDArray[np.float64]


@cache
def t_quantile(n: int) -> float:
    """Quantile of Student's t for a two-sided 95 % interval of a mean of n values."""
    return float(stats.t.ppf(0.975, n - 1))


def median_and_t_interval(values: Floats) -> tuple[float, float, float]:
    """Median with the t interval of the mean: what Table 1 of the paper prints as an average with its CI."""
    n = len(values)
    mean = float(values.sum()) / n
    variance = (float(values @ values) - n * mean * mean) / (n - 1)
    half = t_quantile(n) * sqrt(max(variance, 0.0) / n)
    return median(values), mean - half, mean + half


def median(values: Floats) -> float:
    """Median of a short array (numpy's own is slower on a few dozen values)."""
    ordered = np.sort(values)
    middle = len(ordered) // 2
    return float(ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2)


def median_and_range(values: Floats) -> tuple[float, float, float]:
    """Median, smallest and largest value."""
    return median(values), float(values.min()), float(values.max())


def logrank_p(times: Floats, events: NDArray[np.bool_], group: NDArray[np.bool_]) -> float:
    """P of the two-group Mantel-Cox log-rank test; the accepted solution is checked with lifelines."""
    deaths = np.unique(times[events])
    at_risk = times[:, None] >= deaths
    dying = (times[:, None] == deaths) & events[:, None]
    n, d = at_risk.sum(0), dying.sum(0)
    n1 = at_risk[group].sum(0)
    expected = (d * n1 / n).sum()
    several = n > 1
    share = n1[several] / n[several]
    variance = (d[several] * share * (1 - share) * (n[several] - d[several]) / (n[several] - 1)).sum()
    return float(special.chdtrc(1, (dying[group].sum() - expected) ** 2 / variance))


@cache
def attainable_exact_p(n1: int, n2: int) -> list[float]:
    """Exact two-sided Mann-Whitney P for U = 0, 1, ... up to n1*n2/2, samples without ties."""
    ways = u_counts(n1, n2)
    below = np.cumsum(ways) / ways.sum()
    return [min(1.0, 2 * float(p)) for p in below[: n1 * n2 // 2 + 1]]


def u_statistic(first: Floats, second: Floats) -> float:
    """The smaller Mann-Whitney U of two samples (ties count one half)."""
    above = (first[:, None] > second).sum() + (first[:, None] == second).sum() / 2
    return float(min(above, first.size * second.size - above))


def count_ties(values: Floats) -> int:
    """How many values equal another one: the exact Mann-Whitney P of SPSS is not defined for ties."""
    return len(values) - len(np.unique(np.round(values, 9)))


def average_ranks(values: Floats) -> Floats:
    """Ranks from 1, ties share the average."""
    return (values[:, None] > values).sum(1) + ((values[:, None] == values).sum(1) + 1) / 2


def kruskal_p(values: Floats, labels: NDArray[np.str_]) -> float:
    """P of the Kruskal-Wallis test with correction for ties; for two groups that of the Mann-Whitney test without
    continuity correction.
    """
    ranks, n = average_ranks(values), len(values)
    between = sum(ranks[labels == name].sum() ** 2 / (labels == name).sum() for name in set(labels.tolist()))
    variance = ((ranks - (n + 1) / 2) ** 2).sum() / (n - 1)
    groups = len(set(labels.tolist()))
    return float(special.chdtrc(groups - 1, (between - n * (n + 1) ** 2 / 4) / variance))
