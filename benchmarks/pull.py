"""How fast a pull turns resources into tidy tables, and what that costs beside the views alone.

`pull` is everything from NDJSON to Parquet with manifest: checks, versions, references, views, code lists, units,
findings, tables. `view` is the project's own views, run together over the same files by `run_views` to Parquet in one
process. For the demo and for 3,600 patients drawn from it: resources a second, their ratio beside its target, and the
peak memory of a process that does nothing else. Both by CPU time, turn and turn about. Run by `make bench`;
`--patients` makes the larger cohort smaller.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from adapters.pull import VIEWS, pull
from adapters.sources import open_source
from adapters.sql_on_fhir.files.stream import run_views
from adapters.synthetic.demo import write_demo

DEMO_ROUNDS, LARGE_ROUNDS = 5, 2
TARGET = 0.3  # rate of pull, of the rate of view
KB_PER_MB = 1024


def cpu_seconds(contestants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU time of each, taken in turns, after one turn each that is not counted if there are several."""
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds + (rounds > LARGE_ROUNDS)):
        for name, run in contestants.items():
            start = time.process_time()
            run()
            times[name].append(time.process_time() - start)
    return {name: statistics.median(taken[-rounds:]) for name, taken in times.items()}


def definitions() -> list[dict[str, Any]]:
    """All views of the adapters."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(VIEWS.glob("*.json"))]


def run_pull(source: Path, out: Path) -> None:
    """A pull as the command line does it."""
    pull(open_source(str(source)), out / "tables")


def run_view(source: Path, out: Path) -> None:
    """The views of the project over the same files."""
    run_views(definitions(), [source], out=out / "views", processes=1)


def _peak(run: Callable[[Path, Path], None], source: Path, out: Path) -> int:
    run(source, out)
    status = Path("/proc/self/status").read_text("ascii")  # Linux; ru_maxrss would begin with that of the parent
    return int(re.search(r"VmHWM:\s*(\d+) kB", status)[1]) // KB_PER_MB  # type: ignore[index]


def peak_mb(run: Callable[[Path, Path], None], source: Path, out: Path) -> int:
    """Largest resident memory of a fresh process that runs it once."""
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_peak, (run, source, out))


def measure(patients: int | None, rounds: int, folder: Path) -> None:
    """Write the cohort as NDJSON, pull it, run the views over it, and print rates, ratio and memory."""
    source = folder / "fhir"
    files = write_demo(source, form="ndjson", patients=patients)
    resources = sum(file.read_bytes().count(b"\n") for file in files)
    size = sum(file.stat().st_size for file in files) / 1e6
    runs = {"pull": run_pull, "view": run_view}
    taken = cpu_seconds({name: lambda run=run: run(source, folder) for name, run in runs.items()}, rounds)  # type: ignore[misc]
    name = "the demo" if patients is None else f"{patients:,} patients"
    sys.stdout.write(f"{name}: {resources:,} resources, {size:,.0f} MB, median of {rounds}\n")
    for what, run in runs.items():
        rate, peak = resources / taken[what], peak_mb(run, source, folder)
        sys.stdout.write(
            f"  {what}, one process {rate:>14,.0f} resources/s {taken[what]:>8.1f} s CPU, peak {peak:,} MB\n"
        )
    ratio = taken["view"] / taken["pull"]
    verdict = "met" if ratio >= TARGET else "NOT MET"
    sys.stdout.write(f"  pull, of the rate of view {ratio:>8.2f}   target >= {TARGET:g}: {verdict}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=3600, help="size of the larger cohort")
    options = parser.parse_args()
    sys.stdout.write(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores\n")
    for patients, rounds in ((None, DEMO_ROUNDS), (options.patients, LARGE_ROUNDS)):
        with tempfile.TemporaryDirectory() as folder:
            measure(patients, rounds, Path(folder))


if __name__ == "__main__":
    main()
