"""Frames of the waiting-time section: Simon-Makuch curves for drawing, landmarks and spurious gain for the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.results import Result
from analysis.statistics.monte_carlo import IMMORTAL_TIME
from analysis.statistics.time_varying_exposure import at_risk_late, simon_makuch_curve, spurious_gain

EXPOSURE_NAMES = {"lu": "no SIRT so far", "lu_sirt": "after SIRT"}  # curves look like the arms they are made of
WAITS_MONTHS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
MEDIAN_MONTHS = 6.0  # assumed where the cohort reaches no median


def exposure_curves(
    intervals: pd.DataFrame, *, days_per_month: float, every_months: int = 3
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Simon-Makuch curves (arm, time_months, survival) and their numbers at risk (arm, time_months, at_risk).

    arm: "lu" without exposure so far, "lu_sirt" from exposure on, so that colours are those of the arms.
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
    """One row per landmark: day, numbers kept, lost, exposed by then, exposed later (`Result`), hazard ratio (`Result`)."""
    counts = ("kept", "lost", "exposed", "later")
    rows = [[day, *(results[f"os.landmark.{day}.{name}"] for name in (*counts, "hr"))] for day in days]
    return pd.DataFrame(rows, columns=["day", *counts, "hazard_ratio"])


def hazard_ratio_ways(results: Mapping[str, Result], days: Sequence[int]) -> list[tuple[str, Result]]:
    """Hazard ratios by the way exposure and time zero are counted, in words, for the forest and its table."""
    ways = {
        "SIRT counted from day 0, Cox": "os.hr.efron",
        "SIRT counted from day 0, Firth": "os.hr.firth",
        "the same, day 0 at the first of either therapy, Firth": "os.first_therapy.hr",
        "SIRT counted from the day it was given": "os.hr.time_varying",
        "the same, day 0 at the first of either therapy": "os.first_therapy.hr.time_varying",
        **{f"alive and followed on day {day}": f"os.landmark.{day}.hr" for day in days},
    }
    return [(words, results[key]) for words, key in ways.items()]


def gain_frame(results: Mapping[str, Result]) -> pd.DataFrame:
    """`spurious_gain` for arms of the sizes seen and the median of the first arm, with low and high: 2 Monte Carlo errors."""
    sizes = {"exposed": results["os.lu_sirt.deaths"].n or 1, "unexposed": results["os.lu.deaths"].n or 1}
    median: Any = results["os.lu"].value or MEDIAN_MONTHS
    draws = IMMORTAL_TIME.affordable(sum(sizes.values()))
    gain = spurious_gain(list(WAITS_MONTHS), median_months=float(median), draws=draws, **sizes)
    spread = 2 * gain["gain_se"]
    return gain.assign(low=gain["gain_months"] - spread, high=gain["gain_months"] + spread)
