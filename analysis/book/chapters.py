"""What every chapter starts with: the tables on disk, the settings, the manifest and the results by id.

    book = open_book("survival")
    book.glue()

computes the numbers of that part only; without a name all parts are computed. Which cohort the numbers are about comes
from the manifest: on the reconstructed cohort each number keeps what it rests on, on any other it rests on the data.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from html import escape
from importlib import import_module
from pathlib import Path
from typing import Any

import pandas as pd

from adapters.contract import load_manifest, load_tables, require_settings_of_pull
from analysis.datasets.cached import cached_tables
from analysis.opened_book import Book, is_reconstruction
from analysis.paper.multiplicity import results_from
from analysis.paper.ranges import counts
from analysis.paper.reconstruction import settle
from analysis.results import Result
from analysis.settings import REPOSITORY, Study, load_study

Collector = Callable[[Mapping[str, pd.DataFrame], Study], list[Result]]
# The numbers of a part are `analysis.<part>.results.results(tables, study)`, in this order.
PARTS = ("cohort", "survival", "response", "dosimetry", "toxicity", "psa")
MULTIPLICITY = "multiplicity"  # computed from the results of all parts


def open_book(*parts: str) -> Book:
    """Tables, settings, manifest and the results of `parts` (names of `PARTS`; none: all).

    Raises SettingsError if study.toml is wrong, or is not what the tables were pulled with. Warns (UserWarning) where
    the working directory lies in another checkout than this code.
    """
    _warn_of_another_checkout(Path.cwd())
    study, manifest = load_study(), load_manifest()
    require_settings_of_pull(manifest)
    tables = cached_tables(load_tables())
    results = collect(tables, study, manifest, parts or (*PARTS, MULTIPLICITY))
    return Book(tables, study, manifest, {result.id: result for result in results})


def _warn_of_another_checkout(folder: Path) -> None:
    """Warn where `folder` lies in a checkout, but the code comes from another: its numbers would pass for this one's."""
    home = next((place for place in (folder, *folder.parents) if _is_checkout(place)), None)
    if home is not None and home.resolve() != REPOSITORY:
        warnings.warn(
            f"This chapter lies in {home}, but its code comes from {REPOSITORY}: start it with {home / '.venv'}.",
            stacklevel=3,
        )


def _is_checkout(folder: Path) -> bool:
    return (folder / "_toc.yml").is_file() and (folder / "analysis").is_dir()


def collect(
    tables: Mapping[str, pd.DataFrame],
    study: Study,
    manifest: Mapping[str, Any],
    parts: Collection[str] = (*PARTS, MULTIPLICITY),
) -> list[Result]:
    """All results of the parts in order, with multiplicity those of every part.

    Raises ValueError for a part that does not exist and when two results share an id.
    """
    tables = cached_tables(tables)  # what several parts start from is derived once
    chosen = PARTS if MULTIPLICITY in parts else tuple(parts)
    results = [settle(result, manifest) for part in chosen for result in _collector(part)(tables, study)]
    if MULTIPLICITY in parts:
        results += [settle(result, manifest) for result in results_from({r.id: r for r in results}, study)]
        results += counts(results, applies=is_reconstruction(manifest))
    repeated = [result_id for result_id, times in Counter(result.id for result in results).items() if times > 1]
    if repeated:
        raise ValueError(f"two results have the id {repeated[0]}")
    return results


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
    """The function that computes a part; imported when asked for, since a chapter needs one or two."""
    if part not in PARTS:
        raise ValueError(f"no part {part!r}: one of {', '.join(PARTS)}")
    collector: Collector = import_module(f"analysis.{part}.results").results
    return collector
