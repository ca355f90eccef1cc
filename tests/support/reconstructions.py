"""One reconstruction as cohort frames: the direct way, without the tables made in chunks."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

from adapters.synthetic.cohort_files import Frames, read_cohort
from adapters.synthetic.reconstructions import FOLDER, STUDY_ROLES, load_reconstructions, number_of_reconstructions


def reconstruction_frames(k: int, folder: Path = FOLDER) -> Frames:
    """Reconstruction `k` with the demo's patients outside the study. Raises IndexError beyond the last."""
    if not 0 <= k < number_of_reconstructions(folder):
        raise IndexError(f"no reconstruction {k}")
    own = _by_number(folder)
    return {
        name: pd.concat([own[name][k][other.columns], other], ignore_index=True) for name, other in _others().items()
    }


@cache
def _by_number(folder: Path) -> dict[str, dict[int, pd.DataFrame]]:
    frames = load_reconstructions(folder)
    return {name: dict(tuple(frame.groupby("reconstruction"))) for name, frame in frames.items()}


@cache
def _others() -> Frames:
    """The demo's patients outside the study, who are the same in every reconstruction."""
    frames = read_cohort()
    people = frames["patients"]
    outside = set(people.loc[~people["role"].isin(STUDY_ROLES), "key"])
    return {name: frame[frame["key"].isin(outside)] for name, frame in frames.items()}
