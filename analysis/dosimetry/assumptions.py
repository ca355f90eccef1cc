"""What the dose estimates assume, from low to high: no estimate of a lesion dose is given without this range."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.physics.constants import physics_table


@dataclass(frozen=True, slots=True)
class Assumption:
    """A quantity nobody measured here: lowest, default and highest value, unit, and where they come from."""

    key: str
    low: float
    default: float
    high: float
    unit: str
    source: str


def assumptions() -> dict[str, Assumption]:
    """All assumptions of `physics/assumptions.csv` by key."""
    rows = physics_table("assumptions").to_dict("records")
    return {
        str(row["key"]): Assumption(
            str(row["key"]),
            float(row["low"]),
            float(row["default"]),
            float(row["high"]),
            str(row["unit"]),
            str(row["source"]),
        )
        for row in rows
    }


def assumed(key: str) -> Assumption:
    """One assumption; KeyError if unknown."""
    return assumptions()[key]
