"""The page on what the print allows: sentences, figures and table of the ranges over all reconstructions.

On any cohort but the reconstructed one the page says in one sentence that it does not apply.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import pandas as pd

from analysis.opened_book import Book
from analysis.paper import charts_ranges
from analysis.paper.ranges import DECIDED_BY_THE_RECONSTRUCTION
from analysis.report.charts import Drawn
from analysis.report.format import Words, limit_text, pieces, range_text
from analysis.report.tables import Table
from analysis.results import Result

STATEMENTS = Path(__file__).with_name("ranges_statements.csv")
LISTED = Path(__file__).with_name("ranges_listed.csv")  # shown in words on the page: topic, id, what
ONLY_RECONSTRUCTION = (
    "This page applies to the cohort reconstructed from the print only; this book was built from other patients."
)
APPLIES = "The patients shown in this book are one of many cohorts that give the paper's printed results."
OF_THE_PRINT = {"bounded": "limits it", "free": "leaves it open"}
PLACE = re.compile(r"\{([^}]+)\}")
P_VALUES = {
    "os.logrank.exact": "Survival, exact log-rank ○",
    "os.mantel_byar": "Survival, SIRT from its day ◇",
    "suv.p.patients": "SUVmax, patients as units ◇",
    "suv.p.kruskal": "SUVmax, three classes ○",
    "tox.bilirubin.p": "Change of bilirubin ○",
}
HAZARD_RATIOS = {
    "os.hr.efron": "From day 0, Cox ○",
    "os.hr.firth": "From day 0, Firth ○",
    "os.hr.time_varying": "From the day of SIRT ◇",
}
PARTS_OF_RESULT = (("estimate", "low", "high"), ("lower limit", "lower_low", "lower_high"),
                   ("upper limit", "upper_low", "upper_high"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statements:
    """A list of sentences ready for the page."""

    items: tuple[str, ...]

    def _repr_html_(self) -> str:
        return "<ul>" + "".join(f"<li>{item}</li>" for item in self.items) + "</ul>"


def sentences(book: Book) -> dict[str, str]:
    """The sentence that the page's text names, by key."""
    return {"print.scope": APPLIES if book.is_reconstruction else ONLY_RECONSTRUCTION}


def statements(book: Book, kind: str) -> Statements:
    """The sentences of one kind with their numbers; kind: printed, bounded or free."""
    return filled_statements(kind, book.results, applies=book.is_reconstruction)


def templates(kind: str) -> list[str]:
    """The sentences of one kind (printed, bounded, free), with {id} or {id:part} where a result stands."""
    with STATEMENTS.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file) if row["kind"] == kind]


def named_ids(template: str) -> list[str]:
    """The ids of the results that a sentence names."""
    return [place.partition(":")[0] for place in PLACE.findall(template)]


def filled_statements(kind: str, results: Mapping[str, Result], *, applies: bool) -> Statements:
    """The sentences of one kind with their numbers; the one sentence that says why not, where they do not apply."""
    if not applies:
        return Statements((escape(ONLY_RECONSTRUCTION),))
    return Statements(tuple(_filled(template, results) for template in templates(kind)))


def _filled(template: str, results: Mapping[str, Result]) -> str:
    shown = {key: words for result_id in named_ids(template) for key, words in _pieces(results[result_id]).items()}
    return PLACE.sub(lambda place: shown[place[1]].html, escape(template).replace("177Lu", "<sup>177</sup>Lu"))


def _pieces(result: Result) -> dict[str, Words]:
    span = result.range
    if span is None:
        return pieces(result)
    pairs = {"lower_range": (span.lower_low, span.lower_high), "upper_range": (span.upper_low, span.upper_high)}
    plain = {name: " to ".join(limit_text(result, limit) for limit in pair) for name, pair in pairs.items()}
    plain["count_range"] = _count_range(result)
    return pieces(result) | {f"{result.id}:{name}": Words(text, escape(text)) for name, text in plain.items()}


