"""The paper's dose argument taken at its word: 32 Gy per cycle of 177Lu-PSMA beside 55 and 60 Gy by SIRT.

The 32 Gy belong to one cycle, SIRT is given once. So the doses are summed over the cycles that patients had, and put
on one scale by BED and EQD2, which name their alpha/beta, repair half-time and effective half-life. The SIRT doses
come from colorectal metastases; no threshold is published for prostate cancer in the liver.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables, analysis_set
from analysis.dosimetry.assumptions import assumed
from analysis.dosimetry.lesion_dose import cycles_table
from analysis.physics.constants import literature, nuclide
from analysis.physics.nonuniform_dose import cluster_dose
from analysis.physics.radiobiology import (
    biologically_effective_dose,
    cumulative_bed,
    equivalent_dose_2gy,
    equivalent_uniform_bed,
)


@dataclass(frozen=True, slots=True)
class Biology:
    """What BED and EQD2 depend on: alpha/beta (Gy), repair half-time (h), alpha (1/Gy)."""

    alpha_beta_gy: float
    repair_half_time_h: float
    alpha_per_gy: float


def prostate() -> Biology:
    """Prostate cancer by the assumptions in force."""
    keys = ("alpha_beta_prostate", "repair_half_time_prostate", "alpha_prostate")
    return Biology(*(assumed(key).default for key in keys))


def dose_per_gbq() -> float:
    """Tumour absorbed dose per activity that the paper quotes: 32 Gy over 6 GBq, Gy/GBq."""
    return literature("lu.paper_cycle_dose") / literature("lu.paper_cycle_activity")


def course_doses(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """Tumour dose over the course: one row per patient of the analysis set whose cycles all have a known activity.

    Columns cycles, activity_gbq, low_gy, quoted_gy (32 Gy for 6 GBq), high_gy, liver_low_gy, liver_gy, liver_high_gy (dose
    per activity published for liver metastases), bed_gy, eqd2_gy; index patient_id. A tumour dose per activity from
    other cohorts, not this patient's: for the scale of the argument only.
    """
    cycles = cycles_table(tables)
    cycles = cycles[cycles["patient_id"].isin(analysis_set(tables, study)["patient_id"])]
    known = cycles[~cycles["patient_id"].isin(cycles.loc[cycles["activity_gbq"].isna(), "patient_id"])]
    frame = known.groupby("patient_id").agg(cycles=("cycle", "max"), activity_gbq=("activity_gbq", "sum"))
    span, tissue = assumed("dose_per_gbq"), prostate()
    frame["low_gy"], frame["high_gy"] = frame["activity_gbq"] * span.low, frame["activity_gbq"] * span.high
    frame["quoted_gy"] = frame["activity_gbq"] * dose_per_gbq()
    for suffix in ("_low", "", "_high"):
        frame[f"liver{suffix}_gy"] = frame["activity_gbq"] * literature(f"lu.liver_dose_per_gbq{suffix}")
    bed = biologically_effective_dose(
        known["activity_gbq"] * dose_per_gbq(),
        effective_half_life_h=assumed("effective_half_life").default,
        alpha_beta_gy=tissue.alpha_beta_gy,
        repair_half_time_h=tissue.repair_half_time_h,
    )
    frame["bed_gy"] = known.assign(bed=bed).groupby("patient_id")["bed"].sum()
    return frame.assign(eqd2_gy=equivalent_dose_2gy(frame["bed_gy"], tissue.alpha_beta_gy))


def dose_ladder(cycles: tuple[float, ...] = (1, 2, 3, 6)) -> pd.DataFrame:
    """The quoted doses on one scale; no patient data.

    Columns therapy, label, cycles, dose_gy, bed_gy, eqd2_gy.
    177Lu: 32 Gy per cycle, summed; 90Y: 55 and 60 Gy once; both with alpha/beta and repair half-time of prostate
    cancer.
    """
    tissue, half_life = prostate(), assumed("effective_half_life").default
    about = {"alpha_beta_gy": tissue.alpha_beta_gy, "repair_half_time_h": tissue.repair_half_time_h}
    rows = []
    for count in cycles:
        doses = np.full(round(count), literature("lu.paper_cycle_dose"))
        bed = cumulative_bed(doses, effective_half_life_h=half_life, **about)
        rows.append(
            ("177Lu-PSMA", f"{count:g} {'cycle' if count == 1 else 'cycles'} of 6 GBq", count, float(doses.sum()), bed)
        )
    for key, label in (("sirt.paper_crc_dose", "mean"), ("sirt.paper_threshold", "favourable")):
        bed = sirt_bed(literature(key), tissue)
        rows.append(("SIRT", f"colorectal metastases, {label}", 1, literature(key), bed))
    frame = pd.DataFrame(rows, columns=["therapy", "label", "cycles", "dose_gy", "bed_gy"])
    return frame.assign(eqd2_gy=equivalent_dose_2gy(frame["bed_gy"], tissue.alpha_beta_gy))


def sirt_bed(dose_gy: float, tissue: Biology) -> float:
    """BED (Gy) of one 90Y treatment; microspheres stay in place, so the physical half-life counts."""
    bed = biologically_effective_dose(
        dose_gy,
        effective_half_life_h=nuclide("y90.half_life"),
        alpha_beta_gy=tissue.alpha_beta_gy,
        repair_half_time_h=tissue.repair_half_time_h,
    )
    return float(bed)


def nonuniform_sirt(dose_gy: float, spacings_mm: tuple[float, ...] = (1, 2, 4, 6, 8)) -> pd.DataFrame:
    """BED of clustered 90Y at the same mean dose: one row per spacing of the clusters.

    Columns spacing_mm, uniform_bed_gy, equivalent_bed_gy (equally many cells survive), lost_pct.
    """
    tissue = prostate()
    uniform = sirt_bed(dose_gy, tissue)
    rows = []
    for spacing in spacings_mm:
        relative = cluster_dose("y90", spacing).relative_dose
        bed = biologically_effective_dose(
            dose_gy * relative,
            effective_half_life_h=nuclide("y90.half_life"),
            alpha_beta_gy=tissue.alpha_beta_gy,
            repair_half_time_h=tissue.repair_half_time_h,
        )
        equal = equivalent_uniform_bed(bed, np.ones_like(bed), tissue.alpha_per_gy)
        rows.append((spacing, uniform, equal, 100 * (1 - equal / uniform)))
    return pd.DataFrame(rows, columns=["spacing_mm", "uniform_bed_gy", "equivalent_bed_gy", "lost_pct"])


EQD2_ASSUMPTIONS = ("alpha_beta_prostate", "repair_half_time_prostate", "effective_half_life")


def eqd2_tornado(cycles: int = 3) -> pd.DataFrame:
    """Sensitivity of EQD2 to each assumption alone, for a 177Lu course of `cycles` and one SIRT of 55 Gy.

    One row per therapy and assumption: therapy, assumption, low, default, high (of the assumption), low_gy, default_gy,
    high_gy (EQD2 at those), swing_gy. The effective half-life of microspheres is their physical one and does not move.
    """
    defaults = {key: assumed(key).default for key in EQD2_ASSUMPTIONS}
    rows = []
    for therapy, dose, count in (
        ("177Lu-PSMA", literature("lu.paper_cycle_dose"), cycles),
        ("SIRT", literature("sirt.paper_crc_dose"), 1),
    ):
        for key in EQD2_ASSUMPTIONS:
            item = assumed(key)
            ends = (item.low, item.default, item.high)
            doses = [_eqd2(therapy, dose, count, {**defaults, key: end}) for end in ends]
            rows.append([therapy, key, *ends, *doses, abs(doses[2] - doses[0])])
    columns = ["therapy", "assumption", "low", "default", "high", "low_gy", "default_gy", "high_gy", "swing_gy"]
    return pd.DataFrame(rows, columns=columns)


def _eqd2(therapy: str, dose_gy: float, count: int, values: dict[str, float]) -> float:
    half_life = nuclide("y90.half_life") if therapy == "SIRT" else values["effective_half_life"]
    bed = cumulative_bed(
        np.full(count, dose_gy),
        effective_half_life_h=half_life,
        alpha_beta_gy=values["alpha_beta_prostate"],
        repair_half_time_h=values["repair_half_time_prostate"],
    )
    return float(equivalent_dose_2gy(bed, values["alpha_beta_prostate"]))
