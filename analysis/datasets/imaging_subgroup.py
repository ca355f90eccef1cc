"""Who is in the imaging subgroup, and for which comparison can each of its patients be used?

"The presence of liver metastases and the availability of PET imaging before and after radionuclide therapy" (Patients).
The response to 177Lu-PSMA leaves out those whose SIRT came first; best against worst needs several lesions; SUVmax by
response needs 68Ga-PSMA-11 at baseline.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.criteria.paper_response import patient_response
from analysis.datasets.arms import Tables
from analysis.datasets.cached import cached_dataset, cached_tables
from analysis.datasets.lesions import best_and_worst, lesion_changes, lesion_values, uptake_changes
from analysis.datasets.scans import scans, timepoints

SUBGROUP_REASONS = {"no_pet_before": "no PET before therapy", "no_pet_after": "no PET after therapy"}


@cached_dataset
def imaging_subgroup(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """One row per patient of the analysis set, index patient_id, sorted.

    Columns, all bool but the last two: in_subgroup, lu_evaluable (response to 177Lu-PSMA before any SIRT),
    sirt_evaluable (response to SIRT), multiple_lesions (lu_evaluable with at least two evaluable target lesions),
    ga68 (lu_evaluable with 68Ga-PSMA-11 at the baseline PET), sirt_first; baseline_tracer (string or NA);
    reason_left_out (a key of `SUBGROUP_REASONS`, NA for members). Empty, with these columns, for a cohort without such
    patients.
    """
    tables = cached_tables(tables)
    pet = timepoints(tables, study, shows="has_pet")
    before = pet["baseline"].notna() | (not study["subgroup"]["pet_before_and_after_required"])
    after = pet[["restaging", "final"]].notna().any(axis=1) | (not study["subgroup"]["pet_before_and_after_required"])
    frame = pet[["lu_cycles", "sirts", "sirt_first"]].assign(in_subgroup=before & after)
    for name, therapy in (("lu_evaluable", "lu"), ("sirt_evaluable", "sirt")):
        evaluable = patient_response(lesion_changes(tables, study, therapy), study)["response"].dropna().index
        frame[name] = frame["in_subgroup"] & frame.index.isin(evaluable)
    frame["lu_evaluable"] &= ~frame["sirt_first"]
    several = best_and_worst(lesion_changes(tables, study, "lu")).index
    frame["multiple_lesions"] = frame["lu_evaluable"] & frame.index.isin(several)
    frame["baseline_tracer"] = _tracer_at(pet["baseline"], scans(tables, study))
    frame["ga68"] = frame["lu_evaluable"] & frame["baseline_tracer"].eq("ga68_psma_11").fillna(False).astype(bool)
    reason = pd.Series(pd.NA, index=frame.index, dtype="string")
    reason = reason.mask(~after, "no_pet_after").mask(~before, "no_pet_before")
    return frame.assign(reason_left_out=reason)


def _tracer_at(scan: pd.Series, seen: pd.DataFrame) -> pd.Series:
    chosen = scan.dropna().rename("scan").astype("int64").reset_index()
    tracer = chosen.merge(seen, on=["patient_id", "scan"]).set_index("patient_id")["tracer"]
    return tracer.astype("string").reindex(scan.index)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that the lesion chapter starts from, restricted to the patients that each comparison may use.

    changes and patients: keyed by therapy ("lu", "sirt"), from `lesion_changes` and `patient_response`; uptake: SUVmax
    by lesion from before to after SIRT; baseline_suv: one row per lesion with SUVmax and tracer at the baseline PET.
    """

    subgroup: pd.DataFrame
    changes: Mapping[str, pd.DataFrame]
    patients: Mapping[str, pd.DataFrame]
    uptake: pd.DataFrame
    baseline_suv: pd.DataFrame


def evaluate(tables: Tables, study: Mapping[str, Any]) -> Evaluation:
    """Every frame that the results and figures of the lesion chapter start from, see `Evaluation`."""
    tables = cached_tables(tables)
    subgroup = imaging_subgroup(tables, study)
    changes, patients = {}, {}
    for therapy in ("lu", "sirt"):
        members = subgroup.index[subgroup[f"{therapy}_evaluable"]]
        every = lesion_changes(tables, study, therapy)
        changes[therapy] = every[every["patient_id"].isin(members)].reset_index(drop=True)
        patients[therapy] = patient_response(changes[therapy], study)
    uptake = uptake_changes(tables, study, "sirt")
    treated = subgroup.index[subgroup["sirt_evaluable"]]
    return Evaluation(
        subgroup=subgroup,
        changes=changes,
        patients=patients,
        uptake=uptake[uptake["patient_id"].isin(treated)].reset_index(drop=True),
        baseline_suv=_baseline_suv(tables, study),
    )


def no_response_reason(evaluation: Evaluation, therapy: str) -> str:
    """Why nobody can be judged after `therapy`, a key of `REASONS`.

    No patient, therapy not given, no scans around it, or no lesion measured on them.
    """
    if evaluation.subgroup.empty:
        return "no_patients"
    given = evaluation.subgroup[{"lu": "lu_cycles", "sirt": "sirts"}[therapy]].gt(0)
    if not given.any():
        return "arm_empty"
    return "no_lesions" if (evaluation.subgroup["in_subgroup"] & given).any() else "no_followup"


def several_lesions_reason(evaluation: Evaluation, therapy: str) -> str:
    """Why no patient has several lesions judged after `therapy`, a key of `REASONS`.

    Nobody was judged at all, or each has a single lesion.
    """
    return no_response_reason(evaluation, therapy) if evaluation.patients[therapy].empty else "no_multiple_lesions"


def _baseline_suv(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    scan = timepoints(tables, study, shows="has_pet")["baseline"].dropna().rename("scan").astype("int64").reset_index()
    rows = lesion_values(tables, study, "suv_max").merge(scan, on=["patient_id", "scan"]).dropna(subset=["value"])
    return rows[["patient_id", "lesion_id", "value", "tracer"]].rename(columns={"value": "suv_max"})
