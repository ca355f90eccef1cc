"""The book built once for all tests that look at its pages: from the demo cohort, in a folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from adapters.contract import tables_folder
from tests.support import chromium
from tests.support.built_site import REPOSITORY, Site, build


@pytest.fixture(scope="session")
def demo_tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tidy tables of the demo cohort."""
    folder = tmp_path_factory.mktemp("demo")
    adapters = [sys.executable, "-m", "adapters"]
    for arguments in (
        ["demo", "--out", str(folder / "fhir")],
        ["pull", str(folder / "fhir"), "--out", str(folder / "tables")],
    ):
        subprocess.run([*adapters, *arguments], cwd=REPOSITORY, check=True, capture_output=True)
    return folder / "tables"


@pytest.fixture(scope="session")
def site(demo_tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The whole book of the demo cohort, built strictly, with results.json.

    `BOOK_SITE` names a site that `make book` has just built from the demo cohort, so that it is not built twice.
    """
    if ready := os.environ.get("BOOK_SITE"):
        return Site(Path(ready).resolve(), "", tables_folder())
    out = tmp_path_factory.mktemp("book")
    built = build(REPOSITORY, out, demo_tables)
    log = built.stdout + built.stderr
    assert built.returncode == 0, log[-4000:]
    html = out / "_build" / "html"
    subprocess.run(
        [sys.executable, "-W", "error", "-m", "analysis", "results", "--out", str(html / "results.json")],
        env=os.environ | {"STUDY_TABLES": str(demo_tables)},
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    return Site(html, log, demo_tables)


@pytest.fixture(scope="session")
def browser() -> Iterator[chromium.Browser]:
    """One window of headless Chromium for all tests; they are skipped with the reason where it cannot be had."""
    lacking = chromium.missing_programs()
    if lacking:
        pytest.skip(lacking)
    with chromium.browser() as window:
        yield window
