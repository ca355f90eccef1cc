"""The cohort files straight as tidy tables, without FHIR in between.

What an adapter must get out of the FHIR demo, but for study ids (here the keys of the cohort: P01, P01-L1) and for dates
that the demo blurs on purpose (earlier radiation, 223Ra). Reconstructions reach the analysis this way.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from adapters.contract import MEASURES, TABLES, conform

OUTSIDE = "no_therapy"  # the adapters' cohort rule leaves these patients out
NO_DAY_ZERO = "sirt_rejected"  # no 177Lu-PSMA, hence no day 0 and no days
SITE = {"extrahepatic": "other"}

Frames = Mapping[str, pd.DataFrame]


def tidy_tables(frames: Frames) -> dict[str, pd.DataFrame]:
    """The seven tables of the contract from the cohort frames; `findings` is empty. Patients without therapy are left out.

    frames: columns as in `cohort_files.COLUMNS`, keys unique over all frames.
    """
    people = frames["patients"]
    people = people[people["role"].ne(OUTSIDE)]
    keys = set(people["key"])
    own = {name: frame[frame["key"].isin(keys)] for name, frame in frames.items()} | {"patients": people}
    undated = people.loc[people["role"].eq(NO_DAY_ZERO), "key"].tolist()
    made = {
        "patients": _patients(people),
        "conditions": _dated(own["conditions"], undated, ("day",)),
        "procedures": _procedures(own, undated),
        "medications": _medications(own["medications"], undated),
        "observations": _observations(own, undated),
        "lesions": _lesions(own["lesions"]),
    }
    tables = {name: conform(name, _columns(name, frame)) for name, frame in made.items()}
    return tables | {"findings": TABLES["findings"].empty()}


def _columns(name: str, frame: pd.DataFrame) -> pd.DataFrame:
    wanted = [column.name for column in TABLES[name].columns]
    renamed = frame.rename(columns={"key": "patient_id"})
    return renamed.reindex(columns=wanted)


def _dated(frame: pd.DataFrame, undated: list[str], columns: tuple[str, ...]) -> pd.DataFrame:
    """Day columns with their bounds; no days for patients without day 0. Adds `is_active` and `status` of a plain act."""
    dated = frame.assign(is_active=True, status="completed")
    for column in columns:
        days = dated[column].mask(dated["key"].isin(undated)).astype("Int64")
        stem = column.removesuffix("day")
        dated = dated.assign(**{column: days, f"{stem}day_min": days, f"{stem}day_max": days})
    return dated


def _patients(people: pd.DataFrame) -> pd.DataFrame:
    has_zero = people["role"].ne(NO_DAY_ZERO)
    death = people["death_day"].where(has_zero)
    return pd.DataFrame(
        {
            "patient_id": people["key"],
            "sex": "male",
            "age_years": (-people["birth_day"].astype("float64") / 365.25).where(has_zero),
            "death_observed": people["death_day"].notna(),
            "death_day": death,
            "death_day_min": death,
            "death_day_max": death,
            "last_contact_day": people["last_contact_day"].where(has_zero),
            "last_contact_source": np.where(people["death_day"].notna(), "death", "vital_status"),
            "has_day_zero": has_zero,
        }
    )


def _procedures(own: Frames, undated: list[str]) -> pd.DataFrame:
    cycles = own["cycles"].assign(procedure="lu_psma")
    plan = own["sirt"]
    given = plan[plan["day"].notna()].assign(procedure="sirt", site="liver")
    work_up = plan[["key", "workup_day"]].rename(columns={"workup_day": "day"}).assign(procedure="maa_workup")
    others = own["procedures"].assign(site=own["procedures"]["site"].where(own["procedures"]["procedure"].eq("ebrt")))
    wanted = ["key", "procedure", "day", "activity_gbq", "site", "tracer"]
    rows = pd.concat([part.reindex(columns=wanted).astype(object) for part in (cycles, given, work_up, others)])
    rows = rows.assign(
        activity_gbq=rows["activity_gbq"].astype("float64"),
        site=rows["site"].where(rows["site"].notna() & rows["site"].ne(""), "none"),
        tracer=rows["tracer"].where(rows["tracer"].notna() & rows["tracer"].ne(""), "none"),
    )
    return _numbered(rows, "P", "procedure_id", "procedure", undated)


def _numbered(rows: pd.DataFrame, letter: str, column: str, kind: str, undated: list[str]) -> pd.DataFrame:
    """Ids within the patient by day and kind, order within the day."""
    ordered = rows.sort_values(["key", "day", kind], kind="stable", ignore_index=True)
    number = ordered.groupby("key").cumcount() + 1
    ordered = ordered.assign(order=(ordered.groupby(["key", "day"]).cumcount() + 1).astype("Int64"))
    ordered[column] = ordered["key"] + f"-{letter}" + number.astype("string")
    ordered["order"] = ordered["order"].mask(ordered["key"].isin(undated))
    return _dated(ordered, undated, ("day",))


def _medications(drugs: pd.DataFrame, undated: list[str]) -> pd.DataFrame:
    ordered = drugs.sort_values(["key", "start_day", "drug"], kind="stable", ignore_index=True)
    ordered["medication_id"] = ordered["key"] + "-M" + (ordered.groupby("key").cumcount() + 1).astype("string")
    dated = _dated(ordered, undated, ("start_day",))
    going_on = dated["end_day"].isna()
    ended = dated["end_day"].mask(dated["key"].isin(undated)).astype("Int64")
    return dated.assign(end_day=ended, status=np.where(going_on, "in_progress", "completed"))


def _observations(own: Frames, undated: list[str]) -> pd.DataFrame:
    parts = [own["labs"], _lesion_values(own), _work_up(own["sirt"]), _body(own), _status(own["disease_status"])]
    rows = pd.concat([part.astype(object) for part in parts], ignore_index=True)
    rows["unit"] = rows["measure"].map(MEASURES).replace("", None)
    return _numbered(rows, "O", "observation_id", "measure", undated)


def _lesion_values(own: Frames) -> pd.DataFrame:
    rows = own["lesion_measurements"].merge(own["patients"][["key", "tracer"]], on="key")
    rows = rows.merge(own["lesions"][["key", "lesion", "organ"]], on=["key", "lesion"])
    rows = rows.assign(lesion_id=rows["key"] + "-" + rows["lesion"], site=rows["organ"])
    sizes = rows.assign(measure="lesion_diameter", value=rows["diameter_mm"], tracer=None)
    uptake = rows.assign(measure="suv_max", value=rows["suv_max"])
    both = pd.concat([sizes.astype(object), uptake.astype(object)])
    return both.loc[both["value"].notna(), ["key", "day", "measure", "value", "lesion_id", "tracer", "site"]]


def _work_up(plan: pd.DataFrame) -> pd.DataFrame:
    names = {
        "lung_shunt_fraction": "lung_shunt_pct",
        "liver_volume": "liver_volume_ml",
        "tumour_volume": "tumour_volume_ml",
    }
    days = plan[["key"]].assign(day=plan["workup_day"])
    parts = [days.assign(measure=measure, value=plan[column]) for measure, column in names.items()]
    parts.append(days.assign(measure="gi_flow", category=plan["gi_flow"]))
    return pd.concat([part.astype(object) for part in parts])


def _body(own: Frames) -> pd.DataFrame:
    """ECOG, weight, height on the day of the last blood test before therapy, Gleason score, and the vital status."""
    people, labs = own["patients"], own["labs"]
    baseline = labs[labs["day"].le(0) & labs["measure"].eq("alt")].groupby("key")["day"].max()
    days = people[["key"]].assign(day=people["key"].map(baseline))
    columns = {"ecog": "ecog", "weight": "weight_kg", "height": "height_cm", "gleason_score": "gleason"}
    parts = [days.assign(measure=measure, value=people[column]) for measure, column in columns.items()]
    state = np.where(people["death_day"].notna(), "dead", "alive")
    parts.append(days.assign(measure="vital_status", category=state, day=people["last_contact_day"]))
    return pd.concat([part.astype(object) for part in parts])


def _status(status: pd.DataFrame) -> pd.DataFrame:
    sites = status["site"].replace(SITE)
    return status[["key", "day", "category"]].assign(measure="disease_status", site=sites)


def _lesions(lesions: pd.DataFrame) -> pd.DataFrame:
    ids = lesions["key"] + "-" + lesions["lesion"]
    return lesions.assign(lesion_id=ids, is_node=lesions["organ"].eq("lymph_node"))
