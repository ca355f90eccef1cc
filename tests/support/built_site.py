"""The strict build of the book, and what a built site holds."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.support.paths import REPOSITORY

BUILD = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
STRICT = ["-W", "-n", "--keep-going", "--all"]


@dataclass(frozen=True)
class Site:
    """A built site: the folder of its pages, its log, the executed notebooks' folder and the tables it was built from."""

    html: Path
    log: str
    tables: Path

    @property
    def pages(self) -> list[Path]:
        """All pages that a reader can open, without the search and index pages."""
        left_out = {"search.html", "genindex.html", "index.html"}
        return sorted(page for page in self.all_pages if page.name not in left_out)

    @property
    def all_pages(self) -> list[Path]:
        """All HTML files but the theme's own pieces."""
        return sorted(page for page in self.html.rglob("*.html") if "_static" not in page.parts)


def build(source: Path, out: Path, tables: Path) -> subprocess.CompletedProcess[str]:
    """Build the book of `source` strictly into `out` from `tables`."""
    environment = os.environ | {
        "STUDY_TABLES": str(tables),
        "PYTHONPATH": str(REPOSITORY),
        "JUPYTER_PREFER_ENV_PATH": "1",
        "IPYTHONDIR": str(out / "ipython"),
        "NO_COLOR": "1",
    }
    command = [*BUILD, str(source), "--path-output", str(out), *STRICT]
    return subprocess.run(command, env=environment, cwd=source, capture_output=True, text=True, check=False)
