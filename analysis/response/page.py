"""What the lesion chapter shows: its tables and its figures, under captions, headings and descriptions in words."""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from analysis.datasets.imaging_subgroup import Evaluation, evaluate
from analysis.opened_book import Book
from analysis.report import charts_estimates
from analysis.report.charts import Drawn, Stack
from analysis.report.format import value_text
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table
from analysis.response import charts, frames, rows
from analysis.response.heterogeneity import repeatability_words
from analysis.response.heterogeneity_results import range_frame
from analysis.response.progression_claim import paired_counts, paired_frame
from analysis.response.results import suv_by_response
from analysis.response.subgroup_selection_bias import selection_frame

WHO = {"therapy": "After", "patient_id": "Patient", "lesion_id": "Lesion", "response": "Response"}
WHO |= {"paper": "Paper's variant"}
THERAPY_WORDS = {"lu": "177Lu-PSMA", "sirt": "SIRT"}  # after which therapy, not in which arm
CHARACTERISTICS = {
    "age_years": "Age (years)",
    "gleason": "Gleason score",
    "psa": "PSA (ng/mL)",
    "alp": "ALP (U/L)",
    "ldh": "LDH (U/L)",
    "ecog": "ECOG",
    "cycles": "Cycles of 177Lu-PSMA",
    "lu_total_gbq": "177Lu-PSMA in all (GBq)",
    "survival_months": "Survival (months)",
}
CATEGORIES = {
    "complete_response": "Complete response",
    "partial_response": "Partial response",
    "stable": "Stable",
    "progressive": "Progressive",
}


def lesion_table(book: Book) -> Folded:
    """Every lesion with its diameters, response and uptake."""
    headers = {
        "rank": "Place by size",
        "is_target": "Target",
        "is_new": "New",
        "tracer": "Tracer",
        "reference_mm": "Before (mm)",
        "followup_mm": "After (mm)",
        "change_pct": "Change (%)",
        "suv_max": "SUVmax before",
        "suv_change_pct": "Change of SUVmax (%)",
    }
    frame = _with_labels(frames.lesion_table(_evaluation(book)), "response", "tracer")
    caption = (
        "Liver lesions of the imaging subgroup by therapy: long axis before and after it, response, uptake before it"
    )
    title = "Every lesion with its diameters, response and uptake"
    decimals = {"change_pct": 1, "suv_max": 1, "suv_change_pct": 1}
    table = Table(
        frame, caption, "lesions", headers=WHO | headers, decimals=decimals, missing="not compared", row_headers=3
    )
    return Folded(title, table)


def scan_table(book: Book) -> Folded:
    """Which scans judge which therapy, and what was given in between."""
    headers = {
        "change_pct": "Change (%)",
        "reference_day": "Scan before (day)",
        "followup_day": "Scan after (day)",
        "cycles_between": "Cycles between",
        "sirts_between": "SIRT between",
        "weeks_between": "Weeks between",
        "weeks_since_therapy": "Weeks from therapy to scan",
        "both": "Judged after both",
    }
    frame = _with_labels(paired_frame(book.tables, book.study, _evaluation(book)), "response")
    caption = "Patients judged after each therapy: scans in days from day 0, weeks between them and since the therapy"
    title = "Which scans judge which therapy, and what was given in between"
    decimals = dict.fromkeys(("change_pct", "weeks_between", "weeks_since_therapy"), 1)
    table = Table(frame, caption, "response_scans", headers=WHO | headers, decimals=decimals, row_headers=2)
    return Folded(title, table)


def both_therapies_table(book: Book) -> Folded:
    """Response after 177Lu-PSMA by response after SIRT, of those judged after both."""
    frame = labelled(rows.both_therapies(paired_counts(_evaluation(book))), "after_lu")
    caption = "Response after 177Lu-PSMA (rows) by response after SIRT (columns), number of patients"
    headers = {"after_lu": "After 177Lu-PSMA", **CATEGORIES}
    return Folded("Patients judged after both therapies", Table(frame, caption, "response_both", headers=headers))


