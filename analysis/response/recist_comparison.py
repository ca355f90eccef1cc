"""Whom does RECIST 1.1 proper judge differently from the paper's variant, and does the choice of targets matter?

For each patient of the imaging subgroup: the paper's category; RECIST 1.1 of the liver (two largest lesions, smallest
sum so far, 5 mm); its category over every choice of two liver lesions; and the overall response with lesions of other
organs, new lesions and recorded extrahepatic progression. Non-target lesions progress only where the record says so.
"""

from __future__ import annotations

from math import isnan, nan
from typing import Any

import pandas as pd

from analysis.criteria.paper_response import RESPONSE_DTYPE
from analysis.criteria.recist import Lesion, overall_response, response_of_choice, target_choices, target_response
from analysis.datasets.arms import Tables
from analysis.datasets.imaging_subgroup import Evaluation, no_response_reason
from analysis.datasets.lesions import FRAMES, lesion_values
from analysis.datasets.scans import scans, timepoints
from analysis.estimates import proportion_result
from analysis.results import Result, missing
from analysis.settings import Study

COLUMNS = ["paper", "recist_liver", "recist_overall", "choices", "choices_progressive", "choices_agree"]


def organ_sizes(tables: Tables, study: Study) -> pd.DataFrame:
    """Size by which RECIST 1.1 judges each lesion at each scan: columns patient_id, lesion_id, scan, size_mm, organ,
    is_node.

    Long axis, for nodes the short axis.
    """
    lesions = tables["lesions"][["lesion_id", "organ", "is_node"]]
    parts = []
    for measure, of_nodes in (("lesion_diameter", False), ("lesion_short_axis", True)):
        rows = lesion_values(tables, study, measure, organ=None).merge(lesions, on="lesion_id")
        node = rows["is_node"].fillna(False).astype(bool)
        parts.append(rows[node.eq(of_nodes)].rename(columns={"value": "size_mm"}))
    columns = ["patient_id", "lesion_id", "scan", "size_mm", "organ", "is_node"]
    parts = [part[columns].astype({"organ": "string", "is_node": "boolean"}) for part in parts]
    filled = [part for part in parts if not part.empty]
    return pd.concat(filled, ignore_index=True) if filled else parts[0]


def reclassified(tables: Tables, study: Study, evaluation: Evaluation, therapy: str) -> pd.DataFrame:
    """One row per patient judged after `therapy`, index patient_id, columns `COLUMNS`.

    paper, recist_liver, recist_overall: ordered category, NA if not evaluable; choices: admissible choices of two liver
    targets (0: nothing measurable); choices_progressive: how many of them say progression; choices_agree: all alike.
    """
    reference, followup = FRAMES[therapy]
    judged = evaluation.patients[therapy]
    frames = timepoints(tables, study).loc[judged.index, [reference, followup]].astype("Int64")
    sizes = _sizes_by_patient(organ_sizes(tables, study))
    outside = extrahepatic_status(tables, study, frames[reference], frames[followup])
    new = judged["new_lesions"].gt(0)
    rows = []
    for patient, first, last in frames.itertuples():
        lesions, later = _lesions(sizes[patient], int(first), int(last))
        newer = bool(new[patient]) or later
        rows.append(_judge(lesions, new=bool(new[patient]), newer=newer, outside=outside.get(str(patient), "none")))
    table = pd.DataFrame(rows, index=judged.index, columns=COLUMNS[1:])
    table.insert(0, "paper", judged["response"])
    categories = dict.fromkeys(("paper", "recist_liver", "recist_overall"), RESPONSE_DTYPE)
    return table.astype({**categories, "choices": "int64", "choices_progressive": "int64", "choices_agree": "bool"})


def _sizes_by_patient(sizes: pd.DataFrame) -> dict[str, dict[tuple[str, str, bool], dict[int, float]]]:
    """Patient -> (lesion, organ, is node) -> scan -> mm."""
    by_patient: dict[str, dict[tuple[str, str, bool], dict[int, float]]] = {}
    for row in sizes.itertuples():
        series = by_patient.setdefault(row.patient_id, {}).setdefault((row.lesion_id, row.organ, bool(row.is_node)), {})
        series[int(row.scan)] = row.size_mm
    return by_patient


def _lesions(sizes: dict[tuple[str, str, bool], dict[int, float]], first: int, last: int) -> tuple[list[Lesion], bool]:
    """The patient's lesions measured at baseline, over all scans up to `last`; and whether one outside the liver is
    new.
    """
    between = sorted({scan for series in sizes.values() for scan in series if first <= scan <= last} | {first, last})
    lesions, is_new = [], False
    for (name, organ, is_node), series in sizes.items():
        seen = tuple(series.get(scan, nan) for scan in between)
        if isnan(seen[0]):
            known = any(scan <= first for scan in series)
            is_new |= not known and organ != "liver" and any(size > 0 for size in seen)
        else:
            lesions.append(Lesion(name, organ, is_node, seen))
    return lesions, is_new


