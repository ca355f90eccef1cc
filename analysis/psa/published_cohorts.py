"""The cohort among others: survival by performance status and by sites, and published 177Lu-PSMA cohorts.

Description only: no test, no adjustment. The published cohorts are in `published_cohorts.csv`, each with its source; a
cell that the source does not give is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.characteristics import SITES, patient_frame
from analysis.datasets.time_to_event import overall_survival
from analysis.report.format import Style, number
from analysis.results import Result, missing
from analysis.settings import Study
from analysis.statistics.kaplan_meier import loglog_median

SITE_LABELS = {"bone": "Bone", "lymph_node": "Lymph nodes", "lung": "Lung", "other": "Other site"}
ECOG_SCORES = range(5)
NOT_RECORDED = "not recorded"
COLUMNS = ["characteristic", "group", "n", "deaths", "median"]
UNITS = {"median_os_months": "months", "hazard_ratio": "ratio"}


def context_results(tables: Tables, study: Study) -> list[Result]:
    """`context.os.<characteristic>.<group>` of this cohort and `context.published.<key>` of others, for any cohort."""
    return [*survival_by_group(tables, study)["median"], *quoted_results()]


@cache
def published_cohorts() -> pd.DataFrame:
    """Published cohorts: key, cohort, group, n, n_counts, measure (median_os_months or hazard_ratio), value, lower, upper,
    citation, doi, note. Missing numbers are NaN. n_counts: whom n counts where that is more than the group.
    """
    return pd.read_csv(Path(__file__).with_name("published_cohorts.csv"))


def patients_in_words(published: pd.DataFrame) -> pd.Series:
    """n of each row of `published_cohorts`, "3,038 in the whole meta-analysis" where it counts more than the group."""
    words = published["n"].map(lambda n: number(n, Style(0)), na_action="ignore")
    return words + (" in " + published["n_counts"]).fillna("")


def quoted_results() -> list[Result]:
    """Every number of `published_cohorts` as a `Result`; they are quoted, so no patient of this book is in them."""
    results = []
    for row in published_cohorts().to_dict("records"):
        value, lower, upper, n = (
            None if pd.isna(row[name]) else row[name] for name in ("value", "lower", "upper", "n")
        )
        result_id, unit, method = (
            f"context.published.{row['key']}",
            UNITS[row["measure"]],
            f"as published: {row['citation']}",
        )
        method += "" if pd.isna(row["n_counts"]) else f"; n counts {row['n_counts']}"
        interval = "" if lower is None else "95% CI"
        results.append(Result(result_id, value, lower, upper, n and int(n), unit, method, interval, "design"))
    return results


def survival_by_group(tables: Tables, study: Study) -> pd.DataFrame:
    """Overall survival by ECOG and by metastatic site, columns `COLUMNS`; one row a group, also where nobody is in it.

    median: `Result`, months with log-log interval, or the reason why there is none. Patients without the characteristic
    form the group "not recorded", so the groups of a characteristic add up to the cohort.
    """
    patients = patient_frame(tables, study)
    arms = patients[["arm"]].reset_index(names="patient_id").astype({"patient_id": "string"})
    survival = overall_survival(tables, arms).set_index("patient_id")
    rows = []
    for key, characteristic, group, members in _groups(patients):
        inside = survival[survival.index.isin(members)]
        median = _median(f"context.os.{key}", inside, study)
        rows.append((characteristic, group, len(inside), int(inside["death_observed"].sum()), median))
    return pd.DataFrame(rows, columns=COLUMNS)


def _groups(patients: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.Index]]:
    """End of the id, characteristic, group and its patients."""
    for score in ECOG_SCORES:
        yield f"ecog.{score}", "ECOG", f"ECOG {score}", patients.index[patients["ecog"].eq(score)]
    known = patients["ecog"].isin(ECOG_SCORES)
    yield "ecog.unknown", "ECOG", NOT_RECORDED, patients.index[~known]
    for site in SITES:
        for key, group, inside in (
            ("yes", "yes", patients[site].eq(True)),
            ("no", "no", patients[site].eq(False)),
            ("unknown", NOT_RECORDED, patients[site].isna()),
        ):
            yield f"{site}.{key}", SITE_LABELS[site], group, patients.index[inside.fillna(False).astype(bool)]


def _median(result_id: str, rows: pd.DataFrame, study: Study) -> Result:
    about: dict[str, Any] = {"n": len(rows), "unit": "months", "method": "Kaplan-Meier median"}
    if rows.empty:
        return missing(result_id, "no_patients", **about)
    got = loglog_median(rows["time_days"], rows["death_observed"])
    per_month = study.analysis.days_per_month
    value, lower, upper = (None if days is None else days / per_month for days in (got.value, got.lower, got.upper))
    if value is None:
        return missing(result_id, "not_reached", **about)
    return Result(
        result_id, value, lower, upper, interval="95% CI, log-log", events=int(rows["death_observed"].sum()), **about
    )
