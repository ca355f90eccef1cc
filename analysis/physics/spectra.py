"""With which energies do 177Lu and 90Y send out their electrons?

Beta spectra by Fermi theory: allowed shape for 177Lu, unique first forbidden shape for 90Y, both in the Coulomb field
of the daughter. The mean energies agree within 0.5 % of ICRP Publication 107. Conversion electrons are one line at
their weighted mean; Auger electrons are absorbed where they start.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy import special

from analysis.physics.constants import nuclide, physics_table

STEPS = 300  # energies per beta branch, midpoints of equal steps


def _coulomb_wave(k: int, charge: int, momentum: np.ndarray, radius: float) -> np.ndarray:
    """Electron density at the nucleus for partial wave k, relative to a plane wave (Behrens and Buehring 1982)."""
    strength = nuclide("electron.fine_structure") * charge
    gamma = np.sqrt(k**2 - strength**2)
    eta = strength * np.sqrt(1 + momentum**2) / momentum
    size = 2 * np.real(special.loggamma(gamma + 1j * eta)) + np.pi * eta
    factor = (k * special.factorial2(2 * k - 1)) ** 2 * 4**k / special.gamma(1 + 2 * gamma) ** 2
    return factor * (2 * momentum * radius) ** (2 * (gamma - k)) * np.exp(size)


def branch_spectrum(
    endpoint_mev: float, shape: str, charge: int, mass_number: int, steps: int = STEPS
) -> tuple[np.ndarray, np.ndarray]:
    """Energies (MeV, midpoints) and probabilities (sum 1) of one beta branch; both shape (steps,).

    shape: "allowed" or "unique_first_forbidden"; charge: of the daughter nucleus.
    """
    energy = (np.arange(steps) + 0.5) / steps * endpoint_mev
    total = 1 + energy / nuclide("electron.rest_energy")
    momentum = np.sqrt(total**2 - 1)
    neutrino = (endpoint_mev - energy) / nuclide("electron.rest_energy")
    radius = 1.2 * mass_number ** (1 / 3) / nuclide("electron.compton_wavelength")
    first = _coulomb_wave(1, charge, momentum, radius)
    rate = momentum * total * neutrino**2 * first
    if shape == "unique_first_forbidden":
        gamma = [np.sqrt(k**2 - (nuclide("electron.fine_structure") * charge) ** 2) for k in (1, 2)]
        second = _coulomb_wave(2, charge, momentum, radius) / first * (2 + gamma[1]) / (2 * (1 + gamma[0]))
        rate = rate * (neutrino**2 + second * momentum**2)
    return energy, rate / rate.sum()


@cache
def electron_spectrum(name: str) -> tuple[np.ndarray, np.ndarray]:
    """All electrons of `lu177` or `y90` but Auger electrons: energies (MeV) and number per decay, same shape."""
    emissions = physics_table("emissions")
    energies, yields = [], []
    for row in emissions[emissions["nuclide"].eq(name)].to_dict("records"):
        if row["shape"] == "line":
            energy, share = np.array([row["energy_mev"]]), np.array([1.0])
        else:
            energy, share = branch_spectrum(row["energy_mev"], row["shape"], row["daughter_charge"], row["mass_number"])
        energies.append(energy)
        yields.append(share * row["per_decay"])
    return np.concatenate(energies), np.concatenate(yields)


def beta_mean(name: str) -> float:
    """Mean beta energy (MeV) of `lu177` or `y90` by this model, weighted with the yields of `physics/emissions.csv`."""
    emissions = physics_table("emissions")
    table = emissions[emissions["nuclide"].eq(name) & emissions["kind"].eq("beta")]
    total = 0.0
    for row in table.to_dict("records"):
        energy, share = branch_spectrum(row["energy_mev"], row["shape"], row["daughter_charge"], row["mass_number"])
        total += row["per_decay"] * float((energy * share).sum())
    return total / float(table["per_decay"].sum())