def reclassified_patients_table(book: Book) -> Table:
    """Number of patients by the category of the paper's variant and by that of RECIST 1.1 in the liver."""
    caption = "Patients: the paper's category (rows) by RECIST 1.1 of the liver (columns)"
    return _category_counts(_reclassified_patients(book), "recist_liver", caption, "recist_patients")


def reclassified_lesions_table(book: Book) -> Folded:
    """Number of lesions by the category of the paper's variant and by that of RECIST 1.1."""
    by_lesion = rows.reclassified_lesions(book.tables, book.study, _evaluation(book))
    caption = "Lesions: the paper's category (rows) by smallest size so far and 5 mm (columns)"
    return Folded("The same for single lesions", _category_counts(by_lesion, "recist", caption, "recist_lesions"))


def _with_labels(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Therapy and `columns` in words."""
    return labelled(frame.assign(therapy=frame["therapy"].astype("object").map(THERAPY_WORDS)), *columns)


def _category_counts(frame: pd.DataFrame, column: str, caption: str, name: str) -> Table:
    counts = _with_labels(rows.reclassification_counts(frame, column), "paper")
    return Table(counts, caption, name, headers=WHO | CATEGORIES, row_headers=2)


def target_choices_table(book: Book) -> Folded:
    """Each patient's category over every choice of two liver lesions."""
    headers = {
        "recist_liver": "RECIST 1.1, liver",
        "recist_overall": "RECIST 1.1, whole body",
        "choices": "Choices of two",
        "choices_progressive": "Of these progressive",
        "choices_agree": "All choices agree",
    }
    frame = _with_labels(_reclassified_patients(book), "paper", "recist_liver", "recist_overall")
    caption = (
        "Category by the paper's variant and by RECIST 1.1, and what other choices of two targets would have given"
    )
    title = "Patient by patient, over every choice of two liver lesions"
    return Folded(title, Table(frame, caption, "recist_choices", headers=WHO | headers, row_headers=2))


def range_table(book: Book) -> Folded:
    """Expected range (percentage points) between best and worst lesion, and its P, for each published repeatability."""
    headers = {"model": "Measurement", "lu": "Expected, 177Lu-PSMA", "lu_p": "P, 177Lu-PSMA"}
    headers |= {"sirt": "Expected, SIRT", "sirt_p": "P, SIRT"}
    caption = "Gap (percentage points) expected under one true change a patient, and P of the gap that was seen"
    table = Table(rows.range_table(book.results), caption, "gaps", headers=headers)
    return Folded("Expected gap and its P for each published repeatability", table)


def expected_range_table() -> Folded:
    """Expected range (percentage points) of unchanged lesions by their number and size."""
    headers = {"model": "Measurement", "size_mm": "Size (mm)"} | {str(n): f"{n} lesions" for n in rows.LESIONS}
    decimals = {str(n): 0 for n in rows.LESIONS}
    caption = "Gap (percentage points) between best and worst of unchanged lesions that error gives on average"
    table = Table(rows.expected_ranges(), caption, "expected_gaps", headers=headers, decimals=decimals, missing="any")
    return Folded("Expected gap by number and size of lesions", table)


def uptake_test_table(book: Book) -> Table:
    """SUVmax of progressive lesions against the others, by what is taken as independent."""
    caption = "SUVmax of progressive lesions against the others, by what is taken as independent"
    headers = {"way": "What is compared", "ratio": "Ratio (95% CI)", "p": "P"}
    return Table(rows.uptake_tests(book.results), caption, "uptake_tests", headers=headers, missing="no ratio")


def selection_table(book: Book) -> Folded:
    """The imaging subgroup beside all others of the analysis."""
    sides = {"subgroup": "Subgroup", "others": "Others"}
    parts = {"n": "n", "median": "median", "low": "smallest", "high": "largest"}
    headers = {f"{side}_{part}": f"{who}, {what}" for side, who in sides.items() for part, what in parts.items()}
    frame = selection_frame(book.tables, book.study, _evaluation(book)).replace({"characteristic": CHARACTERISTICS})
    caption = "Imaging subgroup and all others: number with a value, median, smallest and largest value"
    headers |= {"characteristic": "Characteristic"}
    table = Table(frame, caption, "selection", headers=headers, missing="not given")
    return Folded("The imaging subgroup beside all others", table)


def response_figure(book: Book) -> Stack:
    """Waterfall of the sum of target diameters, one bar a patient, for each therapy."""
    descriptions = {
        "lu": f"Waterfall of target diameters after 177Lu-PSMA. Progressive: {book.text('resp.lu.pd')}.",
        "sirt": f"Waterfall of target diameters after SIRT. Partial response: {book.text('resp.sirt.pr')}.",
    }
    limits = frames.response_limits_pct(book.study)
    return charts.by_therapy(
        lambda changes, words: charts.waterfall(changes, limits, words, unit="patient_id"),
        frames.patient_waterfall(_evaluation(book)),
        descriptions,
    )


def progression_figure(book: Book) -> Drawn:
    """Forest of progression after each therapy, as judged and with the best and worst case of those not judged."""
    lu, sirt = book.text("resp.lu.pd"), book.text("resp.sirt.pd")
    estimates = charts_estimates.forest_frame(rows.claim_ways(book.results))
    description = f"Progression: {lu} after 177Lu-PSMA, {sirt} after SIRT."
    return charts_estimates.forest(estimates, "Progression (%)", description)


def lesion_figure(book: Book) -> Drawn:
    """Waterfall of every evaluable lesion after 177Lu-PSMA, grouped by patient."""
    changes = frames.lesion_waterfall(_evaluation(book))
    description = "Waterfall of single liver lesions after 177Lu-PSMA, grouped by patient, coloured by response."
    limits = frames.response_limits_pct(book.study)
    return charts.waterfall(changes[changes["therapy"] == "lu"], limits, description)


def best_and_worst_figure(book: Book) -> Stack:
    """Best and worst lesion of each patient with several, for each therapy."""
    descriptions = {}
    for therapy in rows.THERAPIES:
        best, worst = (book.text(f"resp.{therapy}.{end}") for end in ("best", "worst"))
        descriptions[therapy] = f"Best and worst lesion. Medians {best} and {worst}."
    limits = frames.response_limits_pct(book.study)
    return charts.by_therapy(
        lambda pairs, words: charts.best_and_worst(pairs, limits, words),
        frames.best_worst_frame(_evaluation(book)),
        descriptions,
    )


def range_figure(book: Book) -> Stack:
    """Range from best to worst lesion as observed, beside what measurement error alone gives, for each therapy."""
    observed = {therapy: book.text(f"resp.{therapy}.gap") for therapy in rows.THERAPIES}
    descriptions = {
        therapy: f"Observed gap {gap} beside what measurement error alone gives." for therapy, gap in observed.items()
    }
    tests = range_frame(_evaluation(book)).replace({"model": repeatability_words()})
    return charts.by_therapy(charts.range_against_error, tests, descriptions)


def uptake_figure(book: Book) -> Drawn:
    """SUVmax at baseline of every lesion by its later response."""
    progressive, stable, partial = (value_text(book[f"suv.{name}"]) for name in ("pd", "sd", "pr"))
    medians = f"progressive {progressive}, stable {stable}, partial response {partial}"
    description = f"Strip plot of SUVmax at baseline by lesion response. Medians: {medians}."
    return charts.uptake_by_response(suv_by_response(_evaluation(book)), description)


def spider_figure(book: Book) -> Drawn:
    """Diameter of every lesion against its baseline over time."""
    lesions = frames.lesion_lines(book.tables, book.study, _evaluation(book))
    description = "Spider plot of lesion diameters against baseline over time."
    return charts.spider(lesions, frames.response_limits_pct(book.study), description)


def _reclassified_patients(book: Book) -> pd.DataFrame:
    return rows.reclassified_patients(book.tables, book.study, _evaluation(book))


@lru_cache(maxsize=1)
def _evaluation(book: Book) -> Evaluation:
    """Scans, changes and responses: derived once for all tables and figures of the page."""
    return evaluate(book.tables, book.study)
