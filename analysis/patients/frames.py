"""Rows of the page of every patient: lanes of therapies and follow-up, and the lists of patients."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.datasets.arms import Tables

PROCEDURES_SHOWN = ("lu_psma", "sirt", "psma_pet", "ra223", "ebrt", "maa_workup")


def lanes(survival: pd.DataFrame, days_per_month: float) -> pd.DataFrame:
    """One row per patient of `survival`, longest followed first: patient_id, arm, months (length of follow-up)."""
    ordered = survival.sort_values(["time_days", "patient_id"], ascending=[False, True])
    months = ordered["time_days"] / days_per_month
    return pd.DataFrame({"patient_id": ordered["patient_id"], "arm": ordered["arm"], "months": months})


def events(tables: Tables, survival: pd.DataFrame, days_per_month: float) -> pd.DataFrame:
    """Completed therapies and scans on exact days and the end of follow-up: patient_id, kind, months.

    kind is one of `PROCEDURES_SHOWN`, "death" or "followed" (alive at the last contact); months count from day 0. Only
    patients of `survival`, sorted by patient, months and kind.
    """
    rows = tables["procedures"]
    is_shown = rows["procedure"].isin(PROCEDURES_SHOWN) & rows["status"].eq("completed") & rows["day"].notna()
    given = rows[is_shown & rows["patient_id"].isin(survival["patient_id"])]
    procedures = pd.DataFrame({"patient_id": given["patient_id"], "kind": given["procedure"], "days": given["day"]})
    end = survival["death_observed"].map({True: "death", False: "followed"})
    ends = pd.DataFrame({"patient_id": survival["patient_id"], "kind": end, "days": survival["time_days"]})
    timeline = pd.concat([frame.astype({"kind": "object", "days": "float64"}) for frame in (procedures, ends)])
    timeline["months"] = timeline.pop("days") / days_per_month
    return timeline.sort_values(["patient_id", "months", "kind"]).reset_index(drop=True)


def patient_list(characteristics: pd.DataFrame, survival: pd.DataFrame, days_per_month: float) -> pd.DataFrame:
    """One row per analysed patient: baseline values, therapies and length of follow-up.

    `characteristics`: from `patient_frame`, index patient_id. Columns patient_id, arm, age_years, ecog, gleason, psa
    (ng/mL), cycles, lu_total_gbq, sirt_gbq, died, followed_months; the last two are missing without follow-up.
    """
    columns = ["arm", "age_years", "ecog", "gleason", "psa", "cycles", "lu_total_gbq", "sirt_gbq"]
    start = characteristics[columns].reset_index(names="patient_id")
    followed = survival[["patient_id", "time_days", "death_observed"]]
    joined = start.merge(followed, on="patient_id", how="left")
    months = joined.pop("time_days") / days_per_month
    return joined.assign(followed_months=months).rename(columns={"death_observed": "died"})


def subgroup_list(subgroup: pd.DataFrame, responses: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per patient of the imaging subgroup: therapies and the response to each.

    `subgroup`: from `imaging_subgroup`; `responses`: therapy to the frame of `patient_response`. Columns patient_id,
    lu_cycles, sirts, sirt_first, and for each therapy response_<therapy> and change_<therapy>_pct (sum of target
    diameters); missing where the patient cannot be judged.
    """
    inside = subgroup[subgroup["in_subgroup"]]
    frame = inside[["lu_cycles", "sirts", "sirt_first"]].copy()
    for therapy, judged in responses.items():
        frame[f"response_{therapy}"] = judged["response"].astype("object").reindex(inside.index)
        frame[f"change_{therapy}_pct"] = judged["change_pct"].astype("float64").reindex(inside.index)
    return frame.reset_index(names="patient_id")
