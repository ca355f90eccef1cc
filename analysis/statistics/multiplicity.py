"""Many tests, one study: what adjustment leaves, and the smallest P value that each design could have given.

Families and their reasons stand in `study.toml` ([multiplicity]); P values come in as arguments, printed or computed. A
printed inequality is a bound: its adjusted value is a bound too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import comb
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from statsmodels.stats.multitest import multipletests


def holm(p_values: pd.Series) -> pd.Series:
    """Holm-adjusted P values (Holm 1979, Scand J Stat 6:65-70) in the order given; missing P values stay missing.

    A test without a P value still belongs to its family, so it counts in the number of tests with P = 1, the value that
    favours it least.
    """
    if p_values.empty:
        return p_values.astype(float)
    adjusted = multipletests(p_values.astype(float).fillna(1.0), method="holm")[1]
    return pd.Series(adjusted, index=p_values.index).where(p_values.notna())


def adjust(tests: pd.DataFrame, families: Mapping[str, Any]) -> pd.DataFrame:
    """Tests with their Holm-adjusted P in each family that names them.

    `tests`: columns id, p, operator ("=" or "<"). `families`: name -> {"tests": [...], "reason": str}. Returns family, id,
    operator, p, holm_p, tests_in_family, reason; one row per family and test, in the order of the family. Raises
    KeyError when a family names a test that is not given.
    """
    known = tests.set_index("id")
    parts = []
    for name, family in families.items():
        unknown = [key for key in family["tests"] if key not in known.index]
        if unknown:
            raise KeyError(f"family '{name}' names tests that are not given: {', '.join(unknown)}")
        rows = known.loc[list(family["tests"])].reset_index()
        rows = rows.assign(
            family=name, holm_p=holm(rows["p"]).to_numpy(), tests_in_family=len(rows), reason=family["reason"]
        )
        parts.append(rows[["family", "id", "operator", "p", "holm_p", "tests_in_family", "reason"]])
    return pd.concat(parts, ignore_index=True)


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
