"""The book built once for all tests that look at its pages: from the demo cohort, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from adapters.contract import tables_folder
from tests.support import chromium
from tests.support.built_site import REPOSITORY, Site, build
from tests.support.demo import Demo
from tests.support.once import Once


@pytest.fixture(scope="session")
def demo_tables(demo_in: Callable[..., Demo]) -> Path:
    """Tidy tables of the demo cohort."""
    return demo_in("mcode").tables


@pytest.fixture(scope="session")
def site(demo_tables: Path, once: Once) -> Site:
    """The whole book of the demo cohort, built strictly, with results.json.

    `BOOK_SITE` names a site that `make book` has just built from the demo cohort, so that it is not built twice.
    """
    if ready := os.environ.get("BOOK_SITE"):
        return Site(Path(ready).resolve(), "", tables_folder())
    out = once.folder("site", lambda folder: build_whole(folder, demo_tables))
    return Site(out / "_build" / "html", (out / "build.log").read_text("utf-8"), demo_tables)


def build_whole(out: Path, tables: Path) -> None:
    """Build the book of the repository and its results.json; the log is written beside them."""
    built = build(REPOSITORY, out, tables)
    log = built.stdout + built.stderr
    assert built.returncode == 0, log[-4000:]
    (out / "build.log").write_text(log, "utf-8")
    results = out / "_build" / "html" / "results.json"
    command = [sys.executable, "-W", "error", "-m", "analysis", "results", "--out", str(results)]
    environment = os.environ | {"STUDY_TABLES": str(tables)}
    subprocess.run(command, env=environment, cwd=REPOSITORY, check=True, capture_output=True)


@pytest.fixture(scope="session")
def browser() -> Iterator[chromium.Browser]:
    """One window of headless Chromium for all tests; they are skipped with the reason where it cannot be had."""
    lacking = chromium.missing_programs()
    if lacking:
        pytest.skip(lacking)
    with chromium.browser() as window:
        yield window
