"""Every patient on one page: lanes of therapies and follow-up, series of measurements, and the list of patients.

The content of the paper's supplemental tables 1 and 2 (list of patients, list of the imaging subgroup), which print no
patient's values; on the reconstructed cohort the rows are synthetic.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.datasets.time_to_event import exposure_days
from analysis.settings import Study

Tables = Mapping[str, pd.DataFrame]
NAMED = 12  # more ids than this are counted, not named
SHOWN = ("lu_psma", "sirt", "psma_pet", "ra223", "ebrt", "maa_workup")


def lanes(survival: pd.DataFrame, days_per_month: float) -> pd.DataFrame:
    """One lane a patient, longest followed first: patient_id, arm, months."""
    ordered = survival.sort_values(["time_days", "patient_id"], ascending=[False, True])
    months = ordered["time_days"] / days_per_month
    return pd.DataFrame({"patient_id": ordered["patient_id"], "arm": ordered["arm"], "months": months})


def events(tables: Tables, survival: pd.DataFrame, days_per_month: float) -> pd.DataFrame:
    """Completed therapies and scans on exact days and the end of follow-up: patient_id, kind, months.

    Kinds: `SHOWN`, death and followed (alive at the last contact). Only patients of `survival`.
    """
    rows = tables["procedures"]
    kept = rows["procedure"].isin(SHOWN) & rows["status"].eq("completed") & rows["day"].notna()
    done = rows[kept & rows["patient_id"].isin(survival["patient_id"])]
    acts = pd.DataFrame({"patient_id": done["patient_id"], "kind": done["procedure"], "days": done["day"]})
    end = survival["death_observed"].map({True: "death", False: "followed"})
    ends = pd.DataFrame({"patient_id": survival["patient_id"], "kind": end, "days": survival["time_days"]})
    both = pd.concat([frame.astype({"kind": "object", "days": "float64"}) for frame in (acts, ends)])
    both["months"] = both.pop("days") / days_per_month
    return both.sort_values(["patient_id", "months", "kind"]).reset_index(drop=True)


def series(tables: Tables, arms: pd.DataFrame, measure: str, days_per_month: float) -> pd.DataFrame:
    """A measure of all patients of `arms` over time: patient_id, arm, months, value; exact days only."""
    rows = tables["observations"]
    rows = rows[rows["measure"].eq(measure) & rows["value"].notna() & rows["day"].notna()]
    frame = rows[["patient_id", "day", "order", "value"]].merge(arms[["patient_id", "arm"]], on="patient_id")
    frame = frame.sort_values(["patient_id", "day", "order"])
    months = frame["day"].astype("float64") / days_per_month
    return pd.DataFrame(
        {"patient_id": frame["patient_id"], "arm": frame["arm"], "months": months, "value": frame["value"]}
    )


def from_sirt(tables: Tables, measurements: pd.DataFrame, days_per_month: float) -> pd.DataFrame:
    """The same series counted from each patient's first SIRT; patients without one are left out."""
    first = exposure_days(tables).dropna()
    frame = measurements.merge(first, on="patient_id")
    shift = frame.pop("exposure_day").astype("float64") / days_per_month
    return frame.assign(months=frame["months"] - shift)


def patient_list(characteristics: pd.DataFrame, survival: pd.DataFrame, study: Study) -> pd.DataFrame:
    """One row per analysed patient: what was given, how the patient started, how long each was followed.

    `characteristics`: `cohort_patients.patient_frame`, index patient_id.
    """
    per_month = study.analysis.days_per_month
    columns = ["arm", "age_years", "ecog", "gleason", "psa", "cycles", "lu_total_gbq", "sirt_gbq"]
    start = characteristics[columns].reset_index(names="patient_id")
    followed = survival[["patient_id", "time_days", "death_observed"]]
    joined = start.merge(followed, on="patient_id", how="left")
    months = joined.pop("time_days") / per_month
    return joined.assign(followed_months=months).rename(columns={"death_observed": "died"})


def subgroup_list(subgroup: pd.DataFrame, responses: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """One row per patient of the imaging subgroup: cycles, SIRT, lesions, response to each therapy.

    `subgroup`: `response_subgroup.imaging_subgroup`; `responses`: therapy to `response_criteria.patient_response`.
    """
    inside = subgroup[subgroup["in_subgroup"]]
    frame = inside[["lu_cycles", "sirts", "sirt_first"]].copy()
    for therapy, judged in responses.items():
        frame[f"response_{therapy}"] = judged["response"].astype("object").reindex(inside.index)
        frame[f"change_{therapy}_pct"] = judged["change_pct"].astype("float64").reindex(inside.index)
    return frame.reset_index(names="patient_id")


def all_drawn(count: int, limit: int, what: str) -> str:
    """Whether each of `count` patients has one of `what` in a figure; more than `limit` have not."""
    return f"All {what} are drawn." if count <= limit else f"The first {limit:,} of {count:,} {what} are drawn."


def not_analysed(arms: pd.DataFrame) -> str:
    """Whose study ids a reader will look for in vain: patients of the tables who are not analysed (`cohort.assign_arms`)."""
    ids = sorted(arms.loc[~arms["in_analysis"], "patient_id"].astype(str))
    if not ids:
        return "All of them are on this page."
    if len(ids) > NAMED:
        return f"{len(ids):,} of them are not analysed and so not on this page."
    named = f"{', '.join(ids[:-1])} and {ids[-1]} are" if len(ids) > 1 else f"{ids[0]} is"
    return f"{named} not analysed and so not on this page."
