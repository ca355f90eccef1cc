"""All numbers of the methods and cohort chapters, and the frames that the cohort chapter draws."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.cohort.balance import balance_results
from analysis.cohort.constants import constants, practice_results
from analysis.cohort.eligibility import eligibility_results
from analysis.cohort.flow import flow_results
from analysis.cohort.table_one import table_one_results, therapy_results
from analysis.datasets.arms import Tables
from analysis.datasets.cached import cached_tables
from analysis.datasets.characteristics import patient_frame
from analysis.results import Result, missing

INDICATION = ("psa", "alp", "ldh", "ecog", "sites")


def results(tables: Tables, study: Mapping[str, Any]) -> list[Result]:
    """`n.*`, `t1.*`, `tx.*`, `elig.*`, `img.*`, `design.*` and `tox.ctcae_version` for any cohort; or reasons."""
    tables = cached_tables(tables)
    patients = patient_frame(tables, study)
    table_one = table_one_results(tables, study, patients)
    return [
        *constants(study),
        *flow_results(tables, study),
        *table_one,
        *therapy_results({result.id: result for result in table_one}, patients),
        *practice_results(tables, study),
        *eligibility_results(tables, study),
        *balance_results(patients, study),
        _events_per_term(study),
        _model_terms(tables, patients, study),
    ]


def _events_per_term(study: Mapping[str, Any]) -> Result:
    needed = study["analysis"]["events_per_term"]
    return Result("design.events_per_term", needed, unit="count", method="deaths needed a model term", basis="design")


def _model_terms(tables: Tables, patients: pd.DataFrame, study: Mapping[str, Any]) -> Result:
    """How many terms an adjusted survival model could carry by its deaths alone: deaths over deaths needed a term."""
    needed = study["analysis"]["events_per_term"]
    method = f"deaths over {needed} a term"
    if patients["arm"].nunique() < 2:
        reason = "arm_empty" if len(patients) else "no_patients"
        return missing("n.model_terms", reason, n=len(patients), unit="count", method=method)
    everybody = tables["patients"].set_index("patient_id")["death_observed"].fillna(False).astype(bool)
    deaths = int(everybody.reindex(patients.index).sum())
    return Result("n.model_terms", deaths // needed, n=len(patients), unit="count", method=method, events=deaths)


def indication_frame(patients: pd.DataFrame) -> pd.DataFrame:
    """One mark per patient and characteristic that may have decided the therapy: patient_id, arm, measure, value.

    Measures psa, alp, ldh, ecog and sites (number of metastatic sites beside the liver); missing values are left out.
    """
    sites = patients[["bone", "lymph_node", "lung", "other"]].astype("Float64").sum(axis=1, skipna=False)
    wide = patients.assign(sites=sites)[["arm", *INDICATION]].reset_index(names="patient_id")
    long = wide.melt(id_vars=["patient_id", "arm"], var_name="measure", value_name="value")
    return long.assign(value=long["value"].astype("float64")).dropna(subset=["value"]).reset_index(drop=True)
