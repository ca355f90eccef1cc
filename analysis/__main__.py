"""Command line of the analysis: `python -m analysis results --out FILE` writes every number of the book as JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from adapters.contract import load_manifest, load_tables
from analysis.book.chapter_build import rebuild
from analysis.book.chapters import collect
from analysis.errors import BookError
from analysis.opened_book import is_reconstruction
from analysis.paper.published import beside_print, with_holm_of_print
from analysis.report.format import has_open_interval
from analysis.results import Range, Result
from analysis.settings import REPOSITORY, load_study

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Results of the study from the tables on disk.")
LEFT_OUT_WHEN_EMPTY = ("percent", "events", "denominator")


@app.callback()
def main() -> None:
    """Results of the study from the tables on disk."""


@app.command()
def results(out: Annotated[Path, typer.Option(help="JSON file to write")]) -> None:
    """Write one object for every number of the book."""
    tables, study, manifest = load_tables(), load_study(), load_manifest()
    found = collect(tables, study, manifest)
    rows = beside_print(found, [as_row(result) for result in found], agrees=is_reconstruction(manifest))
    rows = with_holm_of_print(rows, study["multiplicity"]["families"])
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    sys.stdout.write(f"{len(rows)} results in {out}\n")


@app.command()
def chapter(name: Annotated[str, typer.Argument(help="name of the chapter's file, without .md")]) -> None:
    """Execute one chapter anew and put its page into the site that `make site` built."""
    try:
        page = rebuild(name)
    except (BookError, FileNotFoundError) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    sys.stdout.write(f"{page.relative_to(REPOSITORY)} is new; the other pages are as they were\n")


@app.command()
def lab() -> None:
    """Make JupyterLab of this environment open the chapters as notebooks."""
    viewer = {"@jupyterlab/docmanager-extension:plugin": {"defaultViewers": {"markdown": "Jupytext Notebook"}}}
    overrides = Path(sys.prefix) / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    overrides.parent.mkdir(parents=True, exist_ok=True)
    overrides.write_text(json.dumps(viewer, indent=1) + "\n", "utf-8")
    sys.stdout.write(f"Chapters in {REPOSITORY / 'chapters'} open as notebooks\n")


def as_row(result: Result) -> dict[str, Any]:
    """The object of results.json for one result: unrounded, `reason` only where there is no value."""
    row: dict[str, Any] = {
        "id": result.id,
        "value": result.value,
        "lower": result.lower,
        "upper": result.upper,
        "n": result.n,
        "unit": result.unit,
        "method": result.method,
        "interval": result.interval,
        "basis": result.basis,
    }
    row |= {key: value for key in LEFT_OUT_WHEN_EMPTY if (value := getattr(result, key)) is not None}
    if result.basis in ("bounded", "free"):
        row |= _range_fields(result.range)
    if has_open_interval(result):
        row["interval_basis"] = "free"
    return row | ({"reason": result.reason} if result.reason else {})


def _range_fields(found: Range | None) -> dict[str, Any]:
    """Over the cohorts that give the same print: smallest and largest value, or the words it takes; of how many."""
    if found is None:
        return {"range_low": None, "range_high": None}
    fields: dict[str, Any] = {"range_low": found.low, "range_high": found.high, "range_cohorts": found.cohorts}
    return fields | ({"range_texts": list(found.texts)} if found.texts else {})


if __name__ == "__main__":
    app()
