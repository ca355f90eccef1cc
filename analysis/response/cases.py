"""The patients whose images the paper shows, found by what it says of them and not by a name.

Patient 6 (Figure 2): metastases decreasing at a scan between the cycles, progressive after the last one. Patient 1
(Figure 4): liver progressive after 177Lu-PSMA and responding after SIRT, extrahepatic disease first improved and then
progressive. Patient 3 (Results): SIRT before 177Lu-PSMA.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.imaging_subgroup import Evaluation
from analysis.datasets.lesions import lesion_values
from analysis.datasets.scans import scans, timepoints
from analysis.results import Result, missing


def case_results(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> list[Result]:
    """case.p6.cycles, case.p1.cycles, case.p3.order; a reason unless exactly one patient fits the description."""
    frames = timepoints(tables, study)
    first = evaluation.subgroup.index[evaluation.subgroup["in_subgroup"] & evaluation.subgroup["sirt_first"]]
    with_cycles = frames.index[frames["lu_cycles"].gt(0)]
    order = [patient for patient in first if patient in with_cycles]
    return [
        _cycles_of("case.p6.cycles", rebounding_patients(tables, study, evaluation), frames),
        _cycles_of("case.p1.cycles", liver_responders_to_sirt(tables, evaluation), frames),
        Result("case.p3.order", True, n=len(order), method="SIRT before the first cycle")
        if order
        else missing("case.p3.order", "not_applicable", n=0, method="SIRT before the first cycle"),
    ]


def _cycles_of(result_id: str, patients: list[str], frames: pd.DataFrame) -> Result:
    method = "cycles before SIRT of the one patient that fits the description"
    if len(patients) != 1:
        return missing(result_id, "not_applicable", n=len(patients), unit="count", method=method)
    cycles = int(frames["lu_cycles_before_sirt"].astype("int64")[patients[0]])
    return Result(result_id, cycles, n=1, unit="count", method=method)


def rebounding_patients(tables: Tables, study: Mapping[str, Any], evaluation: Evaluation) -> list[str]:
    """Patients whose sum of liver diameters fell at a scan between two cycles and whose liver then was progressive."""
    seen = scans(tables, study)
    frames = timepoints(tables, study)
    progressive = evaluation.patients["lu"].index[evaluation.patients["lu"]["response"].eq("progressive")]
    sums = lesion_values(tables, study).groupby(["patient_id", "scan"], as_index=False)["value"].sum()
    sums = sums[sums["patient_id"].isin(progressive)].merge(seen, on=["patient_id", "scan"])
    limits = frames[["baseline", "restaging"]].dropna()
    sums = sums.merge(limits, left_on="patient_id", right_index=True)
    start = sums[sums["scan"].eq(sums["baseline"])].set_index("patient_id")["value"]
    between = sums[sums["scan"].gt(sums["baseline"]) & sums["scan"].lt(sums["restaging"])]
    fell = between[between["value"].lt(between["patient_id"].map(start))]
    return sorted(set(fell["patient_id"]))


def liver_responders_to_sirt(tables: Tables, evaluation: Evaluation) -> list[str]:
    """Patients with a liver progressive after 177Lu-PSMA and partial response after SIRT, whose extrahepatic disease
    improved at some time and was progressive at the last record.
    """
    after_lu, after_sirt = evaluation.patients["lu"]["response"], evaluation.patients["sirt"]["response"]
    liver = set(after_lu.index[after_lu.eq("progressive")]) & set(after_sirt.index[after_sirt.eq("partial_response")])
    rows = tables["observations"]
    status = rows[rows["measure"].eq("disease_status") & rows["site"].eq("other") & rows["day"].notna()]
    status = status[status["patient_id"].isin(liver)].sort_values(["patient_id", "day", "order"], kind="stable")
    words = status.assign(category=status["category"].astype("string")).groupby("patient_id")["category"].agg(list)
    return sorted(str(patient) for patient, said in words.items() if "improved" in said and said[-1] == "progressive")