def _count_range(result: Result) -> str:
    """The range of a share in patients, "1 to 4 of 5"; empty for what is no share."""
    span, total = result.range, result.denominator
    if span is None or span.low is None or span.high is None or not total or result.unit != "percent":
        return ""
    low, high = (round(share * total / 100) for share in (span.low, span.high))
    return f"{low} of {total}" if low == high else f"{low} to {high} of {total}"


def hazard_ratios(book: Book) -> Drawn:
    """Ranges of the hazard ratios of SIRT against none, by the day from which SIRT counts."""
    rows = [(label, book[result_id]) for result_id, label in HAZARD_RATIOS.items()]
    days = book.study.survival.landmarks_days
    rows += [(f"Alive on day {day} ◇", book[f"os.landmark.{day}.hr"]) for day in days]
    return charts_ranges.ranges(
        chart_frame(rows),
        "Hazard ratio",
        "Ranges of hazard ratios and of the limits of their intervals over all reconstructions. Counted from day 0 the "
        "estimates stay close together, counted from the day of SIRT or from a landmark they spread over both sides of 1.",
        null=1.0,
        log=True,
    )


def p_values(book: Book) -> Drawn:
    """Ranges of P values beside the level of the paper."""
    return charts_ranges.ranges(
        chart_frame([(label, book[result_id]) for result_id, label in P_VALUES.items()]),
        "P",
        "Ranges of P values over all reconstructions beside the level of the paper.",
        null=book.study.analysis.alpha,
        log=True,
    )


def listed_ranges(book: Book) -> Table:
    """The listed numbers that the print does not force, with their ranges; the CSV has all such numbers."""
    return Table(
        listed_table(book.results),
        "Numbers of the reconstructed cohort that the print does not force, and their ranges over all reconstructions "
        "and this one",
        "print_allows",
        headers={"topic": "Topic", "what": "Number", "print": "The print", "value": "This cohort", "range": "Range"},
        row_headers=2,
        full=range_table(book.results.values()),
    )


def chart_frame(rows: Sequence[tuple[str, Result]]) -> pd.DataFrame:
    """Ranges of results for `charts_ranges.ranges`: label, part (estimate, lower limit, upper limit), low, high, value.

    `value` is that of this book's own cohort, for the estimate only. Results without range are left out.
    """
    spans = [
        (label, part, getattr(r.range, low), getattr(r.range, high), r.value if part == "estimate" else None)
        for label, r in rows
        if r.range is not None
        for part, low, high in PARTS_OF_RESULT
        if getattr(r.range, low) is not None
    ]
    return pd.DataFrame(spans, columns=["label", "part", "low", "high", "value"])


def listed_table(results: Mapping[str, Result]) -> pd.DataFrame:
    """The numbers of `LISTED` that are bounded or free: topic, what, print (limits it or not), value (`Result`), range."""
    listed = pd.read_csv(LISTED)
    known = listed[listed["id"].isin(list(results))]
    rows = [
        (row.topic, row.what, OF_THE_PRINT[r.basis], r, range_text(r) or None)
        for row, r in ((row, results[str(row.id)]) for row in known.itertuples())
        if r.basis in DECIDED_BY_THE_RECONSTRUCTION
    ]
    return pd.DataFrame(rows, columns=["topic", "what", "print", "value", "range"])


def range_table(results: Iterable[Result]) -> pd.DataFrame:
    """Every bounded or free result with its range: id, method, basis, value (`Result`), range (text), cohorts."""
    rows = [
        (r.id, r.method, r.basis, r, range_text(r) or None, r.range.cohorts if r.range else None)
        for r in results
        if r.basis in DECIDED_BY_THE_RECONSTRUCTION
    ]
    return pd.DataFrame(rows, columns=["id", "method", "basis", "value", "range", "cohorts"])
