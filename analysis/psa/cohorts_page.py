"""What the PSA chapter shows of survival: this cohort by performance status and site, and published cohorts."""

from __future__ import annotations

from analysis.opened_book import Book
from analysis.psa.published_cohorts import patients_in_words, published_cohorts, survival_by_group
from analysis.report import charts_estimates
from analysis.report.charts import ARM_NAMES, Drawn
from analysis.report.tables import Folded, Table
from analysis.results import Result

MEASURES = {"median_os_months": "median survival, months", "hazard_ratio": "hazard ratio of death"}
HEADERS = {
    "cohort": "Cohort",
    "group": "Group",
    "n": "Patients",
    "measure": "Measure",
    "estimate": "Estimate (95% CI)",
    "citation": "Source",
    "doi": "DOI",
    "note": "What to know",
}


def survival_by_characteristic(book: Book) -> Table:
    """Median overall survival (months) by performance status and by site of metastases, groups with patients only."""
    groups = survival_by_group(book.tables, book.study).query("n > 0")
    return Table(
        groups.assign(median=[book[result.id] for result in groups["median"]]),
        "Overall survival by ECOG performance status and by site of metastases beside the liver: a description, "
        "not a comparison",
        "psa_survival_by_group",
        headers={
            "characteristic": "Characteristic",
            "group": "Group",
            "n": "Patients",
            "deaths": "Deaths",
            "median": "Median, months (95% CI)",
        },
        row_headers=2,
    )


def median_survival(book: Book) -> Drawn:
    """Forest of the median overall survival (months) of this study by arm and of the published cohorts."""
    rows = [(f"This study, {label}", book[f"os.{arm}.loglog"]) for arm, label in ARM_NAMES.items()]
    published = published_cohorts().query("measure == 'median_os_months'")
    rows += [(f"{row.cohort}, {row.group}", _estimate(book, str(row.key))) for row in published.itertuples()]
    return charts_estimates.forest(
        charts_estimates.forest_frame(rows),
        "Median overall survival (months)",
        f"Median overall survival of this study ({book.text('os.lu.loglog')} without SIRT) beside published cohorts.",
    )


def _estimate(book: Book, key: str) -> Result:
    return book[f"context.published.{key}"]


def cohorts(book: Book) -> Table:
    """The published cohorts: group, number of patients, measure and estimate with its interval."""
    published = published_cohorts()
    frame = published[["cohort", "group"]].assign(
        n=patients_in_words(published),
        measure=published["measure"].map(MEASURES),
        estimate=[_estimate(book, key) for key in published["key"]],
    )
    return Table(
        frame,
        "Published cohorts of 177Lu-PSMA therapy that speak of liver or visceral metastases, and large ones for scale",
        "psa_published_cohorts",
        headers=HEADERS,
        missing="not in the abstract",
        row_headers=2,
    )


def sources() -> Folded:
    """Citation, DOI and remarks of each published cohort."""
    frame = published_cohorts()[["cohort", "group", "citation", "doi", "note"]]
    table = Table(frame, "Sources of the published cohorts", "psa_published_sources", headers=HEADERS, row_headers=2)
    return Folded("Where each number comes from, and what it leaves out", table)
