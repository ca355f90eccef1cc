"""What every chapter starts with: the tables on disk, the settings, the manifest and the results by id.

    book = open_book("survival")
    book.glue()

computes the numbers of that part only; without a name all parts are computed. Which cohort the numbers are about comes
from the manifest: on the reconstructed cohort each number keeps what it rests on, on any other it rests on the data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from html import escape
from importlib import import_module
from typing import Any

import pandas as pd

from adapters.contract import load_manifest, load_tables, require_settings_of_pull
from analysis.opened_book import Book
from analysis.paper.multiplicity import results_from
from analysis.paper.ranges import counts
from analysis.paper.reconstruction import is_reconstruction, settle
from analysis.results import Result
from analysis.settings import Study, load_study

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


def open_book(*parts: str) -> Book:
    """Tables, settings, manifest and the results of `parts` (names of `PARTS`; none: all).

    Raises SettingsError if study.toml is wrong, or is not what the tables were pulled with.
    """
    study, manifest = load_study(), load_manifest()
    require_settings_of_pull(manifest)
    tables = load_tables()
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
