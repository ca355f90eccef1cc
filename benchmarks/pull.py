"""How fast a pull turns resources into tidy tables, and what that costs beside the views alone.

Resources a second from NDJSON to Parquet with manifest, for the demo and for 3,600 patients drawn from it; and the rate
of the views alone, in one process over the same files. Run by `make bench`; `--patients` makes it smaller.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from adapters.pull import VIEWS, pull
from adapters.sources import open_source
from adapters.sql_on_fhir.stream import run_views
from adapters.synthetic.demo import write_demo

DEMO_ROUNDS = 5


def seconds(run: Callable[[], object], rounds: int) -> float:
    """Median wall time."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def definitions() -> list[dict[str, Any]]:
    """All views of the adapters."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(VIEWS.glob("*.json"))]


def measure(patients: int | None, rounds: int, folder: Path) -> None:
    """Write the cohort as NDJSON, pull it, run the views over it, and print the rates."""
    source = folder / "fhir"
    files = write_demo(source, format="ndjson", patients=patients)
    resources = sum(file.read_bytes().count(b"\n") for file in files)
    pulled = seconds(lambda: pull(open_source(str(source)), folder / "tables"), rounds)
    views = definitions()
    viewed = seconds(lambda: run_views(views, [source], out=folder / "views", processes=1), rounds)
    name = "the demo" if patients is None else f"{patients:,} patients"
    sys.stdout.write(f"{name}: {resources:,} resources\n")
    for what, taken in (("pull", pulled), (f"{len(views)} views alone", viewed)):
        sys.stdout.write(f"  {what + ', one process':<30} {resources / taken:>10,.0f} resources/s {taken:>8.1f} s\n")
    sys.stdout.write(f"  {'pull, of the rate of its views':<30} {viewed / pulled:>10.2f}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=3600, help="size of the larger cohort")
    options = parser.parse_args()
    sys.stdout.write(f"Python {sys.version.split()[0]}, {os.cpu_count()} cores\n")
    for patients, rounds in ((None, DEMO_ROUNDS), (options.patients, 1)):
        with tempfile.TemporaryDirectory() as folder:
            measure(patients, rounds, Path(folder))


if __name__ == "__main__":
    main()
