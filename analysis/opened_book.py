"""A book that is open: tables, settings, manifest and results, and how its numbers reach the page."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.report.format import Words, pieces, text
from analysis.results import Result
from analysis.settings import REPOSITORY, Study

CHAPTERS = REPOSITORY / "chapters"
GLUED = re.compile(r"\{glue\}`([^`]+)`")


@dataclass(frozen=True, slots=True, eq=False)  # no two are compared, so that a page can cache what it derives from one
class Book:
    """What a chapter works with: tables by name, settings, manifest, results by id."""

    tables: Mapping[str, pd.DataFrame]
    study: Study
    manifest: Mapping[str, Any]
    results: Mapping[str, Result]

    def __getitem__(self, result_id: str) -> Result:
        return self.results[result_id]

    def glue(self, **extra: str | Words) -> None:
        """Hand the results that some chapter names, and `extra` as plain text or as it is marked, to the page."""
        glue_results(self.results.values(), extra, glued_keys() or None)

    def text(self, result_id: str) -> str:
        """A result in words, for captions made by code."""
        return text(self.results[result_id])

    @property
    def is_reconstruction(self) -> bool:
        """Whether the cohort is the one reconstructed from the paper's print."""
        return is_reconstruction(self.manifest)


def is_reconstruction(manifest: Mapping[str, Any]) -> bool:
    """True for the demo cohort itself, not for one resampled from it and not for a hospital's."""
    return bool(manifest["synthetic"]) and list(manifest["cohort_tags"]) == ["reconstruction"]


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
