"""The book of every odd cohort, page by page as a reader would open it: whole, in words, and without a verdict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from adapters.contract import write_table
from analysis.book.chapters import banner
from analysis.report.format import MARKS
from tests.support.cohorts import COHORTS, SLOW, cohort
from tests.support.fhir_changes import Pulled
from tests.support.paths import REPOSITORY
from tests.support.site_checks import Page, faults, pages_of

pytestmark = [pytest.mark.book, pytest.mark.slow, pytest.mark.xdist_group("cohort_books")]

BUILDER = REPOSITORY / "tests" / "support" / "cohort_books.py"
LONGEST_FIRST = sorted(COHORTS, key=lambda name: name not in SLOW)
REAL = {"synthetic": False, "cohort_tags": []}
TEST_DATA = {"synthetic": True, "cohort_tags": ["resampled"]}
LEGEND = ("README", "methods", "print_allows")  # pages that explain the marks, with or without marked numbers
SECONDS = 3000  # a build that hangs must not hold up the tests for ever

Builds = dict[str, dict[str, Any]]


@pytest.fixture(scope="session")
def manifests(demo: Pulled) -> dict[str, dict[str, Any]]:
    """Cohort -> manifest: every other cohort is a hospital's, the rest test data; none is the reconstruction."""
    source = {**demo.manifest["source"], "label": "St. Nobody's <Hospital>"}
    return {
        name: demo.manifest | {"hash": f"{n:016x}", "source": source} | (TEST_DATA if n % 2 else REAL)
        for n, name in enumerate(COHORTS)
    }


@pytest.fixture(scope="session")
def books(manifests: dict[str, dict[str, Any]], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Builds]:
    """The folder of all books, and how each build went."""
    tables, out = tmp_path_factory.mktemp("cohorts"), tmp_path_factory.mktemp("books")
    for name, manifest in manifests.items():
        (tables / name).mkdir()
        for table, frame in cohort(name).items():
            write_table(table, frame, tables / name)
        (tables / name / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY), "NO_COLOR": "1", "IPYTHONDIR": str(out / "ipython")}
    command = [sys.executable, str(BUILDER), str(tables), str(out), *LONGEST_FIRST]
    ran = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert (out / "builds.json").is_file(), ran.stderr[-4000:]
    return out, {one["cohort"]: one for one in json.loads((out / "builds.json").read_text("utf-8"))}


@pytest.fixture(params=COHORTS)
def name(request: pytest.FixtureRequest) -> str:
    """One cohort after the other."""
    return str(request.param)


@pytest.fixture
def html(name: str, books: tuple[Path, Builds]) -> Path:
    """The built site of a cohort."""
    return books[0] / name / "_build" / "html"


def test_the_book_builds_without_a_warning(name: str, books: tuple[Path, Builds]) -> None:
    build = books[1][name]
    assert build["code"] == 0, build["log"][-4000:]
    assert "WARNING" not in build["log"]


def test_every_page_is_whole_in_words_and_says_whose_data_it_shows(
    html: Path, name: str, manifests: dict[str, dict[str, Any]]
) -> None:
    assert len(pages_of(html)) >= 15
    assert faults(html, banner(manifests[name]), manifests[name]["hash"]) == []


def test_no_number_is_marked_as_a_choice_of_the_reconstruction(html: Path) -> None:
    signs = {sign for sign, _ in MARKS.values()}
    for path in pages_of(html):
        if path.stem not in LEGEND:
            assert not signs & set("".join(Page(path).text)), path.name


def test_the_print_stands_beside_the_cohort_without_a_verdict(html: Path) -> None:
    page = html / "chapters" / "reproduction.html"
    assert "Your cohort stands beside" in page.read_text("utf-8")
    assert ">Agrees<" not in page.read_text("utf-8")
    rows = json.loads((html / "results.json").read_text("utf-8"))
    assert [row["id"] for row in rows if "agrees" in row] == []
    assert {row["basis"] for row in rows} <= {"data", "physics", "design"}
    beside = [row for row in rows if "printed" in row]
    assert len(beside) > 100
    assert all("value" in row and "lower" in row for row in beside)
