"""What every chapter starts with: the tables on disk, the settings, the manifest and the results by id.

    book = open_book("survival")
    book.glue()

computes the numbers of that part only; without a name all parts are computed. Which cohort the numbers are about comes
from the manifest: on the reconstructed cohort each number keeps what it rests on, on any other it rests on the data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from adapters.contract import load_manifest, load_tables
from analysis.paper.multiplicity import results_from
from analysis.paper.ranges import with_range
from analysis.paper.ranges_page import counts
from analysis.report.format import Words, glue_results, text
from analysis.results import Result
from analysis.settings import REPOSITORY, Study, load_study

Collector = Callable[[Mapping[str, pd.DataFrame], Study], list[Result]]
# Part -> module whose `results(tables, study)` gives its numbers. Imported when asked for: a chapter needs one or two.
PARTS = {
    "cohort": "analysis.cohort.results",
    "survival": "analysis.survival.results",
    "response": "analysis.response.results",
    "dosimetry": "analysis.dosimetry.results",
    "toxicity": "analysis.toxicity.results",
    "psa": "analysis.psa.results",
    "context": "analysis.psa.published_cohorts",
}
MULTIPLICITY = "multiplicity"  # computed from the results of all parts
CHAPTERS = REPOSITORY / "chapters"
GLUED = re.compile(r"\{glue\}`([^`]+)`")
FROM_THE_PRINT = ("printed", "bounded", "free")


@dataclass(frozen=True, slots=True)
class Book:
    """Tables by name, settings, manifest, results by id."""

    tables: Mapping[str, pd.DataFrame]
    study: Study
    manifest: Mapping[str, Any]
    results: Mapping[str, Result]

    def __getitem__(self, id: str) -> Result:
        return self.results[id]

    def glue(self, **extra: str | Words) -> None:
        """Hand the results that some chapter names, and `extra` as plain text or as it is marked, to the page."""
        glue_results(self.results.values(), extra, glued_keys() or None)

    def text(self, id: str) -> str:
        """A result in words, for captions made by code."""
        return text(self.results[id])

    def reproduction_words(self, tally: Mapping[str, int], slips: int, remarks: int) -> dict[str, str]:
        """Sentences of the reproduction page; a verdict only for the reconstructed cohort."""
        if self.is_reconstruction:
            summary = (
                f"{tally['agree'] - tally['settings_agree']} of {tally['printed'] - tally['settings']} printed results "
                f"that are computed from patients agree, {tally['truncated']} of them cut off instead of rounded. Of the "
                f"other {tally['settings']}, limits, activities and physical constants taken over from the paper, "
                f"{tally['settings_agree']} stand as printed."
            )
            meaning = "Agreement was built into this cohort: it tests the pipeline, not the paper."
        else:
            summary = f"Your cohort stands beside {tally['printed']} printed values of the paper."
            meaning = "No verdict is given: other patients have other results."
        return {
            "reproduction.summary": summary,
            "reproduction.meaning": meaning,
            "reproduction.printed": str(tally["printed"]),
            "reproduction.slips": str(slips),
            "reproduction.remarks": str(remarks),
        }

    def without_verdict(self, rows: pd.DataFrame) -> pd.DataFrame:
        """`rows` with the verdict columns only where a verdict is due."""
        return rows if self.is_reconstruction else rows.drop(columns=["agrees", "how"])

    @property
    def is_reconstruction(self) -> bool:
        """Whether the cohort is the one reconstructed from the paper's print."""
        return is_reconstruction(self.manifest)


def glued_keys(folder: Path = CHAPTERS) -> frozenset[str]:
    """Keys that the chapters name as {glue}`key` or {glue}`page.md::key`; empty without chapters."""
    texts = (file.read_text("utf-8") for file in sorted(folder.rglob("*.md")))
    return frozenset(key.rpartition("::")[2] for text in texts for key in GLUED.findall(text))


def open_book(*parts: str) -> Book:
    """Tables, settings, manifest and the results of `parts` (names of `PARTS`; none: all)."""
    tables, manifest, study = load_tables(), load_manifest(), load_study()
    found = collect(tables, study, manifest, parts or (*PARTS, MULTIPLICITY))
    return Book(tables, study, manifest, {result.id: result for result in found})


def collect(
    tables: Mapping[str, pd.DataFrame],
    study: Study,
    manifest: Mapping[str, Any],
    parts: Collection[str] = (*PARTS, MULTIPLICITY),
) -> list[Result]:
    """All results of the parts in order. Raises ValueError when two results share an id."""
    chosen = [part for part in parts if part != MULTIPLICITY]
    if MULTIPLICITY in parts:
        chosen = list(PARTS)
    found = [settle(result, manifest) for part in chosen for result in _collector(part)(tables, study)]
    if MULTIPLICITY in parts:
        found += [settle(result, manifest) for result in results_from({r.id: r for r in found}, study)]
        found += counts(found, applies=is_reconstruction(manifest))
    seen: set[str] = set()
    for result in found:
        if result.id in seen:
            raise ValueError(f"two results have the id {result.id}")
        seen.add(result.id)
    return found


def settle(result: Result, manifest: Mapping[str, Any]) -> Result:
    """What the result rests on in this cohort: only the reconstruction can rest on the print, and has its range."""
    if is_reconstruction(manifest):
        return with_range(result)
    return replace(result, basis="data") if result.basis in FROM_THE_PRINT else result


def is_reconstruction(manifest: Mapping[str, Any]) -> bool:
    """True for the demo cohort itself, not for one resampled from it and not for a hospital's."""
    return bool(manifest["synthetic"]) and list(manifest["cohort_tags"]) == ["reconstruction"]


def banner(manifest: Mapping[str, Any]) -> str:
    """One line for the top of every page, as HTML, saying whose data these are."""
    if is_reconstruction(manifest):
        return (
            "<strong>Synthetic cohort.</strong> Reconstructed from the printed results of the paper; "
            "no patient stands behind a row."
        )
    if manifest["synthetic"]:
        return "<strong>Synthetic test data.</strong> No patient stands behind a row; nothing here is a result."
    label = escape(str(manifest["source"]["label"] or manifest["source"]["kind"]))
    return f"Data of {label}, pulled on {escape(str(manifest['pulled_on']))}, for internal use."


def footer(manifest: Mapping[str, Any]) -> str:
    """The line at the foot of every page that ties it to its data."""
    return (
        f'Data <code class="data-hash">{escape(str(manifest["hash"]))}</code>, pulled on '
        f"{escape(str(manifest['pulled_on']))}. Not for treatment decisions."
    )


def _collector(part: str) -> Collector:
    collector: Collector = import_module(PARTS[part]).results
    return collector
