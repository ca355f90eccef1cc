"""Hazard ratio of one exposure: Cox with Efron ties, Firth's penalised likelihood, and when neither may be printed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from firthmodels import FirthCoxPH
from lifelines import CoxPHFitter
from lifelines.exceptions import ConvergenceWarning
from numpy.typing import ArrayLike

# lifelines stops its Newton steps early by default: 6e-5 off in the log ratio of a small cohort
CONVERGENCE = {"precision": 1e-10, "r_precision": 1e-15}


@dataclass(frozen=True, slots=True)
class HazardRatio:
    """Hazard ratio with its 95 % interval and two-sided P value."""

    value: float
    lower: float
    upper: float
    p: float


class SeparationError(ValueError):
    """Deaths separate the groups completely: the likelihood has no maximum, a hazard ratio would be an artefact."""


def is_separated(times: ArrayLike, events: ArrayLike, is_exposed: ArrayLike, entry: ArrayLike | None = None) -> bool:
    """True when at every death the dead patient has the largest (or at every death the smallest) exposure at risk.

    This is the condition of a monotone likelihood for one binary covariate (Heinze and Schemper 2001,
    Biometrics 57:114-119); one arm without any death is its common form. All arguments have the shape (n,); `entry` is
    the time at which a row comes under observation (left truncation), without it everybody is from the start on.
    """
    t, d = np.asarray(times, dtype=float), np.asarray(events, dtype=bool)
    x = np.asarray(is_exposed, dtype=float)
    start = np.full(t.shape, -np.inf) if entry is None else np.asarray(entry, dtype=float)
    highest = all(x[i] >= x[(start < t[i]) & (t >= t[i])].max() for i in np.flatnonzero(d))
    lowest = all(x[i] <= x[(start < t[i]) & (t >= t[i])].min() for i in np.flatnonzero(d))
    return highest or lowest


def cox_efron(times: ArrayLike, events: ArrayLike, is_exposed: ArrayLike) -> HazardRatio:
    """Cox hazard ratio with Efron ties and Wald interval. Raises SeparationError where the likelihood is monotone."""
    if is_separated(times, events, is_exposed):
        raise SeparationError("deaths separate the groups: use the penalised estimate")
    frame = pd.DataFrame(
        {
            "time": np.asarray(times, dtype=float),
            "death": np.asarray(events, dtype=bool),
            "exposed": np.asarray(is_exposed, dtype=float),
        }
    )
    # From 0 the Newton steps overshoot and diverge where one early death is exposed; the penalised estimate is close by.
    start = _firth(frame["exposed"].to_numpy(), frame["death"].to_numpy(), frame["time"].to_numpy()).coef_[0]
    scaled = np.array([start * frame["exposed"].std()])  # lifelines fits covariates in standard deviations
    with warnings.catch_warnings():
        # lifelines suspects separation from a low variance alone; real separation was ruled out above
        warnings.filterwarnings("ignore", message="Column exposed have very low variance", category=ConvergenceWarning)
        fitted = CoxPHFitter().fit(frame, "time", "death", fit_options=CONVERGENCE, initial_point=scaled)
    row = fitted.summary.loc["exposed"]
    lower, upper = row["exp(coef) lower 95%"], row["exp(coef) upper 95%"]
    return HazardRatio(float(row["exp(coef)"]), float(lower), float(upper), float(row["p"]))


def cox_firth(times: ArrayLike, events: ArrayLike, is_exposed: ArrayLike) -> HazardRatio:
    """Firth's penalised hazard ratio (Breslow ties) with profile-likelihood interval and penalised likelihood-ratio P.

    Finite even under separation (Heinze and Schemper 2001). Raises ValueError when nobody died or one group is empty.
    """
    x = np.asarray(is_exposed, dtype=float)
    d = np.asarray(events, dtype=bool)
    if not d.any() or x.min() == x.max():
        raise ValueError("a hazard ratio needs two groups and at least one death")
    model = _firth(x, d, np.asarray(times, dtype=float))
    model.lrt()
    low, high = model.conf_int(method="pl")[0]
    value, lower, upper = (float(np.exp(v)) for v in (model.coef_[0], low, high))
    return HazardRatio(value, lower, upper, float(model.lrt_pvalues_[0]))


def _firth(is_exposed: np.ndarray, events: np.ndarray, times: np.ndarray) -> FirthCoxPH:
    return FirthCoxPH().fit(is_exposed[:, None], (events, times))
