"""Numbers of cycles, intervals, activities, ages and baseline values that give Table 1 of the paper.

The table calls its columns averages; what fits is the median with the t interval of the mean (PSA, ALP, LDH: median
and range). An interval between cycles is one per patient: the mean of the patient's intervals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from adapters.synthetic.search.climb import NotFoundError, again, climb
from adapters.synthetic.search.statistics import Floats, median_and_range, median_and_t_interval
from adapters.synthetic.search.targets import count, targets

Ints = NDArray[np.int64]
ARMS = ("lu", "lu_sirt", "all")
CYCLES_MAX = 10
SPREADS = (1.0, 8.0, 40.0)  # sizes of a proposed step
LONG_COURSE = 6  # Figure 2: one patient had six cycles


def three_arms(values: Floats, is_sirt: NDArray[np.bool_]) -> dict[str, Floats]:
    """`values` of 177Lu-PSMA alone, of + SIRT and of all patients."""
    return {"lu": values[~is_sirt], "lu_sirt": values[is_sirt], "all": values}


def miss(measure: str, values: Floats, is_sirt: NDArray[np.bool_], statistic: Callable[[Floats], tuple]) -> float:
    """Distance of a Table 1 row (`measure` as in t1.<measure>.<arm>) from the printed values over the three columns."""
    arms = three_arms(values, is_sirt)
    return sum(targets()[f"t1.{measure}.{arm}"].miss(*statistic(arms[arm])) for arm in ARMS)


def cycle_counts(rng: np.random.Generator) -> tuple[Ints, Ints]:
    """(177Lu-PSMA alone, + SIRT) cycle counts, descending; one of the former is 6. Raises NotFoundError."""
    n_lu, n_sirt = count("n.lu"), count("n.lu_sirt")
    is_sirt = np.repeat([False, True], [n_lu, n_sirt])
    sirt = np.array([4, 4, 3, 3, 3])  # the only five whole numbers that fit the printed values

    def penalty(lu: Ints) -> float:
        every = np.concatenate([lu, sirt]).astype(float)
        return miss("cycles", every, is_sirt, median_and_t_interval) + float(LONG_COURSE not in lu)

    def propose(lu: Ints, rng: np.random.Generator) -> Ints:
        changed, (i, j) = lu.copy(), rng.choice(n_lu, 2, replace=False)
        if changed[i] < CYCLES_MAX and changed[j] > 1:
            changed[i] += 1
            changed[j] -= 1
        return changed

    start = np.full(n_lu, 2)
    start[: count("t1.cycles_total.lu") - 2 * n_lu] += 1
    counts = climb(start, propose, penalty, rng)
    return np.sort(counts)[::-1], sirt


def spans(cycles: Ints, longest: Ints, is_sirt: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Days from first to last cycle per patient, at most `longest`; 0 for a single cycle.

    The intervals meet the printed values. A mean interval lies between 4 and 26 weeks. Raises NotFoundError.
    """
    gaps, several = cycles - 1, np.flatnonzero(cycles > 1)
    low = 28 * gaps
    high = np.minimum(longest, np.where(is_sirt, 182, 119) * gaps)
    if (low > high)[several].any():
        raise NotFoundError("a patient dies before the cycles can be given")

    def penalty(days: Ints) -> float:
        weeks = days[several] / 7 / gaps[several]
        return miss("interval", weeks, is_sirt[several], median_and_t_interval)

    def propose(days: Ints, rng: np.random.Generator) -> Ints:
        changed, i = days.copy(), several[_few(len(several), rng)]
        step = rng.normal(0, SPREADS[rng.integers(3)], len(i)) * gaps[i]
        changed[i] = np.clip((changed[i] + step).round(), low[i], high[i])
        return changed

    start = np.zeros(len(cycles), dtype=np.int64)
    start[several] = np.clip((54 * gaps + rng.normal(0, 12, len(gaps)) * gaps).round(), low, high)[several]
    return climb(start, propose, penalty, rng)


def _few(n: int, rng: np.random.Generator) -> Ints:
    """Places of one, two or three of n patients: medians and intervals often fit only when several move at once."""
    return np.unique(rng.integers(0, n, rng.integers(1, 4)))