def _judge(lesions: list[Lesion], *, new: bool, newer: bool, outside: str) -> list[Any]:
    choices = target_choices([lesion for lesion in lesions if lesion.organ == "liver"])
    named = [overall_response(response_of_choice(chosen), "none", new_lesion=new) for chosen in choices]
    every = target_choices(lesions)
    target = response_of_choice(every[0]) if every else None
    overall = overall_response(target, outside, new_lesion=newer)
    progressive = sum(name == "progressive" for name in named)
    return [named[0] if named else None, overall, len(choices), progressive, len(set(named)) <= 1]


def extrahepatic_status(tables: Tables, study: Study, reference: pd.Series, followup: pd.Series) -> dict[str, str]:
    """Non-target status outside the liver per patient, from the last `disease_status` recorded for the follow-up scan.

    A record counts from the day after the reference scan to the scan window after the follow-up scan. Patients without
    one are absent.
    """
    rows = tables["observations"]
    status = rows[rows["measure"].eq("disease_status") & rows["site"].eq("other") & rows["day"].notna()]
    status = status[["patient_id", "day", "order", "category"]].astype({"patient_id": "object", "day": "int64"})
    seen = scans(tables, study)
    for name, scan in (("after", reference), ("until", followup)):
        chosen = scan.rename("scan").astype("int64").reset_index()
        days = chosen.merge(seen, on=["patient_id", "scan"]).set_index("patient_id")["last_day"]
        status[name] = status["patient_id"].map(days)
    window = study.response.scan_window_days
    timely = status[status["day"].gt(status["after"]) & status["day"].le(status["until"] + window)]
    last = timely.sort_values(["day", "order"], kind="stable").groupby("patient_id")["category"].last()
    words = {"progressive": "progressive", "complete_response": "complete_response"}
    return {str(patient): words.get(str(said), "non_cr_non_pd") for patient, said in last.items()}


def lesions_reclassified(tables: Tables, study: Study, evaluation: Evaluation, therapy: str) -> pd.DataFrame:
    """One row per lesion judged after `therapy`: patient_id, lesion_id, paper, recist (smallest size so far, 5 mm)."""
    reference, followup = FRAMES[therapy]
    frames = timepoints(tables, study)[[reference, followup]].dropna().astype("int64").reset_index()
    values = lesion_values(tables, study).merge(frames, on="patient_id")
    values = values[values["scan"].between(values[reference], values[followup])].sort_values("scan")
    judged = evaluation.changes[therapy].dropna(subset=["response"])[["patient_id", "lesion_id", "response"]]
    series = values.groupby("lesion_id")["value"].agg(list)
    named = [target_response(sizes, all_gone=sizes[-1] == 0) for sizes in judged["lesion_id"].map(series)]
    frame = judged.rename(columns={"response": "paper"}).assign(recist=pd.Categorical(named, dtype=RESPONSE_DTYPE))
    return frame.reset_index(drop=True)


def cross_table(frame: pd.DataFrame, other: str) -> pd.DataFrame:
    """Reclassification table: counts of the paper's category (rows) by `other` (columns), all categories shown."""
    known = frame.dropna(subset=["paper", other])
    return known.groupby(["paper", other], observed=False).size().unstack(fill_value=0).astype("int64")


def reclassification_results(tables: Tables, study: Study, evaluation: Evaluation) -> list[Result]:
    """Progression by RECIST 1.1 and how many patients and lesions change category: resp.*.recist.*."""
    rows = []
    for therapy in ("lu", "sirt"):
        table = reclassified(tables, study, evaluation, therapy)
        lesions = lesions_reclassified(tables, study, evaluation, therapy)
        prefix, judged = f"resp.{therapy}.recist", len(evaluation.patients[therapy])
        reason = "no_lesions" if judged else no_response_reason(evaluation, therapy)
        for column in ("recist_liver", "recist_overall"):
            named = table[column].dropna()
            result_id = f"{prefix}.{column.removeprefix('recist_')}.pd"
            method = "RECIST 1.1, " + ("liver only" if column == "recist_liver" else "whole body")
            rows.append(
                proportion_result(
                    result_id, int(named.eq("progressive").sum()), len(named), reason=reason, method=method
                )
            )
        rows.append(_changed(f"{prefix}.moved", table.dropna(subset=["recist_liver"]), "recist_liver", reason))
        rows.append(_changed(f"{prefix}.lesions_moved", lesions, "recist", reason))
        open_choice = int((~table["choices_agree"]).sum())
        method = "patients whose category depends on which two liver lesions are the targets"
        if table.empty:
            rows.append(missing(f"{prefix}.choice_matters", reason, n=0, unit="count", method=method))
            continue
        rows.append(Result(f"{prefix}.choice_matters", open_choice, n=len(table), unit="count", method=method))
    return rows


def _changed(result_id: str, frame: pd.DataFrame, column: str, reason: str) -> Result:
    method = "category of RECIST 1.1 differs from the paper's variant"
    if frame.empty:
        return missing(result_id, reason, n=0, unit="count", method=method)
    moved = int(frame["paper"].astype("string").ne(frame[column].astype("string")).sum())
    return Result(result_id, moved, n=len(frame), unit="count", method=method)
