"""Selection bias of the imaging subgroup: its patients beside all others.

A scan after therapy needs a patient who is alive and well enough for it, so survival selects the subgroup.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables, analysis_set
from analysis.datasets.characteristics import patient_frame
from analysis.datasets.imaging_subgroup import Evaluation
from analysis.datasets.time_to_event import overall_survival
from analysis.results import Result, missing
from analysis.settings import Study
from analysis.statistics.kaplan_meier import spss_median

CHARACTERISTICS = ("age_years", "gleason", "psa", "alp", "ldh", "ecog", "cycles", "lu_total_gbq")


def selection_frame(tables: Tables, study: Study, evaluation: Evaluation) -> pd.DataFrame:
    """The imaging subgroup beside all others of the analysis set: one row per characteristic.

    Columns characteristic, subgroup_n, subgroup_median, subgroup_low, subgroup_high (range), others_n ...
    others_high; NaN where nobody has a value. The last row is survival (months, Kaplan-Meier median; range: smallest
    and largest time).
    """
    patients = patient_frame(tables, study)
    inside = evaluation.subgroup["in_subgroup"].reindex(patients.index).fillna(False).astype(bool)
    rows = [
        [name, *_described(patients.loc[inside, name]), *_described(patients.loc[~inside, name])]
        for name in CHARACTERISTICS
    ]
    survival = overall_survival(tables, analysis_set(tables, study))
    member = survival["patient_id"].isin(inside.index[inside])
    month = study.analysis.days_per_month
    rows.append(["survival_months", *_survived(survival[member], month), *_survived(survival[~member], month)])
    parts = [f"{side}_{what}" for side in ("subgroup", "others") for what in ("n", "median", "low", "high")]
    return pd.DataFrame(rows, columns=["characteristic", *parts])


def _described(values: pd.Series) -> list[float]:
    known = values.astype("float64").dropna()
    if known.empty:
        return [0, float("nan"), float("nan"), float("nan")]
    return [len(known), float(known.median()), float(known.min()), float(known.max())]


def _survived(rows: pd.DataFrame, days_per_month: float) -> list[float]:
    if rows.empty:
        return [0, float("nan"), float("nan"), float("nan")]
    months = rows["time_days"] / days_per_month
    median = spss_median(months, rows["death_observed"]).value
    centre = float("nan") if median is None else float(median)
    return [len(rows), centre, float(months.min()), float(months.max())]


def selection_results(tables: Tables, study: Study, evaluation: Evaluation) -> list[Result]:
    """resp.selection.*: survival of subgroup and others."""
    table = selection_frame(tables, study, evaluation).set_index("characteristic")
    rows = []
    for side in ("subgroup", "others"):
        method = "Kaplan-Meier median, SPSS rule"
        count, median = (
            int(table.at["survival_months", f"{side}_n"]),
            float(table.at["survival_months", f"{side}_median"]),
        )
        result_id = f"resp.selection.os.{side}"
        if np.isnan(median):
            rows.append(
                missing(result_id, "not_reached" if count else "no_patients", n=count, unit="months", method=method)
            )
        else:
            rows.append(Result(result_id, median, n=count, unit="months", method=method))
    return rows
