"""The cohort among others: survival by performance status and by sites, and published 177Lu-PSMA cohorts.

Description only: no test, no adjustment. The published cohorts stand in `context_cohorts.csv`, each with its source; a
cell that the source does not give is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.cohort import Tables
from analysis.cohort_patients import SITES, patient_frame
from analysis.kaplan_meier import loglog_median
from analysis.survival import overall_survival

SITE_LABELS = {"bone": "Bone", "lymph_node": "Lymph nodes", "lung": "Lung", "other": "Other site"}
COLUMNS = ["characteristic", "group", "n", "deaths", "median_months", "lower_months", "upper_months"]


@cache
def published_cohorts() -> pd.DataFrame:
    """Published cohorts: cohort, group, n, measure (median_os_months or hazard_ratio), value, lower, upper, citation,
    doi, note. Missing numbers are NaN.
    """
    return pd.read_csv(Path(__file__).with_name("context_cohorts.csv"))


def survival_by_group(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """Overall survival by ECOG and by metastatic site, columns `COLUMNS`; medians with log-log interval in months.

    A median or limit that is not reached is NaN. Patients without the characteristic form the group "not recorded".
    """
    patients = patient_frame(tables, study)
    arms = patients[["arm"]].reset_index(names="patient_id").astype({"patient_id": "string"})
    survival = overall_survival(tables, arms).set_index("patient_id")
    rows = []
    for characteristic, labels in _groupings(patients).items():
        for label in sorted(labels.unique()):
            members = labels.index[labels == label]
            rows.append((characteristic, label, *_median(survival[survival.index.isin(members)], study)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _groupings(patients: pd.DataFrame) -> dict[str, pd.Series]:
    ecog = patients["ecog"].map(lambda score: f"ECOG {score:.0f}", na_action="ignore")
    found = {"ECOG": ecog.astype("object").fillna("not recorded")}
    for site in SITES:
        words = patients[site].map({True: "yes", False: "no"}).astype("object")
        found[SITE_LABELS[site]] = words.fillna("not recorded")
    return found


def _median(rows: pd.DataFrame, study: Mapping[str, Any]) -> tuple[int, int, float, float, float]:
    deaths = int(rows["death_observed"].sum())
    if rows.empty:
        return 0, 0, float("nan"), float("nan"), float("nan")
    got = loglog_median(rows["time_days"], rows["death_observed"])
    per_month = study["analysis"]["days_per_month"]
    limits = (float("nan") if x is None else x / per_month for x in (got.value, got.lower, got.upper))
    value, lower, upper = limits
    return len(rows), deaths, value, lower, upper
