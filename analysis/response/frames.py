"""Frames for the figures and tables of the lesion chapter: who and which lesion changed by how much, and when.

Figure 3A (best and worst lesion), Figure 3B (SUVmax by lesion response), waterfalls per patient and per lesion, spiders
per patient and per lesion, and the table of all lesions. Categories are ordered; nothing is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.criteria.paper_response import RESPONSE_DTYPE, percent_change
from analysis.datasets.arms import Tables
from analysis.datasets.imaging_subgroup import Evaluation
from analysis.datasets.lesions import best_and_worst, lesion_values
from analysis.datasets.scans import scans, timepoints


def response_limits_pct(study: Mapping[str, Any]) -> list[float]:
    """Changes (percent) from which partial response and progression count: the lines in the charts."""
    rules = study["response"]
    return [-rules["partial_response_decrease_pct"], rules["progression_increase_pct"]]


def _therapies(evaluation: Evaluation) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(list(evaluation.changes), ordered=True)


def best_worst_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Figure 3A, for both therapies: one row per patient and lesion end.

    Columns therapy, patient_id, lesion (ordered category best, worst), change_pct (percent), lesions (number evaluable
    in the patient).
    """
    parts = []
    for therapy, changes in evaluation.changes.items():
        pairs = best_and_worst(changes).reset_index()
        long = pairs.melt(["patient_id", "lesions"], ["best_pct", "worst_pct"], "lesion", "change_pct")
        parts.append(long.assign(therapy=therapy, lesion=long["lesion"].str.removesuffix("_pct")))
    frame = pd.concat(parts, ignore_index=True).sort_values(["therapy", "patient_id", "lesion"], ignore_index=True)
    ends = pd.CategoricalDtype(["best", "worst"], ordered=True)
    frame = frame.astype({"therapy": _therapies(evaluation), "lesion": ends})
    return frame[["therapy", "patient_id", "lesion", "change_pct", "lesions"]]


def patient_waterfall(evaluation: Evaluation) -> pd.DataFrame:
    """One row per therapy and patient: change_pct of the sum of target diameters, response, targets, new_lesions.

    Within a therapy from the largest increase to the largest decrease; `place` counts from 1. Patients with new lesions
    keep the change of their targets.
    """
    parts = [frame.reset_index().assign(therapy=therapy) for therapy, frame in evaluation.patients.items()]
    return _ranked(evaluation, parts)[
        ["therapy", "place", "patient_id", "change_pct", "response", "targets", "new_lesions"]
    ].reset_index(drop=True)


def lesion_waterfall(evaluation: Evaluation) -> pd.DataFrame:
    """One row per therapy and evaluable liver lesion: change_pct, response, is_target, reference_mm, followup_mm,
    place.
    """
    parts = [frame.assign(therapy=therapy) for therapy, frame in evaluation.changes.items()]
    columns = ["therapy", "place", "patient_id", "lesion_id", "change_pct", "response"]
    return _ranked(evaluation, parts)[[*columns, "is_target", "reference_mm", "followup_mm"]].reset_index(drop=True)


def _ranked(evaluation: Evaluation, parts: list[pd.DataFrame]) -> pd.DataFrame:
    frame = pd.concat(parts, ignore_index=True).dropna(subset=["change_pct"])
    frame = frame.astype({"therapy": _therapies(evaluation), "response": RESPONSE_DTYPE})
    keys = ["therapy", "change_pct", *[key for key in ("patient_id", "lesion_id") if key in frame]]
    frame = frame.sort_values(keys, ascending=[True, False, *[True] * (len(keys) - 2)], kind="stable")
    return frame.assign(place=frame.groupby("therapy", observed=True).cumcount() + 1)


