"""`make book` as users type it, in a copy of the repository whose path has spaces: complete, replaced whole, or untouched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.built_site import REPOSITORY

pytestmark = [
    pytest.mark.book,
    pytest.mark.program,
    pytest.mark.slow,
    pytest.mark.xdist_group("make"),
    pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed"),
    pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="the tests do not run in a virtual environment"),
]

TOC = "format: jb-book\nroot: README\nchapters:\n- file: chapters/data\n- file: chapters/references\n"
README = "# A short book\n"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The repository with the environment that runs the tests and a table of contents of two pages."""
    folder = tmp_path_factory.mktemp("a path") / "with  spaces"
    ignore = shutil.ignore_patterns(".git", ".venv", "_build", "data", "tests", ".*_cache", ".hypothesis", "vendor")
    shutil.copytree(REPOSITORY, folder, ignore=ignore)
    (folder / "_toc.yml").write_text(TOC, "utf-8")
    (folder / "README.md").write_text(README, "utf-8")
    data = folder / "chapters" / "data.md"  # its links lead to pages that the short book does not have
    data.write_text(re.sub(r"\[([^\]]+)\]\(\w+\.md\)", r"\1", data.read_text("utf-8")), "utf-8")
    (folder / ".venv").mkdir()
    for entry in Path(sys.prefix).iterdir():  # the environment that runs the tests stands in for a new one
        if entry.name != "installed":
            (folder / ".venv" / entry.name).symlink_to(entry)
    stamp = folder / ".venv" / "installed"
    stamp.touch()
    newest = max((folder / name).stat().st_mtime for name in ("requirements.lock", "pyproject.toml"))
    os.utime(stamp, (newest + 1, newest + 1))
    return folder


def make(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("STUDY_", "BOOK_", "MAKE"))}
    environment["PYTHONPATH"] = str(folder)
    command = ["make", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def data_hash(folder: Path) -> str:
    return json.loads((folder / "data" / "tables" / "current" / "manifest.json").read_text("utf-8"))["hash"]


def site_text(folder: Path) -> str:
    return "".join(page.read_text("utf-8") for page in sorted((folder / "_build" / "html").rglob("*.html")))


def test_make_book_with_a_wrong_analysis_setting_ends_before_anything_is_read(copy):
    settings = copy / "study.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("landmarks_days", "landmark_days"), "utf-8")
    try:
        ended = make(copy, "book")
    finally:
        settings.write_text(text, "utf-8")
    assert ended.returncode == 2
    assert "study.toml [survival]: survival.landmark_days is not a setting; write landmarks_days\n" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert not (copy / "data").exists()


def test_make_book_from_demo_then_another_source_then_a_failing_one(copy, tmp_path):
    built = make(copy, "book")
    assert built.returncode == 0, (built.stdout + built.stderr)[-3000:]
    first, marker = data_hash(copy), copy / "_build" / "html" / "of the first site.html"
    assert first in site_text(copy)
    assert (copy / "_build" / "html" / "results.json").is_file()
    marker.write_text("left by the first build", "utf-8")

    other = tmp_path / "other source"
    demo = [sys.executable, "-m", "adapters", "demo", "--dialect", "mii", "--patients", "40", "--out", str(other)]
    subprocess.run(demo, cwd=copy, check=True, capture_output=True)
    built = make(copy, "book", f"SOURCE={other}")
    assert built.returncode == 0, (built.stdout + built.stderr)[-3000:]
    second = data_hash(copy)
    assert second != first
    assert first not in site_text(copy)
    assert second in site_text(copy)
    assert "Synthetic cohort." not in site_text(copy)
    assert not marker.exists()

    before = site_text(copy)
    failed = make(copy, "book", f"SOURCE={tmp_path / 'nothing here.json'}")
    assert failed.returncode != 0
    assert site_text(copy) == before
    assert data_hash(copy) == second


def test_make_chapter_replaces_its_page_and_nothing_else(copy):
    if not (copy / "_build" / "html").is_dir():
        pytest.skip("the first build of this module did not succeed")
    site, chapter = copy / "_build" / "html", copy / "chapters" / "data.md"
    text, listed = chapter.read_text("utf-8"), {path.relative_to(copy) for path in copy.rglob("*")}
    before = {page: page.read_bytes() for page in site.rglob("*") if page.is_file()}
    chapter.write_text(text + "\nA sentence of this test.\n", "utf-8")
    try:
        made = make(copy, "chapter", "NAME=data")
    finally:
        chapter.write_text(text, "utf-8")
    assert made.returncode == 0, (made.stdout + made.stderr)[-3000:]
    changed = {page.relative_to(site).as_posix() for page, content in before.items() if page.read_bytes() != content}
    assert changed == {"chapters/data.html", "searchindex.js"}
    assert "A sentence of this test." in (site / "chapters" / "data.html").read_text("utf-8")
    assert "book.css" in (site / "chapters" / "data.html").read_text("utf-8"), "the page is styled"
    new = {path.relative_to(copy) for path in copy.rglob("*")} - listed
    assert {path for path in new if path.parts[0] != "_build" and "__pycache__" not in path.parts} == set()


def test_make_site_that_fails_leaves_the_last_site_alone(copy):
    if not (copy / "_build" / "html").is_dir():
        pytest.skip("the first build of this module did not succeed")
    before = site_text(copy)
    chapter = copy / "chapters" / "data.md"
    text = chapter.read_text("utf-8")
    chapter.write_text(text + "\n```{code-cell} ipython3\n:tags: [remove-input]\n\n1 / 0\n```\n", "utf-8")
    try:
        assert make(copy, "site").returncode != 0
    finally:
        chapter.write_text(text, "utf-8")
    assert site_text(copy) == before


def test_make_site_of_tables_that_other_settings_made_ends_before_the_build(copy):
    if not (copy / "_build" / "html").is_dir():
        pytest.skip("the first build of this module did not succeed")
    before, settings = site_text(copy), copy / "study.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace("merge_days = 1", "merge_days = 2"), "utf-8")
    try:
        ended = make(copy, "site")
    finally:
        settings.write_text(text, "utf-8")
    assert ended.returncode == 2
    assert "error: study.toml: reading.merge_days is 2, but the tables were pulled with 1; pull again" in ended.stderr
    assert "jupyter-book" not in ended.stdout
    assert site_text(copy) == before


def test_make_clean_takes_what_was_built_and_leaves_the_tables(copy):
    if not (copy / "_build" / "html").is_dir():
        pytest.skip("the first build of this module did not succeed")
    assert make(copy, "clean").returncode == 0
    assert not (copy / "_build").exists()
    assert (copy / "data" / "tables").is_dir()
