"""What do absorbed doses of different dose rates mean beside each other: BED and EQD2.

Linear-quadratic model with an exponentially falling dose rate and one-component repair: BED = D (1 + G D /
(alpha/beta)), G = T_rep / (T_rep + T_eff). Cycles weeks apart are independent, so their BED add up, not their doses
within one formula. Proliferation, relative effectiveness and uptake changes between cycles are left out.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def dose_rate_factor(effective_half_life_h: npt.ArrayLike, repair_half_time_h: npt.ArrayLike) -> np.ndarray:
    """Lea-Catcheside factor G of an exponentially falling dose rate, without unit: T_rep / (T_rep + T_eff).

    Half-lives in hours; arrays broadcast.
    """
    repair = np.asarray(repair_half_time_h, dtype=float)
    return repair / (repair + np.asarray(effective_half_life_h, dtype=float))


def biologically_effective_dose(
    dose_gy: npt.ArrayLike,
    *,
    effective_half_life_h: npt.ArrayLike,
    alpha_beta_gy: npt.ArrayLike,
    repair_half_time_h: npt.ArrayLike,
) -> np.ndarray:
    """BED (Gy) of one administration with absorbed dose `dose_gy`: D (1 + G D / (alpha/beta)); arrays broadcast."""
    dose = np.asarray(dose_gy, dtype=float)
    factor = dose_rate_factor(effective_half_life_h, repair_half_time_h)
    return dose * (1 + factor * dose / np.asarray(alpha_beta_gy, dtype=float))


def equivalent_dose_2gy(bed_gy: npt.ArrayLike, alpha_beta_gy: npt.ArrayLike) -> np.ndarray:
    """EQD2 (Gy), the dose in fractions of 2 Gy with the same BED: BED / (1 + 2 / (alpha/beta)); arrays broadcast."""
    return np.asarray(bed_gy, dtype=float) / (1 + 2 / np.asarray(alpha_beta_gy, dtype=float))


def cumulative_bed(
    doses_gy: npt.ArrayLike, *, effective_half_life_h: float, alpha_beta_gy: float, repair_half_time_h: float
) -> float:
    """BED (Gy) of a course: the sum of the BED of its cycles; 0 for no cycle. doses_gy: shape (n_cycles,).

    Cycles count as independent, so BED are added and not doses.
    """
    beds = biologically_effective_dose(
        doses_gy,
        effective_half_life_h=effective_half_life_h,
        alpha_beta_gy=alpha_beta_gy,
        repair_half_time_h=repair_half_time_h,
    )
    return float(beds.sum())


def cycles_overlap(effective_half_life_h: float, weeks_between: float) -> float:
    """Share (0-1) of a cycle's dose still to come when the next cycle is given: 0.5^(interval / half-life)."""
    return float(0.5 ** (weeks_between * 7 * 24 / effective_half_life_h))


def equivalent_uniform_bed(bed_gy: npt.ArrayLike, share: npt.ArrayLike, alpha_per_gy: float) -> float:
    """Uniform BED (Gy) that leaves as many cells alive as a non-uniform one: -ln(sum share exp(-alpha BED)) / alpha.

    bed_gy and share (volume shares, sum 1) have one shape. The cold part decides.
    """
    exponent = -alpha_per_gy * np.asarray(bed_gy, dtype=float)
    weight = np.asarray(share, dtype=float)
    top = exponent.max()  # taken out so that large doses do not underflow
    return float(-(top + np.log((weight * np.exp(exponent - top)).sum() / weight.sum())) / alpha_per_gy)
