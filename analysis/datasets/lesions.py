"""How did each liver lesion change from the scan before a therapy to the scan after it?

Diameters and SUVmax of liver lesions by scan, the change of each lesion and its response, and the best and the worst
lesion of each patient (the paper, Response Evaluation; Figure 3A). Refuses to compare SUVs of different tracers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.criteria.paper_response import classify_change, percent_change
from analysis.datasets.arms import Tables
from analysis.datasets.cached import cached_dataset
from analysis.datasets.scans import scans, timepoints

FRAMES = {"lu": ("baseline", "restaging"), "sirt": ("before_sirt", "final")}
THERAPIES = tuple(FRAMES)


@cached_dataset
def lesion_values(
    tables: Tables, study: Mapping[str, Any], measure: str = "lesion_diameter", organ: str | None = "liver"
) -> pd.DataFrame:
    """One row per patient, lesion and scan: value (unit of the measure), tracer, day. `organ` None: all organs.

    The last value of a scan counts. A lesion that was looked for without a value (absent reason) has value NaN: it is
    known, which is what tells an unmeasured lesion from a new one.
    """
    lesions, observations = tables["lesions"], tables["observations"]
    wanted = lesions["lesion_id"] if organ is None else lesions.loc[lesions["organ"].eq(organ), "lesion_id"]
    rows = observations.loc[
        observations["measure"].eq(measure) & observations["lesion_id"].isin(wanted) & observations["day"].notna(),
        ["patient_id", "lesion_id", "day", "order", "value", "tracer"],
    ].astype({"day": "int64", "tracer": "string"})
    seen = scans(tables, study)[["patient_id", "scan", "first_day", "last_day"]]
    rows, seen = (frame.astype({"patient_id": "object"}) for frame in (rows, seen))
    rows = rows.sort_values(["day", "order", "lesion_id"], kind="stable")
    placed = pd.merge_asof(rows, seen.sort_values("first_day"), left_on="day", right_on="first_day", by="patient_id")
    placed = placed[placed["day"].le(placed["last_day"])].astype({"scan": "int64"})
    last = placed.groupby(["patient_id", "lesion_id", "scan"], as_index=False).agg(
        value=("value", "last"), tracer=("tracer", "last"), day=("day", "last")
    )
    return last.assign(tracer=last["tracer"].mask(last["tracer"].eq("none")))


@cached_dataset
def lesion_changes(tables: Tables, study: Mapping[str, Any], therapy: str = "lu") -> pd.DataFrame:
    """One row per patient and liver lesion seen at one of the two scans that frame `therapy` ("lu" or "sirt").

    Columns: reference_mm, followup_mm (NaN: not measured), change_pct, response (category per lesion, NA if not
    evaluable), rank (1 = largest at the reference scan, NA if not measured there), is_target (among the largest
    `target_lesions_max`), is_new (first ever measured after the therapy, above 0 mm).
    """
    reference, followup = FRAMES[therapy]
    frames = timepoints(tables, study)[[reference, followup]].dropna()
    values = lesion_values(tables, study)
    before = _at_scan(values, frames[reference], "reference_mm")
    after = _at_scan(values, frames[followup], "followup_mm")
    rows = before.merge(after, on=["patient_id", "lesion_id"], how="outer").sort_values(["patient_id", "lesion_id"])
    known = _known_until(values, frames[reference])
    known |= _known_until(lesion_values(tables, study, "suv_max"), frames[reference])
    rows["is_new"] = rows["followup_mm"].gt(0) & ~rows["lesion_id"].isin(known)
    rows["rank"] = _rank_by_size(rows)
    rows["is_target"] = rows["rank"].le(study["response"]["target_lesions_max"]).fillna(False).astype(bool)
    rows["change_pct"] = percent_change(rows["reference_mm"], rows["followup_mm"])
    rows["response"] = classify_change(rows["reference_mm"], rows["followup_mm"], study)
    return rows.reset_index(drop=True)


def _at_scan(values: pd.DataFrame, scan: pd.Series, name: str) -> pd.DataFrame:
    chosen = scan.rename("scan").astype("int64").reset_index()
    rows = values.merge(chosen, on=["patient_id", "scan"])
    return rows[["patient_id", "lesion_id", "value"]].rename(columns={"value": name})


def _known_until(values: pd.DataFrame, scan: pd.Series) -> set[str]:
    """Lesions with any entry, even an absent one, at or before the reference scan."""
    limit = values["patient_id"].map(scan.astype("float64"))
    return set(values.loc[values["scan"].le(limit), "lesion_id"])


def _rank_by_size(rows: pd.DataFrame) -> pd.Series:
    """1 = largest diameter at the reference scan within the patient; ties by lesion id; 0 mm and missing have none."""
    measurable = rows[rows["reference_mm"].gt(0)]
    order = measurable.sort_values(["patient_id", "reference_mm", "lesion_id"], ascending=[True, False, True])
    return (order.groupby("patient_id").cumcount() + 1).reindex(rows.index).astype("Int64")


def best_and_worst(changes: pd.DataFrame) -> pd.DataFrame:
    """One row per patient with at least two evaluable target lesions: best_pct, worst_pct, lesions, gap_pct.

    Index patient_id, sorted. Best is the largest decrease (lowest change), worst the largest increase.
    """
    rows = changes[changes["is_target"] & changes["change_pct"].notna()]
    grouped = rows.groupby("patient_id")["change_pct"].agg(best_pct="min", worst_pct="max", lesions="count")
    several = grouped[grouped["lesions"].ge(2)]
    return several.assign(gap_pct=several["worst_pct"] - several["best_pct"]).astype({"lesions": np.int64})


def uptake_changes(tables: Tables, study: Mapping[str, Any], therapy: str = "sirt") -> pd.DataFrame:
    """One row per patient and liver lesion with SUVmax at one of the two PET scans that frame `therapy`.

    Columns: reference_suv, followup_suv, reference_tracer, followup_tracer, same_tracer, change_pct (NaN unless both
    values exist and the tracer is the same and known: SUVs of different tracers are not compared).
    """
    reference, followup = FRAMES[therapy]
    frames = timepoints(tables, study, shows="has_pet")[[reference, followup]].dropna()
    values = lesion_values(tables, study, "suv_max")
    sides = []
    for name, scan in (("reference", frames[reference]), ("followup", frames[followup])):
        chosen = scan.rename("scan").astype("int64").reset_index()
        rows = values.merge(chosen, on=["patient_id", "scan"])[["patient_id", "lesion_id", "value", "tracer"]]
        sides.append(rows.rename(columns={"value": f"{name}_suv", "tracer": f"{name}_tracer"}))
    rows = sides[0].merge(sides[1], on=["patient_id", "lesion_id"], how="outer")
    rows["same_tracer"] = rows["reference_tracer"].eq(rows["followup_tracer"]).fillna(False).astype(bool)
    change = percent_change(rows["reference_suv"], rows["followup_suv"])
    return rows.assign(change_pct=change.where(rows["same_tracer"])).reset_index(drop=True)
