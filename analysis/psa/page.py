"""What the PSA chapter shows of PSA itself: who has no change, response by arm, waterfalls, courses."""

from __future__ import annotations

import pandas as pd

from analysis.opened_book import Book
from analysis.psa.results import GROUPS, curve_frame, psa_frame, waterfall_frame
from analysis.report import charts_patients
from analysis.report.charts import ARM_NAMES, Drawn, Stack
from analysis.report.tables import Folded, Table
from analysis.results import Result

QUANTITIES = {
    "psa50": "Fall by half or more, any time (%)",
    "psa50_confirmed": "Fall by half or more, confirmed (%)",
    "any_decline": "Any fall (%)",
    "progression": "PSA progression by PCWG3 (%)",
    "best": "Best change, median (%)",
    "week12": "Change at week 12, median (%)",
}


def patients_without_change(book: Book) -> Folded:
    """Patients without a PSA change, and which of the two values they lack."""
    frame = psa_frame(book.tables, book.study)
    frame = frame[frame["best_change_pct"].isna()]
    lacks = frame["baseline"].isna().map({True: "baseline", False: "a value after day 0"})
    arms = frame["arm"].astype("object").map(ARM_NAMES)
    table = Table(
        frame[["patient_id"]].assign(arm=arms, lacks=lacks),
        "Patients without a PSA change, and what they lack",
        "psa_lacking",
        headers={"patient_id": "Patient", "arm": "Arm", "lacks": "Lacks"},
    )
    return Folded("Patients without a PSA change", table)


def best_change(book: Book) -> Drawn:
    """Waterfall of the best PSA change, one bar a patient, with a line at the fall that counts as response."""
    description = f"Waterfall of the best PSA change by patient. PSA50: {book.text('psa.psa50.all')}."
    return _waterfall(book, "best", description, "Best change of PSA (%)")


def week_12_change(book: Book) -> Drawn:
    """Waterfall of the PSA change at 12 weeks, one bar a patient with a value near week 12."""
    description = f"Waterfall of the PSA change at 12 weeks by patient. Median: {book.text('psa.week12.all')}."
    return _waterfall(book, "landmark", description, "Change of PSA at week 12 (%)")


def _waterfall(book: Book, which: str, description: str, title: str) -> Drawn:
    bars = waterfall_frame(psa_frame(book.tables, book.study), which)
    half = -book.study["psa"]["response_decline_pct"]
    return charts_patients.numbered_bars(bars, description, title=title, limits=(half,))


def responses(book: Book) -> Table:
    """PSA response and progression by arm and for all patients, one row a quantity."""
    rows = [_response(book, key, label) for key, label in QUANTITIES.items()]
    return Table(
        pd.DataFrame(rows),
        "PSA response and progression by arm, with 95% interval (range where there are too few patients for one)",
        "psa_response",
        headers={"quantity": "Quantity", **ARM_NAMES, "all": "All", "n": "Patients (alone, with SIRT)"},
    )


def _response(book: Book, key: str, label: str) -> dict[str, str | Result]:
    by_group = {group: book[f"psa.{key}.{group}"] for group in GROUPS}
    patients = ", ".join(str(by_group[arm].n or 0) for arm in ARM_NAMES)
    return {"quantity": label, **by_group, "n": patients}


def courses(book: Book) -> Folded:
    """PSA over time as a multiple of its baseline, one line a patient."""
    frame = curve_frame(book.tables, book.study)
    months = frame["day"] / book.study["analysis"]["days_per_month"]
    chart = charts_patients.measurements(
        frame.assign(months=months, value=1 + frame["change_pct"] / 100),
        "PSA (× baseline)",
        "Line chart of PSA as a multiple of its baseline over time, one line a patient.",
        log=True,
    )
    return Folded("PSA over time, as a multiple of the baseline", Stack([("PSA", chart)]))
