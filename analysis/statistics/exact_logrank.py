"""The log-rank test over every way the group could have fallen, for arms too small for the chi-squared distribution.

Score of a patient: 1 - H(t) for a death, -H(t) for a censored time, H the Nelson-Aalen estimate of all patients together.
The statistic is the sum of scores of one group. Its distribution is counted out over all allocations up to `ENUMERATED`,
above that drawn with a fixed seed and an error. The condition is that censoring does not depend on the group, so the
survival chapter shows censoring by arm beside this P value.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from analysis.statistics.monte_carlo import EXACT_LOGRANK, TIE_TOLERANCE, monte_carlo_p

ENUMERATED = 1_000_000
VALUES_AT_ONCE = 4_000_000  # draws times patients held in memory


@dataclass(frozen=True, slots=True)
class ExactTest:
    """Two-sided P, the number of allocations looked at, and the Monte Carlo error (0 when all were counted)."""

    p: float
    allocations: int
    monte_carlo_se: float


def logrank_scores(times: ArrayLike, events: ArrayLike) -> NDArray[np.float64]:
    """Scores by patient in the order given, shape (n,): 1 - H(t) for a death, -H(t) for a censored time; they sum to 0.

    H is the Nelson-Aalen estimate of all patients together. Patients with tied times share its step, as in R's coin.
    """
    t, d = np.asarray(times, dtype=float), np.asarray(events, dtype=bool)
    distinct = np.unique(t[d])
    at_risk = (t[None, :] >= distinct[:, None]).sum(axis=1)
    deaths = ((t[None, :] == distinct[:, None]) & d[None, :]).sum(axis=1)
    hazard = ((t[:, None] >= distinct[None, :]) * (deaths / at_risk)[None, :]).sum(axis=1)
    return d.astype(float) - hazard


def exact_logrank(times: ArrayLike, events: ArrayLike, is_exposed: ArrayLike) -> ExactTest:
    """Two-sided permutation log-rank test of the exposed against the others.

    Raises ValueError when a group is empty or nobody died: the test is then not defined.
    """
    scores = logrank_scores(times, events)
    exposed = np.asarray(is_exposed, dtype=bool)
    size = int(exposed.sum())
    if size in (0, exposed.size) or not np.asarray(events, dtype=bool).any():
        raise ValueError("an exact log-rank test needs two groups and at least one death")
    if 2 * size > exposed.size:  # the sums of the smaller group carry the same information
        exposed, size = ~exposed, exposed.size - size
    observed = abs(scores[exposed].sum())
    if comb(scores.size, size) <= ENUMERATED:
        sums = subset_sums(scores, size)
        return ExactTest(float((np.abs(sums) >= observed - TIE_TOLERANCE).mean()), sums.size, 0.0)
    return _drawn(scores, size, observed)


def subset_sums(values: ArrayLike, size: int) -> NDArray[np.float64]:
    """Sum of every subset of `size` values, shape (comb(n, size),)."""
    sums: list[NDArray[np.float64]] = [np.zeros(1)] + [np.empty(0)] * size
    for value in np.asarray(values, dtype=float):
        for count in range(size, 0, -1):
            sums[count] = np.concatenate([sums[count], sums[count - 1] + value])
    return sums[size]


def _drawn(scores: NDArray[np.float64], size: int, observed: float) -> ExactTest:
    random = EXACT_LOGRANK.generator()
    draws, block = EXACT_LOGRANK.affordable(scores.size), max(1, VALUES_AT_ONCE // scores.size)
    hits = 0
    for start in range(0, draws, block):
        rows = min(block, draws - start)
        chosen = np.argpartition(random.random((rows, scores.size)), size - 1, axis=1)[:, :size]
        hits += int((np.abs(scores[chosen].sum(axis=1)) >= observed - TIE_TOLERANCE).sum())
    p = monte_carlo_p(hits, draws)
    return ExactTest(p, draws, sqrt(p * (1 - p) / draws))
