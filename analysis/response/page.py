"""The tables of the lesion chapter, ready to be shown: rows under captions and headings in words."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.datasets.arms import Tables
from analysis.datasets.imaging_subgroup import Evaluation
from analysis.report.labels import in_words
from analysis.report.tables import Folded, Table
from analysis.response import rows
from analysis.response.frames import lesion_table
from analysis.response.progression_claim import paired_counts, paired_frame
from analysis.response.selection import selection_frame
from analysis.results import Result
from analysis.settings import Study

Results = Mapping[str, Result]
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


def lesions(found: Evaluation) -> Folded:
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
    frame = _told(lesion_table(found), "response", "tracer")
    caption = (
        "Liver lesions of the imaging subgroup by therapy: long axis before and after it, response, uptake before it"
    )
    title = "Every lesion with its diameters, response and uptake"
    decimals = {"change_pct": 1, "suv_max": 1, "suv_change_pct": 1}
    table = Table(
        frame, caption, "lesions", headers=WHO | headers, decimals=decimals, missing="not compared", row_headers=3
    )
    return Folded(title, table)


def scans(tables: Tables, study: Study, found: Evaluation) -> Folded:
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
    frame = _told(paired_frame(tables, study, found), "response")
    caption = "Patients judged after each therapy: scans in days from day 0, weeks between them and since the therapy"
    title = "Which scans judge which therapy, and what was given in between"
    decimals = dict.fromkeys(("change_pct", "weeks_between", "weeks_since_therapy"), 1)
    table = Table(frame, caption, "response_scans", headers=WHO | headers, decimals=decimals, row_headers=2)
    return Folded(title, table)


def both_therapies(found: Evaluation) -> Folded:
    """Response after 177Lu-PSMA by response after SIRT, of those judged after both."""
    frame = in_words(rows.both_therapies(paired_counts(found)), "after_lu")
    caption = "Response after 177Lu-PSMA (rows) by response after SIRT (columns), number of patients"
    headers = {"after_lu": "After 177Lu-PSMA", **CATEGORIES}
    return Folded("Patients judged after both therapies", Table(frame, caption, "response_both", headers=headers))


def reclassified_patients(by_patient: pd.DataFrame) -> Table:
    """Reclassification of patients, from `response_rows.reclassified_patients`."""
    caption = "Patients: the paper's category (rows) by RECIST 1.1 of the liver (columns)"
    return _counts(by_patient, "recist_liver", caption, "recist_patients")


def reclassified_lesions(by_lesion: pd.DataFrame) -> Folded:
    """Reclassification of lesions, from `response_rows.reclassified_lesions`."""
    caption = "Lesions: the paper's category (rows) by smallest size so far and 5 mm (columns)"
    return Folded("The same for single lesions", _counts(by_lesion, "recist", caption, "recist_lesions"))


def _told(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Therapy and `columns` in words."""
    return in_words(frame.assign(therapy=frame["therapy"].astype("object").map(THERAPY_WORDS)), *columns)


def _counts(frame: pd.DataFrame, column: str, caption: str, name: str) -> Table:
    counts = _told(rows.reclassification_counts(frame, column), "paper")
    return Table(counts, caption, name, headers=WHO | CATEGORIES, row_headers=2)


def target_choices(by_patient: pd.DataFrame) -> Folded:
    """Each patient's category over every choice of two liver lesions."""
    headers = {
        "recist_liver": "RECIST 1.1, liver",
        "recist_overall": "RECIST 1.1, whole body",
        "choices": "Choices of two",
        "choices_progressive": "Of these progressive",
        "choices_agree": "All choices agree",
    }
    frame = _told(by_patient, "paper", "recist_liver", "recist_overall")
    caption = (
        "Category by the paper's variant and by RECIST 1.1, and what other choices of two targets would have given"
    )
    title = "Patient by patient, over every choice of two liver lesions"
    return Folded(title, Table(frame, caption, "recist_choices", headers=WHO | headers, row_headers=2))


def gaps(results: Results) -> Folded:
    """Expected gap between best and worst lesion, and its P, for each published repeatability."""
    headers = {"model": "Measurement", "lu": "Expected, 177Lu-PSMA", "lu_p": "P, 177Lu-PSMA"}
    headers |= {"sirt": "Expected, SIRT", "sirt_p": "P, SIRT"}
    caption = "Gap (percentage points) expected under one true change a patient, and P of the gap that was seen"
    table = Table(rows.gap_table(results), caption, "gaps", headers=headers)
    return Folded("Expected gap and its P for each published repeatability", table)


def expected_gaps() -> Folded:
    """Expected gap of unchanged lesions by their number and size."""
    headers = {"model": "Measurement", "size_mm": "Size (mm)"} | {str(n): f"{n} lesions" for n in rows.LESIONS}
    decimals = {str(n): 0 for n in rows.LESIONS}
    caption = "Gap (percentage points) between best and worst of unchanged lesions that error gives on average"
    table = Table(rows.expected_gaps(), caption, "expected_gaps", headers=headers, decimals=decimals, missing="any")
    return Folded("Expected gap by number and size of lesions", table)


def uptake_tests(results: Results) -> Table:
    """SUVmax of progressive lesions against the others, by what is taken as independent."""
    caption = "SUVmax of progressive lesions against the others, by what is taken as independent"
    headers = {"way": "What is compared", "ratio": "Ratio (95% CI)", "p": "P"}
    return Table(rows.uptake_tests(results), caption, "uptake_tests", headers=headers, missing="no ratio")


def selection(tables: Tables, study: Study, found: Evaluation) -> Folded:
    """The imaging subgroup beside all others of the analysis."""
    sides = {"subgroup": "Subgroup", "others": "Others"}
    parts = {"n": "n", "median": "median", "low": "smallest", "high": "largest"}
    headers = {f"{side}_{part}": f"{who}, {what}" for side, who in sides.items() for part, what in parts.items()}
    frame = selection_frame(tables, study, found).replace({"characteristic": CHARACTERISTICS})
    caption = "Imaging subgroup and all others: number with a value, median, smallest and largest value"
    headers |= {"characteristic": "Characteristic"}
    table = Table(frame, caption, "selection", headers=headers, missing="not given")
    return Folded("The imaging subgroup beside all others", table)
