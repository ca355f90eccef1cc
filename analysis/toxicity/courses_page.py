"""Figures of the toxicity chapter over time: liver values of every patient from day 0 and from SIRT."""

from __future__ import annotations

from analysis.datasets import measurements
from analysis.datasets.arms import analysis_set
from analysis.opened_book import Book
from analysis.report import charts_patients
from analysis.report.charts import Drawn, Stack
from analysis.report.tables import Folded

TITLES = {"alt": "ALT (U/L)", "ast": "AST (U/L)", "ggt": "GGT (U/L)", "bilirubin": "Bilirubin (mg/dL)"}
FOLDED = ("ast", "ggt", "bilirubin")
DAY_0, SIRT = "day 0", "SIRT"


def alt_from_day_0(book: Book) -> Drawn:
    """ALT over time from day 0, one line a patient."""
    return _course(book, "alt", DAY_0, "Line chart of ALT over time, one line a patient.")


def alt_from_sirt(book: Book) -> Drawn:
    """ALT of the patients with SIRT over time from the day of SIRT, one line a patient."""
    return _course(book, "alt", SIRT, "Line chart of ALT from the day of SIRT, one line a patient.")


def other_courses(book: Book) -> Folded:
    """AST, GGT and bilirubin over time, each from day 0 and from SIRT."""
    charts = [
        (title, _course(book, measure, origin, f"Line chart of {title} from {origin}, one line a patient."))
        for measure, title in TITLES.items()
        if measure in FOLDED
        for origin in (DAY_0, SIRT)
    ]
    return Folded("AST, GGT and bilirubin over time, from day 0 and from SIRT", Stack(charts))


def _course(book: Book, measure: str, origin: str, description: str) -> Drawn:
    per_month = book.study["analysis"]["days_per_month"]
    rows = measurements.series(book.tables, analysis_set(book.tables, book.study), measure, per_month)
    if origin == SIRT:
        rows = measurements.from_sirt(book.tables, rows, per_month)
    return charts_patients.measurements(rows, TITLES[measure], description, log=True, origin=origin)
