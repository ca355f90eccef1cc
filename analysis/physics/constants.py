"""Physical constants and literature values: every number of the dosimetry chapter with its unit and source.

The values are in `analysis/physics/*.csv`; code asks for them by key and contains none itself.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pandas as pd

PHYSICS = Path(__file__).resolve().parent
TOTALS = {"half_life": "half-life", "auger_energy": "Auger energy"}  # in words where "_" to " " is not enough


@cache
def physics_table(name: str) -> pd.DataFrame:
    """The rows of `physics/<name>.csv`, each with its source; do not change the frame, it is shared."""
    return pd.read_csv(PHYSICS / f"{name}.csv", keep_default_na=False)


@cache
def _values(name: str) -> dict[str, float]:
    table = physics_table(name)
    return dict(zip(table["key"], table["value"].astype(float), strict=True))


def nuclide(key: str) -> float:
    """Nuclear datum or constant such as `lu177.half_life`, in the unit of `physics/nuclides.csv`, which gives its source.

    Raises KeyError if unknown.
    """
    return _values("nuclides")[key]


def emission_frame() -> pd.DataFrame:
    """The emission data in use: nuclide ("lu177", "y90"), quantity, value, unit, source; the branches after the totals."""
    totals = physics_table("nuclides")
    totals = totals[totals["key"].str.match(r"(lu177|y90)\.(?!paper)")]
    parts = totals["key"].str.split(".", expand=True)
    totals = totals.assign(
        nuclide=parts[0], quantity=parts[1].replace(TOTALS).str.replace("_", " "), value=totals["value"].astype(float)
    )
    lines = physics_table("emissions")
    words = lines["kind"] + " electrons, " + lines["energy_mev"].astype(str) + " MeV"
    lines = lines.assign(quantity=words, value=lines["per_decay"].astype(float), unit="per decay")
    both = pd.concat([totals, lines])[["nuclide", "quantity", "value", "unit", "source"]]
    return both.sort_values("nuclide", kind="stable", ignore_index=True)


def water(key: str) -> float:
    """Property of liquid water for the stopping of electrons, in the unit of `physics/water.csv`, which gives its source.

    Raises KeyError if unknown.
    """
    return _values("water")[key]


def literature(key: str) -> float:
    """Published dose, activity or half-life such as `lu.paper_cycle_dose`, in the unit of `physics/literature.csv`.

    The file gives the source of each. Raises KeyError if unknown.
    """
    return _values("literature")[key]


def equilibrium_dose_constant(name: str) -> float:
    """Equilibrium dose constant of MIRD for electrons of `lu177` or `y90`, Gy g / (MBq h): all energy absorbed in place.

    Electron energy per decay times decays per MBq h. Raises KeyError for another nuclide. Source: `physics/nuclides.csv`.
    """
    joule = nuclide(f"{name}.electron_energy") * nuclide("electron.charge") * 1e-13
    return joule * 1e6 * 3600 * 1e3


def dose_per_decayed_activity(name: str, half_life_h: float | None = None) -> float:
    """Absorbed dose of complete decay in place, Gy kg / GBq: equilibrium dose constant times mean life.

    `half_life_h`: an effective half-life (h) in place of the physical one. Raises KeyError for an unknown nuclide.
    """
    hours = nuclide(f"{name}.half_life") if half_life_h is None else half_life_h
    return equilibrium_dose_constant(name) * mean_life(hours)


def mean_life(half_life: float) -> float:
    """Mean life: half-life over ln 2, in the same unit."""
    return half_life / 0.6931471805599453
