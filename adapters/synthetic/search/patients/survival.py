"""Survival times in days and deaths that give the printed Kaplan-Meier medians, SPSS intervals and log-rank P."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from adapters.synthetic.search.climb import NotFoundError, again, climb
from adapters.synthetic.search.statistics import Floats, logrank_p
from adapters.synthetic.search.targets import Target, count, targets
from analysis.statistics.kaplan_meier import logrank, spss_median

DAYS_PER_MONTH = 30.4375
EARLIEST_DAYS = {"os.lu": 21, "os.lu_sirt": 150}  # one cycle and a laboratory visit; three cycles, work-up and SIRT
LATEST_DAYS = 1100


@dataclass(frozen=True, slots=True)
class Arm:
    """Days to death (event) or last contact (no event), one per patient."""

    days: Floats
    events: NDArray[np.bool_]


def survival_arms(rng: np.random.Generator) -> tuple[Arm, Arm]:
    """(177Lu-PSMA alone, + SIRT): arms that meet all printed survival results. Raises NotFoundError."""

    def attempt() -> tuple[Arm, Arm]:
        shape, censored = rng.uniform(1.0, 1.9), int(rng.integers(0, 3))
        sirt = again(lambda: _arm("os.lu_sirt", rng, rng.uniform(300, 520), shape, censored), times=20)
        scale, shape, censored = rng.uniform(230, 330), rng.uniform(0.9, 1.3), int(rng.integers(2, 9))
        lu = again(lambda: _arm("os.lu", rng, scale, shape, censored), times=20)
        return climb((lu, sirt), _move_one, _penalty, rng, steps=1500)

    both = again(attempt, times=20)
    if not _confirmed(*both):
        raise NotFoundError("lifelines and the fast log-rank test differ")
    return both


def _arm(target_id: str, rng: np.random.Generator, scale: float, shape: float, censored: int) -> Arm:
    n = count(target_id.replace("os.", "n."))
    days = _possible(np.rint(scale * rng.weibull(shape, n)), EARLIEST_DAYS[target_id], rng)
    events = np.ones(n, dtype=bool)
    events[rng.choice(n, censored, replace=False)] = False
    arm = Arm(np.sort(days), events)
    return climb(
        arm,
        lambda a, r: _moved(a, r, EARLIEST_DAYS[target_id]),
        lambda a: median_miss(targets()[target_id], a),
        rng,
        800,
    )


def _possible(days: Floats, earliest: int, rng: np.random.Generator) -> Floats:
    """Times before `earliest` drawn anew shortly after it, so that they do not pile up on one day."""
    redrawn = earliest + np.rint(rng.exponential(30, len(days)))
    return np.minimum(np.where(days < earliest, redrawn, days), LATEST_DAYS)


def median_miss(target: Target, arm: Arm) -> float:
    """Distance of the SPSS median and its limits in months from the printed values; 0 where they round to them."""
    estimate = spss_median(arm.days, arm.events)
    if estimate.value is None or estimate.lower is None or estimate.upper is None:
        return 1e3
    return target.miss(*(x / DAYS_PER_MONTH for x in (estimate.value, estimate.lower, estimate.upper)))


def _moved(arm: Arm, rng: np.random.Generator, earliest: int) -> Arm:
    days, events = arm.days.copy(), arm.events
    i = rng.integers(len(days))
    if rng.random() < 0.15 and not events.all():
        events = events.copy()
        j = rng.choice(np.flatnonzero(events != events[i]))
        events[i], events[j] = events[j], events[i]
    else:
        step = rng.choice([3.0, 15.0, 80.0])
        days[i] = _possible(np.rint(days[i : i + 1] + rng.normal(0, step)), earliest, rng)[0]
    return replace(arm, days=days, events=events)


def _move_one(both: tuple[Arm, Arm], rng: np.random.Generator) -> tuple[Arm, Arm]:
    lu, sirt = both
    if rng.random() < 0.75:
        return _moved(lu, rng, EARLIEST_DAYS["os.lu"]), sirt
    return lu, _moved(sirt, rng, EARLIEST_DAYS["os.lu_sirt"])


def _joined(lu: Arm, sirt: Arm) -> tuple[Floats, NDArray[np.bool_], NDArray[np.bool_]]:
    group = np.repeat([False, True], [len(lu.days), len(sirt.days)])
    return np.concatenate([lu.days, sirt.days]), np.concatenate([lu.events, sirt.events]), group


def _penalty(both: tuple[Arm, Arm]) -> float:
    lu, sirt = both
    missing = median_miss(targets()["os.lu"], lu) + median_miss(targets()["os.lu_sirt"], sirt)
    return missing + targets()["os.logrank"].miss(logrank_p(*_joined(lu, sirt))) / 10


def _confirmed(lu: Arm, sirt: Arm) -> bool:
    return targets()["os.logrank"].miss(logrank(*_joined(lu, sirt))[1]) == 0
