"""The whole book of many cohorts at the price of a few: each page is executed in a copy of one warm process.

`python tests/support/cohort_books.py TABLES_FOLDER OUT COHORT...` builds the book of each TABLES_FOLDER/COHORT into
OUT/COHORT by Jupyter Book itself, with the settings of `_config.yml`, warnings as errors. Only the kernel differs from a
real build: starting one and importing pandas, scipy and Altair for each of fifteen pages takes longer than the pages.
A page is run instead in a forked process that has imported them, in an IPython shell of its own. Needs PYTHONPATH.
"""

from __future__ import annotations

import gc
import io
import json
import multiprocessing
import os
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path
from time import perf_counter
from typing import Any

import jupyter_book.sphinx  # noqa: F401  with all that every build imports
import myst_nb.core.execute.direct
import nbformat.v4
from IPython.core.displayhook import DisplayHook
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import InteractiveShell
from jupyter_book.cli.main import main as jupyter_book_cli
from jupyter_cache.executors.utils import ExecutionResult
from nbclient.client import CellExecutionError

from analysis.__main__ import results
from analysis.book import sphinx as book_pages
from analysis.book.chapters import PARTS
from tests.support.paths import REPOSITORY

FORK = multiprocessing.get_context("fork")
STRICT = ("-W", "-n", "--keep-going", "--all")
CHARTS = tuple(
    ".".join(module.relative_to(REPOSITORY).with_suffix("").parts)
    for module in sorted((REPOSITORY / "analysis").rglob("charts*.py"))
)

Cell = tuple[list[Any], str]  # what one cell left: its outputs, and the error that ended it; plain, to be sent


class Outputs:
    """What the running cell has shown so far, in the form of a notebook."""

    shown: list[Any] = []  # noqa: RUF012  one page a process


class Publisher(DisplayPublisher):
    """`display(...)`."""

    def publish(self, data: Any, metadata: Any = None, **_: Any) -> None:
        """Keep what is displayed."""
        Outputs.shown.append(nbformat.v4.new_output("display_data", data=data, metadata=metadata or {}))


class Hook(DisplayHook):
    """The value of the last line."""

    def __call__(self, result: Any = None) -> None:
        """Keep the value in the formats that it has."""
        if result is not None and not self.quiet():
            data, metadata = self.compute_format_data(result)
            number = self.shell.execution_count
            Outputs.shown.append(
                nbformat.v4.new_output("execute_result", data=data, metadata=metadata, execution_count=number)
            )


def run_cells(sources: list[str], folder: str) -> list[Cell]:
    """Run the cells of a page one after the other up to the first that fails. For a process of its own."""
    os.chdir(folder)
    sys.path.insert(0, folder)
    InteractiveShell.display_pub_class.default_value = Publisher  # type: ignore[attr-defined]
    InteractiveShell.displayhook_class.default_value = Hook  # type: ignore[attr-defined]
    shell = InteractiveShell.instance(history_load_length=0)
    cells: list[Cell] = []
    for source in sources:
        cells.append(_run(shell, source))
        if cells[-1][1]:
            break
    return cells


def _run(shell: InteractiveShell, source: str) -> Cell:
    Outputs.shown = []
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        found = shell.run_cell(source)
    streams = [
        nbformat.v4.new_output("stream", name=name, text=text.getvalue())
        for name, text in (("stdout", out), ("stderr", err))
        if text.getvalue()
    ]
    error = found.error_before_exec or found.error_in_exec
    words = "".join(traceback.format_exception(error)) if error else ""
    return [*streams, *Outputs.shown], words


def execute(notebook: Any, cwd: str, **_: Any) -> ExecutionResult:
    """What Jupyter Book calls to execute a page: the outputs are put into the cells of `notebook`."""
    start = perf_counter()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    with ProcessPoolExecutor(1, mp_context=FORK) as one:
        ran = one.submit(run_cells, [cell.source for cell in code], cwd).result()
    for number, (cell, (outputs, _)) in enumerate(zip(code, ran, strict=False), start=1):
        cell.outputs, cell.execution_count = outputs, number
    failed = next((error for _, error in ran if error), None)
    error = CellExecutionError(failed, "Error", failed) if failed else None
    return ExecutionResult(notebook, cwd, perf_counter() - start, error, failed)


def build(name: str, tables: Path, out: Path) -> dict[str, Any]:
    """Build the book of tables/name into out/name, with results.json: exit code and log. For a process of its own."""
    os.environ["STUDY_TABLES"] = str(tables / name)
    myst_nb.core.execute.direct.single_nb_execution = execute
    log, code, start = io.StringIO(), 0, perf_counter()
    with redirect_stdout(log), redirect_stderr(log):
        try:
            command = ["build", str(REPOSITORY), "--path-output", str(out / name), *STRICT]
            jupyter_book_cli(command, standalone_mode=False)
            results(out / name / "_build" / "html" / "results.json")
        except SystemExit as stop:
            code = int(stop.code or 0)
        except Exception:  # the log of a failed build is the finding
            code = 1
            traceback.print_exc(file=log)
    return {"cohort": name, "code": code, "log": log.getvalue(), "seconds": perf_counter() - start}


def warm_up() -> None:
    """Import what the pages import, once for all; write the scripts of the pages."""
    for module in (*(f"analysis.{part}.results" for part in PARTS), *CHARTS):
        import_module(module)
    # Vega runs in threads of its own, which a fork would not take along: no process that forks may have used it.
    with ProcessPoolExecutor(1, mp_context=FORK) as one:
        one.submit(book_pages.write_scripts, REPOSITORY).result()
    book_pages.write_scripts = lambda root: None
    gc.freeze()


def main(tables: Path, out: Path, names: list[str], workers: int = 2) -> int:
    """Build all books, write OUT/builds.json, and say how many failed."""
    warm_up()
    with ProcessPoolExecutor(workers, mp_context=FORK) as pool:
        built = list(pool.map(partial(build, tables=tables, out=out), names))
    (out / "builds.json").write_text(json.dumps(built), "utf-8")
    return sum(one["code"] != 0 for one in built)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
