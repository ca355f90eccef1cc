"""How far apart are two samples of changes: the Hodges-Lehmann difference with its interval.

The estimate is the median of all pairwise differences; the interval inverts the Mann-Whitney test. Up to 60 values the
distribution of U is exact, beyond that the normal approximation chooses the order statistics.
Source: Hollander and Wolfe, Nonparametric Statistical Methods, 2nd ed. 1999, sections 4.2 and 4.3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import stats

EXACT_UP_TO = 60  # values in both samples together; their number of arrangements still fits into 64 bits


@dataclass(frozen=True, slots=True)
class Shift:
    """Difference first minus second, its limits (None where none can be given) and the coverage they really have."""

    value: float
    lower: float | None
    upper: float | None
    coverage: float | None


def hodges_lehmann(first: npt.ArrayLike, second: npt.ArrayLike, level: float = 0.95) -> Shift | None:
    """Median pairwise difference, first minus second, with the interval of the Mann-Whitney test; None for an empty sample.

    first, second: shapes (n1,) and (n2,), in one unit, which the result keeps. With so few values that no order statistics
    reach `level`, the limits are the smallest and the largest difference and `coverage` gives what they cover.
    Source: Hollander and Wolfe 1999, sections 4.2 and 4.3.
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not x.size or not y.size:
        return None
    differences = np.subtract.outer(x, y).ravel()
    depth, coverage = _depth(x.size, y.size, level)
    middle = (differences.size - 1) // 2, differences.size // 2
    # a partition finds the few order statistics that count without sorting millions of differences
    ordered = np.partition(differences, sorted({depth - 1, *middle, differences.size - depth}))
    value = (ordered[middle[0]] + ordered[middle[1]]) / 2
    return Shift(float(value), float(ordered[depth - 1]), float(ordered[differences.size - depth]), coverage)


def _depth(n1: int, n2: int, level: float) -> tuple[int, float]:
    """Which order statistic from each end bounds the interval, and its coverage."""
    tail = (1 - level) / 2
    if n1 + n2 > EXACT_UP_TO:
        half = stats.norm.isf(tail) * np.sqrt(n1 * n2 * (n1 + n2 + 1) / 12)
        return max(1, int(np.floor(n1 * n2 / 2 - half)) + 1), level
    below = np.cumsum(u_distribution(n1, n2))
    depth = max(1, int(np.searchsorted(below, tail, side="left")))
    return depth, float(1 - 2 * below[depth - 1])


def u_distribution(n1: int, n2: int) -> npt.NDArray[np.float64]:
    """Probability of U = 0, 1, ..., n1*n2 without ties, under equal distributions; shape (n1*n2 + 1,)."""
    ways = u_counts(n1, n2)
    return ways / ways.sum()


@cache
def u_counts(n1: int, n2: int) -> npt.NDArray[np.int64]:
    """Number of arrangements that give U = 0, 1, ..., n1*n2 without ties; shape (n1*n2 + 1,). Do not change it.

    Right for up to `EXACT_UP_TO` values together; beyond them 64 bits overflow.
    """
    ways = np.zeros(n1 * n2 + 1, dtype=np.int64)
    ways[0] = 1
    # Gaussian binomial coefficient, one factor (1 - q^(n2+j)) / (1 - q^j) at a time; exact in 64 bits up to 60 values
    for j in range(1, n1 + 1):
        shifted = np.zeros_like(ways)
        if n2 + j < ways.size:
            shifted[n2 + j :] = ways[: ways.size - n2 - j]
        ways = ways - shifted
        for start in range(j):
            ways[start::j] = np.cumsum(ways[start::j])
    return ways
