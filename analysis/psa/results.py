"""PSA response and progression by PCWG3, which the paper does not report: best change, change at 12 weeks, progression.

Source: Scher et al., J Clin Oncol 2016;34:1402-1418. The thresholds are in `study.toml` ([psa]); baseline and the end
of observation are those of the toxicity windows. All of it is post hoc.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.datasets.arms import ARMS, Tables
from analysis.datasets.baseline import baseline_windows, in_window, last_within, numbers
from analysis.datasets.cached import cached_dataset, cached_tables
from analysis.datasets.windows import therapy_windows, why_missing
from analysis.estimates import described, proportion_result
from analysis.psa.published_cohorts import context_results
from analysis.results import Result
from analysis.settings import Psa, Study

COLUMNS = [
    "patient_id", "arm", "baseline", "followup", "best_change_pct", "best_day", "landmark_change_pct", "landmark_day",
    "responded", "response_confirmed", "progressed", "progression_day",
]  # fmt: skip
GROUPS = (*ARMS, "all")

Floats = npt.NDArray[np.float64]


@cached_dataset
def psa_frame(tables: Tables, study: Study) -> pd.DataFrame:
    """One row per analysed patient, columns `COLUMNS`.

    followup is the last value in the window (only to tell who has one); best_change_pct the lowest value after day 0
    against baseline; landmark_change_pct the value nearest to week 12 within the window of the settings. responded:
    best decline reaches the threshold; response_confirmed: a later value, at least the confirmation time after it, does
    too; progressed: PCWG3 progression. The three are NA without baseline or follow-up.
    """
    windows = therapy_windows(tables, study)
    rows = numbers(tables, ("psa",))
    starts = last_within(rows, baseline_windows(windows.index, study))["value"].astype("float64")
    baseline = starts.droplevel("measure").reindex(windows.index)
    inside = in_window(rows, windows[["worst_first", "worst_last"]].set_axis(["first_day", "last_day"], axis=1))
    courses = dict(_courses(inside))
    nothing = (np.array([]), np.array([]))
    summaries = [_course(baseline[patient], courses.get(patient, nothing), study.psa) for patient in windows.index]
    frame = pd.DataFrame(summaries, index=windows.index, columns=COLUMNS[3:]).assign(
        arm=windows["arm"], baseline=baseline
    )
    booleans = dict.fromkeys(["responded", "response_confirmed", "progressed"], "boolean")
    floats = {name: "float64" for name in frame.columns if name not in (*booleans, "arm")}
    return frame.astype({**booleans, **floats}).reset_index(names="patient_id")[COLUMNS]


def _courses(rows: pd.DataFrame) -> Iterator[tuple[str, tuple[Floats, Floats]]]:
    for patient, group in rows.groupby("patient_id", observed=True, sort=False):
        yield str(patient), (group["day"].to_numpy(dtype=float), group["value"].to_numpy(dtype=float))


def _course(baseline: float, course: tuple[Floats, Floats], rules: Psa) -> tuple[Any, ...]:
    days, values = course
    if not values.size:
        return (np.nan, np.nan, np.nan, np.nan, np.nan, None, None, None, np.nan)
    if not baseline > 0:
        return (values[-1], np.nan, np.nan, np.nan, np.nan, None, None, None, np.nan)
    change = 100 * (values / baseline - 1)
    best = int(np.argmin(values))
    low = change <= -rules.response_decline_pct
    nearest = int(np.argmin(np.abs(days - rules.landmark_day)))
    at_landmark = abs(days[nearest] - rules.landmark_day) <= rules.landmark_window_days
    progression = progression_day(baseline, days, values, rules)
    return (
        values[-1],
        change[best],
        days[best],
        change[nearest] if at_landmark else np.nan,
        days[nearest] if at_landmark else np.nan,
        bool(low.any()),
        _confirmed(days, low, rules.confirmation_days) is not None,
        progression is not None,
        np.nan if progression is None else progression,
    )


def progression_day(baseline: float, days: Floats, values: Floats, rules: Psa) -> float | None:
    """Day of PSA progression by PCWG3, None without one. `days` ascending, after day 0.

    After a decline below baseline: the first value that exceeds the lowest one before it by both thresholds and is
    confirmed by a later one. Without any decline: the first such value over baseline from week 12 on; rises before
    week 12 do not count.
    """
    declined = values < baseline
    lowest = np.minimum.accumulate(np.concatenate([[baseline], values]))[:-1]
    risen = _exceeds(values, lowest, rules)
    if not declined.any():
        late = risen & (days >= rules.landmark_day)
        return float(days[np.argmax(late)]) if late.any() else None
    after_decline = risen & (np.cumsum(declined) > 0)
    for first in np.flatnonzero(after_decline):
        later = days >= days[first] + rules.confirmation_days
        if (later & _exceeds(values, np.full_like(values, lowest[first]), rules)).any():
            return float(days[first])
    return None


def _exceeds(values: Floats, reference: Floats, rules: Psa) -> npt.NDArray[np.bool_]:
    # a relative tolerance keeps an exact 25 % on its threshold
    by_share = values >= reference * (1 + rules.progression_increase_pct / 100) * (1 - 1e-12)
    return by_share & (values - reference >= rules.progression_increase_ng_ml - 1e-12)


def _confirmed(days: Floats, low: npt.NDArray[np.bool_], apart: float) -> float | None:
    hits = days[low]
    later = [day for day in hits if (hits >= day + apart).any()]
    return float(later[0]) if later else None


def waterfall_frame(frame: pd.DataFrame, which: str = "best") -> pd.DataFrame:
    """Bars of a waterfall, largest rise first: patient_id, arm, change_pct, rank; `which`: "best" or "landmark"."""
    column = f"{which}_change_pct"
    shown = frame.dropna(subset=[column]).sort_values([column, "patient_id"], ascending=[False, True])
    bars = shown[["patient_id", "arm", column]].rename(columns={column: "change_pct"}).reset_index(drop=True)
    return bars.assign(rank=range(1, len(bars) + 1))


def curve_frame(tables: Tables, study: Study) -> pd.DataFrame:
    """PSA over baseline in time for the spider plot: patient_id, arm, day, value, change_pct (0 at the baseline day)."""
    windows = therapy_windows(tables, study)
    rows = numbers(tables, ("psa",))
    starts = last_within(rows, baseline_windows(windows.index, study))[["value", "day"]].droplevel("measure")
    span = pd.DataFrame({"first_day": starts["day"].astype("float64"), "last_day": windows["worst_last"]})
    inside = in_window(rows, span.reindex(windows.index))
    baseline = starts["value"].astype("float64").reindex(inside["patient_id"]).to_numpy()
    change = 100 * (inside["value"].to_numpy() / np.where(baseline > 0, baseline, np.nan) - 1)
    frame = pd.DataFrame(
        {
            "patient_id": inside["patient_id"].to_numpy(),
            "arm": windows["arm"].reindex(inside["patient_id"]).to_numpy(),
            "day": inside["day"].to_numpy(dtype=float),
            "value": inside["value"].to_numpy(),
            "change_pct": change,
        }
    )
    return frame.dropna(subset=["change_pct"]).reset_index(drop=True)


def results(tables: Tables, study: Study) -> list[Result]:
    """All numbers of the PSA chapter: those of `psa_results`, then those of `context_results`."""
    return [*psa_results(tables, study), *context_results(tables, study)]


def psa_results(tables: Tables, study: Study) -> list[Result]:
    """`psa.*` by arm and for all: PSA50 (any and confirmed), any decline, best and 12-week change, progression."""
    frame = psa_frame(cached_tables(tables), study)
    rows_of = {group: frame if group == "all" else frame[frame["arm"] == group] for group in GROUPS}
    return [result for group, rows in rows_of.items() for result in _group_results(rows, group, len(frame))]


def _group_results(rows: pd.DataFrame, group: str, cohort: int) -> list[Result]:
    reason = why_missing(rows, cohort)
    known = rows[rows["responded"].notna()]
    declined = known["best_change_pct"].lt(0)
    shares = (
        ("psa50", known["responded"], "best PSA decline of at least half"),
        ("psa50_confirmed", known["response_confirmed"], "PSA decline of at least half, confirmed"),
        ("any_decline", declined, "any PSA decline"),
        ("progression", known["progressed"], "PSA progression by PCWG3"),
    )
    results = [
        proportion_result(f"psa.{name}.{group}", int(flags.sum()), len(known), reason=reason, method=method)
        for name, flags, method in shares
    ]
    at_landmark = "no_followup" if known["best_change_pct"].notna().any() else reason
    for name, column, why in (("best", "best_change_pct", reason), ("week12", "landmark_change_pct", at_landmark)):
        results.append(described(f"psa.{name}.{group}", rows[column], "median_order", unit="percent", reason=why))
    return results
