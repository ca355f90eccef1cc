"""Rank tests as SPSS 25 prints them, their exact forms, and the smallest P that a design can reach at all.

SPSS drops zero differences in the signed-rank test, gives ties average ranks, corrects the variance for ties and uses
no continuity correction (IBM SPSS Statistics Algorithms, NPAR TESTS). For Mann-Whitney it prints the exact P, not
corrected for ties, up to 40 cases, and the asymptotic one otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

SPSS_EXACT_CASES_MAX = 40  # IBM SPSS Statistics, M-W subcommand: exact significance for 40 cases or fewer


@dataclass(frozen=True, slots=True)
class SignedRank:
    """Wilcoxon signed-rank test: pairs given, pairs used (difference not 0), smaller rank sum, the two P values."""

    pairs: int
    used: int
    smaller_rank_sum: float
    p_spss: float
    p_exact: float


def signed_rank(differences: npt.ArrayLike) -> SignedRank | None:
    """Paired Wilcoxon test of `differences`, shape (n_pairs,); None when every difference is 0 or there is none.

    z = (T+ - sum(ranks) / 2) / sqrt(sum(ranks^2) / 4), zero differences dropped. Source: IBM SPSS Statistics Algorithms,
    NPAR TESTS.
    """
    given = np.asarray(differences, dtype=float)
    used = given[given != 0]
    if used.size == 0:
        return None
    ranks = stats.rankdata(np.abs(used))
    positive, total = float(ranks[used > 0].sum()), float(ranks.sum())
    variance = (ranks**2).sum() / 4  # with average ranks this already holds the correction for ties
    z = (positive - total / 2) / np.sqrt(variance)
    smaller = min(positive, total - positive)
    return SignedRank(
        given.size, used.size, smaller, float(2 * stats.norm.sf(abs(z))), _exact_signed_rank(ranks, smaller)
    )


def _exact_signed_rank(ranks: np.ndarray, smaller: float) -> float:
    """Two-sided P over all 2^n signs; doubled ranks are whole numbers, so the distribution is a convolution."""
    doubled = np.rint(2 * ranks).astype(int)
    ways = np.zeros(doubled.sum() + 1)
    ways[0] = 1.0
    for rank in doubled:
        shifted = np.zeros_like(ways)
        shifted[rank:] = ways[: ways.size - rank]
        ways = (ways + shifted) / 2
    return float(min(1.0, 2 * ways[: round(2 * smaller) + 1].sum()))


@dataclass(frozen=True, slots=True)
class MannWhitney:
    """Mann-Whitney test: U of the first sample, asymptotic and exact P, and the one SPSS would be quoted for."""

    u: float
    p_asymptotic: float
    p_exact: float
    p_spss: float


def mann_whitney(first: npt.ArrayLike, second: npt.ArrayLike) -> MannWhitney | None:
    """Two-sided Mann-Whitney test of samples of shapes (n1,) and (n2,); None if one is empty or all values are equal.

    Without continuity correction; exact P, not corrected for ties, up to `SPSS_EXACT_CASES_MAX` cases. Source: IBM SPSS
    Statistics Algorithms, NPAR TESTS.
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if not x.size or not y.size or np.ptp(np.concatenate([x, y])) == 0:
        return None
    plain = stats.mannwhitneyu(x, y, method="asymptotic", use_continuity=False)
    asymptotic = float(plain.pvalue)
    if x.size + y.size > SPSS_EXACT_CASES_MAX:
        return MannWhitney(float(plain.statistic), asymptotic, asymptotic, asymptotic)
    exact = float(stats.mannwhitneyu(x, y, method="exact").pvalue)
    return MannWhitney(float(plain.statistic), asymptotic, exact, exact)
