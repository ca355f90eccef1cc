"""Compute all numbers of the book for every reconstruction: `python -m adapters.synthetic.search.ranges`.

Writes analysis/paper/ranges.csv and ranges.toml. Takes about two seconds of computing a reconstruction, so it runs
when the reconstructions or the analysis change and not with the book; a test says when it is due.
"""

from __future__ import annotations

import argparse
import gc
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache, partial
from hashlib import sha256
from pathlib import Path

import pandas as pd

from adapters.synthetic.cohort_files import read_cohort
from adapters.synthetic.reconstructions import FOLDER, number_of_reconstructions, variant_tables
from adapters.synthetic.tidy import tidy_tables
from analysis.book.chapters import collect
from analysis.paper.ranges import ORIGIN, RANGES, range_frame
from analysis.results import Result
from analysis.settings import load_study

MANIFEST = {"synthetic": True, "cohort_tags": ["reconstruction"]}
DEMO = -1
ABOUT_RANGES = "print."  # results that count reconstructions and bases
AT_A_TIME = 5  # reconstructions that a process takes at once: few, so that none waits long for the others


def results_of(k: int, folder: Path = FOLDER) -> list[Result]:
    """All results of reconstruction `k`; of the demo cohort itself for `DEMO`."""
    tables = _demo_tables() if k == DEMO else variant_tables(_demo_tables(), k, folder)
    return collect(tables, load_study(), MANIFEST)


@cache
def _demo_tables() -> dict[str, pd.DataFrame]:
    return tidy_tables(read_cohort())


def inputs_hash(folder: Path = FOLDER) -> str:
    """A hash over the files of the reconstructions: it changes when any value of any cohort does."""
    files = sorted(folder.glob("*.parquet"))
    return sha256(b"".join(sha256(file.read_bytes()).digest() for file in files)).hexdigest()[:16]


def write_ranges(results: Sequence[Sequence[Result]], folder: Path = FOLDER) -> None:
    """The ranges over the results of the demo and of all reconstructions, with what they were computed from."""
    own_results = [
        [result for result in cohort_results if not result.id.startswith(ABOUT_RANGES)] for cohort_results in results
    ]
    range_frame(own_results).to_csv(RANGES, index=False, lineterminator="\n")
    number = f"reconstructions = {len(results) - 1}  # the demo cohort counts beside them"
    ORIGIN.write_text(f'{number}\ninputs = "{inputs_hash(folder)}"\n', "utf-8")


def main(arguments: list[str] | None = None) -> None:
    """Command line: compute in `workers` processes and write the ranges."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where the reconstructions are")
    chosen = parser.parse_args(arguments)
    numbers = range(DEMO, number_of_reconstructions(chosen.folder))
    # Frozen, since statsmodels collects the garbage of the whole process at every call.
    with ProcessPoolExecutor(chosen.workers, initializer=gc.freeze) as pool:
        results = list(pool.map(partial(results_of, folder=chosen.folder), numbers, chunksize=AT_A_TIME))
    write_ranges(results, chosen.folder)


if __name__ == "__main__":
    main()
