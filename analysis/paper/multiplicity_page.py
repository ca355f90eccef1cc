"""The page on many tests: the paper's tests, the families, P values after Holm's correction."""

from __future__ import annotations

from analysis.opened_book import Book
from analysis.paper import charts_tests
from analysis.paper.multiplicity import corrected_words, family_frame, in_questions, paper_tests
from analysis.paper.published import holm_of_print, printed_tests
from analysis.report.charts import Drawn
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table

NOT_PRINTED = "not printed"


def sentences(book: Book) -> dict[str, str]:
    """The sentence that the page's text names, by key."""
    corrected = holm_of_print(book.study["multiplicity"]["families"])
    return {"reproduction.holm": corrected_words(corrected, book.study)}


def tests(book: Book) -> Table:
    """Every test of the paper: printed P, computed P, smallest P that the design could give."""
    frame = paper_tests(book.results, book.study)
    least = "mult.least." + frame["id"]
    shown = frame[["question", "sizes"]].assign(
        printed=printed_tests(frame["id"])["words"].replace("", NOT_PRINTED).to_numpy(),
        p=frame["id"].map(book.results),
        test=[book[key].method for key in frame["id"]],
        least_p=least.map(book.results),
        asymptotic=(least + ".asymptotic").map(book.results),
    )
    return Table(
        shown,
        "Tests of the paper with the P it prints, the P computed here as SPSS prints it, and the smallest P that the "
        "design could give",
        "tests",
        headers={
            "question": "Question",
            "sizes": "Patients",
            "printed": "Printed P",
            "p": "Computed P",
            "test": "Computed by",
            "least_p": "Smallest P, exact",
            "asymptotic": "Smallest P, asymptotic",
        },
        missing="not given",
    )


def families(book: Book) -> Folded:
    """The families of tests with their reasons."""
    table = Table(
        labelled(family_frame(book.study), "family"),
        "Families of tests",
        "families",
        headers={"family": "Family", "tests_in_family": "Tests", "reason": "Why they belong together"},
    )
    return Folded("The families and their reasons", table)


def attainable(book: Book) -> Drawn:
    """Dot plot of the computed and the smallest attainable P of each test."""
    tests = paper_tests(book.results, book.study)
    return charts_tests.attainable(
        tests.assign(least_p=tests["least_p_as_computed"]),
        book.study["analysis"]["alpha"],
        "Dot plot of P values by test. Best against worst lesion after SIRT cannot go below "
        f"{book.text('mult.least.resp.sirt.best_worst_p.asymptotic')} without ties.",
    )


def corrected(book: Book) -> Table:
    """P values after Holm's correction within each family, from the printed P and from the computed one."""
    frame = holm_of_print(book.study["multiplicity"]["families"])
    computed = ("mult." + frame["family"] + "." + frame["id"]).map(book.results)
    shown = in_questions(frame.drop(columns=["holm_p", "operator"]), book.study).replace("", NOT_PRINTED)
    return Table(
        labelled(shown.assign(computed=computed), "family"),
        "P values corrected by Holm's method within each family, from the printed P and from the computed one as SPSS "
        "would print it",
        "holm",
        headers={
            "family": "Family",
            "question": "Question",
            "printed": "Printed P",
            "words": "Holm on the printed P",
            "computed": "Holm on the computed P",
        },
        row_headers=2,
    )
