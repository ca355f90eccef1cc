"""Which 90Y activity does the body surface method ask for, and which absorbed doses follow from an activity?

Body surface area method for resin microspheres with reduction by lung shunt, MIRD one-compartment model, partition
model with tumour, normal liver and lung (the paper, SIRT; EANM guideline as quoted there). All formulas hold for
complete decay of microspheres that stay where they lodge. Illustration, not for treatment planning.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.physics.constants import literature, physics_table

BQ_PER_GBQ, MM3_PER_ML = 1e9, 1000


@cache
def rule(key: str) -> float:
    """Constant of the activity rules such as `shunt.first_limit`, in the unit of `physics/activity.csv`, with its source.

    Raises KeyError if unknown.
    """
    table = physics_table("activity")
    return float(dict(zip(table["key"], table["value"], strict=True))[key])


def body_surface_m2(height_cm: npt.ArrayLike, weight_kg: npt.ArrayLike) -> np.ndarray:
    """Body surface area, m2: 0.007184 h[cm]^0.725 w[kg]^0.425; NaN where height or weight is missing; arrays broadcast.

    Source: DuBois and DuBois 1916.
    """
    height, weight = np.asarray(height_cm, dtype=float), np.asarray(weight_kg, dtype=float)
    return rule("bsa.coefficient") * height ** rule("bsa.height_exponent") * weight ** rule("bsa.weight_exponent")


def bsa_activity_gbq(body_surface: npt.ArrayLike, tumour_share: npt.ArrayLike) -> np.ndarray:
    """90Y activity by the body surface method, GBq: (BSA - 0.2) + tumour volume / (tumour + normal liver volume).

    body_surface in m2, tumour_share 0-1; arrays broadcast. Source: `physics/activity.csv`.
    """
    return np.asarray(body_surface, dtype=float) - rule("activity.bsa_offset") + np.asarray(tumour_share, dtype=float)


def lung_shunt_reduction(lung_shunt_pct: npt.ArrayLike) -> np.ndarray:
    """Factor for the activity at this lung shunt (percent): 1, 0.8 above 10 %, 0.6 above 15 %, 0 above 20 %; NaN if unknown.

    Shape as `lung_shunt_pct`. Source: `physics/activity.csv` (van Roekel, thesis; Grosser et al. 2015).
    """
    shunt = np.asarray(lung_shunt_pct, dtype=float)
    steps = [np.isnan(shunt), shunt > rule("shunt.third_limit"), shunt > rule("shunt.second_limit")]
    values = [np.nan, 0.0, rule("shunt.second_factor"), rule("shunt.first_factor")]
    return np.select([*steps, shunt > rule("shunt.first_limit")], values, default=1.0)


def liver_dose_gy(activity_gbq: npt.ArrayLike, lung_shunt_pct: npt.ArrayLike, liver_kg: npt.ArrayLike) -> np.ndarray:
    """MIRD one-compartment model: mean absorbed dose of the whole liver, Gy; 49.67 A (1 - L) / M; arrays broadcast.

    Activity in GBq, lung shunt in percent, liver in kg. Source of the constant: Ho et al. 1996.
    """
    retained = 1 - np.asarray(lung_shunt_pct, dtype=float) / 100
    return (
        literature("y.dose_constant")
        * np.asarray(activity_gbq, dtype=float)
        * retained
        / np.asarray(liver_kg, dtype=float)
    )


@dataclass(frozen=True, slots=True)
class PartitionDose:
    """Mean absorbed doses of the partition model, Gy; arrays of one shape."""

    tumour_gy: np.ndarray
    normal_liver_gy: np.ndarray
    lung_gy: np.ndarray


def partition_dose(
    activity_gbq: npt.ArrayLike,
    *,
    lung_shunt_pct: npt.ArrayLike,
    tumour_to_normal: npt.ArrayLike,
    tumour_kg: npt.ArrayLike,
    normal_liver_kg: npt.ArrayLike,
    lung_kg: float | None = None,
) -> PartitionDose:
    """Partition model: D_N = 49.67 A (1 - L) / (TN M_T + M_N), D_T = TN D_N, D_lung = 49.67 A L / M_lung; Gy.

    Activity in GBq, lung shunt in percent, masses in kg; arrays broadcast. `lung_kg` None: the default mass of the model.
    Source of the constant: Ho et al. 1996.
    """
    constant, activity = literature("y.dose_constant"), np.asarray(activity_gbq, dtype=float)
    shunt, ratio = np.asarray(lung_shunt_pct, dtype=float) / 100, np.asarray(tumour_to_normal, dtype=float)
    tumour, normal_mass = np.asarray(tumour_kg, dtype=float), np.asarray(normal_liver_kg, dtype=float)
    normal = constant * activity * (1 - shunt) / (ratio * tumour + normal_mass)
    lung = constant * activity * shunt / (rule("lung.mass") if lung_kg is None else lung_kg)
    return PartitionDose(ratio * normal, normal, lung)


def even_spacing_mm(activity_gbq: npt.ArrayLike, volume_ml: npt.ArrayLike) -> np.ndarray:
    """Distance (mm) between resin microspheres spread evenly: edge of the cube that each of them has to itself.

    Activity in GBq, volume in mL; arrays broadcast. Activity of a sphere: `physics/literature.csv`.
    """
    spheres = np.asarray(activity_gbq, dtype=float) * BQ_PER_GBQ / literature("sirt.resin_sphere_activity")
    return np.cbrt(np.asarray(volume_ml, dtype=float) * MM3_PER_ML / spheres)
