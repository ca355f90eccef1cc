"""Frames of the Kaplan-Meier figure (the paper's Figure 3C): steps, censored patients, numbers at risk.

Each function takes the frame of `overall_survival`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.datasets.time_to_event import by_arm
from analysis.statistics.kaplan_meier import at_risk_counts, curve_rows


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
    """Censored patients as marks on the curve: patient_id, arm, time_months, survival (of the arm at that time)."""
    curve = curve_frame(survival, days_per_month=days_per_month)
    censored = survival[~survival["death_observed"]]
    marks = []
    for patient in censored.itertuples():
        months = patient.time_days / days_per_month
        before = curve[(curve["arm"] == patient.arm) & (curve["time_months"] <= months + 1e-9)]
        marks.append((patient.patient_id, patient.arm, months, before["survival"].iloc[-1]))
    return pd.DataFrame(marks, columns=["patient_id", "arm", "time_months", "survival"])


def at_risk_frame(survival: pd.DataFrame, *, days_per_month: float, every_months: int = 3) -> pd.DataFrame:
    """Numbers below the axis: arm, time_months, at_risk, and the deaths and censored patients before that time."""
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
