"""Worst CTCAE grade of each patient, shift tables from baseline, and who could not be graded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from adapters.contract import MEASURES
from analysis.criteria.ctcae import baseline_state, grade_frame, load_criteria
from analysis.datasets.arms import ARMS, Tables
from analysis.datasets.baseline import baseline_windows, in_window, last_within, numbers
from analysis.datasets.cached import cached_dataset
from analysis.datasets.windows import therapy_windows
from analysis.toxicity.changes import LABORATORY

GRADES = (0, 1, 2, 3, 4)
NOT_GRADABLE = "not gradable"


def graded_measures(study: Mapping[str, Any]) -> list[str]:
    """Laboratory measures that the chosen CTCAE version grades. Raises ValueError for a version without table."""
    known = load_criteria(study["toxicity"]["ctcae_version"]).measures
    return [measure for measure in LABORATORY if measure in known]


@cached_dataset
def graded_values(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """Every value in the window of the worst grade with its grade: patient_id, arm, measure, day, value, grade.

    Also baseline, baseline_state and baseline_grade (the baseline graded against the limits of normal alone).
    Raises ValueError when the unit of a measure is not that of the CTCAE table.
    """
    measures = graded_measures(study)
    _same_units(measures, study)
    windows = therapy_windows(tables, study)
    rows = numbers(tables, measures)
    inside = in_window(rows, windows[["worst_first", "worst_last"]].set_axis(["first_day", "last_day"], axis=1))
    starts = baseline_grades(tables, study)
    frame = inside.merge(starts, left_on=["patient_id", "measure"], right_index=True, how="left")
    if study["toxicity"]["missing_baseline"] == "normal":
        frame["baseline_state"] = frame["baseline_state"].fillna("normal")
    frame["grade"] = _grade(frame, study)
    frame["arm"] = windows["arm"].reindex(frame["patient_id"]).to_numpy()
    columns = ["patient_id", "arm", "measure", "day", "value", "grade", "baseline", "baseline_state", "baseline_grade"]
    return frame[columns].reset_index(drop=True)


def _same_units(measures: list[str], study: Mapping[str, Any]) -> None:
    criteria = load_criteria(study["toxicity"]["ctcae_version"])
    for measure in measures:
        if MEASURES[measure] != criteria.unit(measure):
            raise ValueError(f"{measure} stands in {MEASURES[measure]}, CTCAE grades it in {criteria.unit(measure)}")


@cached_dataset
def baseline_grades(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """Baseline of each patient and graded measure, index (patient_id, measure), only where there is one.

    Columns: baseline, baseline_state (against its own limits), baseline_grade (against the limits of normal, Int64) and
    start_grade: the grade of an unchanged value, where an abnormal baseline counts in its own multiples.
    """
    patients = therapy_windows(tables, study).index
    rows = numbers(tables, graded_measures(study))
    baselines = last_within(rows, baseline_windows(patients, study)).astype(
        {"value": "float64", "lower_limit": "float64", "upper_limit": "float64"}
    )
    state = baseline_state(*(baselines[name].to_numpy() for name in ("value", "lower_limit", "upper_limit")))
    as_normal = baselines.reset_index().assign(baseline=np.nan, baseline_state="normal")
    grades = _grade(as_normal, study).to_numpy()
    unchanged = _grade(as_normal.assign(baseline=as_normal["value"], baseline_state=state), study).to_numpy()
    return pd.DataFrame(
        {
            "baseline": baselines["value"],
            "baseline_state": pd.Series(state, index=baselines.index, dtype="object"),
            "baseline_grade": pd.Series(grades, index=baselines.index, dtype="Int64"),
            "start_grade": pd.Series(unchanged, index=baselines.index, dtype="Int64"),
        }
    )


def _grade(frame: pd.DataFrame, study: Mapping[str, Any]) -> pd.Series:
    rules = study["toxicity"]
    return grade_frame(frame, load_criteria(rules["ctcae_version"]), significant_digits=rules["significant_digits"])


@cached_dataset
def worst_grades(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """One row per analysed patient and graded measure, also without any value.

    Columns: patient_id, arm, measure, baseline_state (low, normal, high, NA), baseline_grade, worst_grade (Int64, NA
    where no value could be graded), worst_day, values (how many lie in the window), worsened (boolean: worse than an
    unchanged value would be; NA where either grade is missing), ungraded (how many values have no grade).
    """
    values = graded_values(tables, study)
    windows = therapy_windows(tables, study)
    keys = pd.MultiIndex.from_product([windows.index, graded_measures(study)], names=["patient_id", "measure"])
    pairs = [values["patient_id"], values["measure"]]
    worst = values.dropna(subset=["grade"]).sort_values(["grade", "day"], ascending=[False, True], kind="stable")
    worst = worst.drop_duplicates(["patient_id", "measure"]).set_index(["patient_id", "measure"])
    starts = baseline_grades(tables, study)
    frame = pd.DataFrame(index=keys)
    frame["arm"] = windows["arm"].reindex(keys.get_level_values("patient_id")).to_numpy()
    frame["baseline_state"] = starts["baseline_state"].reindex(keys)
    frame["baseline_grade"] = starts["baseline_grade"].reindex(keys).astype("Int64")
    frame["worst_grade"] = worst["grade"].reindex(keys).astype("Int64")
    frame["worst_day"] = worst["day"].reindex(keys).astype("Int64")
    frame["values"] = values["grade"].groupby(pairs).size().reindex(keys, fill_value=0).astype("int64")
    frame["worsened"] = frame["worst_grade"].gt(starts["start_grade"].reindex(keys).astype("Int64"))
    frame["ungraded"] = values["grade"].isna().groupby(pairs).sum().reindex(keys, fill_value=0).astype("int64")
    return frame.reset_index()


def shift_table(worst: pd.DataFrame, measure: str, arm: str) -> pd.DataFrame:
    """Patients by grade at baseline (rows, against the limits of normal) and worst grade (columns).

    Index and columns: 0 to 4 and "not gradable"; the cells of an arm add up to its patients.
    """
    rows = worst[(worst["measure"] == measure) & (worst["arm"] == arm)]
    labels = [*GRADES, NOT_GRADABLE]
    names = {"baseline_grade": "baseline", "worst_grade": "worst"}
    wide = pd.crosstab(
        *(
            rows[column].astype("object").where(rows[column].notna(), NOT_GRADABLE).rename(name)
            for column, name in names.items()
        )
    )
    return wide.reindex(index=labels, columns=labels, fill_value=0).rename_axis(index="baseline", columns="worst")


def shift_frame(worst: pd.DataFrame) -> pd.DataFrame:
    """All shift tables one below the other: measure, arm, baseline (grade), "0" to "4" and "not gradable" (worst grade).

    Grades at baseline that nobody has are left out, so the rows of a measure and arm still add up to its patients.
    """
    parts = []
    for measure in dict.fromkeys(worst["measure"]):
        for arm in ARMS:
            table = shift_table(worst, measure, arm)
            table = table[table.sum(axis=1).gt(0)].rename(columns=str).reset_index().assign(measure=measure, arm=arm)
            parts.append(table)
    columns = ["measure", "arm", "baseline", *map(str, GRADES), NOT_GRADABLE]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def grade_table(worst: pd.DataFrame) -> pd.DataFrame:
    """Supplemental toxicity table: one row per measure and arm with the number of patients at each worst grade.

    Columns: measure, arm, n (patients), "0" to "4", "not gradable".
    """
    labels = [str(grade) for grade in GRADES] + [NOT_GRADABLE]
    rows = []
    for measure in dict.fromkeys(worst["measure"]):
        for arm in ARMS:
            group = worst[(worst["measure"] == measure) & (worst["arm"] == arm)]
            label = group["worst_grade"].astype("string").fillna(NOT_GRADABLE)
            counts = label.value_counts().reindex(labels, fill_value=0)
            rows.append(
                {"measure": measure, "arm": arm, "n": len(group), **{str(k): int(v) for k, v in counts.items()}}
            )
    return pd.DataFrame(rows, columns=["measure", "arm", "n", *labels])