def activities(cycles: Ints, is_sirt: NDArray[np.bool_], rng: np.random.Generator) -> list[Floats]:
    """Activity of each cycle in GBq (two decimals), one array per patient; the patients' means meet the printed values."""
    owner = np.repeat(np.arange(len(cycles)), cycles)
    level = rng.normal(6.25, 0.35, len(cycles)) + np.where(is_sirt, 0.3, 0.0)
    start = np.clip(level[owner] + rng.normal(0, 0.15, len(owner)), 4.8, 7.9).round(2)

    def penalty(flat: Floats) -> float:
        means = np.bincount(owner, weights=flat) / cycles
        return miss("activity", means, is_sirt, median_and_t_interval)

    def propose(flat: Floats, rng: np.random.Generator) -> Floats:
        mine = owner == rng.integers(len(cycles))
        changed = flat.copy()
        changed[mine] = np.clip(flat[mine] + rng.normal(0, rng.choice([0.02, 0.3])), 4.8, 7.9).round(2)
        return changed

    flat = climb(start, propose, penalty, rng)
    return [flat[owner == i] for i in range(len(cycles))]


def ages_days(is_sirt: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """Exact age in days on day 0, ages between 48 and 87 years, that meet the printed values."""
    low, high = round(48 * 365.25), round(87 * 365.25)

    def penalty(days: Ints) -> float:
        return miss("age", days / 365.25, is_sirt, median_and_t_interval)

    def propose(days: Ints, rng: np.random.Generator) -> Ints:
        changed, i = days.copy(), _few(len(days), rng)
        step = 60 * rng.normal(0, SPREADS[rng.integers(3)], len(i))
        changed[i] = np.clip((days[i] + step).round(), low, high)
        return changed

    start = np.clip(rng.normal(70.5, 8.5, len(is_sirt)) * 365.25, low, high).round().astype(np.int64)
    return climb(start, propose, penalty, rng)


def baseline_values(
    measure: str, is_sirt: NDArray[np.bool_], rank: Floats, spread: float, rng: np.random.Generator
) -> Floats:
    """Baseline values with the printed medians and ranges, handed out so that they follow `rank` within each arm.

    `spread` is the standard deviation of the logarithm within an arm.
    """
    decimals = 1 if measure == "psa" else 0

    def attempt() -> Floats:
        values = np.empty(len(is_sirt))
        for arm, members in (("lu", ~is_sirt), ("lu_sirt", is_sirt)):
            printed = targets()[f"t1.{measure}.{arm}"]
            limits = (float(printed.lower), printed.number, float(printed.upper))
            ordered = np.sort(_between(limits, int(members.sum()), spread, decimals, rng))
            values[members] = ordered[np.argsort(np.argsort(rank[members]))]
        return _with_pooled_median(measure, values, is_sirt, decimals)

    return again(attempt, times=2000)


def _between(limits: Sequence[float], n: int, spread: float, decimals: int, rng: np.random.Generator) -> Floats:
    low, middle, high = limits
    half = (n - 3) // 2
    drawn = middle * np.exp(np.abs(rng.normal(0, spread, 2 * half)) * np.repeat([-1, 1], half))
    beyond = np.where(
        np.arange(2 * half) < half, rng.uniform(low, middle, 2 * half), rng.uniform(middle, high, 2 * half)
    )
    inside = np.where((drawn > low) & (drawn < high), drawn, beyond)
    return np.concatenate([[low, middle, high], np.where(inside < 1000, inside.round(decimals), inside.round())])


def _with_pooled_median(measure: str, values: Floats, is_sirt: NDArray[np.bool_], decimals: int) -> Floats:
    wanted = targets()[f"t1.{measure}.all"].number
    order = np.argsort(values, kind="stable")
    below, above = order[len(values) // 2 - 1], order[len(values) // 2]
    fixed = {float(t) for arm in ARMS[:2] for t in _printed(measure, arm)}
    changed = values.copy()
    if changed[above] in fixed:
        changed[below] = round(2 * wanted - changed[above], decimals)
    else:
        changed[above] = round(2 * wanted - changed[below], decimals)
    if miss(measure, changed, is_sirt, median_and_range):
        raise NotFoundError("the pooled median does not fit")
    return changed


def _printed(measure: str, arm: str) -> tuple[str, str, str]:
    printed = targets()[f"t1.{measure}.{arm}"]
    return printed.value, printed.lower, printed.upper
