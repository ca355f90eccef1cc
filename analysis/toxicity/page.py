"""Sentences and tables of the toxicity chapter that depend on who was treated, or on what the paper prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from analysis.paper.discrepancies import NEITHER, ROUNDS, TRUNCATES, verdict
from analysis.paper.published import Printed, load_printed
from analysis.report.format import Style, Words, number, pieces, text
from analysis.report.labels import in_words
from analysis.report.tables import Table
from analysis.results import Result
from analysis.statistics.attainable_p import minimum_attainable_p_asymptotic
from analysis.toxicity.changes import PRINTED

Results = Mapping[str, Result]
SUPPLEMENT = (
    "The paper prints the grades in a supplement that was not available; those of this book the reconstruction chose."
)
FITS = {ROUNDS: "rounds to it", TRUNCATES: "gives it only if cut off", NEITHER: "does not give it"}
DIGITS = Style(5)  # one more than the smallest printed P has


def baseline_sentence(first: Result) -> Words:
    """What the baseline is, and what it misses where SIRT came first; `first`: tox.sirt_first."""
    told = Words(
        "Baseline is the last value before the first 177Lu-PSMA.",
        "Baseline is the last value before the first <sup>177</sup>Lu-PSMA.",
    )
    if not first.value:
        return told
    count = pieces(first)[f"{first.id}:count"]
    whose = "of that patient" if first.value == 1 else "of these patients"
    missed = f"patients SIRT came earlier still, so the change {whose} holds nothing of what it did until then."
    return Words(f"{told.text} In {count.text} {missed}", f"{told.html} In {count.html} {missed}")


def grades_sentence(results: Results) -> str:
    """How many reached grade 3 for GGT; where the reconstruction chose the grades, that it did."""
    with_sirt, without = (results[f"tox.ctcae.ggt.{arm}.g3plus"] for arm in ("lu_sirt", "lu"))
    if "free" in (with_sirt.basis, without.basis):
        return SUPPLEMENT
    return f"Grade 3 or more for GGT: {text(with_sirt)} with SIRT, {text(without)} without."


def asymptotic_sentence(measure: str, printed: Sequence[Printed] | None = None) -> str:
    """Whether an asymptotic Mann-Whitney test of the paper's two arms could give the P that it prints for `measure`.

    Empty where the paper prints no such P.
    """
    rows = {row.id: row for row in (load_printed() if printed is None else printed)}
    known = [rows.get(f"tox.{measure}.{end}") for end in ("lu_sirt", "lu", "p")]
    if None in known:
        return ""
    treated, alone, p = (row for row in known if row is not None)
    least = minimum_attainable_p_asymptotic("mann_whitney", (int(treated.n), int(alone.n))) or 1.0
    return (
        f"The smallest asymptotic P with {treated.n} and {alone.n} patients is {number(least, DIGITS)} without ties, "
        f"which {FITS[verdict(p.value, least)]}."
    )


def sirt_changes(results: Results) -> Table:
    """Median changes of the patients with SIRT: from before 177Lu-PSMA, without those who had SIRT first, from SIRT on."""
    first = results["tox.sirt_first"]
    columns = {"whole": "lu_sirt", "later": "later.lu_sirt", "difference": "later.difference", "after": "after_sirt"}
    if not first.value:
        columns = {name: end for name, end in columns.items() if not end.startswith("later")}
    rows = [{"measure": key} | {name: results[f"tox.{key}.{end}"] for name, end in columns.items()} for key in PRINTED]
    frame = pd.DataFrame(rows)
    for name in ("whole", "later"):
        if name in frame:
            frame.insert(frame.columns.get_loc(name) + 1, f"{name}_n", [result.n for result in frame[name]])
    caption = (
        "Patients with SIRT: median change (percent), from before 177Lu-PSMA and from before SIRT to after therapy"
    )
    headers = {
        "measure": "Measure",
        "whole": "From before 177Lu-PSMA",
        "whole_n": "Patients",
        "later": "The same without those with SIRT first",
        "later_n": "Patients",
        "difference": "Difference from 177Lu-PSMA alone without them (95% CI)",
        "after": "From before SIRT",
    }
    return Table(in_words(frame, "measure"), caption, "toxicity_after_sirt", headers=headers)
