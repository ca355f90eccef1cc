"""What the page of every patient shows: courses, laboratory values, lesions and lists.

The lists have the content of the paper's supplemental tables 1 and 2. The paper prints no patient's values; on the
reconstructed cohort the rows are synthetic.
"""

from __future__ import annotations

from functools import lru_cache

import pandas as pd

from analysis.datasets import measurements
from analysis.datasets.arms import analysis_set, assign_arms
from analysis.datasets.characteristics import patient_frame
from analysis.datasets.imaging_subgroup import Evaluation, evaluate
from analysis.datasets.time_to_event import overall_survival
from analysis.opened_book import Book
from analysis.patients import frames
from analysis.patients.charts import swimmer
from analysis.report import charts_patients
from analysis.report.charts import Drawn, Stack
from analysis.report.diagrams import PatientChoice
from analysis.report.labels import labelled
from analysis.report.tables import Table
from analysis.response.charts import spider
from analysis.response.frames import patient_lines, response_limits_pct

IDS_NAMED_MAX = 12  # more ids than this are counted, not named
LABORATORY = {
    "psa": "PSA (ng/mL)",
    "alp": "ALP (U/L)",
    "ldh": "LDH (U/L)",
    "alt": "ALT (U/L)",
    "bilirubin": "Bilirubin (mg/dL)",
}


def sentences(book: Book) -> dict[str, str]:
    """Sentences of the page whose words depend on the cohort, by the key that its text names."""
    patients = len(_survival(book))
    return {
        "patients.lanes": drawn_sentence(patients, charts_patients.LANES, "lanes"),
        "patients.lines": drawn_sentence(patients, charts_patients.LINES, "lines"),
        "patients.not_analysed": not_analysed_sentence(assign_arms(book.tables, book.study)),
    }


def drawn_sentence(patients: int, limit: int, what: str) -> str:
    """Whether a figure draws `what` (lanes, lines) for each of `patients`, or only for the first `limit` of them."""
    if patients <= limit:
        return f"All {what} are drawn."
    return f"The first {limit:,} of {patients:,} {what} are drawn."


def not_analysed_sentence(arms: pd.DataFrame) -> str:
    """Which patients of the tables are missing from the page, because they are not analysed; `arms`: `assign_arms`."""
    ids = sorted(arms.loc[~arms["in_analysis"], "patient_id"].astype(str))
    if not ids:
        return "All of them are on this page."
    if len(ids) > IDS_NAMED_MAX:
        return f"{len(ids):,} of them are not analysed and so not on this page."
    named = f"{', '.join(ids[:-1])} and {ids[-1]} are" if len(ids) > 1 else f"{ids[0]} is"
    return f"{named} not analysed and so not on this page."


def patient_choice(book: Book) -> PatientChoice:
    """A list of the analysed patients; the charts of the page show the chosen one."""
    return PatientChoice(sorted(analysis_set(book.tables, book.study)["patient_id"].astype(str)))


def swimmer_figure(book: Book) -> Drawn:
    """One lane a patient from day 0 to death or last contact, with therapies and PET scans."""
    survival, days_per_month = _survival(book), _days_per_month(book)
    return swimmer(
        frames.lanes(survival, days_per_month),
        frames.events(book.tables, survival, days_per_month),
        "Swimmer plot: one lane a patient with 177Lu-PSMA cycles, SIRT, PET scans and the end of follow-up.",
    )


def laboratory_figure(book: Book) -> Stack:
    """Each laboratory value from day 0, one line a patient, logarithmic scales."""
    return Stack([(title, _measurements(book, measure, title)) for measure, title in LABORATORY.items()])


def _measurements(book: Book, measure: str, title: str) -> Drawn:
    arms = analysis_set(book.tables, book.study)
    series = measurements.series(book.tables, arms, measure, _days_per_month(book))
    description = f"Line chart of {title} over time, one line a patient."
    return charts_patients.measurements(series, title, description, log=True)


def spider_figure(book: Book) -> Drawn:
    """Sum of target diameters against baseline, one line a patient of the imaging subgroup."""
    return spider(
        patient_lines(book.tables, book.study, _evaluation(book)),
        response_limits_pct(book.study),
        "Spider plot of the sum of target diameters by patient over time.",
        title="Change of the sum of diameters (%)",
    )


def patient_table(book: Book) -> Table:
    """One row per analysed patient: baseline values, therapies, length of follow-up."""
    characteristics = patient_frame(book.tables, book.study)
    frame = frames.patient_list(characteristics, _survival(book), _days_per_month(book))
    return Table(
        labelled(frame, "arm"),
        "Patients of the analysis (content of the paper's supplemental table 1)",
        "patients",
        headers={
            "patient_id": "Patient",
            "arm": "Arm",
            "age_years": "Age (years)",
            "ecog": "ECOG",
            "gleason": "Gleason",
            "psa": "PSA (ng/mL)",
            "cycles": "Cycles",
            "lu_total_gbq": "177Lu (GBq)",
            "sirt_gbq": "90Y (GBq)",
            "died": "Died",
            "followed_months": "Followed (months)",
        },
        decimals={"age_years": 1, "psa": 1, "lu_total_gbq": 1, "sirt_gbq": 2, "followed_months": 1},
    )


def subgroup_table(book: Book) -> Table:
    """One row per patient of the imaging subgroup: therapies and the response to each."""
    evaluation = _evaluation(book)
    frame = frames.subgroup_list(evaluation.subgroup, evaluation.patients)
    return Table(
        labelled(frame, "response_lu", "response_sirt"),
        "Imaging subgroup (content of the paper's supplemental table 2)",
        "subgroup",
        headers={
            "patient_id": "Patient",
            "lu_cycles": "Cycles",
            "sirts": "SIRT",
            "sirt_first": "SIRT first",
            "response_lu": "Response to 177Lu-PSMA",
            "change_lu_pct": "Change (%)",
            "response_sirt": "Response to SIRT",
            "change_sirt_pct": "Change (%)",
        },
        decimals={"change_lu_pct": 0, "change_sirt_pct": 0},
    )


def _days_per_month(book: Book) -> float:
    return float(book.study["analysis"]["days_per_month"])


def _survival(book: Book) -> pd.DataFrame:
    """One row per analysed patient who was followed, as `overall_survival` gives it."""
    return overall_survival(book.tables, analysis_set(book.tables, book.study))


@lru_cache(maxsize=1)
def _evaluation(book: Book) -> Evaluation:
    return evaluate(book.tables, book.study)
