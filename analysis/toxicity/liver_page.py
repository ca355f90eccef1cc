"""The toxicity chapter on the liver as a whole: Hy's law, ALBI, rises beside progression, what is not recorded."""

from __future__ import annotations

from analysis.opened_book import Book
from analysis.report.charts import Drawn
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table
from analysis.toxicity import charts
from analysis.toxicity.liver import (
    NO_SCORE,
    albi_frame,
    albi_shift,
    hys_law_frame,
    not_recorded_frame,
    rise_frame,
)


def hys_law(book: Book) -> Drawn:
    """Scatter plot of highest transaminase against highest bilirubin, with the limits of Hy's law."""
    rules = book.study["toxicity"]
    points = hys_law_frame(book.tables, book.study)
    return charts.quadrant(
        points.rename(columns={"transaminase_uln": "x", "bilirubin_uln": "y"}),
        (rules["hys_law_transaminase_uln"], rules["hys_law_bilirubin_uln"]),
        ("ALT or AST (× upper limit)", "Bilirubin (× upper limit)"),
        "Scatter plot of highest transaminase against highest bilirubin in multiples of the upper limit of normal.",
    )


def albi_grades(book: Book) -> Folded:
    """Number of patients by ALBI grade at baseline and after therapy."""
    table = Table(
        labelled(albi_shift(albi_frame(book.tables, book.study)), "arm"),
        "ALBI grade at baseline (rows) and after therapy (columns), number of patients; "
        "no score: albumin or bilirubin is missing",
        "toxicity_albi",
        headers={
            "arm": "Arm",
            "baseline": "At baseline",
            **{grade: f"Grade {grade}" for grade in ("1", "2", "3")},
            NO_SCORE: "No score",
        },
        row_headers=2,
    )
    return Folded("ALBI grade before and after therapy", table)


def rises(book: Book) -> Table:
    """Patients whose value rose, by the coded status of their liver metastases."""
    return Table(
        labelled(rise_frame(book.tables, book.study), "measure", "arm"),
        "Patients whose value rose, by what was coded of the liver metastases up to then",
        "toxicity_rises",
        headers={
            "measure": "Measure",
            "arm": "Arm",
            "n": "With a change",
            "risen": "Risen",
            "progressive": "Liver progressive",
            "other": "Other status",
            "not_recorded": "Not recorded",
        },
        row_headers=2,
    )


def not_recorded(book: Book) -> Table:
    """Events that a toxicity table of these therapies should hold, and whether these tables record them."""
    return Table(
        not_recorded_frame(book.tables),
        "What a toxicity table of these therapies should hold, and whether it is recorded",
        "toxicity_not_recorded",
        headers={"event": "Event", "after": "After", "why": "Why it matters", "recorded": "Recorded"},
    )
