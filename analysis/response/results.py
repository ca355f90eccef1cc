"""Did the liver metastases respond, and to which therapy? Every number of the lesion chapter as a `Result`.

The paper's own figures first (Response Evaluation; Subgroup Analysis of Efficacy); what it could not say follows from
the modules named in `results`. Numbers of response to 177Lu-PSMA leave out patients whose SIRT came first, as the
paper does.
"""

from __future__ import annotations

import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.cached import cached_tables
from analysis.datasets.imaging_subgroup import Evaluation, evaluate, no_response_reason, several_lesions_reason
from analysis.datasets.lesions import best_and_worst
from analysis.datasets.scans import scans, timepoints
from analysis.estimates import centre_result, p_result, proportion_result
from analysis.response.cases import case_results
from analysis.response.heterogeneity_results import heterogeneity_results
from analysis.response.progression_claim import claim_results
from analysis.response.recist_comparison import reclassification_results
from analysis.response.subgroup_selection_bias import selection_results
from analysis.response.uptake import clustering_results
from analysis.results import Result, missing
from analysis.settings import Study
from analysis.statistics.rank_tests import mann_whitney, signed_rank

SHORT = {"pd": "progressive", "sd": "stable", "pr": "partial_response", "cr": "complete_response"}
VARIANT = "sum of long-axis diameters of up to {targets} liver lesions, paper's variant of RECIST 1.1"


def results(tables: Tables, study: Study) -> list[Result]:
    """All results of the lesion chapter; a reason instead of a value where the cohort does not allow one."""
    tables = cached_tables(tables)
    evaluation = evaluate(tables, study)
    return [
        *criteria_results(study),
        *response_results(evaluation, study, "lu"),
        *best_worst_results(evaluation, study, "lu"),
        *response_results(evaluation, study, "sirt"),
        *best_worst_results(evaluation, study, "sirt"),
        *followup_results(tables, study, evaluation),
        *uptake_results(evaluation),
        *suv_results(evaluation),
        *clustering_results(suv_by_response(evaluation)),
        *heterogeneity_results(evaluation),
        *reclassification_results(tables, study, evaluation),
        *claim_results(evaluation),
        *selection_results(tables, study, evaluation),
        *case_results(tables, study, evaluation),
    ]


def criteria_results(study: Study) -> list[Result]:
    """The limits in force, as read by the code that applies them."""
    limits = study.response
    rows = {
        "crit.pd": ("progression_increase_pct", "percent"),
        "crit.pd_new": ("progression_new_lesion", ""),
        "crit.pr": ("partial_response_decrease_pct", "percent"),
        "crit.cr": ("complete_response_no_lesions", ""),
        "crit.targets_max": ("target_lesions_max", "count"),
    }
    method = "setting, Response Evaluation"
    return [
        Result(result_id, getattr(limits, key), unit=unit, method=method, basis="design")
        for result_id, (key, unit) in rows.items()
    ]


def response_results(evaluation: Evaluation, study: Study, therapy: str) -> list[Result]:
    """Share of patients with each response, with exact intervals: resp.lu.pd ... resp.sirt.cr."""
    response = evaluation.patients[therapy]["response"].dropna()
    method = VARIANT.format(targets=study.response.target_lesions_max)
    return [
        proportion_result(
            f"resp.{therapy}.{short}",
            int(response.eq(name).sum()),
            len(response),
            reason=no_response_reason(evaluation, therapy),
            method=method,
        )
        for short, name in SHORT.items()
    ]


def best_worst_results(evaluation: Evaluation, study: Study, therapy: str) -> list[Result]:
    """Best and worst lesion of each patient, and the paired Wilcoxon test as SPSS prints it and exactly."""
    pairs = best_and_worst(evaluation.changes[therapy])
    prefix, reason = f"resp.{therapy}", several_lesions_reason(evaluation, therapy)
    rows = [
        centre_result(f"{prefix}.{side}", pairs[f"{side}_pct"].to_numpy(), unit="percent", reason=reason)
        for side in ("best", "worst")
    ]
    test = signed_rank((pairs["worst_pct"] - pairs["best_pct"]).to_numpy())
    spss = None if test is None else test.p_spss
    exact = None if test is None else test.p_exact
    n, no_test = len(pairs), reason if pairs.empty else "constant_values"
    method = "Wilcoxon signed-rank, SPSS asymptotic"
    rows.append(p_result(f"{prefix}.best_worst_p", spss, n=n, method=method, reason=no_test))
    method = "Wilcoxon signed-rank, exact"
    rows.append(p_result(f"{prefix}.best_worst_p.exact", exact, n=n, method=method, reason=no_test))
    return [*rows, _is_significant(f"{prefix}.best_worst_sig", spss, study, n, no_test)]


def _is_significant(result_id: str, p: float | None, study: Study, n: int, reason: str) -> Result:
    method = "Wilcoxon signed-rank, SPSS asymptotic, P below the paper's alpha"
    if p is None:
        return missing(result_id, reason, n=n, method=method)
    return Result(result_id, bool(p < study.analysis.alpha), n=n, method=method)


