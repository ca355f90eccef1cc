"""What a comparison of this size could show: detectable hazard ratio, E-value. Never observed power."""

from __future__ import annotations

from math import exp, sqrt

from scipy.stats import norm

POWER = 0.8


def detectable_hazard_ratio(deaths: int, exposed_share: float, *, alpha: float = 0.05, power: float = POWER) -> float:
    """Hazard ratio below 1 that a log-rank test detects with `power` (Schoenfeld 1983, Biometrics 39:499-503).

    Raises ValueError without deaths or when one arm is empty.
    """
    if deaths < 1 or not 0 < exposed_share < 1:
        raise ValueError("needs deaths and two arms")
    quantiles = float(norm.ppf(1 - alpha / 2) + norm.ppf(power))
    return exp(-quantiles / sqrt(deaths * exposed_share * (1 - exposed_share)))


def risk_ratio_of_common_outcome(hazard_ratio: float) -> float:
    """Approximate risk ratio of a hazard ratio when the outcome is common (VanderWeele 2017, Biometrics 73:1221-1227)."""
    return (1 - 0.5 ** sqrt(hazard_ratio)) / (1 - 0.5 ** sqrt(1 / hazard_ratio))


def e_value(hazard_ratio: float) -> float:
    """E-value of a hazard ratio with common outcome (VanderWeele and Ding 2017, Ann Intern Med 167:268-274).

    The strength, as a risk ratio with both exposure and outcome, that an unmeasured confounder would need to explain the
    estimate away. It says nothing of immortal time or selection.
    """
    ratio = risk_ratio_of_common_outcome(hazard_ratio)
    ratio = 1 / ratio if ratio < 1 else ratio
    return ratio + sqrt(ratio * (ratio - 1))


def e_value_of_limit(lower: float, upper: float) -> float:
    """E-value of the interval limit closer to 1; exactly 1 when the interval includes 1.

    lower, upper: limits of a hazard ratio. Source: VanderWeele and Ding 2017.
    """
    if lower <= 1 <= upper:
        return 1.0
    return e_value(upper if upper < 1 else lower)
