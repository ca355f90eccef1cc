"""Who is analysed, and in which arm?

The paper's section "Patients" and Figure 1A: castration-resistant prostate cancer with liver metastases, treated with
177Lu-PSMA alone or with 177Lu-PSMA and SIRT. Every patient of the tables is either in the analysis or left out for
exactly one named reason; the first rule that fails is the reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.datasets.cached import cached_dataset

Tables = Mapping[str, pd.DataFrame]

ARMS = ("lu", "lu_sirt")
REASONS_LEFT_OUT = {
    "no_castration_resistance": "castration resistance not recorded",
    "no_liver_metastases": "no liver metastases at the start of therapy",
    "sirt_candidate_progressed": "worked up for SIRT, not treated because of rapid progression",
    "work_up_only": "worked up for SIRT, not treated",
    "sirt_without_lu_psma": "SIRT without 177Lu-PSMA",
    "not_treated": "no completed radionuclide therapy",
}


@cached_dataset
def assign_arms(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """One row per patient of the tables, sorted by patient_id: who is analysed, in which arm, and why others are not.

    Columns: patient_id (string), arm (category lu, lu_sirt; NA without completed 177Lu-PSMA), liver_metastases (bool),
    in_analysis (bool), reason_left_out (category, a key of `REASONS_LEFT_OUT`; NA for those analysed).
    A patient is in arm lu_sirt with at least one completed SIRT, whenever it was given.
    """
    patients = tables["patients"]["patient_id"].astype("string").sort_values(ignore_index=True)
    lu, sirt, work_up = (patients.isin(_treated(tables, kind)) for kind in ("lu_psma", "sirt", "maa_workup"))
    arm = pd.Series(np.where(sirt, "lu_sirt", "lu"), dtype="object").where(lu.to_numpy())
    liver = patients.isin(metastasis_patients(tables, study, "liver"))
    progressed = work_up & patients.isin(_progressed(tables))
    rules = study["analysis_set"]
    resistant = patients.isin(_with_condition(tables, "castration_resistance"))
    # later lines are asked first, so that the first rule that fails overwrites them
    reason = pd.Series(pd.NA, index=patients.index, dtype="object")
    reason = reason.mask(~lu, "not_treated").mask(~lu & sirt, "sirt_without_lu_psma")
    reason = reason.mask(~lu & ~sirt & work_up, "work_up_only").mask(
        ~lu & ~sirt & progressed, "sirt_candidate_progressed"
    )
    reason = reason.mask(~liver & rules["liver_metastases_required"], "no_liver_metastases")
    reason = reason.mask(~resistant & rules["castration_resistance_required"], "no_castration_resistance")
    return pd.DataFrame(
        {
            "patient_id": patients,
            "arm": pd.Categorical(arm, categories=list(ARMS), ordered=True),
            "liver_metastases": liver.astype(bool),
            "in_analysis": reason.isna(),
            "reason_left_out": pd.Categorical(reason, categories=list(REASONS_LEFT_OUT)),
        }
    )


@cached_dataset
def analysis_set(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """The patients analysed: patient_id (string, sorted) and arm (category lu, lu_sirt), index 0..n-1."""
    arms = assign_arms(tables, study)
    return arms.loc[arms["in_analysis"], ["patient_id", "arm"]].reset_index(drop=True)


def metastasis_patients(tables: Tables, study: Mapping[str, Any], site: str) -> pd.Index:
    """Ids of patients with a metastasis at `site` that was not certainly found later than the start of therapy, sorted.

    A coded metastasis or a measured lesion counts. Diagnoses are often coded at discharge: the settings allow
    `baseline_grace_days` after day 0. Without a date, or without day 0, a metastasis counts.
    """
    conditions, lesions = tables["conditions"], tables["lesions"]
    named = conditions[conditions["condition"].eq("metastasis") & conditions["site"].eq(site)]
    timely = ~certainly_after(named, study["analysis_set"]["baseline_grace_days"])
    seen = lesions.loc[lesions["organ"].eq(site), ["patient_id", "lesion_id"]]
    if len(seen):
        seen = seen.merge(_first_measured(tables), on=["patient_id", "lesion_id"], how="left")
    else:
        seen = seen.assign(day=pd.Series(dtype="Int64"))
    early = ~certainly_after(seen, study["analysis_set"]["baseline_grace_days"])
    patient_ids = set(named.loc[timely, "patient_id"]) | set(seen.loc[early, "patient_id"])
    return pd.Index(sorted(patient_ids), dtype="object", name="patient_id")


def _first_measured(tables: Tables) -> pd.DataFrame:
    """First day on which each lesion was measured: patient_id, lesion_id, day."""
    rows = tables["observations"]
    rows = rows.loc[rows["lesion_id"].notna(), ["patient_id", "lesion_id", "day"]]
    return rows.groupby(["patient_id", "lesion_id"], observed=True)["day"].min().reset_index()


def certainly_after(rows: pd.DataFrame, last_day: int, prefix: str = "") -> pd.Series:
    """True for each row whose earliest possible day (`day`, else `day_min`) is after `last_day`; unknown is False.

    `prefix` of these columns, such as "start_"; index as `rows`.
    """
    earliest = rows[f"{prefix}day"].astype("Float64")
    if f"{prefix}day_min" in rows:
        earliest = earliest.fillna(rows[f"{prefix}day_min"].astype("Float64"))
    return earliest.gt(last_day).fillna(False).astype(bool)


def completed(tables: Tables, procedure: str) -> pd.DataFrame:
    """Rows of `procedures` of one kind that were completed, all columns, in the order of the table."""
    rows = tables["procedures"]
    return rows[rows["procedure"].eq(procedure) & rows["status"].eq("completed")]


def _treated(tables: Tables, procedure: str) -> pd.Series:
    return completed(tables, procedure)["patient_id"]


def _with_condition(tables: Tables, condition: str) -> pd.Series:
    conditions = tables["conditions"]
    return conditions.loc[conditions["condition"].eq(condition), "patient_id"]


def _progressed(tables: Tables) -> pd.Series:
    rows = tables["observations"]
    return rows.loc[rows["measure"].eq("disease_status") & rows["category"].eq("progressive"), "patient_id"]


def rejected_candidates(tables: Tables) -> pd.Index:
    """Patients worked up for SIRT (99mTc-MAA) and never treated with it whose disease was recorded as progressive."""
    worked_up = set(completed(tables, "maa_workup")["patient_id"])
    treated = set(completed(tables, "sirt")["patient_id"])
    rows = tables["observations"]
    progressive = rows["measure"].eq("disease_status") & rows["category"].eq("progressive")
    return pd.Index(sorted((worked_up - treated) & set(rows.loc[progressive, "patient_id"])), dtype="object")
