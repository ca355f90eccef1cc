"""The page on what the print allows: its sentences, its charts' frames and its table, filled from results with ranges.

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

from analysis.paper.ranges import DECIDED_BY_THE_RECONSTRUCTION
from analysis.report.format import Words, limit_text, pieces, range_text
from analysis.results import Result

STATEMENTS = Path(__file__).with_name("ranges_statements.csv")
LISTED = Path(__file__).with_name("ranges_listed.csv")  # shown in words on the page: topic, id, what
ONLY_RECONSTRUCTION = (
    "This page applies to the cohort reconstructed from the print only; this book was built from other patients."
)
APPLIES = "The patients shown in this book are one of many cohorts that give the paper's printed results."
OF_THE_PRINT = {"bounded": "limits it", "free": "leaves it open"}
PLACE = re.compile(r"\{([^}]+)\}")
PARTS_OF_RESULT = (("estimate", "low", "high"), ("lower limit", "lower_low", "lower_high"),
                   ("upper limit", "upper_low", "upper_high"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sentences:
    """A list of sentences ready for the page."""

    items: tuple[str, ...]

    def _repr_html_(self) -> str:
        return "<ul>" + "".join(f"<li>{item}</li>" for item in self.items) + "</ul>"


def templates(kind: str) -> list[str]:
    """The sentences of one kind (printed, bounded, free), with {id} or {id:part} where a result stands."""
    with STATEMENTS.open(encoding="utf-8", newline="") as file:
        return [row["text"] for row in csv.DictReader(file) if row["kind"] == kind]


def named_ids(template: str) -> list[str]:
    """The ids of the results that a sentence names."""
    return [place.partition(":")[0] for place in PLACE.findall(template)]


def sentences(kind: str, results: Mapping[str, Result], *, applies: bool) -> Sentences:
    """The sentences of one kind with their numbers; the one sentence that says why not, where they do not apply."""
    if not applies:
        return Sentences((escape(ONLY_RECONSTRUCTION),))
    return Sentences(tuple(_filled(template, results) for template in templates(kind)))


def _filled(template: str, results: Mapping[str, Result]) -> str:
    shown = {key: words for id in named_ids(template) for key, words in _pieces(results[id]).items()}
    return PLACE.sub(lambda place: shown[place[1]].html, escape(template).replace("177Lu", "<sup>177</sup>Lu"))


def _pieces(result: Result) -> dict[str, Words]:
    found = result.range
    if found is None:
        return pieces(result)
    pairs = {"lower_range": (found.lower_low, found.lower_high), "upper_range": (found.upper_low, found.upper_high)}
    plain = {name: " to ".join(limit_text(result, limit) for limit in pair) for name, pair in pairs.items()}
    plain["count_range"] = _count_range(result)
    return pieces(result) | {f"{result.id}:{name}": Words(text, escape(text)) for name, text in plain.items()}


def _count_range(result: Result) -> str:
    """The range of a share in patients, "1 to 4 of 5"; empty for what is no share."""
    found, total = result.range, result.denominator
    if found is None or found.low is None or found.high is None or not total or result.unit != "percent":
        return ""
    low, high = (round(share * total / 100) for share in (found.low, found.high))
    return f"{low} of {total}" if low == high else f"{low} to {high} of {total}"


def chart_frame(rows: Sequence[tuple[str, Result]]) -> pd.DataFrame:
    """Ranges of results for `charts_ranges.ranges`: label, part (estimate, lower limit, upper limit), low, high, value.

    `value` is that of this book's own cohort, for the estimate only. Results without range are left out.
    """
    found = [
        (label, part, getattr(r.range, low), getattr(r.range, high), r.value if part == "estimate" else None)
        for label, r in rows
        if r.range is not None
        for part, low, high in PARTS_OF_RESULT
        if getattr(r.range, low) is not None
    ]
    return pd.DataFrame(found, columns=["label", "part", "low", "high", "value"])


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
