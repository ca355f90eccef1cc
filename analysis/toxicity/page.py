"""What the toxicity chapter shows of changes from baseline to after therapy: sentences, tables, the figure of ALT."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pandas as pd

from analysis.opened_book import Book
from analysis.paper.asymptotic_p import asymptotic_p_sentence
from analysis.report import charts_patients
from analysis.report.charts import ARM_NAMES, Drawn
from analysis.report.format import Words, pieces, text
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table
from analysis.results import Result
from analysis.toxicity.changes import LABORATORY, LIVER, PRINTED, changes, lacking

Results = Mapping[str, Result]
SUPPLEMENT = (
    "The paper prints the grades in a supplement that was not available; those of this book the reconstruction chose."
)
CHANGE_HEADERS = {
    "measure": "Measure",
    **ARM_NAMES,
    "difference": "Difference (95% CI)",
    "ratio": "Ratio of ratios (95% CI)",
    "p": "P, exact up to 40 patients",
    "asymptotic": "P, asymptotic",
}
CHANGE_RESULTS = {name: name for name in CHANGE_HEADERS if name != "measure"} | {"asymptotic": "p_asymptotic"}
CHANGE_CAPTION = (
    "median change from baseline to after therapy (percent, with 95% interval, or range where patients are too few "
    "for one), difference in percentage points, P"
)
SIRT_COLUMNS = {"whole": "lu_sirt", "later": "later.lu_sirt", "difference": "later.difference", "after": "after_sirt"}
SIRT_HEADERS = {
    "measure": "Measure",
    "whole": "From before 177Lu-PSMA",
    "whole_n": "Patients",
    "later": "The same without those with SIRT first",
    "later_n": "Patients",
    "difference": "Difference from 177Lu-PSMA alone without them (95% CI)",
    "after": "From before SIRT",
}


def sentences(book: Book) -> dict[str, str | Words]:
    """The sentences and settings that the chapter's text names, by key."""
    rules = book.study["toxicity"]
    return {
        "tox.ctcae_version:value": str(rules["ctcae_version"]),
        "tox.words.baseline": baseline_sentence(book["tox.sirt_first"]),
        "tox.words.grades": grades_sentence(book.results),
        "tox.words.ggt_asymptotic": asymptotic_p_sentence("ggt"),
        "tox.words.hys_transaminase": f"{rules['hys_law_transaminase_uln']:g}",
        "tox.words.hys_bilirubin": f"{rules['hys_law_bilirubin_uln']:g}",
    }


def baseline_sentence(first: Result) -> Words:
    """What the baseline is, and what it misses where SIRT came first; `first`: tox.sirt_first."""
    baseline = Words(
        "Baseline is the last value before the first 177Lu-PSMA.",
        "Baseline is the last value before the first <sup>177</sup>Lu-PSMA.",
    )
    if not first.value:
        return baseline
    count = pieces(first)[f"{first.id}:count"]
    whose = "of that patient" if first.value == 1 else "of these patients"
    missed = f"patients SIRT came earlier still, so the change {whose} holds nothing of what it did until then."
    return Words(f"{baseline.text} In {count.text} {missed}", f"{baseline.html} In {count.html} {missed}")


def grades_sentence(results: Results) -> str:
    """Shares with grade 3 or more for GGT; where the reconstruction chose the grades, a sentence that says so."""
    with_sirt, without = (results[f"tox.ctcae.ggt.{arm}.g3plus"] for arm in ("lu_sirt", "lu"))
    if "free" in (with_sirt.basis, without.basis):
        return SUPPLEMENT
    return f"Grade 3 or more for GGT: {text(with_sirt)} with SIRT, {text(without)} without."


def patients_without_change(book: Book) -> Folded:
    """Patients without a value before or after, by measure."""
    table = Table(
        labelled(lacking(changes(book.tables, book.study)), "arm", "measure"),
        "Patients without a change, by measure and what they lack",
        "toxicity_lacking",
        headers={"patient_id": "Patient", "arm": "Arm", "measure": "Measure", "lacks": "Lacks"},
    )
    return Folded("Patients without a value before or after", table)


def liver_changes(book: Book) -> Table:
    """Median change by arm, differences and P of the liver values, one row a measure."""
    return _changes(book, LIVER, "Liver values", "liver")


def other_changes(book: Book) -> Folded:
    """Median change by arm, differences and P of blood counts, creatinine and LDH."""
    others = [measure for measure in LABORATORY if measure not in LIVER]
    return Folded("Blood counts, creatinine and LDH", _changes(book, others, "Other values", "other"))


def _changes(book: Book, measures: Iterable[str], what: str, name: str) -> Table:
    rows = [
        {"measure": measure} | {column: book[f"tox.{measure}.{end}"] for column, end in CHANGE_RESULTS.items()}
        for measure in measures
    ]
    frame = labelled(pd.DataFrame(rows), "measure")
    return Table(frame, f"{what}: {CHANGE_CAPTION}", f"toxicity_changes_{name}", headers=CHANGE_HEADERS)


def alt_changes(book: Book) -> Drawn:
    """Bar chart of the change of ALT, one bar a patient."""
    rows = changes(book.tables, book.study, ("alt",))
    alone, with_sirt = book.text("tox.alt.lu"), book.text("tox.alt.lu_sirt")
    description = f"Bar chart of ALT change by patient. Medians: {alone} without, {with_sirt} with SIRT."
    return charts_patients.numbered_bars(rows, description, title="Change of ALT (%)")


def sirt_changes(book: Book) -> Table:
    """Median changes of the patients with SIRT: from before 177Lu-PSMA, without those who had SIRT first, from SIRT on."""
    columns = SIRT_COLUMNS
    if not book["tox.sirt_first"].value:
        columns = {name: end for name, end in columns.items() if not end.startswith("later")}
    rows = [{"measure": key} | {name: book[f"tox.{key}.{end}"] for name, end in columns.items()} for key in PRINTED]
    frame = pd.DataFrame(rows)
    for name in ("whole", "later"):
        if name in frame:
            frame.insert(frame.columns.get_loc(name) + 1, f"{name}_n", [result.n for result in frame[name]])
    caption = (
        "Patients with SIRT: median change (percent), from before 177Lu-PSMA and from before SIRT to after therapy"
    )
    return Table(labelled(frame, "measure"), caption, "toxicity_after_sirt", headers=SIRT_HEADERS)
