"""How is the energy of one decay spread around its point of origin in tissue?

A scaled point kernel: the energy of an electron of CSDA range R is spread over the distance r from its start as a
beta distribution of r / (reach R), with the same three shape parameters for every energy and for both nuclides,
weighted with the electron spectrum. The parameters were fitted to radii that hold 50, 90 and 99 % of the energy and
to absorbed fractions of spheres from Monte Carlo kernels (tests/reference/dosimetry); the model meets those radii
within 7 % and the absorbed fractions within 0.01. It holds for unit-density soft tissue.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

from analysis.physics.constants import nuclide, physics_table
from analysis.physics.csda_range import csda_range_mm
from analysis.physics.spectra import electron_spectrum

RADII = 800  # steps of the tabulated kernel


Shape = tuple[float, float, float]  # start, end, reach


@cache
def kernel_shape() -> Shape:
    """The fitted shape parameters of `physics/kernel_shape.csv`: start, end, reach (no unit)."""
    values = dict(zip(physics_table("kernel_shape")["key"], physics_table("kernel_shape")["value"], strict=True))
    return float(values["start"]), float(values["end"]), float(values["reach"])


@cache
def _table(name: str, shape: Shape) -> tuple[np.ndarray, np.ndarray]:
    """Radii (mm) from 0 to the end of the kernel and the share of energy inside each."""
    energy, number = electron_spectrum(name)
    start, end, reach = shape
    limits = csda_range_mm(energy) * reach
    carried = energy * number
    local = nuclide(f"{name}.auger_energy")
    radius = np.linspace(0.0, float(limits.max()), RADII + 1)
    inside = special.betainc(start, end, np.clip(radius[:, None] / limits[None, :], 0, 1)) @ carried
    return radius, (inside + local) / (carried.sum() + local)


def energy_within(name: str, radius_mm: npt.ArrayLike) -> np.ndarray:
    """Share (0-1) of the electron energy of `lu177` or `y90` absorbed within `radius_mm` of a point source.

    Shape as `radius_mm`; unit-density tissue.
    """
    radius, inside = _table(name, kernel_shape())
    return np.interp(np.asarray(radius_mm, dtype=float), radius, inside)


def x_sphere_radius_mm(name: str, share: float, shape: Shape | None = None) -> float:
    """Radius (mm) of the sphere around a point source that absorbs `share` (0-1) of the electron energy: x50, x90, x99.

    `shape`: other parameters than the fitted ones.
    """
    radius, inside = _table(name, shape or kernel_shape())
    return float(np.interp(share, inside, radius))


def kernel_shells(name: str, shape: Shape | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Middle radius (mm) of each tabulated shell and the share of energy in it (sum 1, the centre included).

    Both of shape (RADII + 1,).
    """
    radius, inside = _table(name, shape or kernel_shape())
    middle = np.concatenate([[0.0], (radius[1:] + radius[:-1]) / 2])
    return middle, np.diff(inside, prepend=0.0)
