"""Where does the dose go when the source is not uniform: PSMA-negative tissue and clusters of microspheres.

177Lu-PSMA stays in PSMA-positive cells; the dose beyond their border falls within a millimetre. Microspheres lodge by
arterial flow, not by PSMA, but in clusters; between them the 90Y dose sinks as they stand further apart. Both follow
from the point kernel and geometry alone, at equal mean activity.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.physics.dose_point_kernels import energy_within, kernel_shells

CELL_STEPS = 8  # points per half edge of the lattice cell, midpoints
SHELL_MM = 0.2


def dose_across_boundary(name: str, distance_mm: npt.ArrayLike) -> np.ndarray:
    """Dose at `distance_mm` from the plane face of a half-space with uniform activity, over the dose deep inside (0-1).

    Negative distances lie inside the source. On the face the dose is one half.
    """
    middle, share = kernel_shells(name)
    distance = np.asarray(distance_mm, dtype=float)
    ratio = distance[..., None] / np.maximum(middle, 1e-9)
    return np.clip((1 - ratio) / 2, 0, 1) @ share


def distance_to_dose_mm(name: str, share: float) -> float:
    """Distance (mm) beyond the border at which the dose has fallen to `share` of the dose deep inside (below 0.5)."""
    distance = np.linspace(0, float(kernel_shells(name)[0][-1]), 2001)
    return float(np.interp(-share, -dose_across_boundary(name, distance), distance))


def boundary_frame(names: tuple[str, ...] = ("lu177", "y90"), reach_mm: float = 4.0, steps: int = 161) -> pd.DataFrame:
    """Dose across the border for a chart: columns nuclide, distance_mm, relative_dose."""
    distance = np.linspace(-reach_mm, reach_mm, steps)
    parts = [
        pd.DataFrame({"nuclide": n, "distance_mm": distance, "relative_dose": dose_across_boundary(n, distance)})
        for n in names
    ]
    return pd.concat(parts, ignore_index=True)


@dataclass(frozen=True, slots=True)
class ClusterDose:
    """Dose in the unit cell of a cubic lattice of point clusters, relative to the mean dose; equal volume shares."""

    spacing_mm: float
    relative_dose: np.ndarray

    @property
    def lowest(self) -> float:
        """Lowest dose between the clusters over the mean dose."""
        return float(self.relative_dose.min())

    @property
    def below_half(self) -> float:
        """Share (0-1) of the tissue that gets less than half the mean dose."""
        return float((self.relative_dose < 0.5).mean())


@cache
def cluster_dose(name: str, spacing_mm: float) -> ClusterDose:
    """Dose around point clusters on a cubic lattice with `spacing_mm`, at the same mean activity for every spacing.

    Sampled at the midpoints of one eighth of the cell; the rest is alike by symmetry. The mean dose is exact: each
    cluster gives its whole energy to one cell's volume.
    """
    half = (np.arange(CELL_STEPS) + 0.5) / CELL_STEPS * spacing_mm / 2
    points = np.stack(np.meshgrid(half, half, half, indexing="ij"), axis=-1).reshape(-1, 3)
    reach = float(kernel_shells(name)[0][-1])
    count = int(np.ceil(reach / spacing_mm)) + 1
    steps = np.arange(-count, count + 1) * spacing_mm
    nodes = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1).reshape(-1, 3)
    near = nodes[(np.abs(nodes) < reach + spacing_mm).all(axis=1)]
    dose = np.zeros(len(points))
    for node in near:
        dose += _per_volume(name, np.sqrt(((points - node) ** 2).sum(axis=1)))
    return ClusterDose(spacing_mm, dose * spacing_mm**3)


def _per_volume(name: str, radius: np.ndarray) -> np.ndarray:
    """Energy share per mm3 at `radius`, from a shell wide enough to smooth the tabulated kernel."""
    inner, outer = np.clip(radius - SHELL_MM / 2, 0, None), radius + SHELL_MM / 2
    return (energy_within(name, outer) - energy_within(name, inner)) / (4 / 3 * np.pi * (outer**3 - inner**3))


def cluster_frame(name: str, spacings_mm: tuple[float, ...]) -> pd.DataFrame:
    """One row per spacing: spacing_mm, then lowest, tenth_percentile and below_half of the relative dose (0-1)."""
    doses = [cluster_dose(name, spacing) for spacing in spacings_mm]
    return pd.DataFrame(
        {
            "spacing_mm": [dose.spacing_mm for dose in doses],
            "lowest": [dose.lowest for dose in doses],
            "tenth_percentile": [float(np.quantile(dose.relative_dose, 0.1)) for dose in doses],
            "below_half": [dose.below_half for dose in doses],
        }
    )
