"""The calculators of the dosimetry chapter: inputs with their ranges, formulas for the browser, the same in Python.

`calculators.toml` describes each calculator; the functions here are what its JavaScript expressions must equal, and
call the very functions that compute the book's numbers.
"""

from __future__ import annotations

import importlib
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.physics.constants import equilibrium_dose_constant, literature, mean_life
from analysis.physics.radiobiology import biologically_effective_dose, equivalent_dose_2gy
from analysis.physics.sirt_activity import (
    body_surface_m2,
    bsa_activity_gbq,
    liver_dose_gy,
    lung_shunt_reduction,
    partition_dose,
)

TABLE = Path(__file__).with_name("calculators.toml")
Values = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Input:
    """One slider: its name in the formulas, label, unit and range."""

    name: str
    label: str
    unit: str
    default: float
    min: float
    max: float
    step: float


@dataclass(frozen=True, slots=True)
class Output:
    """One number that a calculator shows: label, unit, digits after the point, its formula for readers and for the page."""

    name: str
    label: str
    unit: str
    digits: int
    formula: str
    formula_js: str


@dataclass(frozen=True, slots=True)
class Calculator:
    """A set of sliders and what follows from them; `python` takes the inputs by name and gives the outputs by name.

    `symbols` says what the letters of the formulas stand for.
    """

    id: str
    title: str
    symbols: str
    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]
    python: Callable[[Values], Mapping[str, float]]

    def defaults(self) -> dict[str, float]:
        """Value of every input before anyone moved it."""
        return {item.name: float(item.default) for item in self.inputs}


@cache
def calculators() -> tuple[Calculator, ...]:
    """All calculators of `calculators.toml`, in its order."""
    with TABLE.open("rb") as file:
        rows = tomllib.load(file)["calculator"]
    return tuple(
        Calculator(
            id=row["id"],
            title=row["title"],
            symbols=row["symbols"],
            inputs=tuple(Input(**item) for item in row["inputs"]),
            outputs=tuple(Output(**item) for item in row["outputs"]),
            python=_function(row["python"]),
        )
        for row in rows
    )


def _function(path: str) -> Callable[[Values], Mapping[str, float]]:
    module, name = path.split(":")
    function: Callable[[Values], Mapping[str, float]] = getattr(importlib.import_module(module), name)
    return function


def bsa_activity(values: Values) -> dict[str, float]:
    """Body surface (m2), activity by the rule and after reduction for the lung shunt (GBq)."""
    surface = body_surface_m2(values["height_cm"], values["weight_kg"])
    activity = bsa_activity_gbq(surface, values["tumour_pct"] / 100)
    reduced = activity * lung_shunt_reduction(values["shunt_pct"])
    return {"body_surface_m2": float(surface), "activity_gbq": float(activity), "reduced_gbq": float(reduced)}


def sirt_dose(values: Values) -> dict[str, float]:
    """Doses (Gy) of the one-compartment and the partition model."""
    liver_kg = values["liver_ml"] / 1000
    tumour_kg = liver_kg * values["tumour_pct"] / 100
    dose = partition_dose(
        values["activity_gbq"],
        lung_shunt_pct=values["shunt_pct"],
        tumour_to_normal=values["ratio"],
        tumour_kg=tumour_kg,
        normal_liver_kg=liver_kg - tumour_kg,
    )
    return {
        "liver_gy": float(liver_dose_gy(values["activity_gbq"], values["shunt_pct"], liver_kg)),
        "tumour_gy": float(dose.tumour_gy),
        "normal_liver_gy": float(dose.normal_liver_gy),
        "lung_gy": float(dose.lung_gy),
    }


def lesion_dose(values: Values) -> dict[str, float]:
    """177Lu dose (Gy) of a lesion large enough to absorb all its electrons, per cycle and over the course."""
    per_gram = values["conversion"] * values["suv"] * values["activity_gbq"] / values["weight_kg"]
    cycle = equilibrium_dose_constant("lu177") * per_gram * mean_life(values["half_life_h"])
    return {"cycle_gy": cycle, "course_gy": cycle * values["cycles"]}


def bed(values: Values) -> dict[str, float]:
    """Absorbed dose, BED and EQD2 (Gy) of equal administrations far enough apart to be independent."""
    single = biologically_effective_dose(
        values["dose_gy"],
        effective_half_life_h=values["half_life_h"],
        alpha_beta_gy=values["alpha_beta_gy"],
        repair_half_time_h=values["repair_h"],
    )
    total = float(single) * values["count"]
    return {
        "total_gy": values["dose_gy"] * values["count"],
        "bed_gy": total,
        "eqd2_gy": float(equivalent_dose_2gy(total, values["alpha_beta_gy"])),
    }


def cumulative_dose(values: Values) -> dict[str, float]:
    """177Lu dose (Gy) over the course and its ratio to the two SIRT doses that the paper quotes."""
    course = values["dose_per_gbq"] * values["activity_gbq"] * values["cycles"]
    return {
        "course_gy": course,
        "over_sirt_mean": course / literature("sirt.paper_crc_dose"),
        "over_threshold": course / literature("sirt.paper_threshold"),
    }
