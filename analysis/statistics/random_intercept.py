"""Mixed model with one random intercept a patient, by restricted maximum likelihood.

The ratio of the two variances is the only unknown that needs a search; it may be 0, where general optimisers stop
with a singular matrix although the estimate is legitimate (lesions of one patient no more alike than others).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import optimize

LOG_RATIO = (-12.0, 12.0)  # search interval of log(between / within variance)


@dataclass(frozen=True, slots=True)
class MixedFit:
    """Fixed effects with standard errors, shape (n_columns,), and the two standard deviations."""

    effects: np.ndarray
    errors: np.ndarray
    between_sd: float
    within_sd: float


def random_intercept(values: np.ndarray, design: np.ndarray, groups: np.ndarray) -> MixedFit:
    """Fit values = design @ effects + patient + error.

    values: shape (n,); design: shape (n, n_columns), of full rank with n > n_columns; groups: shape (n,), any labels.
    Raises numpy.linalg.LinAlgError for a design without full rank.
    """
    code, names = pd.factorize(groups)
    sizes = np.bincount(code, minlength=len(names))
    sums = np.zeros((len(names), design.shape[1] + 1))
    whole = np.column_stack([design, values])
    np.add.at(sums, code, whole)
    data = (whole.T @ whole, sums, sizes, design.shape[1], len(values))
    optimum = optimize.minimize_scalar(lambda log_ratio: -_profile(np.exp(log_ratio), data)[0], bounds=LOG_RATIO)
    ratio = float(np.exp(optimum.x))
    if _profile(0.0, data)[0] >= _profile(ratio, data)[0]:
        ratio = 0.0
    _, effects, inverse, variance = _profile(ratio, data)
    return MixedFit(
        effects, np.sqrt(variance * np.diag(inverse)), float(np.sqrt(ratio * variance)), float(np.sqrt(variance))
    )


def _profile(
    ratio: float, data: tuple[np.ndarray, np.ndarray, np.ndarray, int, int]
) -> tuple[float, np.ndarray, np.ndarray, float]:
    """Restricted log likelihood (up to a constant) at a ratio of variances; effects, inverse and error variance."""
    cross, sums, sizes, columns, count = data
    weight = ratio / (1 + sizes * ratio)
    weighted = cross - (sums * weight[:, None]).T @ sums  # X'V^-1 X, X'V^-1 y and y'V^-1 y in one matrix
    left, right = weighted[:columns, :columns], weighted[:columns, columns]
    inverse = np.linalg.inv(left)
    effects = inverse @ right
    freedom = count - columns
    variance = float(weighted[columns, columns] - right @ effects) / freedom
    determinant = np.linalg.slogdet(left)[1] + np.log1p(sizes * ratio).sum()
    return -0.5 * (freedom * np.log(variance) + determinant), effects, inverse, variance
