"""The page of printed against computed values: its sentences, the comparison, the discrepancies, the percentages.

A verdict is given for the reconstructed cohort only. On any other cohort printed and computed values stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping

from analysis.opened_book import Book
from analysis.paper.discrepancies import REMARK, discrepancies_frame
from analysis.paper.published import compare, comparison_frame, percent_audit, tally
from analysis.report.charts import ARM_NAMES
from analysis.report.tables import Folded, Table

ARMS = {**ARM_NAMES, "all": "all", "lu_sirt against lu": "with SIRT against alone"}
VERDICT = ["agrees", "how"]


def sentences(book: Book) -> dict[str, str]:
    """The sentences and counts that the page's text names, by key."""
    counts = tally(compare(book.results.values(), agrees=book.is_reconstruction))
    levels = discrepancies_frame()["level"]
    remarks = int(levels.eq(REMARK).sum())
    return summary(counts, reconstruction=book.is_reconstruction) | {
        "reproduction.printed": str(counts["printed"]),
        "reproduction.slips": str(len(levels) - remarks),
        "reproduction.remarks": str(remarks),
    }


def summary(counts: Mapping[str, int], *, reconstruction: bool) -> dict[str, str]:
    """How many printed values agree and what that means; without a verdict on any other cohort. `counts`: `tally`."""
    if not reconstruction:
        return {
            "reproduction.summary": f"Your cohort stands beside {counts['printed']} printed values of the paper.",
            "reproduction.meaning": "No verdict is given: other patients have other results.",
        }
    agreeing = (
        f"{counts['agree'] - counts['settings_agree']} of {counts['printed'] - counts['settings']} printed results "
        f"that are computed from patients agree, {counts['truncated']} of them cut off instead of rounded. Of the "
        f"other {counts['settings']}, limits, activities and physical constants taken over from the paper, "
        f"{counts['settings_agree']} stand as printed."
    )
    return {
        "reproduction.summary": agreeing,
        "reproduction.meaning": "Agreement was built into this cohort: it tests the pipeline, not the paper.",
    }


def comparison(book: Book) -> Table:
    """Every printed value beside the computed one, with the verdict where one is due."""
    frame = comparison_frame(compare(book.results.values(), agrees=book.is_reconstruction)).drop(columns=["note"])
    frame = frame.assign(arm=frame["arm"].replace(ARMS))
    return Table(
        frame if book.is_reconstruction else frame.drop(columns=VERDICT),
        "Every printed value beside the computed one",
        "reproduction",
        headers={
            "id": "Id",
            "where": "Where printed",
            "measure": "Measure",
            "arm": "Patients",
            "unit": "Unit",
            "printed": "Printed",
            "computed": "Computed",
            "agrees": "Agrees",
            "how": "How",
        },
        missing="",
        quoted=("id", "measure", "printed"),
    )


def discrepancies() -> Table:
    """Printed statements that do not hold together, then remarks, each with its arithmetic."""
    return Table(
        discrepancies_frame().drop(columns=["key"]),
        "Printed statements of the paper that do not hold together, and others that call for a remark, "
        "with the arithmetic",
        "slips",
        headers={
            "level": "Slip or remark",
            "kind": "Kind",
            "where": "Where",
            "printed": "Printed",
            "formula": "Arithmetic",
            "computed": "Gives",
            "means": "What it means",
        },
        decimals={"computed": 2},
        missing="",
        row_headers=3,
        quoted=("where", "printed", "means"),
    )


def percentages() -> Folded:
    """Every printed percentage of a count beside its own fraction."""
    table = Table(
        percent_audit(),
        "Percentages of Table 1: does the print follow from the counts?",
        "percentages",
        headers={
            "id": "Id",
            "count": "Count",
            "n": "Of",
            "printed": "Printed",
            "exact": "Exact (%)",
            "verdict": "Verdict",
        },
        decimals={"exact": 2},
    )
    return Folded("Every printed percentage against its own fraction", table)
