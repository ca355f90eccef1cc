"""Can the radiation itself explain a different response? Every number of the dosimetry chapter as a `Result`.

Constants and physics of the two nuclides, the doses that the paper quotes and what they become over a course,
activity by body surface beside what was given, and lesion doses with their range. Nothing here is for treatment
planning.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.cached import cached_tables
from analysis.dosimetry.assumptions import assumed
from analysis.dosimetry.dose_comparison import course_doses, dose_ladder, dose_per_gbq, nonuniform_sirt, prostate
from analysis.dosimetry.lesion_dose import lesion_doses, tornado
from analysis.dosimetry.sirt_dose import sirt_table
from analysis.estimates import assumption_result, centre_result
from analysis.physics.absorbed_fractions import absorbed_fraction
from analysis.physics.constants import dose_per_decayed_activity, literature, nuclide
from analysis.physics.csda_range import csda_range_mm
from analysis.physics.dose_point_kernels import energy_within, x_sphere_radius_mm
from analysis.physics.nonuniform_dose import cluster_dose, distance_to_dose_mm
from analysis.physics.radiobiology import cycles_overlap
from analysis.physics.sirt_activity import rule
from analysis.results import Result, missing
from analysis.settings import Study

NUCLIDES = {"lu": "lu177", "y": "y90"}
SPHERES_MM = (1, 2, 3, 5, 10, 20)
SPACINGS_MM = (2, 4, 6, 8)
QUOTED = {"dose.lu.6gbq": "lu.paper_cycle_dose", "dose.sirt.crc": "sirt.paper_crc_dose"}
QUOTED_THRESHOLD = {"dose.threshold": "sirt.paper_threshold"}


def results(tables: Tables, study: Study) -> list[Result]:
    """All results of the dosimetry chapter; a reason instead of a value where the cohort does not allow one."""
    tables = cached_tables(tables)
    return [
        *emission_results(),
        *pattern_results(),
        *argument_results(),
        *course_results(tables, study),
        *sirt_results(tables, study),
        *lesion_results(tables, study),
    ]


def _physics(result_id: str, value: float, unit: str, method: str) -> Result:
    return Result(result_id, float(value), unit=unit, method=method, basis="physics")


@cache
def emission_results() -> tuple[Result, ...]:
    """Energies, ranges and energy radii of both nuclides, the paper's maximum range among them: phys.lu.*, phys.y.*."""
    rows = []
    for short, name in NUCLIDES.items():
        emax, mean = nuclide(f"{name}.paper_emax"), nuclide(f"{name}.beta_mean")
        rows += [
            _physics(f"phys.{short}.emax", emax, "MeV", "as the paper prints"),
            _physics(f"phys.{short}.range", nuclide(f"{name}.paper_range"), "mm", "as the paper prints"),
            _physics(f"phys.{short}.within_range", _within_range(name), "1", "share of the energy within that range"),
            _physics(f"phys.{short}.endpoint", nuclide(f"{name}.beta_endpoint"), "MeV", "ICRP Publication 107"),
            _physics(f"phys.{short}.beta_mean", mean, "MeV", "ICRP Publication 107"),
            _physics(f"phys.{short}.csda_max", float(csda_range_mm(emax)), "mm", "CSDA range at the printed energy"),
            _physics(f"phys.{short}.csda_mean", float(csda_range_mm(mean)), "mm", "CSDA range at the mean energy"),
            _physics(
                f"phys.{short}.dose_constant", dose_per_decayed_activity(name), "Gy kg/GBq", "full decay in place"
            ),
        ]
        for share in (50, 90, 99):
            radius = x_sphere_radius_mm(name, share / 100)
            rows.append(_physics(f"phys.{short}.r{share}", radius, "mm", f"radius of {share} % of the energy"))
    return tuple(rows)


def _within_range(name: str) -> float:
    return float(energy_within(name, nuclide(f"{name}.paper_range")))


@cache
def pattern_results() -> tuple[Result, ...]:
    """Absorbed fractions of small spheres, dose beyond a PSMA border, lowest dose between microsphere clusters."""
    rows = []
    for short, name in NUCLIDES.items():
        fractions = absorbed_fraction(name, np.array(SPHERES_MM, dtype=float))
        rows += [
            _physics(f"phys.{short}.sphere.{size}mm", float(fraction), "1", "self-absorbed fraction, electrons")
            for size, fraction in zip(SPHERES_MM, fractions, strict=True)
        ]
        edge = distance_to_dose_mm(name, 0.1)
        rows.append(_physics(f"phys.{short}.border.d10", edge, "mm", "distance beyond a plane border to 10 % dose"))
    for spacing in SPACINGS_MM:
        lowest = cluster_dose("y90", spacing).lowest
        method = "lowest dose over mean dose, point clusters on a cubic lattice"
        rows.append(_physics(f"phys.y.cluster.{spacing}mm", lowest, "1", method))
    return tuple(rows)


