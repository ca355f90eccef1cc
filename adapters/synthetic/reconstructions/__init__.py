"""Other cohorts that give every printed result: how far do the printed results determine what the demo cohort shows?

Each of them is a full search from its own seed (`adapters.synthetic.search`), so all that the printed results leave
open differs: survival times and events, cycles, ages, lesions with SUVmax, laboratory series, histories. They are a
sample of what the search finds, not a posterior distribution.

Format: the files of the cohort folder as Parquet, one file per table, with a first column `reconstruction` (0, 1, ...;
`seeds.csv` names the seed of each). Numbers other than days and counts are stored as hundredths, laboratory values with
one column a measure. They contain the 36 patients of the study only; the patients whom the flow leaves out are those of the
demo. Patients are not matched between cohorts: P01 of one reconstruction and P01 of another share the story that the
paper tells of patient 1, and P12 to P36 share nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path

import pandas as pd

from adapters.synthetic.cohort_files import COLUMNS, NUMBERS, Frames, read_cohort, typed
from adapters.synthetic.tidy import tidy_tables

FOLDER = Path(__file__).parent
CHUNK = 25  # reconstructions made into tables at a time
PREFIX = "R{:04d}-"  # marks the keys of one reconstruction while a chunk is made
STUDY_ROLES = ("lu", "lu_sirt")
HUNDREDTHS = 100  # numbers are stored as whole hundredths
ID_COLUMNS = ("patient_id", "procedure_id", "medication_id", "observation_id", "lesion_id")


@cache
def load_reconstructions(folder: Path = FOLDER) -> Frames:
    """All reconstructions by table name: columns of the cohort file after `reconstruction` (see the module's text).

    Raises FileNotFoundError when a file is missing.
    """
    return {name: _unpacked(name, pd.read_parquet(folder / f"{name}.parquet")) for name in COLUMNS}


def _unpacked(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    if name != "labs":
        frame = frame.where(frame.notna())  # one kind of missing word, as read from CSV
        numbers = [column for column in frame if column in NUMBERS]
        return frame.assign(**{column: frame[column].astype("float64") / HUNDREDTHS for column in numbers})
    long = frame.melt(["reconstruction", "key", "day"], var_name="measure").dropna(subset=["value"])
    ranges = read_cohort()["labs"].drop_duplicates("measure")[["measure", "lower_limit", "upper_limit", "unit"]]
    return long.assign(value=long["value"].astype("float64") / HUNDREDTHS).merge(ranges, on="measure")


def number_of_reconstructions(folder: Path = FOLDER) -> int:
    """How many there are; they are numbered from 0."""
    return int(load_reconstructions(folder)["patients"]["reconstruction"].max()) + 1


def variant_tables(base_tables: Mapping[str, pd.DataFrame], k: int, folder: Path = FOLDER) -> dict[str, pd.DataFrame]:
    """The tidy tables as they are with reconstruction `k` in place of the demo's values.

    base_tables: tidy tables of a pull of the demo; its findings stay. Patient ids are P01 ..., X01 ... Tables are made for
    some reconstructions at once, so asking for them in order costs milliseconds each. Raises IndexError beyond the last.
    """
    if not 0 <= k < number_of_reconstructions(folder):
        raise IndexError(f"no reconstruction {k}")
    prefix = PREFIX.format(k)
    made = {name: _own(table, prefix) for name, table in _chunk(k // CHUNK, folder).items() if name != "findings"}
    return made | {name: base_tables[name] for name in base_tables if name not in made}


def _own(parts: Mapping[str, pd.DataFrame], prefix: str) -> pd.DataFrame:
    own = parts[prefix].reset_index(drop=True)
    return own.assign(**{c: own[c].str.slice(len(prefix)) for c in ID_COLUMNS if c in own})


@cache
def _others() -> Frames:
    """The demo's patients outside the study, who are the same in every reconstruction."""
    frames = read_cohort()
    people = frames["patients"]
    outside = set(people.loc[~people["role"].isin(STUDY_ROLES), "key"])
    return {name: frame[frame["key"].isin(outside)] for name, frame in frames.items()}


def _rows(frame: pd.DataFrame, first: int, end: int) -> pd.DataFrame:
    number = frame["reconstruction"]
    return frame[number.ge(first) & number.lt(end)]


@lru_cache(maxsize=2)
def _chunk(chunk: int, folder: Path) -> dict[str, dict[str, pd.DataFrame]]:
    """Tables of `CHUNK` reconstructions by name and prefix, made in one go."""
    first = chunk * CHUNK
    end = min(first + CHUNK, number_of_reconstructions(folder))
    frames = {name: _prefixed(_rows(frame, first, end)) for name, frame in load_reconstructions(folder).items()}
    for name, other in _others().items():
        copies = [_prefixed(other.assign(reconstruction=k)) for k in range(first, end)]
        frames[name] = pd.concat([frames[name], *copies], ignore_index=True)
    tables = tidy_tables({name: typed(name, frame) for name, frame in frames.items()})
    return {name: _by_prefix(table) for name, table in tables.items()}


def _prefixed(frame: pd.DataFrame) -> pd.DataFrame:
    prefix = frame["reconstruction"].map(PREFIX.format)
    return frame.assign(key=prefix + frame["key"].astype("object"))


def _by_prefix(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    prefix = table["patient_id"].str.slice(0, len(PREFIX.format(0)))
    return {str(name): part for name, part in table.groupby(prefix, sort=False)}
