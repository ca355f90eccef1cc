"""How much of the energy released in a small lesion stays in it?

Absorbed fraction of a uniformly active sphere for its own electrons: the integral of the point kernel over
1 - 3r/4R + r^3/16R^3, the share of random starting points whose partner at distance r lies inside as well (Berger 1970,
MIRD pamphlet 7). Photons are left out; they add about 3 % to 177Lu in a sphere of 300 g.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.physics.constants import equilibrium_dose_constant
from analysis.physics.dose_point_kernels import kernel_shells

MASSES_G = (0.5, 1, 2, 4, 10, 20, 40, 100, 200, 500, 1000)  # those of the published tables of sphere doses


def sphere_diameter_mm(mass_g: npt.ArrayLike) -> np.ndarray:
    """Diameter (mm) of a sphere of unit density and `mass_g`, (6 m / pi)^(1/3); shape as `mass_g`."""
    return (6000 * np.asarray(mass_g, dtype=float) / np.pi) ** (1 / 3)


def absorbed_fraction(name: str, diameter_mm: npt.ArrayLike) -> np.ndarray:
    """Self-absorbed fraction (0-1) of the electron energy of `lu177` or `y90` in spheres; shape as `diameter_mm`.

    Integral of the point kernel over 1 - 3r/4R + r^3/16R^3. Source: Berger 1970, MIRD pamphlet 7.
    """
    middle, share = kernel_shells(name)
    # diameters are read to the millimetre, so thousands of lesions have few of them
    radius, place = np.unique(np.asarray(diameter_mm, dtype=float) / 2, return_inverse=True)
    relative = middle / np.maximum(radius[:, None], 1e-9)
    inside = np.where(relative < 2, 1 - 0.75 * relative + relative**3 / 16, 0.0)
    return np.asarray((inside @ share)[place].reshape(np.shape(diameter_mm)))


def sphere_s_value(name: str, mass_g: npt.ArrayLike) -> np.ndarray:
    """Self-dose S value of spheres of unit density, mGy / (MBq h), electrons only; shape as `mass_g`.

    S = equilibrium dose constant x absorbed fraction / mass.
    """
    mass = np.asarray(mass_g, dtype=float)
    return 1000 * equilibrium_dose_constant(name) * absorbed_fraction(name, sphere_diameter_mm(mass)) / mass


def sphere_frame(masses_g: tuple[float, ...] = MASSES_G) -> pd.DataFrame:
    """One row per mass: mass_g, diameter_mm, then absorbed fraction and S value (mGy/(MBq h)) of both nuclides.

    Columns fraction_lu177, s_lu177, fraction_y90, s_y90.
    """
    frame = pd.DataFrame({"mass_g": masses_g, "diameter_mm": sphere_diameter_mm(masses_g)})
    for name in ("lu177", "y90"):
        frame[f"fraction_{name}"] = absorbed_fraction(name, frame["diameter_mm"].to_numpy())
        frame[f"s_{name}"] = sphere_s_value(name, masses_g)
    return frame
