"""How often does the SPSS interval of a median, called 95%, hold the true median in an arm of that size?

With few patients the interval measures the gap between two deaths, so its level is a name only. Simulated: exponential
survival, nobody censored; the time unit cancels out.
"""

from __future__ import annotations

from functools import cache
from math import log

import numpy as np
import pandas as pd

from analysis.datasets.time_to_event import by_arm
from analysis.results import Result, missing
from analysis.statistics.kaplan_meier import spss_median
from analysis.statistics.monte_carlo import INTERVAL_COVERAGE


@cache
def spss_coverage_pct(patients: int) -> float:
    """Percent of simulated arms of so many patients whose SPSS interval holds the true median (Monte Carlo error < 1)."""
    draws = INTERVAL_COVERAGE.affordable(patients)
    times = INTERVAL_COVERAGE.generator().exponential(1 / log(2), (draws, patients))  # true median 1
    died = np.ones(patients, dtype=bool)
    intervals = (spss_median(row, died) for row in times)
    return 100 * float(np.mean([(got.lower or 0.0) <= 1 <= (got.upper or 0.0) for got in intervals]))


def coverage_results(survival: pd.DataFrame) -> list[Result]:
    """`os.<arm>.coverage` in percent; the size of the arm alone decides, which the paper prints."""
    method = "simulated coverage of the SPSS 95% interval of a median: exponential survival, nobody censored"
    results = []
    for arm, rows in by_arm(survival).items():
        key, n = f"os.{arm}.coverage", len(rows)
        if n:
            results.append(Result(key, spss_coverage_pct(n), n=n, unit="percent", method=method))
        else:
            results.append(missing(key, "no_patients", n=0, unit="percent", method=method))
    return results
