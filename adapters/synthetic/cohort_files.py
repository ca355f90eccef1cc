"""Read and write the cohort files: one CSV file per frame, empty cells are missing values."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

COHORT = Path(__file__).with_name("cohort")
COLUMNS = {
    "patients": "key role birth_day day_zero_date weight_kg height_cm ecog gleason tracer in_imaging_subgroup death_day "
    "last_contact_day",
    "cycles": "key cycle day activity_gbq",
    "sirt": "key workup_day day activity_gbq lung_shunt_pct liver_volume_ml tumour_volume_ml gi_flow",
    "labs": "key day measure value lower_limit upper_limit unit",
    "lesions": "key lesion organ segment hypervascular",
    "lesion_measurements": "key lesion day diameter_mm suv_max modality",
    "conditions": "key condition site day",
    "medications": "key drug start_day end_day",
    "procedures": "key procedure day site tracer",
    "disease_status": "key day site category",
}
WHOLE = (
    "birth_day", "cycle", "day", "death_day", "ecog", "end_day", "gleason", "last_contact_day", "start_day", "workup_day",
)  # fmt: skip
NUMBERS = (
    "activity_gbq", "diameter_mm", "height_cm", "liver_volume_ml", "lower_limit", "lung_shunt_pct", "suv_max",
    "tumour_volume_ml", "upper_limit", "value", "weight_kg",
)  # fmt: skip
SORT_BY = ("key", "lesion", "measure", "start_day", "day", "site", "procedure", "drug", "condition")

Frames = dict[str, pd.DataFrame]


def frame_of(name: str, rows: Iterable[dict[str, object]]) -> pd.DataFrame:
    """Rows as the frame `name` of the cohort: columns in order, whole numbers as Int64, sorted."""
    return typed(name, pd.DataFrame(list(rows), columns=COLUMNS[name].split()))


def typed(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """`frame` with the columns and dtypes of the cohort file `name`, sorted so that one cohort has one form."""
    columns = COLUMNS[name].split()
    dtypes = {c: "Int64" for c in columns if c in WHOLE} | {c: "float64" for c in columns if c in NUMBERS}
    sorted_by = [c for c in SORT_BY if c in columns]
    frame = frame.replace({c: {"": None} for c in columns if c not in dtypes})  # as an empty cell is read
    return frame[columns].astype(dtypes).sort_values(sorted_by, kind="stable", ignore_index=True)


def write_cohort(frames: Frames, folder: Path) -> None:
    """One CSV file per frame in `folder`, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in frames.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def read_cohort(folder: Path = COHORT) -> Frames:
    """The cohort files of `folder`. Raises FileNotFoundError when one is missing."""
    return {name: typed(name, pd.read_csv(folder / f"{name}.csv")) for name in COLUMNS}