def lesion_spider(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> pd.DataFrame:
    """Every diameter of every liver lesion of the subgroup against its baseline: for spiders per lesion.

    Columns patient_id, lesion_id, scan, day, diameter_mm, baseline_mm, change_pct (NaN before there is a baseline
    value), weeks (since the baseline scan), phase (ordered category: before, lu, sirt). One row per lesion and scan.
    """
    members = evaluation.subgroup.index[evaluation.subgroup["in_subgroup"]]
    baseline = timepoints(tables, study)["baseline"].reindex(members).dropna().rename("baseline").astype("int64")
    rows = lesion_values(tables, study).rename(columns={"value": "diameter_mm"})
    rows = rows.merge(baseline.reset_index(), on="patient_id").query("scan >= baseline")
    start = rows.loc[rows["scan"].eq(rows["baseline"]), ["lesion_id", "diameter_mm"]]
    rows["baseline_mm"] = rows["lesion_id"].map(start.set_index("lesion_id")["diameter_mm"])
    rows["change_pct"] = percent_change(rows["baseline_mm"], rows["diameter_mm"])
    return _timed(rows, tables, study).sort_values(["patient_id", "lesion_id", "scan"], ignore_index=True)


def lesion_lines(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> pd.DataFrame:
    """`lesion_spider` as a spider chart takes it: with line (the lesion), months and the response to 177Lu-PSMA."""
    judged = evaluation.changes["lu"][["lesion_id", "response"]]
    rows = lesion_spider(tables, study, evaluation).merge(judged, on="lesion_id", how="left")
    months = rows["weeks"].astype("float64") * 7 / study["analysis"]["days_per_month"]
    return rows.rename(columns={"lesion_id": "line"}).assign(months=months)


def patient_lines(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> pd.DataFrame:
    """`patient_spider` as a spider chart takes it: with line and patient_id, months and the response to 177Lu-PSMA."""
    judged = evaluation.patients["lu"]["response"]
    rows = patient_spider(tables, study, evaluation).rename(columns={"patient_id": "line"})
    rows = rows.merge(judged, left_on="line", right_index=True, how="left")
    months = rows["weeks"].astype("float64") * 7 / study["analysis"]["days_per_month"]
    return rows.assign(patient_id=rows["line"], months=months)


def _timed(rows: pd.DataFrame, tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    seen = scans(tables, study)[["patient_id", "scan", "first_day", "lu_before", "sirt_before"]]
    rows = rows.drop(columns=["day", "tracer"]).merge(seen, on=["patient_id", "scan"])
    first = rows[rows["scan"].eq(rows["baseline"])].drop_duplicates("patient_id").set_index("patient_id")["first_day"]
    rows["weeks"] = (rows["first_day"] - rows["patient_id"].map(first)) / 7
    phase = pd.Series("before", index=rows.index).mask(rows["lu_before"].gt(0), "lu")
    phase = phase.mask(rows["sirt_before"].gt(0), "sirt")
    rows["phase"] = phase.astype(pd.CategoricalDtype(["before", "lu", "sirt"], ordered=True))
    rows = rows.rename(columns={"first_day": "day"})
    columns = ["patient_id", "lesion_id", "scan", "day", "diameter_mm", "baseline_mm", "change_pct", "weeks", "phase"]
    return rows[columns]


def patient_spider(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> pd.DataFrame:
    """Sum of the baseline targets at every later scan, per patient: columns patient_id, scan, day, weeks, phase,
    sum_mm, change_pct. A scan where a target was not measured is left out, not filled.
    """
    rows = lesion_spider(tables, study, evaluation)
    rows = rows[rows["baseline_mm"].gt(0)]
    size = rows.drop_duplicates("lesion_id").groupby("patient_id")["baseline_mm"].rank(method="first", ascending=False)
    largest = rows.loc[size.index[size.le(study["response"]["target_lesions_max"])], "lesion_id"]
    targets = rows[rows["lesion_id"].isin(largest)]
    count = targets.drop_duplicates("lesion_id").groupby("patient_id").size()
    keys = ["patient_id", "scan", "day", "weeks", "phase"]
    sums = targets.groupby(keys, as_index=False, observed=True).agg(
        sum_mm=("diameter_mm", lambda mm: mm.sum(skipna=False)),
        measured=("diameter_mm", "count"),
        baseline_mm=("baseline_mm", "sum"),
    )
    whole = sums[sums["measured"].eq(sums["patient_id"].map(count))]
    change = percent_change(whole["baseline_mm"], whole["sum_mm"])
    return whole.assign(change_pct=change)[[*keys, "sum_mm", "change_pct"]].reset_index(drop=True)


def lesion_table(evaluation: Evaluation) -> pd.DataFrame:
    """Every liver lesion of the subgroup and both therapies: one row per therapy and lesion, for the table and the CSV.

    Columns therapy, patient_id, lesion_id, rank, is_target, reference_mm, followup_mm, change_pct, response, is_new,
    suv_max and tracer (last PET before the therapy), suv_change_pct (over SIRT, same tracer only; NA for 177Lu-PSMA).
    """
    before_sirt = {"reference_suv": "suv_max", "reference_tracer": "tracer", "change_pct": "suv_change_pct"}
    uptake = {
        "lu": evaluation.baseline_suv.assign(suv_change_pct=float("nan")),
        "sirt": evaluation.uptake[["patient_id", "lesion_id", *before_sirt]].rename(columns=before_sirt),
    }
    keys = ["patient_id", "lesion_id"]
    parts = [
        changes.merge(uptake[therapy], on=keys, how="left").assign(therapy=therapy)
        for therapy, changes in evaluation.changes.items()
    ]
    frame = pd.concat([part.astype({"suv_change_pct": "float64"}) for part in parts], ignore_index=True)
    columns = ["therapy", "patient_id", "lesion_id", "rank", "is_target", "reference_mm", "followup_mm", "change_pct"]
    frame = frame.astype({"therapy": _therapies(evaluation), "response": RESPONSE_DTYPE})
    return frame[[*columns, "response", "is_new", "suv_max", "tracer", "suv_change_pct"]]
