"""How long the whole analysis takes: every number of the book for 5,000 patients, and the exact log-rank test.

Run by `make bench`; `--patients` makes it smaller. Seconds are those by the clock; where other work shares the machine,
the seconds of computing in brackets are nearer to what a quiet one would need.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from analysis.book.chapters import MULTIPLICITY, PARTS, collect
from analysis.settings import load_study
from analysis.statistics.exact_logrank import exact_logrank
from tests.support.cohorts import MANIFEST, resampled, truth

Found = TypeVar("Found")
ALL_SECONDS, EXACT_SECONDS = 60, 1  # targets
ARMS = (31, 5)


def show(name: str, taken: tuple[float, float], target: float | None = None) -> None:
    """One line of the report; the target is judged by the clock."""
    wall, cpu = taken
    verdict = "" if target is None else f"   target < {target:g} s: {'met' if wall < target else 'NOT MET'}"
    sys.stdout.write(f"{name:<52} {wall:>8.2f} s ({cpu:.2f} s of computing){verdict}\n")
    sys.stdout.flush()


def timed(work: Callable[[], Found]) -> tuple[Found, tuple[float, float]]:
    """What `work` gives, with the seconds by the clock and of computing."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = work()
    return found, (time.perf_counter() - wall, time.process_time() - cpu)


def all_results(patients: int) -> None:
    """Every part of the book on a cohort of so many patients."""
    tables, study = resampled(truth(), patients), load_study()
    numbers, taken = timed(lambda: collect(tables, study, MANIFEST, (*PARTS, MULTIPLICITY)))
    for part in PARTS:
        show(f"  {part}, alone", timed(lambda part=part: collect(tables, study, MANIFEST, (part,)))[1])
    show(f"{len(numbers)} numbers of the book, {patients:,} patients", taken, ALL_SECONDS)


def exact_test() -> None:
    """All allocations of 36 patients to arms of 31 and 5."""
    random = np.random.default_rng(1)
    days, deaths = random.integers(30, 900, sum(ARMS)), random.random(sum(ARMS)) < 0.8
    exposed = np.arange(sum(ARMS)) < ARMS[1]
    test, taken = timed(lambda: exact_logrank(days, deaths, exposed))
    show(f"exact log-rank, {test.allocations:,} allocations", taken, EXACT_SECONDS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=5000)
    options = parser.parse_args()
    sys.stdout.write(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores\n")
    exact_test()
    all_results(options.patients)


if __name__ == "__main__":
    main()
