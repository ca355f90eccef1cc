"""Every kind of cohort that a hospital may have, made from the demo's facts as tidy tables."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping

import pandas as pd

from adapters.contract import conform, empty_tables
from analysis.book.chapters import collect
from analysis.results import Result
from analysis.settings import load_study
from tests.support.paths import REPOSITORY
from tests.support.truth import truth_tables

TABLE = REPOSITORY / "tests" / "study" / "any_cohort.csv"
MANIFEST = {"synthetic": True, "cohort_tags": ["resampled"]}  # a cohort that is not the reconstruction
LAB_MEASURES = (
    "psa", "alp", "ldh", "alt", "ast", "ggt", "bilirubin", "creatinine", "haemoglobin", "leukocytes", "neutrophils",
    "lymphocytes", "platelets", "albumin", "inr", "testosterone", "nse", "chromogranin_a",
)  # fmt: skip
ONE, ONE_WITH_SIRT = "P06", "P01"  # of the imaging subgroup, without and with SIRT
LARGE = 5000

Tables = Mapping[str, pd.DataFrame]


def truth() -> Tables:
    """The cohort files as tidy tables."""
    return truth_tables()


def only(tables: Tables, patients: Iterable[str]) -> Tables:
    """The rows of some patients."""
    kept = set(patients)
    return {
        name: frame[frame["patient_id"].isin(kept)] if name != "findings" else frame for name, frame in tables.items()
    }


def treated_with_sirt(tables: Tables) -> set[str]:
    """Patients with a completed SIRT."""
    rows = tables["procedures"]
    return set(rows.loc[rows["procedure"].eq("sirt") & rows["status"].eq("completed"), "patient_id"])


def no_sirt(tables: Tables) -> Tables:
    """Nobody was worked up for SIRT or got it."""
    rows = tables["procedures"]
    candidates = set(rows.loc[rows["procedure"].isin(["sirt", "maa_workup"]), "patient_id"])
    return only(tables, set(tables["patients"]["patient_id"]) - candidates)


def no_deaths(tables: Tables) -> Tables:
    """All alive at their last contact."""
    days = dict.fromkeys(("death_day", "death_day_min", "death_day_max"), pd.NA)
    alive = tables["patients"].assign(death_observed=False, last_contact_source="vital_status", **days)
    return {**tables, "patients": alive}


def dead_on_one_day(tables: Tables) -> Tables:
    """All who have a day 0 dead on day 100."""
    people = tables["patients"]
    days = pd.Series(100, index=people.index, dtype="Int64").where(people["has_day_zero"])
    columns = dict.fromkeys(("death_day", "death_day_min", "death_day_max", "last_contact_day"), days)
    return {**tables, "patients": people.assign(death_observed=True, last_contact_source="death", **columns)}


def with_lesions(tables: Tables, keep: Callable[[pd.DataFrame], pd.Series]) -> Tables:
    """Only the lesions for which `keep` is true, and their measurements."""
    lesions = tables["lesions"][keep(tables["lesions"])]
    rows = tables["observations"]
    measured = rows[rows["lesion_id"].isna() | rows["lesion_id"].isin(lesions["lesion_id"])]
    return {**tables, "lesions": lesions, "observations": measured}


def without_laboratory(tables: Tables) -> Tables:
    """No blood was ever taken."""
    rows = tables["observations"]
    return {**tables, "observations": rows[~rows["measure"].isin(LAB_MEASURES)]}


def without_limits(tables: Tables) -> Tables:
    """No reference range came with any value."""
    return {**tables, "observations": tables["observations"].assign(lower_limit=math.nan, upper_limit=math.nan)}


def resampled(tables: Tables, patients: int = LARGE) -> Tables:
    """So many patients: all patients of the demo again and again, each copy under its own id."""
    people = list(tables["patients"]["patient_id"])
    copies = [(f"{people[n % len(people)]}", f"C{n:05d}") for n in range(patients)]
    chosen = pd.DataFrame(copies, columns=["patient_id", "copy"]).astype("string")
    return {name: _copied(name, frame, chosen) for name, frame in tables.items()}


def _copied(name: str, frame: pd.DataFrame, chosen: pd.DataFrame) -> pd.DataFrame:
    if name == "findings":
        return frame
    rows = chosen.merge(frame, on="patient_id", how="inner")
    for column in [c for c in frame if c.endswith("_id") and c != "patient_id"]:
        rows[column] = rows["copy"] + rows[column].str.replace(r"^[^-]+", "", regex=True)
    return rows.assign(patient_id=rows["copy"])[list(frame)]


COHORTS: dict[str, Callable[[Tables], Tables]] = {
    "0 patients": lambda tables: empty_tables(),
    "1 patient": lambda tables: only(tables, {ONE}),
    "1 patient with SIRT": lambda tables: only(tables, {ONE_WITH_SIRT}),
    "36 patients": lambda tables: tables,
    "no SIRT arm": no_sirt,
    "only SIRT": lambda tables: only(tables, treated_with_sirt(tables)),
    "no deaths": no_deaths,
    "all dead on one day": dead_on_one_day,
    "one lesion": lambda tables: with_lesions(tables, lambda rows: rows["lesion_id"].eq("P06-L1")),
    "no lesions": lambda tables: with_lesions(tables, lambda rows: rows["organ"].isna()),
    "no labs": without_laboratory,
    "no reference ranges": without_limits,
    "5000 patients": resampled,
}
SLOW = ("5000 patients",)


def cohort(name: str) -> Tables:
    """The tables of a cohort, held to the contract."""
    return {table: conform(table, frame) for table, frame in COHORTS[name](truth()).items()}


def results_of(name: str) -> list[Result]:
    """Every number of the book for that cohort."""
    return collect(cohort(name), load_study(), MANIFEST)


def outcome(result: Result) -> str:
    """Whether there is a value, else why not."""
    return "value" if result.reason is None else result.reason


def committed() -> dict[str, dict[str, str]]:
    """cohort -> result id -> "value" or reason, as committed."""
    with TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: {row["id"]: row[name] for row in rows if row[name]} for name in COHORTS}
