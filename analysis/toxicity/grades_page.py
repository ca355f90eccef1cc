"""Tables of CTCAE grades for the toxicity chapter: limits, worst grades, who has none, shares, shifts."""

from __future__ import annotations

import pandas as pd

from analysis.criteria.ctcae import limits_frame, load_criteria
from analysis.datasets.arms import ARMS
from analysis.opened_book import Book
from analysis.report.charts import ARM_NAMES
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table
from analysis.toxicity.changes import LIVER
from analysis.toxicity.grades import GRADES, NOT_GRADABLE, grade_table, graded_measures, shift_frame, worst_grades

HEADERS = {
    "measure": "Measure",
    "arm": "Arm",
    "n": "Patients",
    "baseline": "At baseline",
    **{str(grade): str(grade) for grade in GRADES},
    NOT_GRADABLE: "Not gradable",
}
SHARES = {"g3plus": "Grade 3+", "worsened": "Worse than unchanged"}


def limits(book: Book) -> Folded:
    """The value from which each CTCAE grade applies, for the graded measures."""
    frame = limits_frame(load_criteria(book.study["toxicity"]["ctcae_version"]))
    frame = frame[frame["measure"].isin(graded_measures(book.study))].drop(columns=["source"])
    table = Table(
        labelled(frame, "measure"),
        "Limits of the CTCAE grades in use",
        "toxicity_limits",
        headers={
            "measure": "Measure",
            "term": "CTCAE term",
            "branch": "If",
            **{str(grade): f"Grade {grade}" for grade in GRADES[1:]},
        },
        missing="no laboratory limit",
    )
    return Folded("From which value on each grade applies", table)


def liver_grades(book: Book) -> Table:
    """Number of patients by worst grade after day 0, liver values."""
    caption = (
        "Liver values: number of patients by worst CTCAE grade after day 0 "
        "(columns 0 to 4; 0: not risen enough for a grade)"
    )
    return _worst(book, caption, "liver", liver=True)


def other_grades(book: Book) -> Folded:
    """Number of patients by worst grade after day 0, blood counts and creatinine."""
    caption = "Other values: number of patients by worst CTCAE grade after day 0 (columns 0 to 4)"
    return Folded("Blood counts and creatinine: worst grade", _worst(book, caption, "other", liver=False))


def _worst(book: Book, caption: str, name: str, *, liver: bool) -> Table:
    frame = grade_table(worst_grades(book.tables, book.study))
    frame = frame[frame["measure"].isin(LIVER) == liver]
    return Table(labelled(frame, "measure", "arm"), caption, f"toxicity_grades_{name}", headers=HEADERS, row_headers=2)


def ungraded(book: Book) -> Folded:
    """Patients without a grade, by measure, with the number of their values."""
    worst = worst_grades(book.tables, book.study)
    frame = worst.loc[worst["worst_grade"].isna(), ["patient_id", "arm", "measure", "values"]]
    table = Table(
        labelled(frame, "arm", "measure"),
        "Patients without a grade, by measure, and how many values they have after day 0",
        "toxicity_ungraded",
        headers=HEADERS | {"patient_id": "Patient", "values": "Values"},
    )
    return Folded("Patients who could not be graded", table)


def shares(book: Book) -> Folded:
    """Shares of patients with grade 3 or more and with a grade above that of an unchanged value, by arm."""
    headers = {f"{arm}.{key}": f"{label}, {ARM_NAMES[arm]}" for key, label in SHARES.items() for arm in ARMS}
    rows = [
        {"measure": measure} | {column: book[f"tox.ctcae.{measure}.{column}"] for column in headers}
        for measure in graded_measures(book.study)
    ]
    table = Table(
        labelled(pd.DataFrame(rows), "measure"),
        "Patients with grade 3 or more, and with a worst grade above that of an unchanged value: percent (95% interval)",
        "toxicity_shares",
        headers={"measure": "Measure"} | headers,
    )
    title = "Shares with grade 3 or more and with a grade above that of an unchanged value, with exact intervals"
    return Folded(title, table)


def shifts(book: Book) -> Folded:
    """Shift tables of all graded measures: grade at baseline against worst grade after day 0."""
    table = Table(
        labelled(shift_frame(worst_grades(book.tables, book.study)), "measure", "arm"),
        "Shift tables: number of patients by grade at baseline (rows, against the limits of normal) and worst grade "
        "after day 0 (columns; liver enzymes and bilirubin after an abnormal baseline in its multiples)",
        "toxicity_shifts",
        headers=HEADERS,
        row_headers=3,
    )
    return Folded("From which grade to which, all values", table)
