"""How different are the arms at the start, and how different would arms drawn by lot be?

Standardised mean differences with their interval, beside the range that drawing the same number of patients at random
gives by itself: with 5 against 31 most of the usual "0.1" line is noise, so no such line is drawn.

Sources: Austin, Stat Med 2009;28:3083-3107 (standardised difference); Hedges and Olkin, Statistical Methods for
Meta-Analysis, 1985 (its variance).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from analysis.results import Result, missing
from analysis.settings import Study

# characteristic -> (label, scale on which the arms are compared)
COVARIATES: dict[str, tuple[str, str]] = {
    "age_years": ("Age", "linear"),
    "gleason": ("Gleason score", "linear"),
    "psa": ("PSA (log)", "log"),
    "alp": ("Alkaline phosphatase (log)", "log"),
    "ldh": ("Lactate dehydrogenase (log)", "log"),
    "ecog": ("ECOG performance status", "linear"),
    "bone": ("Bone metastases", "proportion"),
    "lymph_node": ("Lymph node metastases", "proportion"),
    "lung": ("Lung metastases", "proportion"),
    "other": ("Other metastases", "proportion"),
    "docetaxel": ("Docetaxel", "proportion"),
    "cabazitaxel": ("Cabazitaxel", "proportion"),
    "abiraterone": ("Abiraterone", "proportion"),
    "enzalutamide": ("Enzalutamide", "proportion"),
    "ra223": ("223Ra", "proportion"),
    "ebrt_bone": ("External-beam radiation therapy to bone", "proportion"),
}
PROPORTIONS = frozenset(name for name, (_, scale) in COVARIATES.items() if scale == "proportion")
COLUMNS = ["characteristic", "label", "n_lu", "n_lu_sirt", "smd", "lower", "upper", "permuted_lower", "permuted_upper"]

Floats = npt.NDArray[np.float64]


def balance_frame(patients: pd.DataFrame, study: Study) -> pd.DataFrame:
    """One row per characteristic of `patient_frame`: difference (SIRT minus 177Lu alone) in standard deviations.

    Columns as `COLUMNS`; smd and limits are NaN where an arm lacks values or nobody differs in either arm;
    permuted_lower and permuted_upper hold 95 % of the differences under random arms of the same size.
    """
    exposed = patients["arm"].eq("lu_sirt").to_numpy()
    values = _by_content(_matrix(patients), exposed)
    exposed = np.sort(exposed)
    observed = _differences(values, exposed[None, :])[0]
    known = ~np.isnan(values)
    sizes = np.stack([known[~exposed].sum(axis=0), known[exposed].sum(axis=0)])
    half = stats.norm.ppf(0.975) * _standard_error(observed, sizes)
    lower, upper = _permutation_range(values, exposed, study)
    columns = (list(COVARIATES), [label for label, _ in COVARIATES.values()], *sizes)
    numbers = (observed, observed - half, observed + half, lower, upper)
    return pd.DataFrame(dict(zip(COLUMNS, (*columns, *numbers), strict=True)))


def balance_results(patients: pd.DataFrame, study: Study) -> list[Result]:
    """`t1.smd.<characteristic>` with its interval, and `.permuted` with the range under random arms."""
    results: list[Result] = []
    for row in balance_frame(patients, study).itertuples():
        result_id, n = f"t1.smd.{row.characteristic}", row.n_lu + row.n_lu_sirt
        method = "standardised difference, SIRT minus 177Lu-PSMA alone"
        if np.isnan(row.smd):
            reason = _reason(patients, row)
            results += [
                missing(key, reason, n=n, unit="SD", method=method) for key in (result_id, f"{result_id}.permuted")
            ]
            continue
        results.append(Result(result_id, row.smd, row.lower, row.upper, n, "SD", method, "95% CI, Hedges-Olkin"))
        range_method = "standardised difference between arms drawn at random, 97.5th percentile"
        limits = (float(row.permuted_upper), float(row.permuted_lower), float(row.permuted_upper))
        results.append(Result(f"{result_id}.permuted", *limits, n, "SD", range_method, "95% of random arms"))
    return results


def _reason(patients: pd.DataFrame, row: Any) -> str:
    if patients.empty:
        return "no_patients"
    if patients["arm"].nunique() < 2:
        return "arm_empty"
    if not row.n_lu or not row.n_lu_sirt:
        return "no_measurements"
    return "constant_values" if min(row.n_lu, row.n_lu_sirt) > 1 else "too_few_patients"


def _matrix(patients: pd.DataFrame) -> Floats:
    """Patients in rows, characteristics in columns; logarithms where the settings of `COVARIATES` ask for them."""
    values = patients[list(COVARIATES)].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    for column, (_, scale) in enumerate(COVARIATES.values()):
        if scale == "log":
            positive = np.where(values[:, column] > 0, values[:, column], np.nan)
            values[:, column] = np.log(positive)
    return values


def _by_content(values: Floats, exposed: npt.NDArray[np.bool_]) -> Floats:
    """Each characteristic in ascending order within its arm, those without SIRT first.

    Every characteristic is compared by itself, so who has which value does not matter; and neither sums nor seeded draws
    may depend on the order of study ids.
    """
    return np.concatenate([np.sort(values[~exposed], axis=0), np.sort(values[exposed], axis=0)])


def _differences(values: Floats, exposed: npt.NDArray[np.bool_]) -> Floats:
    """Standardised differences for several allocations at once: shape (allocations, characteristics)."""
    known = ~np.isnan(values)
    filled = np.where(known, values, 0.0)
    filled = filled - np.where(known.any(axis=0), filled.sum(axis=0) / np.maximum(known.sum(axis=0), 1), 0.0) * known
    member = exposed.astype(float)
    n1, n0 = member @ known, (1 - member) @ known
    with np.errstate(invalid="ignore", divide="ignore"):
        mean1, mean0 = member @ filled / n1, (1 - member) @ filled / n0
        square1, square0 = member @ filled**2 / n1 - mean1**2, (1 - member) @ filled**2 / n0 - mean0**2
        proportion = np.array([name in PROPORTIONS for name in COVARIATES])
        # a proportion's variance is p(1 - p); a sample variance divides by n - 1
        variance1 = np.where(proportion, square1, square1 * n1 / (n1 - 1))
        variance0 = np.where(proportion, square0, square0 * n0 / (n0 - 1))
        spread = np.sqrt((variance1 + variance0) / 2)
        return np.where(spread > 1e-12, (mean1 - mean0) / spread, np.nan)


def _standard_error(difference: Floats, sizes: Floats) -> Floats:
    n0, n1 = sizes.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.sqrt((n0 + n1) / (n0 * n1) + difference**2 / (2 * (n0 + n1)))


def _permutation_range(values: Floats, exposed: npt.NDArray[np.bool_], study: Study) -> tuple[Floats, Floats]:
    nothing = np.full(values.shape[1], np.nan)
    if exposed.all() or not exposed.any():
        return nothing, nothing
    settings = study.balance
    generator = np.random.default_rng(settings.seed)
    draws = np.tile(exposed, (settings.permutations, 1))
    differences = _differences(values, generator.permuted(draws, axis=1))
    lower, upper = nothing.copy(), nothing.copy()
    for column in range(values.shape[1]):
        known = differences[~np.isnan(differences[:, column]), column]
        if known.size:
            lower[column], upper[column] = np.quantile(known, [0.025, 0.975])
    return lower, upper
