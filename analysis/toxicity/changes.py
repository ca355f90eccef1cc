"""How did the laboratory values change from baseline to after therapy?

The paper compares "baseline and posttherapeutic liver enzymes" without saying which visits. The windows are settings
(`study.toml`, [toxicity]), fixed before any result: baseline is the last value on or before day 0, follow-up the last
value after the last radionuclide therapy within a number of days. For SIRT the last value before the first SIRT is a
second baseline, since the paper's own contains everything that 177Lu-PSMA and progression did before.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.baseline import baseline_windows, last_within, numbers
from analysis.datasets.cached import cached_dataset
from analysis.datasets.windows import therapy_windows

PRINTED = ("alt", "ast", "ggt", "bilirubin")
LABORATORY = (
    *PRINTED, "alp", "ldh", "creatinine", "haemoglobin", "leukocytes", "neutrophils", "lymphocytes", "platelets",
)  # fmt: skip
LIVER = (*PRINTED, "alp")
COLUMNS = [
    "patient_id", "arm", "measure", "baseline", "followup", "baseline_day", "followup_day", "change_pct", "log_ratio",
]  # fmt: skip


@cached_dataset
def changes(tables: Tables, study: Mapping[str, Any], measures: Iterable[str] = LABORATORY) -> pd.DataFrame:
    """One row per analysed patient and measure, columns `COLUMNS`; NaN where a value or its window is missing.

    change_pct = 100 (followup / baseline - 1); log_ratio = ln(followup / baseline). Both need a positive baseline.
    """
    windows = therapy_windows(tables, study)
    before = baseline_windows(windows.index, study)
    after = _window(windows, "followup_first", "followup_last")
    return _changes(tables, windows, before, after, list(measures))


def changes_after_sirt(tables: Tables, study: Mapping[str, Any], measures: Iterable[str] = LABORATORY) -> pd.DataFrame:
    """As `changes`, for patients with SIRT only: from the last value on or before the first SIRT to the last after it."""
    rules = study["toxicity"]
    windows = therapy_windows(tables, study)
    windows = windows[windows["sirt_day"].notna()]
    day = windows["sirt_day"]
    before = pd.DataFrame({"first_day": day - rules["baseline_days"], "last_day": day})
    after = pd.DataFrame({"first_day": day + 1, "last_day": day + rules["followup_days"]})
    return _changes(tables, windows, before, after, list(measures))


def _window(windows: pd.DataFrame, first: str, last: str) -> pd.DataFrame:
    return windows[[first, last]].set_axis(["first_day", "last_day"], axis=1)


def _changes(
    tables: Tables, windows: pd.DataFrame, before: pd.DataFrame, after: pd.DataFrame, measures: list[str]
) -> pd.DataFrame:
    rows = numbers(tables, measures)
    keys = pd.MultiIndex.from_product([windows.index, measures], names=["patient_id", "measure"])
    start, end = (
        last_within(rows, window)[["value", "day"]].astype("float64").reindex(keys) for window in (before, after)
    )
    first, last = start["value"].where(start["value"] > 0), end["value"]
    ratio = last / first
    frame = pd.DataFrame(
        {
            "arm": windows["arm"].reindex(keys.get_level_values("patient_id")).to_numpy(),
            "baseline": start["value"],
            "followup": last,
            "baseline_day": start["day"],
            "followup_day": end["day"],
            "change_pct": 100 * (ratio - 1),
            "log_ratio": np.log(ratio.where(ratio > 0)),
        },
        index=keys,
    )
    return frame.reset_index()[COLUMNS]


def lacking(rows: pd.DataFrame) -> pd.DataFrame:
    """Patients without a change, by measure: patient_id, arm, measure, lacks ("baseline", "follow-up" or both)."""
    without = rows[rows["change_pct"].isna()]
    no_baseline, no_followup = without["baseline"].isna(), without["followup"].isna()
    words = np.select(
        [no_baseline & no_followup, no_baseline, no_followup],
        ["baseline and follow-up", "baseline", "follow-up"],
        default="a baseline above 0",
    )
    return without[["patient_id", "arm", "measure"]].assign(lacks=words).reset_index(drop=True)
