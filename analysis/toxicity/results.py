"""The numbers of the toxicity chapter: changes as printed, as they should be read, and CTCAE grades by arm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.datasets.arms import ARMS, Tables, analysis_set
from analysis.datasets.baseline import numbers
from analysis.datasets.cached import cached_tables
from analysis.datasets.windows import therapy_windows, why_missing
from analysis.estimates import counted, described, proportion_result
from analysis.results import Result, missing
from analysis.settings import Study
from analysis.statistics.hodges_lehmann import Shift, hodges_lehmann
from analysis.statistics.rank_tests import SPSS_EXACT_CASES_MAX, MannWhitney, mann_whitney
from analysis.toxicity.changes import LABORATORY, PRINTED, changes, changes_after_sirt
from analysis.toxicity.grades import graded_measures, worst_grades
from analysis.toxicity.liver import RISES, albi_frame, hys_law_frame, progression_frame

SEVERE = 3
EXACT, ASYMPTOTIC = "Mann-Whitney U, exact, not corrected for ties", "Mann-Whitney U, asymptotic"


def results(tables: Tables, study: Study) -> list[Result]:
    """All `tox.*` numbers for any cohort; what cannot be computed carries its reason."""
    tables = cached_tables(tables)
    rows = changes(tables, study)
    cohort = len(analysis_set(tables, study))
    results: list[Result] = []
    for measure in LABORATORY:
        results += change_results(rows[rows["measure"] == measure], measure, study, cohort)
    results += sirt_first_results(tables, study, rows, cohort)
    results += after_sirt_results(changes_after_sirt(tables, study, PRINTED), cohort)
    results += grade_results(worst_grades(tables, study), study, cohort)
    return results + liver_results(tables, study, cohort)


def change_results(rows: pd.DataFrame, measure: str, study: Study, cohort: int) -> list[Result]:
    """Median change by arm, the tests as SPSS prints them, and the differences that should be read instead.

    `rows`: one measure of `changes`. ids: tox.<measure>.<arm>, .p (exact in SPSS's sense up to 40 patients),
    .p_asymptotic, .difference (Hodges-Lehmann, percentage points), .ratio (of the ratios to baseline), and for
    bilirubin the paper's yes or no, `tox.bilirubin`.
    """
    by_arm = {arm: rows[rows["arm"] == arm] for arm in ARMS}
    results = [
        described(
            f"tox.{measure}.{arm}",
            group["change_pct"],
            "median_order",
            unit="percent",
            reason=why_missing(group, cohort),
        )
        for arm, group in by_arm.items()
    ]
    return results + _comparison(by_arm, measure, study, cohort)


def _comparison(by_arm: Mapping[str, pd.DataFrame], measure: str, study: Study, cohort: int) -> list[Result]:
    n, reason = _compared(by_arm, cohort)
    test = mann_whitney(*_samples(by_arm, "change_pct"))
    reason = reason or ("constant_values" if test is None else None)
    exact, asymptotic = (None, None) if test is None else (test.p_spss, test.p_asymptotic)
    results = [
        _p(f"tox.{measure}.p", exact, n, reason, EXACT if n <= SPSS_EXACT_CASES_MAX else ASYMPTOTIC),
        _p(f"tox.{measure}.p_asymptotic", asymptotic, n, reason, ASYMPTOTIC),
        *_differences(by_arm, measure, n, reason),
    ]
    return [*results, _differs(test, n, reason, study)] if measure == "bilirubin" else results


def _compared(by_arm: Mapping[str, pd.DataFrame], cohort: int) -> tuple[int, str | None]:
    """Patients with a change in both arms together, and why the arms cannot be compared."""
    n = sum(int(group["change_pct"].notna().sum()) for group in by_arm.values())
    return n, next((why_missing(group, cohort) for group in by_arm.values() if group["change_pct"].isna().all()), None)


def _samples(by_arm: Mapping[str, pd.DataFrame], column: str) -> tuple[pd.Series, pd.Series]:
    return by_arm["lu_sirt"][column].dropna(), by_arm["lu"][column].dropna()


def _differences(by_arm: Mapping[str, pd.DataFrame], measure: str, n: int, reason: str | None) -> list[Result]:
    shift, ratio = (
        None if reason else hodges_lehmann(*_samples(by_arm, column)) for column in ("change_pct", "log_ratio")
    )
    result_id = f"tox.{measure}"
    return [
        _shift(f"{result_id}.difference", shift, n, reason, "percentage points", "Hodges-Lehmann difference"),
        _ratio(f"{result_id}.ratio", ratio, n, reason),
    ]


def _p(result_id: str, p: float | None, n: int, reason: str | None, method: str) -> Result:
    if reason or p is None:
        return missing(result_id, reason or "constant_values", n=n, unit="P", method=method)
    return Result(result_id, p, n=n, unit="P", method=method)


def _shift(result_id: str, shift: Shift | None, n: int, reason: str | None, unit: str, method: str) -> Result:
    method = f"{method}, SIRT minus 177Lu-PSMA alone"
    if reason or shift is None:
        return missing(result_id, reason or "no_measurements", n=n, unit=unit, method=method)
    return Result(
        result_id, shift.value, shift.lower, shift.upper, n, unit, method, "95% CI, inverted Mann-Whitney test"
    )


def _ratio(result_id: str, shift: Shift | None, n: int, reason: str | None) -> Result:
    back = None
    if shift is not None:
        lower, upper = (None if limit is None else float(np.exp(limit)) for limit in (shift.lower, shift.upper))
        back = Shift(float(np.exp(shift.value)), lower, upper, shift.coverage)
    result = _shift(result_id, back, n, reason, "ratio", "Hodges-Lehmann on log ratios to baseline")
    return replace(
        result, method="ratio of the ratios to baseline, SIRT over 177Lu-PSMA alone (Hodges-Lehmann on logs)"
    )


def _differs(test: MannWhitney | None, n: int, reason: str | None, study: Study) -> Result:
    method = f"P below {study.analysis.alpha}"
    if reason or test is None:
        return missing("tox.bilirubin", reason or "constant_values", n=n, method=method)
    return Result("tox.bilirubin", test.p_spss < study.analysis.alpha, n=n, method=method)


def sirt_first_results(tables: Tables, study: Study, rows: pd.DataFrame, cohort: int) -> list[Result]:
    """tox.sirt_first: patients whose SIRT came before day 0; tox.<measure>.later.*: the change without them.

    For those the baseline holds what SIRT did until then. The print says this of one patient of its subgroup and leaves
    open whether the fifth with SIRT was another.
    """
    windows = therapy_windows(tables, study)
    treated = windows[windows["arm"].eq("lu_sirt")]
    first = treated.index[treated["sirt_day"] < 0]
    empty = "arm_empty" if cohort else "no_patients"
    count = counted("tox.sirt_first", len(first), len(treated), reason=empty)
    results = [replace(count, method="patients with SIRT before day 0")]
    later = rows[~rows["patient_id"].isin(first)]
    for measure in PRINTED:
        by_arm = {arm: later[later["measure"].eq(measure) & later["arm"].eq(arm)] for arm in ARMS}
        reason = why_missing(by_arm["lu_sirt"], cohort)
        result_id, changed = f"tox.{measure}.later.lu_sirt", by_arm["lu_sirt"]["change_pct"]
        median = described(result_id, changed, "median_order", unit="percent", reason=reason)
        results.append(replace(median, method="median, without patients with SIRT before day 0"))
        results += _differences(by_arm, f"{measure}.later", *_compared(by_arm, cohort))[:1]
    return results


def after_sirt_results(rows: pd.DataFrame, cohort: int) -> list[Result]:
    """tox.<measure>.after_sirt: median change from the last value before SIRT to the last after it."""
    results = []
    for measure in PRINTED:
        group = rows[rows["measure"] == measure]
        reason = why_missing(group, cohort)
        result_id = f"tox.{measure}.after_sirt"
        results.append(described(result_id, group["change_pct"], "median_order", unit="percent", reason=reason))
    return results


def grade_results(worst: pd.DataFrame, study: Study, cohort: int) -> list[Result]:
    """tox.ctcae.<measure>.<arm>.any, .g3plus (share of those gradable), .worsened, .not_gradable (count).

    worsened: above the grade of an unchanged value, since the grade at baseline may stand on another scale.
    """
    results: list[Result] = []
    for measure in graded_measures(study):
        for arm in ARMS:
            group = worst[(worst["measure"] == measure) & (worst["arm"] == arm)]
            grades, worsened = group["worst_grade"].dropna(), group["worsened"].dropna()
            empty = "arm_empty" if cohort else "no_patients"
            reason = empty if group.empty else _why_ungraded(group)
            result_id = f"tox.ctcae.{measure}.{arm}"
            results += [
                proportion_result(f"{result_id}.{name}", int(flags.sum()), len(flags), reason=reason, method=method)
                for name, flags, method in (
                    ("any", grades >= 1, "worst CTCAE grade 1 or more"),
                    ("g3plus", grades >= SEVERE, f"worst CTCAE grade {SEVERE} or more"),
                    ("worsened", worsened, "worst CTCAE grade above the one that an unchanged value would have"),
                )
            ]
            results += [
                counted(f"{result_id}.not_gradable", int(group["worst_grade"].isna().sum()), len(group), reason=empty),
            ]
    return results


def _why_ungraded(group: pd.DataFrame) -> str:
    if not group["values"].sum():
        return "no_followup"
    return "no_reference_range" if group["baseline_state"].isna().all() else "no_baseline"


def _why_no_quadrant(tables: Tables) -> str:
    measured = numbers(tables, ("alt", "ast", "bilirubin"))
    if measured["measure"].nunique() < 2 or not measured["measure"].eq("bilirubin").any():
        return "no_measurements"
    return "no_reference_range" if measured["upper_limit"].isna().all() else "no_followup"


def liver_results(tables: Tables, study: Study, cohort: int) -> list[Result]:
    """Hy's law range, ALBI where albumin exists, and rises beside progression in the liver."""
    empty = "no_patients" if not cohort else "no_measurements"
    quadrants = hys_law_frame(tables, study)["quadrant"].dropna()
    why = empty if empty == "no_patients" else _why_no_quadrant(tables)
    both = int(quadrants.eq("both").sum())
    method = "highest transaminase and highest bilirubin after day 0 both beyond the limits of Hy's law"
    results = [proportion_result("tox.hys_law", both, len(quadrants), reason=why, method=method)]
    albi = albi_frame(tables, study)
    for arm in ARMS:
        group = albi[albi["arm"] == arm]
        reason = empty if not cohort else "arm_empty" if group.empty else "not_recorded"
        results.append(described(f"tox.albi.{arm}", group["change"], "median_order", unit="score", reason=reason))
    for measure in RISES:
        rows = progression_frame(tables, study, measure)
        risen = rows[rows["change_pct"].gt(0) & rows["hepatic_status"].notna()]
        progressive = int(risen["hepatic_status"].eq("progressive").sum())
        reason = empty if rows["change_pct"].isna().all() else "not_recorded"
        method = "progression coded in the liver, of the patients whose value rose and whose liver was judged"
        result_id = f"tox.{measure}.rise_with_progression"
        results.append(proportion_result(result_id, progressive, len(risen), reason=reason, method=method))
    return results
