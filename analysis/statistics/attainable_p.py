"""The minimum attainable P value: the smallest two-sided P that a test can give at these sample sizes.

It depends on the sizes alone, so it says what a study could have shown before any data.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import comb

import numpy as np
from scipy.stats import norm


def minimum_attainable_p(design: str, sizes: Sequence[int]) -> float | None:
    """Smallest exact two-sided P of a design, without ties; None where a size leaves nothing to compare.

    Designs and their sizes: "log_rank" and "mann_whitney" (both groups: 2 / C(n1 + n2, n1)), "signed_rank" (pairs:
    2 / 2^n), "mann_whitney_halves" (patients, compared half against half;
    8 give 2/70). Raises KeyError for another design.
    """
    return EXACT[design](*sizes)


def minimum_attainable_p_asymptotic(design: str, sizes: Sequence[int]) -> float | None:
    """Smallest two-sided P of the normal approximation without ties and continuity correction.

    Designs as in `minimum_attainable_p`; None for the log-rank test, where it depends on more than the sizes.
    """
    return ASYMPTOTIC[design](*sizes) if design in ASYMPTOTIC else None


def _two_groups(first: int, second: int) -> float | None:
    return min(1.0, 2 / comb(first + second, first)) if first and second else None


def _signed_rank(pairs: int) -> float | None:
    return min(1.0, 2 / 2**pairs) if pairs else None


def _halves(patients: int) -> float | None:
    return _two_groups(patients // 2, patients - patients // 2)


def _mann_whitney_asymptotic(first: int, second: int) -> float | None:
    """U = 0, so z = sqrt(3 n1 n2 / (n1 + n2 + 1))."""
    if not first or not second:
        return None
    return float(2 * norm.sf(np.sqrt(3 * first * second / (first + second + 1))))


def _signed_rank_asymptotic(pairs: int) -> float | None:
    """No rank on one side, as SPSS prints it: z = sqrt(3 n (n + 1) / (4 n + 2))."""
    return float(2 * norm.sf(np.sqrt(3 * pairs * (pairs + 1) / (4 * pairs + 2)))) if pairs else None


def _halves_asymptotic(patients: int) -> float | None:
    return _mann_whitney_asymptotic(patients // 2, patients - patients // 2)


EXACT: dict[str, Callable[..., float | None]] = {
    "log_rank": _two_groups,
    "mann_whitney": _two_groups,
    "signed_rank": _signed_rank,
    "mann_whitney_halves": _halves,
}
ASYMPTOTIC: dict[str, Callable[..., float | None]] = {
    "mann_whitney": _mann_whitney_asymptotic,
    "signed_rank": _signed_rank_asymptotic,
    "mann_whitney_halves": _halves_asymptotic,
}
