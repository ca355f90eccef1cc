"""Make the reconstructions: `python -m adapters.synthetic.search.reconstructions --first 101 --number 200`.

Each seed gives one cohort; only those that meet every target, checked apart from the search, are written. Takes a few
seconds of computing for each. Cohorts of earlier runs stay in the working folder, so that the search can be stopped.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import count, islice
from pathlib import Path

import pandas as pd

from adapters.synthetic.cohort_files import COLUMNS, NUMBERS, Frames, read_cohort, write_cohort
from adapters.synthetic.reconstructions import FOLDER, HUNDREDTHS, STUDY_ROLES
from adapters.synthetic.search.__main__ import DEMO_SEED, make_cohort
from adapters.synthetic.search.check import disagreements

COMPRESSION_LEVEL = 19


def cohorts(first_seed: int, working: Path | None = None) -> Iterator[tuple[int, Frames]]:
    """(seed, cohort) for every seed from `first_seed` on whose cohort meets all targets; not the demo's own seed."""
    for seed in count(first_seed):
        if seed == DEMO_SEED:
            continue
        frames = _cohort(seed, working)
        if not disagreements(frames):
            yield seed, frames


def _cohort(seed: int, working: Path | None) -> Frames:
    if working is None:
        return make_cohort(seed)
    folder = working / str(seed)
    if not (folder / "patients.csv").exists():
        write_cohort(make_cohort(seed), folder)
    return read_cohort(folder)


def pack(seeded: Iterable[tuple[int, Frames]], folder: Path = FOLDER) -> int:
    """Write the cohorts as the files of the reconstructions and return how many they are."""
    packed_cohorts: list[tuple[int, Frames]] = [(seed, _study_only(frames)) for seed, frames in seeded]
    for name in COLUMNS:
        parts = [frames[name].assign(reconstruction=k) for k, (_, frames) in enumerate(packed_cohorts)]
        table = packed(name, pd.concat(parts, ignore_index=True))
        words = [c for c in table if table[c].dtype == object or c == "reconstruction"]
        options = {"use_dictionary": words, "compression": "zstd", "compression_level": COMPRESSION_LEVEL}
        table.to_parquet(folder / f"{name}.parquet", index=False, **options)
    seeds = pd.DataFrame({"reconstruction": range(len(packed_cohorts)), "seed": [seed for seed, _ in packed_cohorts]})
    seeds.to_csv(folder / "seeds.csv", index=False, lineterminator="\n")
    return len(packed_cohorts)


def packed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of file `name` after `reconstruction`; laboratory values one column a measure, numbers as whole
    hundredths: all the digits they have, in a quarter of the space.
    """
    if name == "labs":
        wide = frame.pivot(index=["reconstruction", "key", "day"], columns="measure", values="value").reset_index()
        table, numbers = wide, [column for column in wide if column not in ("reconstruction", "key", "day")]
    else:
        table = frame[["reconstruction", *COLUMNS[name].split()]]
        numbers = [column for column in table if column in NUMBERS]
    whole = {c: (table[c] * HUNDREDTHS).round().astype("Int32") for c in numbers}
    return table.assign(**whole, reconstruction=table["reconstruction"].astype("int16"))


def _study_only(frames: Frames) -> Frames:
    people = frames["patients"]
    study = set(people.loc[people["role"].isin(STUDY_ROLES), "key"])
    return {name: frame[frame["key"].isin(study)] for name, frame in frames.items()}


def main(arguments: list[str] | None = None) -> None:
    """Command line: search `number` cohorts from seed `first` on and pack them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--first", type=int, default=101)
    parser.add_argument("--number", type=int, default=200)
    parser.add_argument("--working", type=Path, help="keep each cohort here, to go on later")
    chosen = parser.parse_args(arguments)
    pack(islice(cohorts(chosen.first, chosen.working), chosen.number))


if __name__ == "__main__":
    main()
