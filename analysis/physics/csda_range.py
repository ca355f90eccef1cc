"""How far does an electron of a given energy go in water if it loses energy continuously (CSDA range)?

Collision stopping power by the Bethe formula of Berger and Seltzer (ICRU Report 37) with the density effect of liquid
water; radiative losses by their textbook ratio. The range is along the track: scattering keeps the energy much closer,
which is why the maximum range that the paper quotes says little about where the dose goes.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from analysis.physics.constants import nuclide, water

LOWEST_MEV, HIGHEST_MEV, STEPS = 1e-3, 2.5, 3000
MM_PER_CM = 10


def stopping_power(energy_mev: npt.ArrayLike) -> np.ndarray:
    """Total stopping power of liquid water for electrons, MeV cm2/g, shape as `energy_mev`; valid from 1 keV to 2.5 MeV.

    Bethe formula of Berger and Seltzer. Source: ICRU Report 37.
    """
    energy = np.asarray(energy_mev, dtype=float)
    tau = energy / nuclide("electron.rest_energy")
    beta2 = tau * (tau + 2) / (tau + 1) ** 2
    shell = 1 - beta2 + (tau**2 / 8 - (2 * tau + 1) * np.log(2)) / (tau + 1) ** 2
    excitation = water("mean_excitation_energy") * 1e-6 / nuclide("electron.rest_energy")
    logarithm = np.log(tau**2 * (tau + 2) / (2 * excitation**2))
    scale = water("bethe_constant") * water("charge_to_mass") / beta2
    collision = scale * (logarithm + shell - _density_effect(tau))
    return collision * (1 + energy * water("radiative_charge") / water("radiative_divisor"))


def _density_effect(tau: np.ndarray) -> np.ndarray:
    x = np.log10(np.sqrt(tau * (tau + 2)))
    high = 2 * np.log(10) * x + water("density_c")
    rest = np.clip(water("density_x1") - x, 0, None)
    return np.where(x < water("density_x0"), 0.0, high + water("density_a") * rest ** water("density_m"))


@cache
def _range_table() -> tuple[np.ndarray, np.ndarray]:
    energy = np.geomspace(LOWEST_MEV, HIGHEST_MEV, STEPS)
    path = 1 / stopping_power(energy)
    below = LOWEST_MEV * path[0]  # what is left below 1 keV: less than a ten-thousandth of a millimetre
    steps = np.diff(energy) * (path[1:] + path[:-1]) / 2
    length = np.concatenate([[below], below + np.cumsum(steps)])
    return np.concatenate([[0.0], energy]), np.concatenate([[0.0], length]) / water("density") * MM_PER_CM


def csda_range_mm(energy_mev: npt.ArrayLike) -> np.ndarray:
    """Range in water along the track, mm, of electrons of `energy_mev`, by integrating the stopping power.

    Shape as `energy_mev`. Source: ICRU Report 37 (continuous slowing down).
    """
    energy, length = _range_table()
    return np.interp(np.asarray(energy_mev, dtype=float), energy, length)
