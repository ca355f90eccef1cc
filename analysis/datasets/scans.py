"""Which scan stands before and which after each therapy, and who forms the imaging subgroup?

The paper stages with PSMA PET before 177Lu-PSMA (baseline), after its last cycle (restaging) and after SIRT (final),
"so that the therapy effect could be clearly attributed to the precedent therapy" (Imaging; Figure 1B). Imaging days
of one patient with no therapy in between and no more than `scan_window_days` apart are one scan, since CT, MRI and
PET of one staging need not fall on one day. A scan on the day of a therapy counts as before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables, analysis_set, completed
from analysis.datasets.cached import cached_dataset

IMAGING_PROCEDURES = ("psma_pet", "ct", "mri")
IMAGING_MEASURES = ("lesion_diameter", "lesion_short_axis", "suv_max")


def therapy_days(tables: Tables, procedure: str) -> pd.DataFrame:
    """Days on which `procedure` was completed: columns patient_id, day, order; sorted; only rows with an exact day."""
    rows = completed(tables, procedure)
    chosen = rows.loc[rows["day"].notna(), ["patient_id", "day", "order"]].astype({"day": "int64"})
    return chosen.sort_values(["patient_id", "day", "order"], kind="stable").reset_index(drop=True)


def liver_patients(tables: Tables, study: Mapping[str, Any]) -> pd.Index:
    """Ids of the patients in the analysis set, sorted: castration-resistant cancer, liver metastases, 177Lu-PSMA."""
    return pd.Index(sorted(analysis_set(tables, study)["patient_id"]), dtype="object", name="patient_id")


def count_before(events: pd.DataFrame, therapy: pd.DataFrame) -> np.ndarray:
    """For each row of `events` (patient_id, day): how many rows of `therapy` lie on an earlier day; shape
    (n_events,).
    """
    given = therapy[["patient_id", "day"]].astype({"patient_id": "object"}).sort_values("day", kind="stable")
    given["count"] = given.groupby("patient_id").cumcount() + 1
    wanted = events[["patient_id", "day"]].astype({"patient_id": "object"}).assign(position=np.arange(len(events)))
    counted = pd.merge_asof(
        wanted.sort_values("day", kind="stable"), given, on="day", by="patient_id", allow_exact_matches=False
    )
    return counted.sort_values("position")["count"].fillna(0).astype("int64").to_numpy()


def imaging_days(tables: Tables) -> pd.DataFrame:
    """One row per patient, day, with what was imaged: has_pet, has_diameter, tracer (of PET, else of SUV; NA if
    none).
    """
    procedures, observations = tables["procedures"], tables["observations"]
    scans = procedures.loc[
        procedures["procedure"].isin(IMAGING_PROCEDURES)
        & procedures["status"].eq("completed")
        & procedures["day"].notna(),
        ["patient_id", "day", "procedure", "tracer"],
    ].rename(columns={"procedure": "kind"})
    measured = observations.loc[
        observations["measure"].isin(IMAGING_MEASURES) & observations["day"].notna() & observations["value"].notna(),
        ["patient_id", "day", "measure", "tracer"],
    ].rename(columns={"measure": "kind"})
    dtypes = {"patient_id": "string", "day": "int64", "kind": "string", "tracer": "string"}
    rows = pd.concat([scans.astype(dtypes), measured.astype(dtypes)], ignore_index=True)
    tracer = rows["tracer"].where(rows["kind"].isin(["psma_pet", "suv_max"]))
    rows = rows.assign(
        has_pet=rows["kind"].isin(["psma_pet", "suv_max"]),
        has_diameter=rows["kind"].eq("lesion_diameter"),
        tracer=tracer.mask(tracer.eq("none")),
    )
    columns = {"has_pet": "any", "has_diameter": "any", "tracer": "first"}
    return rows.groupby(["patient_id", "day"], as_index=False, observed=True).agg(columns)


@cached_dataset
def scans(tables: Tables, study: Mapping[str, Any]) -> pd.DataFrame:
    """One row per patient and scan, in time order.

    Columns: patient_id, scan (from 1), first_day, last_day, lu_before, sirt_before (therapies given on earlier days),
    has_pet, has_diameter, tracer. Empty with the same columns when nothing was imaged.
    """
    days = imaging_days(tables)
    days["lu_before"] = count_before(days, therapy_days(tables, "lu_psma"))
    days["sirt_before"] = count_before(days, therapy_days(tables, "sirt"))
    same = days["patient_id"].eq(days["patient_id"].shift())
    treated = days[["lu_before", "sirt_before"]].diff().ne(0).any(axis=1)
    late = days["day"].diff().gt(study["response"]["scan_window_days"])
    days["block"] = (~same | treated | late).cumsum()
    grouped = days.groupby("block", as_index=False).agg(
        patient_id=("patient_id", "first"),
        first_day=("day", "min"),
        last_day=("day", "max"),
        lu_before=("lu_before", "first"),
        sirt_before=("sirt_before", "first"),
        has_pet=("has_pet", "any"),
        has_diameter=("has_diameter", "any"),
        tracer=("tracer", "first"),
    )
    grouped.insert(1, "scan", grouped.groupby("patient_id").cumcount() + 1)
    return grouped.drop(columns="block")


@cached_dataset
def timepoints(tables: Tables, study: Mapping[str, Any], shows: str = "has_diameter") -> pd.DataFrame:
    """One row per patient of the analysis set: the scans that frame each therapy, as numbers of `scans` (NA if none).

    Only scans with `shows` (has_diameter: for response; has_pet: for uptake and for the imaging subgroup) are looked
    at. Columns: lu_cycles, lu_cycles_before_sirt, sirts, sirt_first (SIRT before the first cycle), baseline (last
    scan before any radionuclide therapy), restaging (first scan after the last cycle before SIRT), before_sirt (last
    scan before the first SIRT), final (first scan after SIRT with no cycle in between), first_lu_day, sirt_day (last
    SIRT before `final`, else the first one).
    """
    patients = liver_patients(tables, study)
    lu, sirt = therapy_days(tables, "lu_psma"), therapy_days(tables, "sirt")
    frame = pd.DataFrame(index=patients)
    frame["lu_cycles"] = lu.groupby("patient_id").size().reindex(patients, fill_value=0)
    frame["sirts"] = sirt.groupby("patient_id").size().reindex(patients, fill_value=0)
    frame["first_lu_day"] = lu.groupby("patient_id")["day"].min().reindex(patients).astype("Int64")
    first_sirt = sirt.drop_duplicates("patient_id")
    before = pd.Series(count_before(first_sirt, lu), index=first_sirt["patient_id"])
    frame["lu_cycles_before_sirt"] = before.reindex(patients).fillna(frame["lu_cycles"]).astype("int64")
    frame["sirt_day"] = first_sirt.set_index("patient_id")["day"].reindex(patients).astype("Int64")
    frame["sirt_first"] = frame["sirt_day"].le(frame["first_lu_day"]).fillna(False).astype(bool)
    seen = scans(tables, study)
    return _framing_scans(frame, seen[seen[shows]], sirt)


def _framing_scans(frame: pd.DataFrame, seen: pd.DataFrame, sirt: pd.DataFrame) -> pd.DataFrame:
    seen = seen[seen["patient_id"].isin(frame.index)]
    last_cycle = seen["patient_id"].map(frame["lu_cycles_before_sirt"])
    no_sirt = seen["sirt_before"].eq(0)
    untreated = no_sirt & seen["lu_before"].eq(0)
    after_lu = no_sirt & seen["lu_before"].eq(last_cycle) & last_cycle.gt(0)
    after_sirt = seen["sirt_before"].gt(0) & seen["lu_before"].eq(last_cycle)
    picks = {
        "baseline": seen[untreated].groupby("patient_id")["scan"].last(),
        "restaging": seen[after_lu].groupby("patient_id")["scan"].first(),
        "before_sirt": seen[no_sirt].groupby("patient_id")["scan"].last(),
        "final": seen[after_sirt].groupby("patient_id")["scan"].first(),
    }
    for name, scan in picks.items():
        frame[name] = scan.reindex(frame.index).astype("Int64")
    frame["before_sirt"] = frame["before_sirt"].where(frame["sirts"].gt(0))
    return frame.assign(sirt_day=_sirt_day_before(frame, seen, sirt))


def _sirt_day_before(frame: pd.DataFrame, seen: pd.DataFrame, sirt: pd.DataFrame) -> pd.Series:
    final = frame["final"].dropna().reset_index().rename(columns={"final": "scan"}).astype({"scan": "int64"})
    days = final.merge(seen[["patient_id", "scan", "first_day"]], on=["patient_id", "scan"])
    joined = days.merge(sirt[["patient_id", "day"]], on="patient_id")
    last = joined[joined["day"] < joined["first_day"]].groupby("patient_id")["day"].max()
    return last.reindex(frame.index).astype("Int64").fillna(frame["sirt_day"])
