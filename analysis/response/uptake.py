"""Does baseline SUVmax go with lesion response, once lesions of one patient are no longer taken as independent?

The paper's test takes every lesion as a unit. Beside it stand: Kruskal-Wallis over the three categories, the same
question with whole patients as units (exact permutation), a generalised estimating equation and a mixed model of log
SUVmax with the patient as cluster. Only one tracer at a time: SUVs of different tracers are never pooled.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from math import exp, factorial

import numpy as np
import pandas as pd
import statsmodels.api as sm
from scipy import stats
from statsmodels.genmod.cov_struct import Independence

from analysis.estimates import p_result
from analysis.response.heterogeneity import in_fixed_order
from analysis.results import Result, missing
from analysis.statistics.attainable_p import minimum_attainable_p
from analysis.statistics.monte_carlo import LESIONS, TIE_TOLERANCE, monte_carlo_p
from analysis.statistics.random_intercept import random_intercept

PATIENTS_EXACT_MAX = 8  # 8! = 40,320 orders of the patients
CLUSTERS_MIN = 4  # fewer clusters leave the sandwich variance without meaning


def kruskal_p(rows: pd.DataFrame) -> float | None:
    """Kruskal-Wallis P of SUVmax over the response categories present, lesions as units; None below two categories."""
    groups = [group.to_numpy() for _, group in rows.groupby("response", observed=True)["suv_max"]]
    if len(groups) < 2 or np.ptp(rows["suv_max"].to_numpy()) == 0:
        return None
    return float(stats.kruskal(*groups).pvalue)


@dataclass(frozen=True, slots=True)
class PatientTest:
    """Spearman correlation over patients of median SUVmax with the share of progressive lesions, and its permutation
    P.
    """

    patients: int
    correlation: float
    p: float
    exact: bool


def patient_test(rows: pd.DataFrame) -> PatientTest | None:
    """Whole patients as units: exact over all orders of up to 8 patients, else seeded draws; None if not defined."""
    table = rows.groupby("patient_id").agg(suv=("suv_max", "median"), share=("is_progressive", "mean"))
    table = table.sort_values(["suv", "share"])  # by content, so that draws do not depend on study ids
    if len(table) < 3 or table["suv"].nunique() < 2 or table["share"].nunique() < 2:
        return None
    suv, share = stats.rankdata(table["suv"]), stats.rankdata(table["share"])
    suv, share = suv - suv.mean(), share - share.mean()
    count = len(table)
    exact = count <= PATIENTS_EXACT_MAX
    if exact:
        orders = np.array(list(permutations(range(count))))
    else:
        orders = LESIONS.generator().permuted(np.tile(np.arange(count), (LESIONS.usual, 1)), axis=1)
    drawn = np.abs((suv[orders] * share).sum(axis=1))
    observed = abs(float((suv * share).sum()))
    extreme = int((drawn >= observed - TIE_TOLERANCE).sum())
    p = extreme / factorial(count) if exact else monte_carlo_p(extreme, LESIONS.usual)
    correlation = float((suv * share).sum() / np.sqrt((suv**2).sum() * (share**2).sum()))
    return PatientTest(count, correlation, p, exact)


@dataclass(frozen=True, slots=True)
class Ratio:
    """SUVmax of progressive lesions over that of the others (geometric means) with interval and P."""

    ratio: float
    lower: float
    upper: float
    p: float
    patients: int
    lesions: int


def _ready(rows: pd.DataFrame) -> str | None:
    """Reason why no clustered model can be fitted, None when it can."""
    if rows.empty:
        return "no_measurements"
    if rows["is_progressive"].nunique() < 2:
        return "arm_empty"
    if rows["patient_id"].nunique() < CLUSTERS_MIN or len(rows) < rows["patient_id"].nunique() + 2:
        return "too_few_patients"
    return "constant_values" if rows["suv_max"].nunique() < 2 else None


def estimating_equation(rows: pd.DataFrame) -> Ratio | str:
    """Generalised estimating equation of log SUVmax, clusters patients, bias-reduced (Mancl-DeRouen) variance.

    The working correlation is independence: it always converges, where an exchangeable one need not when lesions of
    one patient are less alike than others, and the sandwich variance holds for any true correlation. Quantiles of t with
    two degrees of freedom fewer than patients, where statsmodels takes normal ones, too narrow for few clusters. A
    reason instead of a ratio where it cannot be fitted.
    """
    reason = _ready(rows)
    if reason:
        return reason
    design = sm.add_constant(rows["is_progressive"].astype(float))
    clusters = pd.factorize(rows["patient_id"])[0]  # by first row: sums must not depend on study ids
    model = sm.GEE(np.log(rows["suv_max"]), design, groups=clusters, cov_struct=Independence())
    try:
        fit = model.fit(cov_type="bias_reduced")
    except np.linalg.LinAlgError:
        return "not_converged"
    return _ratio(float(fit.params.iloc[1]), float(fit.bse.iloc[1]), rows)


def mixed_model(rows: pd.DataFrame) -> Ratio | str:
    """Mixed model of log SUVmax with a random intercept a patient (REML), quantiles of t as in `estimating_equation`.

    A reason instead of a ratio where it cannot be fitted.
    """
    reason = _ready(rows)
    if reason:
        return reason
    progressive = rows["is_progressive"].to_numpy(dtype=float)
    design = np.column_stack([np.ones_like(progressive), progressive])
    fit = random_intercept(np.log(rows["suv_max"].to_numpy()), design, rows["patient_id"].to_numpy())
    return _ratio(float(fit.effects[1]), float(fit.errors[1]), rows)


def _ratio(estimate: float, error: float, rows: pd.DataFrame) -> Ratio | str:
    if not np.isfinite(estimate) or not np.isfinite(error) or error <= 0:
        return "not_converged"
    patients = rows["patient_id"].nunique()
    reach = float(stats.t.ppf(0.975, patients - 2)) * error
    p = float(2 * stats.t.sf(abs(estimate / error), patients - 2))
    return Ratio(exp(estimate), exp(estimate - reach), exp(estimate + reach), p, patients, len(rows))


def clustering_results(rows: pd.DataFrame) -> list[Result]:
    """SUVmax by response with lesions and with patients as units: suv.p.*, suv.ratio.*; rows from `suv_by_response`."""
    rows = in_fixed_order(rows, ["suv_max", "is_progressive"])
    patients = int(rows["patient_id"].nunique())
    reason = _ready(rows) or "constant_values"
    method = "Kruskal-Wallis over response categories, lesions as units"
    results = [
        p_result("suv.p.kruskal", kruskal_p(rows), n=patients, method=method, reason=reason),
        *_patients_as_units(rows, patients, reason),
    ]
    for name, fit, method in (
        ("gee", estimating_equation(rows), "generalised estimating equation, log SUVmax, bias-reduced"),
        ("mixed", mixed_model(rows), "mixed model, log SUVmax, random intercept"),
    ):
        results += _ratio_results(name, fit, method, patients)
    return results


def _patients_as_units(rows: pd.DataFrame, patients: int, reason: str) -> list[Result]:
    """P of the test with whole patients as units, and the smallest that so many patients could give."""
    test = patient_test(rows)
    method = "permutation of whole patients: median SUVmax against share of progressive lesions"
    minimum_p = minimum_attainable_p("mann_whitney_halves", (patients,))
    smallest, too_few = "smallest P of two halves of the patients", "too_few_patients"
    return [
        p_result("suv.p.patients", None if test is None else test.p, n=patients, method=method, reason=reason),
        p_result("suv.p.patients.smallest", minimum_p, n=patients, method=smallest, reason=too_few),
    ]


def _ratio_results(name: str, fit: Ratio | str, method: str, patients: int) -> list[Result]:
    result_id = f"suv.ratio.{name}"
    if isinstance(fit, str):
        return [
            missing(result_id, fit, n=patients, unit="ratio", method=method),
            missing(f"suv.p.{name}", fit, n=patients, unit="P", method=method),
        ]
    interval = "95% CI, t"
    return [
        Result(result_id, fit.ratio, fit.lower, fit.upper, n=patients, unit="ratio", method=method, interval=interval),
        p_result(f"suv.p.{name}", fit.p, n=patients, method=method, reason="not_converged"),
    ]
