"""One row per patient with everything that Table 1 and the supplemental lists of patients are made of.

Yes-or-no columns are missing (NA), not "no", where nothing of that group is recorded for anybody in the tables: a source
without any medication says nothing about prior docetaxel.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.datasets.arms import Tables, analysis_set, certainly_after, completed, metastasis_patients
from analysis.datasets.baseline import baseline_values, last_known
from analysis.datasets.cached import cached_dataset

BASELINE_LABORATORY = ("psa", "alp", "ldh")
SITES = ("bone", "lymph_node", "lung", "other")
DRUGS = ("docetaxel", "cabazitaxel", "abiraterone", "enzalutamide", "adt")
DAYS_PER_WEEK = 7


@cached_dataset
def patient_frame(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """All analysed patients, index patient_id (sorted), one column per characteristic.

    arm · age_years · gleason · psa, alp, ldh (baseline) · ecog (baseline) and ecog01, ecog2, ecog3 · cycles ·
    interval_weeks (mean between its cycles, NaN with one) · activity_gbq (mean per cycle) · lu_total_gbq ·
    sirt_gbq (sum, NaN without SIRT) · bone, lymph_node, lung, other, prior drugs, abi_enza, ra223, ebrt_bone (boolean)
    """
    chosen = analysis_set(tables, study).set_index("patient_id")
    chosen.index = chosen.index.astype("object")
    ages = tables["patients"].set_index("patient_id")["age_years"]
    laboratory = baseline_values(tables, study, [*BASELINE_LABORATORY, "ecog"])
    parts = [
        chosen,
        ages.reindex(chosen.index),
        last_known(tables, "gleason_score").reindex(chosen.index).rename("gleason"),
        laboratory.reindex(chosen.index),
        _ecog_groups(laboratory["ecog"].reindex(chosen.index)),
        _therapy(tables, chosen.index),
        _metastases(tables, study, chosen.index),
        _prior_drugs(tables, chosen.index),
        _prior_radiation(tables, chosen.index),
    ]
    return pd.concat(parts, axis=1)


def cycle_intervals(tables: Tables) -> pd.DataFrame:
    """Weeks between consecutive 177Lu-PSMA cycles: patient_id, cycle (the later one), weeks.

    A patient with a cycle without an exact day has no intervals, since a cycle in between would stretch one.
    """
    cycles = completed(tables, "lu_psma").sort_values(["patient_id", "day", "order"], kind="stable")
    undated = cycles.loc[cycles["day"].isna(), "patient_id"]
    cycles = cycles[~cycles["patient_id"].isin(undated)]
    by_patient = cycles.groupby("patient_id", observed=True)
    weeks = by_patient["day"].diff().astype("float64") / DAYS_PER_WEEK
    frame = pd.DataFrame({"patient_id": cycles["patient_id"], "cycle": by_patient.cumcount() + 1, "weeks": weeks})
    return frame.dropna(subset=["weeks"]).reset_index(drop=True)


def _therapy(tables: Tables, patients: pd.Index) -> pd.DataFrame:
    lu, sirt = completed(tables, "lu_psma"), completed(tables, "sirt")
    activity = lu.groupby("patient_id", observed=True)["activity_gbq"]
    weeks = cycle_intervals(tables).groupby("patient_id", observed=True)["weeks"].mean()
    columns = {
        "cycles": lu.groupby("patient_id", observed=True).size(),
        "interval_weeks": weeks,
        "activity_gbq": activity.mean(),
        "lu_total_gbq": activity.sum(min_count=1),
        "sirt_gbq": sirt.groupby("patient_id", observed=True)["activity_gbq"].sum(min_count=1),
    }
    return pd.DataFrame({name: values.reindex(patients).astype("float64") for name, values in columns.items()})


def _ecog_groups(ecog: pd.Series) -> pd.DataFrame:
    groups = {"ecog01": ecog.le(1), "ecog2": ecog.eq(2), "ecog3": ecog.eq(3)}
    return pd.DataFrame({name: inside.astype("boolean").mask(ecog.isna()) for name, inside in groups.items()})


def _metastases(tables: Tables, study: Mapping[str, Any], patients: pd.Index) -> pd.DataFrame:
    recorded = bool(tables["conditions"]["condition"].eq("metastasis").any())
    return pd.DataFrame(
        {site: _flag(patients, metastasis_patients(tables, study, site), recorded) for site in SITES}, index=patients
    )


def _prior_drugs(tables: Tables, patients: pd.Index) -> pd.DataFrame:
    rows = tables["medications"]
    prior = rows[~certainly_after(rows, 0, "start_")] if len(rows) else rows
    flags = {
        drug: _flag(patients, prior.loc[prior["drug"].eq(drug), "patient_id"] if len(rows) else [], bool(len(rows)))
        for drug in DRUGS
    }
    frame = pd.DataFrame(flags, index=patients)
    return frame.assign(abi_enza=frame["abiraterone"] & frame["enzalutamide"])


def _prior_radiation(tables: Tables, patients: pd.Index) -> pd.DataFrame:
    rows = tables["procedures"]
    prior = rows[rows["procedure"].isin(["ra223", "ebrt"])]
    prior = prior[~certainly_after(prior, 0)]
    recorded = bool(len(rows[rows["procedure"].isin(["ra223", "ebrt"])])) or bool(len(tables["medications"]))
    bone = prior["procedure"].eq("ebrt") & prior["site"].eq("bone")
    return pd.DataFrame(
        {
            "ra223": _flag(patients, prior.loc[prior["procedure"].eq("ra223"), "patient_id"], recorded),
            "ebrt_bone": _flag(patients, prior.loc[bone, "patient_id"], recorded),
        },
        index=patients,
    )


def _flag(patients: pd.Index, members: Any, recorded: bool) -> pd.Series:
    if not recorded:
        return pd.Series(pd.NA, index=patients, dtype="boolean")
    return pd.Series(patients.isin(set(members)), index=patients, dtype="boolean")


def applicable(patients: pd.DataFrame, characteristic: str) -> pd.Series:
    """True for the patients who can have a value: an interval needs two cycles, SIRT activity needs SIRT.

    Index as `patients`, a frame of `patient_frame`.
    """
    if characteristic == "interval_weeks":
        return patients["cycles"].ge(2)
    if characteristic == "sirt_gbq":
        return patients["arm"].eq("lu_sirt")
    return pd.Series(True, index=patients.index)


def missing_counts(patients: pd.DataFrame) -> pd.DataFrame:
    """How many patients of each arm who could have a value lack it: characteristic, arm, missing, n."""
    columns = [name for name in patients.columns if name != "arm"]
    rows = []
    for arm, group in patients.groupby("arm", observed=False):
        for name in columns:
            able = group[applicable(group, name)]
            rows.append((name, arm, int(able[name].isna().sum()), len(able)))
    return pd.DataFrame(rows, columns=["characteristic", "arm", "missing", "n"])
