"""The constants of the paper that the analysis uses, each read where the code that uses it reads it: `study.toml`.

Eligibility limits, imaging (activity by body weight, uptake times, work-up lead time), target activity and repeat
interval. Beside each stands what the cohort's own data say about it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.datasets.arms import Tables, analysis_set, completed
from analysis.datasets.characteristics import DAYS_PER_WEEK, cycle_intervals
from analysis.estimates import counted, described
from analysis.results import Result

HOURS_PER_DAY = 24


@cache
def _rows() -> pd.DataFrame:
    return pd.read_csv(Path(__file__).with_name("constants.csv")).fillna("")


def constants(study: Mapping[str, Any]) -> list[Result]:
    """`elig.*`, `img.*`, `tx.target_activity`, `tx.cycle_repeat`, `tox.ctcae_version` as the settings have them.

    A pair of numbers in the settings becomes lower and upper with the value in words. Raises KeyError when the settings
    lack one of them.
    """
    return [_constant(row, setting(study, row.setting)) for row in _rows().itertuples()]


def setting(study: Mapping[str, Any], path: str) -> Any:
    """The setting under a dotted path, "eligibility.lu_psma.creatinine_max_mg_dl"."""
    value: Any = study
    for key in path.split("."):
        value = value[key]
    return value


def _constant(row: Any, value: Any) -> Result:
    method = f"{row.label}, as set"
    if isinstance(value, tuple):
        lower, upper = value
        words = f"{lower:g} to {upper:g}"
        return Result(row.id, words, lower, upper, unit=row.unit, method=method, interval="range", basis="design")
    unit = "" if isinstance(value, bool) else row.unit
    return Result(row.id, value, unit=unit, method=method, basis="design")


def constants_frame(study: Mapping[str, Any]) -> pd.DataFrame:
    """The table of the methods chapter: id, group, label, operator, value, unit, setting (its name in study.toml)."""
    rows = _rows().copy()
    rows["value"] = [setting(study, path) for path in rows["setting"]]
    rows["operator"] = rows["operator"].fillna("")
    return rows[["id", "group", "label", "operator", "value", "unit", "setting"]]


def imaging_timing(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """What the dates say about the planned times: patient_id, step, planned, found, unit.

    step "scintigraphy": hours from a cycle to the next scintigraphy (whole days, so to the nearest 24 h); step
    "maa": weeks from the last 99mTc-MAA work-up to the first SIRT.
    """
    patients = analysis_set(tables, study)["patient_id"]
    planned = study["imaging"]
    scintigraphy = _next_after(completed(tables, "lu_psma"), completed(tables, "lu_scintigraphy"))
    first_sirt = completed(tables, "sirt").sort_values("day").drop_duplicates("patient_id")
    maa = _next_after(completed(tables, "maa_workup"), first_sirt)
    parts = [
        scintigraphy.assign(
            step="scintigraphy",
            planned=planned["scintigraphy_hours"],
            found=scintigraphy["days"] * HOURS_PER_DAY,
            unit="h",
        ),
        maa.drop_duplicates("patient_id", keep="last").assign(
            step="maa", planned=planned["maa_lead_weeks"], found=maa["days"] / DAYS_PER_WEEK, unit="weeks"
        ),
    ]
    frame = pd.concat(parts, ignore_index=True)
    return frame.loc[frame["patient_id"].isin(patients), ["patient_id", "step", "planned", "found", "unit"]]


def _next_after(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Days from each act of `first` to the next of `second` before the following act of `first`: patient_id, days."""
    dtypes = {"patient_id": "object", "day": "int64"}
    left, right = (rows.loc[rows["day"].notna(), ["patient_id", "day"]].astype(dtypes) for rows in (first, second))
    left, right = left.sort_values("day", kind="stable"), right.sort_values("day", kind="stable")
    right = right.assign(second_day=right["day"])
    following = pd.merge_asof(left, right, on="day", by="patient_id", direction="forward").dropna(subset=["second_day"])
    following = following.sort_values(["patient_id", "day"]).drop_duplicates(["patient_id", "second_day"], keep="last")
    return pd.DataFrame({"patient_id": following["patient_id"], "days": following["second_day"] - following["day"]})


def practice_results(tables: Tables, study: Mapping[str, Any]) -> list[Result]:
    """How the cohort kept to the plan: cycles within the target activity, intervals within the planned weeks, lead
    time of the MAA work-up, time of the scintigraphy."""
    members = analysis_set(tables, study)["patient_id"]
    cycles = completed(tables, "lu_psma")
    activity = cycles.loc[cycles["patient_id"].isin(members), "activity_gbq"].dropna()
    weeks = cycle_intervals(tables)
    weeks = weeks.loc[weeks["patient_id"].isin(members), "weeks"]
    low, high = study["therapy"]["target_activity_gbq"]
    first, last = study["therapy"]["cycle_repeat_weeks"]
    empty = "not_recorded" if len(members) else "no_patients"
    timing = imaging_timing(tables, study)
    no_lead = "arm_empty" if len(members) and not completed(tables, "sirt")["patient_id"].isin(members).any() else empty
    maa, scintigraphy = (timing.loc[timing["step"].eq(step), "found"] for step in ("maa", "scintigraphy"))
    return [
        counted("tx.cycles_in_target", int(activity.between(low, high).sum()), len(activity), reason=empty),
        counted("tx.intervals_as_planned", int(weeks.between(first, last).sum()), len(weeks), reason=empty),
        described("img.maa_lead.found", maa, "median_range", unit="weeks", reason=no_lead),
        described("img.scint_delay.found", scintigraphy, "median_range", unit="h", reason=empty),
    ]
