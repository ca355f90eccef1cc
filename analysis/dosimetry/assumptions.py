"""What the dose estimates assume, from low to high: no estimate of a lesion dose is given without this range."""

from __future__ import annotations

from dataclasses import dataclass

from analysis.physics.constants import physics_table


@dataclass(frozen=True, slots=True)
class Assumption:
    """A quantity that was not measured in this cohort: lowest, default and highest value, unit, source."""

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
    """The assumption with this key. Raises KeyError for an unknown key."""
    return assumptions()[key]
