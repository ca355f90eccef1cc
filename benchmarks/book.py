"""Wall time of the book build against an empty book with the same imports.

The empty book has the same pages with their setup cell's imports and nothing else; the ratio says what the study itself
costs, whatever the machine. Needs the tables of a pull (`make book` leaves them).
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
BUILD = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
SETTINGS = ("_config.yml", "_toc.yml", "README.md", "chapters/references.bib")
IMPORTS = re.compile(r"^(?:import |from .+ import ).*?(?:\)|$)", re.MULTILINE)


def main() -> None:
    """Build both books once, the empty one first, and print seconds and ratio."""
    with tempfile.TemporaryDirectory() as folder:
        empty = build(empty_book(Path(folder) / "empty"), Path(folder) / "empty out")
        whole = build(REPOSITORY, Path(folder) / "whole out")
    sys.stdout.write(f"empty book with the same imports {empty:6.1f} s\n")
    sys.stdout.write(f"book of the study                {whole:6.1f} s\n")
    sys.stdout.write(f"ratio                            {whole / empty:6.1f}\n")


def build(source: Path, out: Path) -> float:
    """Seconds of a build of `source`; raises CalledProcessError when it fails."""
    environment = os.environ | {"JUPYTER_PREFER_ENV_PATH": "1", "PYTHONPATH": str(REPOSITORY)}
    command = [*BUILD, str(source), "--path-output", str(out), "--all", "-q"]
    start = time.perf_counter()
    subprocess.run(command, cwd=source, env=environment, check=True, capture_output=True)  # noqa: S603  our own command
    return time.perf_counter() - start


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
