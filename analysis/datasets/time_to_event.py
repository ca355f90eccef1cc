"""Time to event: who is followed from when to when, and how each follow-up ends.

Time zero is the first 177Lu-PSMA administration (the paper does not state its own); death from any cause is the event;
everybody else is censored at the last contact.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.datasets.arms import ARMS
from analysis.datasets.censoring import UNDATED, end_of_each

FIRST_DAY = 0.5  # a death on day 0 still counts as time at risk


def overall_survival(tables: Mapping[str, pd.DataFrame], arms: pd.DataFrame) -> pd.DataFrame:
    """One row per patient of `arms` (patient_id, arm) with day 0 and a last day.

    Columns: patient_id, arm, time_days, death_observed, event_source (a source of `censoring.event_sources`), exposure_day
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
    """First completed SIRT of each patient: patient_id, exposure_day (Int64, days from day 0, negative before it)."""
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
    """Rows of each arm in the order of `ARMS`, with the columns of `survival`; an arm without patients is an empty frame."""
    return {arm: survival[survival["arm"] == arm] for arm in ARMS}