@cache
def argument_results() -> tuple[Result, ...]:
    """The quoted doses and what they become as BED and EQD2: dose.lu.6gbq, dose.sirt.crc, dose.threshold and others."""
    rows = [
        _physics(result_id, literature(key), "Gy", "as the paper quotes")
        for result_id, key in {**QUOTED, **QUOTED_THRESHOLD}.items()
    ]
    rows.append(_physics("dose.lu.per_gbq", dose_per_gbq(), "Gy/GBq", "32 Gy over 6 GBq, both as quoted"))
    sphere = literature("sirt.resin_sphere_activity")
    rows.append(_physics("dose.sirt.per_sphere", sphere, "Bq", "one resin microsphere, approximate"))
    rows += [*_liver_metastases(), _overlap(), *_source_of_the_sirt_dose()]
    for span in ("single", "total"):
        rows.append(_physics(f"dose.lung_limit.{span}", rule(f"lung.limit_{span}"), "Gy", "resin microspheres, lung"))
    tissue = prostate()
    about = (
        f"linear-quadratic, alpha/beta {tissue.alpha_beta_gy:g} Gy, repair half-time {tissue.repair_half_time_h:g} h"
    )
    for row in dose_ladder().to_dict("records"):
        name = f"lu.{row['cycles']:g}cycles" if row["therapy"] != "SIRT" else f"sirt.{row['dose_gy']:g}gy"
        rows += [_physics(f"dose.{name}.{key}", row[f"{key}_gy"], "Gy", about) for key in ("bed", "eqd2")]
    uneven = nonuniform_sirt(literature("sirt.paper_crc_dose"), SPACINGS_MM)
    for row in uneven.to_dict("records"):
        result_id = f"dose.sirt.cluster.{row['spacing_mm']:g}mm.bed"
        rows.append(_physics(result_id, row["equivalent_bed_gy"], "Gy", f"{about}, equal cell survival"))
    return tuple(rows)


def _liver_metastases() -> list[Result]:
    """What is published of the dose to liver metastases: per activity and per cycle of 6 GBq, with the range over lesions."""
    low, mean, high = (literature(f"lu.liver_dose_per_gbq{suffix}") for suffix in ("_low", "", "_high"))
    cycle = literature("lu.paper_cycle_activity")
    method, interval = "mean over liver metastases as published", "range over lesions"
    return [
        Result(
            result_id,
            factor * mean,
            factor * low,
            factor * high,
            unit=unit,
            method=method,
            interval=interval,
            basis="physics",
        )
        for result_id, factor, unit in (("dose.liver.per_gbq", 1, "Gy/GBq"), ("dose.liver.6gbq", cycle, "Gy"))
    ]


def _source_of_the_sirt_dose() -> list[Result]:
    """What the abstract of the paper's source says of the SIRT dose: dose.sirt.source and its two bounds."""
    mean, low, high = (literature(f"sirt.van_den_hoven_{name}") for name in ("mean", "lowest", "highest"))
    method = "mean over colorectal metastases, van den Hoven et al. 2016"
    results = [Result("dose.sirt.source", mean, low, high, unit="Gy", method=method, interval="range", basis="physics")]
    for end in ("low", "high"):
        value = literature(f"sirt.van_den_hoven_effective_{end}")
        results.append(
            _physics(f"dose.sirt.source.{end}_bound", value, "Gy", f"{end} end of the bounds of the same source")
        )
    return results


def _overlap() -> Result:
    share = cycles_overlap(assumed("effective_half_life").high, assumed("weeks_between_cycles").low)
    method = "share of a cycle's dose still to come at the next one, longest half-life and shortest spacing"
    return _physics("dose.lu.overlap", 100 * share, "percent", method)


