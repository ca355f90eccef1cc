"""Immortal time bias: Simon-Makuch curves, landmarks, hazard ratios by the way of counting, a simulation of no effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.results import Result
from analysis.statistics.monte_carlo import IMMORTAL_TIME
from analysis.statistics.time_varying_exposure import at_risk_late, simon_makuch_curve, spurious_gain

EXPOSURE_NAMES = {"lu": "no SIRT so far", "lu_sirt": "after SIRT"}  # curves look like the arms they are made of
LANDMARK_COLUMNS = {  # column -> last part of the id of its result
    "at_risk": "kept",
    "excluded": "lost",
    "exposed": "exposed",
    "treated_later": "later",
    "hazard_ratio": "hr",
}
WAITS_MONTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
MEDIAN_MONTHS = 6.0  # assumed where the cohort reaches no median


def exposure_curves(
    intervals: pd.DataFrame, *, days_per_month: float, every_months: int = 3
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simon-Makuch curves (arm, time_months, survival) and their numbers at risk (arm, time_months, at_risk).

    intervals: from `start_stop`. arm is "lu" before exposure and "lu_sirt" after it, so that the colours are those of
    the arms. Numbers at risk are given every `every_months` months from day 0.
    """
    curve = simon_makuch_curve(intervals)
    arms = curve["exposed"].astype(bool).map({False: "lu", True: "lu_sirt"})
    curve = curve.assign(arm=arms, time_months=curve["time"].astype(float) / days_per_month)
    last = 0.0 if intervals.empty else float(intervals["stop"].max()) / days_per_month
    moments = np.arange(0, last + every_months, every_months, dtype=float)
    rows = []
    for arm, exposed in (("lu", 0.0), ("lu_sirt", 1.0)):
        counts = at_risk_late(intervals[intervals["exposed"].eq(exposed)], moments * days_per_month)
        rows += [(arm, moment, int(count)) for moment, count in zip(moments, counts, strict=True)]
    return curve[["arm", "time_months", "survival"]], pd.DataFrame(rows, columns=["arm", "time_months", "at_risk"])


def landmark_frame(results: Mapping[str, Result], days: Sequence[int]) -> pd.DataFrame:
    """One row per landmark day: day, at_risk, excluded, exposed, treated_later, hazard_ratio (all but day as `Result`).

    at_risk: alive and followed on the day; excluded: died or censored before it; exposed: with SIRT by then.
    """
    rows = [[day, *(results[f"os.landmark.{day}.{name}"] for name in LANDMARK_COLUMNS.values())] for day in days]
    return pd.DataFrame(rows, columns=["day", *LANDMARK_COLUMNS])


def hazard_ratio_ways(results: Mapping[str, Result], days: Sequence[int]) -> list[tuple[str, Result]]:
    """Hazard ratios of SIRT against none, each under the words for how exposure and time zero are counted.

    days: the landmark days.
    """
    ways = {
        "SIRT counted from day 0, Cox": "os.hr.efron",
        "SIRT counted from day 0, Firth": "os.hr.firth",
        "the same, day 0 at the first of either therapy, Firth": "os.first_therapy.hr",
        "SIRT counted from the day it was given": "os.hr.time_varying",
        "the same, day 0 at the first of either therapy": "os.first_therapy.hr.time_varying",
        **{f"alive and followed on day {day}": f"os.landmark.{day}.hr" for day in days},
    }
    return [(words, results[key]) for words, key in ways.items()]


def simulated_bias(results: Mapping[str, Result]) -> pd.DataFrame:
    """What a comparison of arms shows when SIRT does nothing, by the months that patients had to survive until SIRT.

    The columns of `spurious_gain` for arms of the sizes observed and the median of the first arm, with low and high
    (months): gain_months minus and plus two Monte Carlo errors.
    """
    sizes = {"exposed": results["os.lu_sirt.deaths"].n or 1, "unexposed": results["os.lu.deaths"].n or 1}
    median: Any = results["os.lu"].value or MEDIAN_MONTHS
    draws = IMMORTAL_TIME.affordable(sum(sizes.values()))
    gain = spurious_gain(list(WAITS_MONTHS), median_months=float(median), draws=draws, **sizes)
    spread = 2 * gain["gain_se"]
    return gain.assign(low=gain["gain_months"] - spread, high=gain["gain_months"] + spread)
