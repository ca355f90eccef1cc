"""Overall survival of the two arms: who is followed from when to when, and what the curves say.

The paper's section "Survival" and Figure 3C. Time zero is the first 177Lu-PSMA administration (the paper does not state
its own); death from any cause is the event; everybody else is censored at the last contact. Frames for the figures and
tables are made here, numbers in `survival_results`, waiting-time bias in `immortal_time`.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from analysis.datasets.censoring import UNDATED, end_of_each
from analysis.statistics.kaplan_meier import at_risk_counts, curve_rows

ARMS = ("lu", "lu_sirt")
FIRST_DAY = 0.5  # a death on day 0 still counts as time at risk


def overall_survival(tables: Mapping[str, pd.DataFrame], arms: pd.DataFrame) -> pd.DataFrame:
    """One row per patient of `arms` (patient_id, arm) with day 0 and a last day.

    Columns: patient_id, arm, time_days, death_observed, event_source (a source of `survival_ends.ends`), exposure_day
    (first completed SIRT, days from day 0, missing without). A death without an exact date is censored at the last
    contact; `undated_deaths` gives the other bound.
    """
    patients = tables["patients"].merge(arms[["patient_id", "arm"]], on="patient_id")
    frame = patients[["patient_id", "arm"]].join(end_of_each(patients))
    frame = frame[frame["time_days"].notna() & (frame["time_days"] >= 0)]
    frame["time_days"] = frame["time_days"].astype(float).clip(lower=FIRST_DAY)
    first_sirt = exposure_days(tables)
    return frame.merge(first_sirt, on="patient_id", how="left").reset_index(drop=True)


def exposure_days(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """First completed SIRT of each patient: patient_id, exposure_day (Int64, negative before day 0)."""
    procedures = tables["procedures"]
    sirt = procedures[(procedures["procedure"] == "sirt") & (procedures["status"] == "completed")]
    first = sirt.groupby("patient_id", observed=True)["day"].min()
    return first.rename("exposure_day").reset_index()


def undated_deaths(survival: pd.DataFrame) -> pd.DataFrame:
    """The same frame with every death of unknown date set to the day after the last contact: the pessimistic bound."""
    bound = survival.copy()
    undated = bound["event_source"] == UNDATED.source
    bound.loc[undated, "death_observed"] = True
    bound.loc[undated, "time_days"] += 1
    return bound


def by_arm(survival: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows of each arm in fixed order; an arm nobody is in is an empty frame."""
    return {arm: survival[survival["arm"] == arm] for arm in ARMS}


def curve_frame(survival: pd.DataFrame, *, days_per_month: float) -> pd.DataFrame:
    """Kaplan-Meier steps for drawing: arm, time_months, survival, lower, upper (log-log 95 % band)."""
    parts = []
    for arm, rows in by_arm(survival).items():
        if len(rows):
            steps = pd.DataFrame(curve_rows(rows["time_days"], rows["death_observed"]))
            steps["time_months"] = steps.pop("time") / days_per_month
            parts.append(steps.assign(arm=arm))
    columns = ["arm", "time_months", "survival", "lower", "upper"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def censor_frame(survival: pd.DataFrame, *, days_per_month: float) -> pd.DataFrame:
    """Censored patients as marks on the curve: patient_id, arm, time_months, survival at that time."""
    curve = curve_frame(survival, days_per_month=days_per_month)
    censored = survival[~survival["death_observed"]]
    marks = []
    for patient in censored.itertuples():
        months = patient.time_days / days_per_month
        before = curve[(curve["arm"] == patient.arm) & (curve["time_months"] <= months + 1e-9)]
        marks.append((patient.patient_id, patient.arm, months, before["survival"].iloc[-1]))
    return pd.DataFrame(marks, columns=["patient_id", "arm", "time_months", "survival"])


def at_risk_frame(survival: pd.DataFrame, *, days_per_month: float, every_months: int = 3) -> pd.DataFrame:
    """Numbers at risk, deaths and censorings so far below the axis: arm, time_months, at_risk, deaths, censored."""
    if survival.empty:
        return pd.DataFrame(columns=["arm", "time_months", "at_risk", "deaths", "censored"])
    last = survival["time_days"].max() / days_per_month
    moments = np.arange(0, last + every_months, every_months, dtype=float)
    rows = []
    for arm, group in by_arm(survival).items():
        counts = at_risk_counts(group["time_days"], moments * days_per_month) if len(group) else [0] * len(moments)
        for moment, count in zip(moments, counts, strict=True):
            gone = group[group["time_days"] < moment * days_per_month]
            deaths = int(gone["death_observed"].sum())
            rows.append((arm, moment, count, deaths, len(gone) - deaths))
    return pd.DataFrame(rows, columns=["arm", "time_months", "at_risk", "deaths", "censored"])
