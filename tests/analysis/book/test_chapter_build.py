"""One chapter anew: what is refused before any work, in one line. The build itself is tested with `make chapter`."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from analysis.__main__ import app
from analysis.book import chapter_build
from analysis.book.chapter_build import STATE, rebuild
from analysis.errors import BookError

PAGE = '<p>Data <code class="data-hash">{}</code></p>'


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two chapters, whose tables have the hash abc."""
    (tmp_path / "chapters").mkdir()
    for name in ("survival", "cohort"):
        (tmp_path / "chapters" / f"{name}.md").write_text(f"# {name}\n", "utf-8")
    monkeypatch.setattr(chapter_build, "load_manifest", lambda: {"hash": "abc"})
    return tmp_path


def built(root: Path, data_hash: str) -> None:
    for folder in ("html/chapters", *map(str, STATE)):
        (root / "_build" / folder).mkdir(parents=True)
    (root / "_build" / "html" / "chapters" / "survival.html").write_text(PAGE.format(data_hash), "utf-8")


@pytest.mark.parametrize(
    ("name", "remedy"), [("survivel", "did you mean survival"), ("zzz", "cohort, survival"), ("../README", "survival")]
)
def test_an_unknown_chapter_is_named_with_the_near_miss(root: Path, name: str, remedy: str) -> None:
    with pytest.raises(BookError, match=remedy):
        rebuild(name, root)


def test_without_a_site_the_remedy_is_to_make_one(root: Path) -> None:
    with pytest.raises(BookError, match="run `make site` first"):
        rebuild("survival", root)


@pytest.mark.parametrize("missing", STATE)
def test_a_site_without_what_sphinx_saved_cannot_take_a_page(root: Path, missing: Path) -> None:
    built(root, "abc")
    (root / "_build" / missing).rmdir()
    with pytest.raises(BookError, match="run `make site` first"):
        rebuild("survival", root)


def test_a_site_of_other_data_is_left_alone(root: Path) -> None:
    built(root, "def")
    with pytest.raises(BookError, match="built from other tables"):
        rebuild("survival", root)
    assert PAGE.format("def") in (root / "_build" / "html" / "chapters" / "survival.html").read_text("utf-8")


def test_a_chapter_that_fails_leaves_page_and_state(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built(root, "abc")

    def fails(root: Path, chapter: Path, work: Path) -> None:
        (work / "html" / "chapters" / f"{chapter.stem}.html").write_text("half a page", "utf-8")
        raise BookError("survival.md could not be built")

    monkeypatch.setattr(chapter_build, "_run_sphinx", fails)
    with pytest.raises(BookError):
        rebuild("survival", root)
    assert "half" not in (root / "_build" / "html" / "chapters" / "survival.html").read_text("utf-8")
    assert sorted(path.name for path in (root / "_build").iterdir()) == sorted(["html", *map(str, STATE)])


def test_the_command_ends_with_2_and_one_line() -> None:
    ended = CliRunner().invoke(app, ["chapter", "survivel"])
    assert ended.exit_code == 2
    assert ended.stderr.count("\n") == 1
