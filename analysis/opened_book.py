"""A book that is open: tables, settings, manifest and results, and how its numbers reach the page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.paper.reconstruction import basis_of, is_reconstruction
from analysis.report.format import Words, pieces, text
from analysis.results import Result
from analysis.settings import REPOSITORY, Study

CHAPTERS = REPOSITORY / "chapters"


GLUED = re.compile(r"\{glue\}`([^`]+)`")


@dataclass(frozen=True, slots=True)
class Book:
    """Tables by name, settings, manifest, results by id."""

    tables: Mapping[str, pd.DataFrame]
    study: Study
    manifest: Mapping[str, Any]
    results: Mapping[str, Result]

    def __getitem__(self, result_id: str) -> Result:
        return self.results[result_id]

    def glue(self, **extra: str | Words) -> None:
        """Hand the results that some chapter names, and `extra` as plain text or as it is marked, to the page."""
        glue_results(self.results.values(), extra, glued_keys() or None)

    def basis_of(self, result_id: str) -> str:
        """The basis of a count or estimate that rests on patients, by the id of its result."""
        return basis_of(result_id) if self.is_reconstruction else "data"

    def text(self, result_id: str) -> str:
        """A result in words, for captions made by code."""
        return text(self.results[result_id])

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


def glue_results(
    results: Iterable[Result], extra: Mapping[str, Any] | None = None, wanted: Collection[str] | None = None
) -> None:
    """Hand pieces of results to the page, and `extra` (key to plain text or `Words`) with them; `wanted`: only these keys.

    A kernel drops messages when a cell sends thousands at once, so a page should ask for what it shows.
    """
    from myst_nb import glue  # only a running notebook needs it

    shown = {key: piece for result in results for key, piece in pieces(result).items()}
    for key, plain in (extra or {}).items():
        shown[key] = plain if isinstance(plain, Words) else Words(str(plain), escape(str(plain)))
    for key, piece in shown.items():
        if wanted is None or key in wanted:
            glue(key, piece, display=False)
