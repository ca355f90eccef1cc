"""The smallest P value that a design could have given, exact and asymptotic."""

from __future__ import annotations

from collections.abc import Callable
from math import comb

import numpy as np
from scipy.stats import norm


def least_mann_whitney_p(first: int, second: int) -> float:
    """Smallest exact two-sided P of a Mann-Whitney test without ties: 2 / C(n1 + n2, n1)."""
    return min(1.0, 2 / comb(first + second, first)) if first and second else 1.0


def least_signed_rank_p(pairs: int) -> float:
    """Smallest exact two-sided P of a Wilcoxon signed-rank test without ties or zeros: 2 / 2^n."""
    return min(1.0, 2 / 2**pairs)


def least_fisher_p(successes: int, first: int, second: int) -> float:
    """Smallest two-sided Fisher P over all tables with these margins: all `successes` as unevenly as can be."""
    low, high = max(0, successes - second), min(successes, first)
    table = [
        comb(first, k) * comb(second, successes - k) / comb(first + second, successes) for k in range(low, high + 1)
    ]
    return float(np.minimum(1.0, min(sum(q for q in table if q <= p * (1 + 1e-9)) for p in table)))


def least_asymptotic_mann_whitney_p(first: int, second: int) -> float:
    """Smallest two-sided P of the normal approximation, without ties and continuity correction: U = 0."""
    if not first or not second:
        return 1.0
    return float(2 * norm.sf(np.sqrt(3 * first * second / (first + second + 1))))


def least_asymptotic_signed_rank_p(pairs: int) -> float:
    """Smallest two-sided P of the normal approximation as SPSS prints it, without ties or zeros: no rank on one side."""
    return float(2 * norm.sf(np.sqrt(3 * pairs * (pairs + 1) / (4 * pairs + 2))))


def attainable(design: str, sizes: tuple[int, ...]) -> float:
    """Smallest exact P that a design can give.

    Designs: "log_rank" (patients of each arm, all of one dead before the other's), "mann_whitney" (n1, n2), "signed_rank"
    (n pairs), "fisher" (successes, n1, n2). Raises KeyError for another one.
    """
    least: dict[str, Callable[..., float]] = {
        "log_rank": least_mann_whitney_p,
        "mann_whitney": least_mann_whitney_p,
        "signed_rank": least_signed_rank_p,
        "fisher": least_fisher_p,
    }
    return least[design](*sizes)


def attainable_asymptotic(design: str, sizes: tuple[int, ...]) -> float | None:
    """Smallest asymptotic P without ties, as `attainable`; None where it depends on more than the sizes."""
    least: dict[str, Callable[..., float]] = {
        "mann_whitney": least_asymptotic_mann_whitney_p,
        "signed_rank": least_asymptotic_signed_rank_p,
    }
    return least[design](*sizes) if design in least else None


def smallest_p_signed_rank(pairs: int) -> float | None:
    """Smallest two-sided exact P of the signed-rank test with `pairs` untied pairs: 2 / 2^n; None without a pair."""
    return None if pairs < 1 else min(1.0, 2.0 ** (1 - pairs))


def smallest_p_halves(patients: int) -> float | None:
    """Smallest two-sided P of any exact comparison of two halves of `patients`; 8 patients: 2/70; None below two."""
    return None if patients < 2 else min(1.0, 2 / comb(patients, patients // 2))
