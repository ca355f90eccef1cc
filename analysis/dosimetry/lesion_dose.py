"""What absorbed dose may each liver lesion have got from 177Lu-PSMA, per cycle and over the course?

From baseline SUVmax: activity concentration at time 0 = conversion x SUV x administered activity / body weight; dose
= dose rate constant x concentration x mean life x absorbed fraction of the lesion taken as a sphere of equal volume.
Every factor but the administered activity is assumed within the range of `physics/assumptions.csv`, so a lesion dose
is never given without its range. Uptake is taken as unchanged from cycle to cycle. Illustration, not for treatment
planning.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from analysis.datasets.arms import Tables, completed
from analysis.datasets.cached import cached_dataset
from analysis.datasets.lesions import lesion_values
from analysis.datasets.scans import timepoints
from analysis.dosimetry.assumptions import assumed, assumptions
from analysis.dosimetry.sirt_dose import nearest_value
from analysis.physics.absorbed_fractions import absorbed_fraction
from analysis.physics.constants import equilibrium_dose_constant, mean_life
from analysis.settings import Study

LESION_ASSUMPTIONS = ("uptake_conversion", "effective_half_life", "shape_factor")
MBQ_PER_GBQ, G_PER_KG = 1000, 1000


def lesion_dose_gy(  # noqa: PLR0913 - one keyword for each factor of the formula, with its unit
    suv: npt.ArrayLike,
    *,
    activity_gbq: npt.ArrayLike,
    weight_kg: npt.ArrayLike,
    diameter_mm: npt.ArrayLike,
    uptake_conversion: float,
    effective_half_life_h: float,
    shape_factor: float,
) -> np.ndarray:
    """Mean absorbed dose (Gy) of a lesion by one activity; NaN where an input is missing. Arrays broadcast."""
    activity, weight = np.asarray(activity_gbq, dtype=float), np.asarray(weight_kg, dtype=float)
    per_gram = uptake_conversion * np.asarray(suv, dtype=float) * activity * MBQ_PER_GBQ / (weight * G_PER_KG)
    equal_volume = np.asarray(diameter_mm, dtype=float) * shape_factor ** (1 / 3)
    absorbed = absorbed_fraction("lu177", equal_volume)
    return equilibrium_dose_constant("lu177") * per_gram * mean_life(effective_half_life_h) * absorbed


def cycles_table(tables: Tables) -> pd.DataFrame:
    """One row per 177Lu-PSMA cycle on an exact day: patient_id, day, cycle (from 1), activity_gbq (NaN if unknown)."""
    rows = completed(tables, "lu_psma")
    frame = rows.loc[rows["day"].notna(), ["patient_id", "day", "order", "activity_gbq"]].astype({"day": "int64"})
    frame = frame.sort_values(["patient_id", "day", "order"], kind="stable").reset_index(drop=True)
    frame["cycle"] = frame.groupby("patient_id").cumcount() + 1
    return frame[["patient_id", "day", "cycle", "activity_gbq"]]


@cached_dataset
def lesion_dose_inputs(tables: Tables, study: Study) -> pd.DataFrame:
    """One row per liver lesion with baseline SUVmax and diameter in a patient with at least one cycle.

    Columns patient_id, lesion_id, suv_max, diameter_mm, weight_kg, cycles, first_activity_gbq, activity_gbq (course;
    NaN when the activity of a cycle is unknown). The course ends with the last cycle on record.
    """
    sides = []
    for measure, shows, name in (
        ("suv_max", "has_pet", "suv_max"),
        ("lesion_diameter", "has_diameter", "diameter_mm"),
    ):
        scan = timepoints(tables, study, shows=shows)["baseline"].dropna().rename("scan").astype("int64").reset_index()
        values = lesion_values(tables, study, measure).merge(scan, on=["patient_id", "scan"])
        sides.append(values[["patient_id", "lesion_id", "value"]].rename(columns={"value": name}))
    frame = sides[0].merge(sides[1], on=["patient_id", "lesion_id"]).dropna(subset=["suv_max", "diameter_mm"])
    cycles = cycles_table(tables)
    course = cycles.groupby("patient_id", as_index=False).agg(
        day=("day", "first"),
        cycles=("cycle", "max"),
        first_activity_gbq=("activity_gbq", "first"),
        activity_gbq=("activity_gbq", lambda gbq: gbq.sum(skipna=False)),
    )
    frame = frame.merge(course, on="patient_id").reset_index(drop=True)
    frame["weight_kg"] = nearest_value(tables["observations"], frame, "weight")
    return frame.drop(columns="day").sort_values(["patient_id", "lesion_id"]).reset_index(drop=True)


def lesion_doses(tables: Tables, study: Study) -> pd.DataFrame:
    """`lesion_dose_inputs` with cycle_gy and course_gy, each with its low and high end over the assumptions.

    Columns cycle_low_gy, cycle_gy, cycle_high_gy, course_low_gy, course_gy, course_high_gy. The low end takes every
    assumption at the end that lowers the dose; the true dose may still lie outside.
    """
    frame = lesion_dose_inputs(tables, study)
    # by content, not by id: vectorised arithmetic may differ in the last digit with the place in the array
    frame = frame.sort_values([name for name in frame if not name.endswith("_id")], kind="stable")
    for suffix, end in (("_low", "low"), ("", "default"), ("_high", "high")):
        values = {key: getattr(assumed(key), end) for key in LESION_ASSUMPTIONS}
        for span, activity in (("cycle", "first_activity_gbq"), ("course", "activity_gbq")):
            frame[f"{span}{suffix}_gy"] = lesion_dose_gy(
                frame["suv_max"],
                activity_gbq=frame[activity],
                weight_kg=frame["weight_kg"],
                diameter_mm=frame["diameter_mm"],
                uptake_conversion=values["uptake_conversion"],
                effective_half_life_h=values["effective_half_life"],
                shape_factor=values["shape_factor"],
            )
    return frame.sort_index()


def tornado(tables: Tables, study: Study) -> pd.DataFrame:
    """How much each assumption alone moves the median course dose over the lesions: one row each, widest first.

    Columns assumption, low, default, high (of the assumption), low_gy, default_gy, high_gy, swing_gy. Empty when no
    lesion has a dose.
    """
    frame = lesion_dose_inputs(tables, study).dropna(subset=["activity_gbq", "weight_kg"])
    columns = ["assumption", "low", "default", "high", "low_gy", "default_gy", "high_gy", "swing_gy"]
    if frame.empty:
        return pd.DataFrame(columns=columns)
    defaults = {key: assumed(key).default for key in LESION_ASSUMPTIONS}
    rows = []
    for key in LESION_ASSUMPTIONS:
        item = assumptions()[key]
        ends = [_median_course(frame, {**defaults, key: end}) for end in (item.low, item.default, item.high)]
        rows.append([key, item.low, item.default, item.high, *ends, abs(ends[2] - ends[0])])
    table = pd.DataFrame(rows, columns=columns)
    return table.sort_values("swing_gy", ascending=False, kind="stable").reset_index(drop=True)


def _median_course(frame: pd.DataFrame, values: Mapping[str, float]) -> float:
    dose = lesion_dose_gy(
        frame["suv_max"],
        activity_gbq=frame["activity_gbq"],
        weight_kg=frame["weight_kg"],
        diameter_mm=frame["diameter_mm"],
        uptake_conversion=values["uptake_conversion"],
        effective_half_life_h=values["effective_half_life"],
        shape_factor=values["shape_factor"],
    )
    return float(np.median(dose))