def course_results(tables: Tables, study: Study) -> list[Result]:
    """Tumour dose over the course at the quoted 32 Gy for 6 GBq and at other published doses: dose.lu.course.*."""
    frame = course_doses(tables, study)
    reason = "no_patients" if tables["patients"].empty else "not_recorded"
    rows = [
        centre_result(f"dose.lu.course{suffix}", frame[column].to_numpy(), unit="Gy", reason=reason)
        for suffix, column in (("", "quoted_gy"), (".bed", "bed_gy"), (".eqd2", "eqd2_gy"))
    ]
    for suffix, columns, method in (
        ("literature", ["quoted_gy", "low_gy", "high_gy"], "the lowest and highest published mean dose per activity"),
        (
            "liver",
            ["liver_gy", "liver_low_gy", "liver_high_gy"],
            "the dose per activity published for liver metastases",
        ),
    ):
        method = f"median course at {method}"
        result_id = f"dose.lu.course.{suffix}"
        rows.append(assumption_result(result_id, frame[columns], reason=reason, method=method))
    return rows


def sirt_results(tables: Tables, study: Study) -> list[Result]:
    """Activity by body surface beside the activity given, and doses of the two models: dose.sirt.*, medians and
    ranges.
    """
    frame = sirt_table(tables, study)
    reason = "arm_empty" if frame.empty else "not_recorded"
    columns = {
        "rule": ("rule_gbq", "GBq"),
        "reduced": ("reduced_gbq", "GBq"),
        "difference": ("difference_gbq", "GBq"),
        "liver": ("liver_gy", "Gy"),
        "normal_liver": ("normal_liver_gy", "Gy"),
        "lung": ("lung_gy", "Gy"),
        "spacing": ("spacing_mm", "mm"),
    }
    rows = [
        centre_result(f"dose.sirt.{key}", frame[column].to_numpy(), unit=unit, reason=reason)
        for key, (column, unit) in columns.items()
    ]
    rows.append(_over_lung_limit(frame["lung_over_limit"].dropna(), reason))
    doses = frame[["tumour_gy", "tumour_low_gy", "tumour_high_gy"]].dropna()
    method = "partition model, range over the assumed tumour-to-normal ratio"
    return [
        *rows,
        assumption_result("dose.sirt.tumour", doses, reason=reason, method=method),
    ]


def _over_lung_limit(over: pd.Series, reason: str) -> Result:
    result_id, unit, method = "dose.sirt.lung_over_limit", "count", "treatments with more than 30 Gy to the lung"
    if over.empty:
        return missing(result_id, reason, n=0, unit=unit, method=method)
    return Result(result_id, int(over.sum()), n=len(over), unit=unit, method=method)


def _of_measured(frame: pd.DataFrame, reason: str) -> Result:
    """Estimated dose per activity of the first cycle over the mean that was measured in liver metastases of others."""
    activity = frame["first_activity_gbq"].where(frame["first_activity_gbq"].gt(0))
    doses = frame[["cycle_gy", "cycle_low_gy", "cycle_high_gy"]].div(activity, axis=0).dropna()
    method = (
        "dose per activity from SUVmax over that measured in liver metastases of another cohort, median over lesions"
    )
    measured = literature("lu.liver_dose_per_gbq")
    return assumption_result("dose.lesion.of_measured", doses / measured, reason=reason, method=method, unit="ratio")


def lesion_results(tables: Tables, study: Study) -> list[Result]:
    """177Lu lesion dose per cycle and course with its range over the assumptions, and the widest assumption's swing."""
    frame = lesion_doses(tables, study)
    reason = "no_lesions" if tables["lesions"].empty else "not_recorded"
    method = "median over lesions; range over uptake conversion, half-life and shape together"
    rows = []
    for span in ("cycle", "course"):
        doses = frame[[f"{span}_gy", f"{span}_low_gy", f"{span}_high_gy"]].dropna()
        rows.append(assumption_result(f"dose.lesion.{span}", doses, reason=reason, method=method))
    rows.append(_of_measured(frame, reason))
    swings = {row["assumption"]: row for row in tornado(tables, study).to_dict("records")}
    for key in ("uptake_conversion", "effective_half_life", "shape_factor"):
        result_id, unit = f"dose.lesion.swing.{key}", "Gy"
        if key not in swings:
            rows.append(missing(result_id, reason, n=0, unit=unit))
            continue
        row = swings[key]
        low, high = sorted((row["low_gy"], row["high_gy"]))
        method = "median course dose when this assumption alone moves"
        interval = "range of assumption"
        rows.append(
            Result(result_id, row["swing_gy"], low, high, n=len(frame), unit=unit, method=method, interval=interval)
        )
    return rows