def followup_results(tables: Tables, study: Study, evaluation: Evaluation) -> list[Result]:
    """Weeks from the last SIRT to the scan that judged it: resp.sirt.followup, mean and range."""
    frames = (
        timepoints(tables, study)
        .loc[evaluation.patients["sirt"].index, ["final", "sirt_day"]]
        .astype("Int64")
        .reset_index()
    )
    seen = scans(tables, study)[["patient_id", "scan", "first_day"]]
    joined = frames.merge(seen, left_on=["patient_id", "final"], right_on=["patient_id", "scan"])
    weeks = (joined["first_day"] - joined["sirt_day"]).astype("float64").to_numpy() / 7
    reason = no_response_reason(evaluation, "sirt")
    return [
        centre_result(
            "resp.sirt.followup",
            weeks,
            unit="weeks",
            reason=reason,
            statistic="mean",
            about="from the last SIRT to the scan that judged it",
        ),
    ]


def patient_uptake(uptake: pd.DataFrame) -> pd.DataFrame:
    """One row per patient with uptake before and after: the median change of its lesions of one tracer, in percent.

    Columns change_pct (NaN where no lesion has the same tracer twice) and lesions; index patient_id.
    """
    grouped = uptake.groupby("patient_id")["change_pct"]
    return pd.DataFrame({"change_pct": grouped.median(), "lesions": grouped.count()})


def uptake_results(evaluation: Evaluation) -> list[Result]:
    """Change of SUVmax over SIRT, same tracer on both scans only; the others are counted."""
    per_patient = patient_uptake(evaluation.uptake)
    evaluable = per_patient["change_pct"].dropna()
    lesions = evaluation.uptake["change_pct"].dropna()
    reason = "no_comparable_tracer" if len(per_patient) else "no_measurements"
    if evaluation.patients["sirt"].empty:
        reason = no_response_reason(evaluation, "sirt")
    lost = int(per_patient["change_pct"].isna().sum())
    about = "change of SUVmax over SIRT, same tracer on both scans, "
    return [
        centre_result(
            "resp.sirt.psma",
            evaluable.to_numpy(),
            unit="percent",
            reason=reason,
            about=f"{about}patients (each the median of its lesions)",
        ),
        centre_result(
            "resp.sirt.psma.lesions", lesions.to_numpy(), unit="percent", reason=reason, about=f"{about}lesions"
        ),
        Result(
            "resp.sirt.psma.other_tracer", lost, n=len(per_patient), unit="count", method="tracer changed, left out"
        ),
    ]


def suv_by_response(evaluation: Evaluation, tracer: str = "ga68_psma_11") -> pd.DataFrame:
    """One row per liver lesion with baseline SUVmax of `tracer` and a response to 177Lu-PSMA.

    Columns patient_id, lesion_id, suv_max, response (ordered category), is_progressive.
    """
    rows = evaluation.baseline_suv[evaluation.baseline_suv["tracer"].eq(tracer)]
    judged = evaluation.changes["lu"].dropna(subset=["response"])[["patient_id", "lesion_id", "response"]]
    merged = rows[["patient_id", "lesion_id", "suv_max"]].merge(judged, on=["patient_id", "lesion_id"])
    return merged.assign(is_progressive=merged["response"].eq("progressive")).sort_values(["patient_id", "lesion_id"])


def suv_results(evaluation: Evaluation) -> list[Result]:
    """Baseline 68Ga SUVmax by lesion response and the paper's test, which takes lesions as independent.

    n counts, as in print, all patients read with the tracer; suv.*.lesions and suv.*.patients say what a median is of.
    """
    rows = suv_by_response(evaluation)
    patients = rows["patient_id"].nunique()
    reason = "no_measurements" if rows.empty else "arm_empty"
    medians = [
        centre_result(
            f"suv.{short}",
            rows.loc[rows["response"].eq(SHORT[short]), "suv_max"].to_numpy(),
            unit="SUV",
            reason=reason,
            n=patients,
        )
        for short in ("pd", "sd", "pr")
    ]
    test = mann_whitney(rows.loc[rows["is_progressive"], "suv_max"], rows.loc[~rows["is_progressive"], "suv_max"])
    method = "Mann-Whitney U, progressive against all others, lesions as units, SPSS"
    p = None if test is None else test.p_spss
    return [
        *medians,
        *suv_counts(rows),
        p_result("suv.p", p, n=patients, method=method, reason=reason),
    ]


def suv_counts(rows: pd.DataFrame) -> list[Result]:
    """Lesions in the comparison of SUVmax, then lesions and patients of each response; rows from `suv_by_response`."""
    patients = rows["patient_id"].nunique()
    method = "liver lesions with baseline SUVmax of the tracer and a response"
    counts = [Result("suv.lesions", len(rows), n=patients, unit="count", method=method)]
    for short in ("pd", "sd", "pr"):
        of_class = rows[rows["response"].eq(SHORT[short])]
        for name, count in (("lesions", len(of_class)), ("patients", of_class["patient_id"].nunique())):
            result_id, method = f"suv.{short}.{name}", f"{name} in the median SUVmax of this response"
            counts.append(Result(result_id, count, n=patients, unit="count", method=method))
    return counts
