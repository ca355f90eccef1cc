"""Time of the book build against an empty book with the same imports, and what the 200 reconstructions add to it.

The empty book has the same pages with their setup cell's imports and nothing else; the ratio says what the study itself
costs, whatever the machine. The reconstructions add their page and the reading of the ranges, which every page does;
without both is a book that lacks the page and has no range. Needs the tables of a pull (`make book` leaves them).
"""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

REPOSITORY = Path(__file__).resolve().parent.parent
BUILD = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
SETTINGS = ("_config.yml", "_toc.yml", "README.md", "chapters/references.bib")
IMPORTS = re.compile(r"^(?:import |from .+ import ).*?(?:\)|$)", re.MULTILINE)
PAGE = "print_allows"  # the page that the reconstructions are told on
NO_RANGES = "import analysis.paper.ranges as ranges; ranges.load_ranges = lambda: {}"
ADDED_SECONDS = 60  # target


class Taken(NamedTuple):
    """Seconds by the clock, and of computing in all processes."""

    wall: float
    cpu: float


def main() -> None:
    """Build the books once each, the empty one first, and print seconds, ratio and what the reconstructions add."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        empty = build(empty_book(out / "empty"), out / "empty out")
        without = build(book_without_ranges(out / "without"), out / "without out")
        whole = build(REPOSITORY, out / "whole out")
    show("empty book with the same imports", empty)
    show("book without the reconstructions", without)
    show("book of the study", whole)
    ratio = f"{whole.wall / empty.wall:8.1f}   {whole.cpu / empty.cpu:8.1f}"
    sys.stdout.write(f"{'ratio of the study to the empty book':<36} {ratio}\n")
    added = Taken(whole.wall - without.wall, whole.cpu - without.cpu)
    verdict = "met" if max(added) < ADDED_SECONDS else "NOT MET"
    show("added by the reconstructions", added, f"target < {ADDED_SECONDS} s: {verdict}")


def show(name: str, taken: Taken, verdict: str = "") -> None:
    """One line of the report."""
    sys.stdout.write(f"{name:<36} {taken.wall:8.1f} s {taken.cpu:8.1f} s of computing   {verdict}\n")


def build(source: Path, out: Path) -> Taken:
    """Time of a build of `source`; raises CalledProcessError when it fails."""
    environment = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [*BUILD, str(source), "--path-output", str(out), "--all", "-q"]
    start, before = time.perf_counter(), _computed()
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)  # noqa: S603  our own command
    return Taken(time.perf_counter() - start, _computed() - before)


def _computed() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def book_without_ranges(folder: Path) -> Path:
    """The book without the page of the reconstructions and without the ranges behind the marks."""
    shutil.copytree(REPOSITORY / "chapters", folder / "chapters")
    for name in SETTINGS:
        shutil.copy(REPOSITORY / name, folder / name)
    toc = folder / "_toc.yml"
    toc.write_text(
        "".join(line for line in toc.read_text("utf-8").splitlines(keepends=True) if PAGE not in line), "utf-8"
    )
    (folder / "chapters" / f"{PAGE}.md").unlink()
    for page in (folder / "chapters").glob("*.md"):
        text = page.read_text("utf-8")
        page.write_text(text.replace("\nbook = open_book(", f"\n{NO_RANGES}\nbook = open_book(", 1), "utf-8")
    return folder


def empty_book(folder: Path) -> Path:
    """The book with its pages, settings and imports, without anything computed or told."""
    shutil.copytree(REPOSITORY / "chapters" / "assets", folder / "chapters" / "assets")
    for name in SETTINGS:
        shutil.copy(REPOSITORY / name, folder / name)
    readme = folder / "README.md"
    readme.write_text("# Empty\n", "utf-8")
    for page in (REPOSITORY / "chapters").glob("*.md"):
        (folder / "chapters" / page.name).write_text(emptied(page.read_text("utf-8")), "utf-8")
    return folder


def emptied(text: str) -> str:
    """Header, title and the imports of a page."""
    if "code-cell" not in text:
        return "# Empty\n"
    header = text.split("\n# ")[0]
    first = re.search(r"```\{code-cell\} ipython3\n(.*?)```", text, re.DOTALL)
    imports = "\n".join(IMPORTS.findall(first[1])) if first else ""
    return f"{header}\n# Empty\n\n```{{code-cell}} ipython3\n{imports}\n```\n"


if __name__ == "__main__":
    main()
