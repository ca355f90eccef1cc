"""Which 90Y activity would the body surface method have given, and what did each patient receive?

One row per SIRT of the cohort: body surface, tumour share of the liver, lung shunt, the activity by rule and the one
given, and the mean absorbed doses of the one-compartment and the partition model with their range over the
tumour-to-normal ratio, which nobody measured. `liver_volume` is taken as the whole liver, tumour included.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables, analysis_set, completed
from analysis.datasets.lesions import lesion_values
from analysis.dosimetry.assumptions import assumed
from analysis.physics.sirt_activity import (
    MM3_PER_ML,
    body_surface_m2,
    bsa_activity_gbq,
    even_spacing_mm,
    liver_dose_gy,
    lung_shunt_reduction,
    partition_dose,
    rule,
)

MEASURES = {
    "height": "height_cm",
    "weight": "weight_kg",
    "lung_shunt_fraction": "lung_shunt_pct",
    "liver_volume": "liver_ml",
    "tumour_volume": "tumour_ml",
}


def nearest_value(observations: pd.DataFrame, events: pd.DataFrame, measure: str) -> np.ndarray:
    """Value of `measure` nearest in time to each event: the last on or before its day, else the first after it.

    `events` has columns patient_id and day.
    Shape (n_events,), unit of the measure; NaN where the patient has none with an exact day.
    """
    rows = observations.loc[
        observations["measure"].eq(measure) & observations["value"].notna() & observations["day"].notna(),
        ["patient_id", "day", "order", "value"],
    ].astype({"patient_id": "object", "day": "int64"})
    rows = rows.sort_values(["day", "order"], kind="stable")[["patient_id", "day", "value"]]
    wanted = events[["patient_id", "day"]].astype({"patient_id": "object", "day": "int64"})
    wanted = wanted.assign(position=np.arange(len(wanted))).sort_values("day", kind="stable")
    nearest = [
        pd.merge_asof(wanted, rows, on="day", by="patient_id", direction=direction).set_index("position")["value"]
        for direction in ("backward", "forward")
    ]
    return nearest[0].fillna(nearest[1]).sort_index().to_numpy(dtype=float)


def sirt_table(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """One row per SIRT of the analysis set given on an exact day, sorted by patient and day.

    A value is NaN where an input is missing.

    Columns: patient_id, day, given_gbq, height_cm, weight_kg, lung_shunt_pct, liver_ml, tumour_ml, lesions_ml (measured
    lesions as spheres, before SIRT), body_surface_m2, tumour_share, rule_gbq (body surface method before shunt
    reduction), shunt_factor, reduced_gbq, difference_gbq (given minus reduced), spacing_mm (of microspheres spread evenly
    over the liver), liver_gy (one compartment), tumour_gy with tumour_low_gy and tumour_high_gy,
    normal_liver_gy, lung_gy, lung_over_limit (30 Gy in one treatment; NA if unknown).
    """
    rows = completed(tables, "sirt")
    analysed = rows["patient_id"].isin(analysis_set(tables, study)["patient_id"])
    frame = rows.loc[analysed & rows["day"].notna(), ["patient_id", "day", "activity_gbq"]].rename(
        columns={"activity_gbq": "given_gbq"}
    )
    frame = frame.sort_values(["patient_id", "day"], kind="stable").reset_index(drop=True)
    for measure, column in MEASURES.items():
        frame[column] = nearest_value(tables["observations"], frame, measure)
    frame["lesions_ml"] = _lesions_ml(tables, study, frame)
    frame["body_surface_m2"] = body_surface_m2(frame["height_cm"], frame["weight_kg"])
    frame["tumour_share"] = (frame["tumour_ml"] / frame["liver_ml"]).where(frame["liver_ml"].gt(0))
    frame["rule_gbq"] = bsa_activity_gbq(frame["body_surface_m2"], frame["tumour_share"])
    frame["shunt_factor"] = lung_shunt_reduction(frame["lung_shunt_pct"])
    frame["reduced_gbq"] = frame["rule_gbq"] * frame["shunt_factor"]
    frame["difference_gbq"] = frame["given_gbq"] - frame["reduced_gbq"]
    known = frame[["given_gbq", "liver_ml"]].where(frame[["given_gbq", "liver_ml"]].gt(0))
    frame["spacing_mm"] = even_spacing_mm(known["given_gbq"], known["liver_ml"])
    return _with_doses(frame)


def _lesions_ml(tables: Tables, study: Mapping[str, Any], treatments: pd.DataFrame) -> np.ndarray:
    """Volume (mL) of each patient's liver lesions, each a sphere of its last long axis up to that day; NaN if none."""
    seen = lesion_values(tables, study)[["patient_id", "lesion_id", "scan", "day", "value"]].dropna(subset=["value"])
    rows = treatments[["patient_id", "day"]].rename_axis("treatment").reset_index()
    rows = rows.merge(seen.rename(columns={"day": "seen"}), on="patient_id").query("seen <= day")
    last = rows.sort_values("scan", kind="stable").drop_duplicates(["treatment", "lesion_id"], keep="last")
    volume = np.pi / 6 * last["value"] ** 3 / MM3_PER_ML
    return volume.groupby(last["treatment"]).sum().reindex(treatments.index).to_numpy(dtype=float)


def _with_doses(frame: pd.DataFrame) -> pd.DataFrame:
    density = rule("liver.density") / 1000
    whole = (frame["liver_ml"] * density).where(frame["liver_ml"].gt(0))
    tumour = frame["tumour_ml"] * density
    frame["liver_gy"] = liver_dose_gy(frame["given_gbq"], frame["lung_shunt_pct"], whole)
    range_of_ratio = assumed("tumour_to_normal")
    for suffix, ratio in (("_low", range_of_ratio.low), ("", range_of_ratio.default), ("_high", range_of_ratio.high)):
        dose = partition_dose(
            frame["given_gbq"],
            lung_shunt_pct=frame["lung_shunt_pct"],
            tumour_to_normal=ratio,
            tumour_kg=tumour,
            normal_liver_kg=whole - tumour,
        )
        frame[f"tumour{suffix}_gy"] = dose.tumour_gy
        if not suffix:
            frame["normal_liver_gy"], frame["lung_gy"] = dose.normal_liver_gy, dose.lung_gy
    over = frame["lung_gy"].gt(rule("lung.limit_single")).astype("boolean")
    frame["lung_over_limit"] = over.mask(frame["lung_gy"].isna())
    return frame
