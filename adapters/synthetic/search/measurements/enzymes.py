"""Liver enzymes before and after therapy whose changes give the printed medians and Mann-Whitney P values.

SPSS prints the exact P for up to 40 cases, and each printed P fits exactly one U of 5 against 31 patients; ties are
avoided, since the exact P is not defined for them. Values are whole U/L, as a laboratory prints them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adapters.synthetic.search.climb import NotFoundError, climb
from adapters.synthetic.search.statistics import Floats, attainable_exact_p, count_ties, median, u_statistic
from adapters.synthetic.search.targets import targets, window

PAIR_SHARE = 0.3
ARMS = ("lu", "lu_sirt")


@dataclass(frozen=True, slots=True)
class Change:
    """Values before and after therapy, one per patient, in the contract's unit."""

    before: Floats
    after: Floats

    def percent(self) -> Floats:
        """Change from before to after in percent of before."""
        return 100 * (self.after - self.before) / self.before


@dataclass(frozen=True, slots=True)
class Bounds:
    """What the values may be: before within [low, high_before], after within [low, high_after], the change in percent
    at most `highest_pct` without SIRT and `highest_sirt_pct` with it.
    """

    low: float
    high_before: float
    high_after: float
    highest_pct: float
    highest_sirt_pct: float


def fitting_u(measure: str, n1: int, n2: int) -> list[int]:
    """The U values whose exact P rounds to the printed P of the change of `measure`."""
    frame = window(targets()[f"tox.{measure}.p"].value)
    return [u for u, p in enumerate(attainable_exact_p(n1, n2)) if frame.holds(p)]


def enzyme_change(
    measure: str, start: Change, is_sirt: NDArray[np.bool_], bounds: Bounds, rng: np.random.Generator
) -> Change:
    """A change close to `start` that meets the printed medians of both arms and the printed P. Raises NotFoundError."""
    wanted_u = fitting_u(measure, int(is_sirt.sum()), int((~is_sirt).sum()))
    pairs = {arm: _exact_pairs(f"tox.{measure}.{arm}", bounds) for arm in ARMS}

    def penalty(change: Change) -> float:
        percent = change.percent()
        missing = 0.0
        for arm, members in (("lu", ~is_sirt), ("lu_sirt", is_sirt)):
            missing += np.log1p(targets()[f"tox.{measure}.{arm}"].miss(median(percent[members])))
        u = u_statistic(percent[is_sirt], percent[~is_sirt])
        lower = median(percent[is_sirt]) < median(percent[~is_sirt])
        return missing + min(abs(u - w) for w in wanted_u) / 5 + count_ties(percent) / 5 + lower

    def propose(change: Change, rng: np.random.Generator) -> Change:
        before, after, i = change.before.copy(), change.after.copy(), rng.integers(len(is_sirt))
        if rng.random() < PAIR_SHARE and not _has_exact(change, is_sirt, arm := ARMS[int(is_sirt[i])], measure):
            before[i], after[i] = _closest(pairs[arm], before[i], rng)
        else:
            after[i] = round(after[i] * np.exp(rng.normal(0, 0.25)))
        after[i] = np.clip(after[i], bounds.low, min(bounds.high_after, _highest(before[i], is_sirt[i], bounds)))
        return replace(change, before=before, after=after)

    return climb(start, propose, penalty, rng, steps=6000)


def _highest(before: float, is_sirt: bool, bounds: Bounds) -> float:
    percent = bounds.highest_sirt_pct if is_sirt else bounds.highest_pct
    return float(np.floor(before * (1 + percent / 100)))


def _has_exact(change: Change, is_sirt: NDArray[np.bool_], arm: str, measure: str) -> bool:
    """Whether some patient of the arm already has the printed median change."""
    percent = change.percent()[is_sirt if arm == "lu_sirt" else ~is_sirt]
    return any(targets()[f"tox.{measure}.{arm}"].miss(p) == 0 for p in percent)


def _exact_pairs(target_id: str, bounds: Bounds) -> Floats:
    """All (before, after) in whole units whose change is printed as the target; shape (n_pairs, 2)."""
    before = np.arange(bounds.low, bounds.high_before + 1)
    frame = window(targets()[target_id].value)
    after = np.rint(before * (1 + targets()[target_id].number / 100))
    percent = 100 * (after - before) / before
    fits = [frame.holds(p) and a <= bounds.high_after for p, a in zip(percent, after, strict=True)]
    if not any(fits):
        raise NotFoundError(f"no whole values give {target_id}")
    return np.column_stack([before, after])[fits]


def _closest(pairs: Floats, before: float, rng: np.random.Generator) -> Floats:
    """One of the three pairs whose first value is closest to `before`."""
    nearest = np.argsort(np.abs(pairs[:, 0] - before))[:3]
    return pairs[rng.choice(nearest)]


def bilirubin_differs(change: Change, is_sirt: NDArray[np.bool_]) -> bool:
    """Whether the change of bilirubin would be called significant: exact P below 0.05 (ties count one half)."""
    percent = change.percent()
    u = u_statistic(percent[is_sirt], percent[~is_sirt])
    p_values = attainable_exact_p(int(is_sirt.sum()), int((~is_sirt).sum()))
    return p_values[min(int(u), len(p_values) - 1)] < 0.06
