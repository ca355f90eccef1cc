"""A chapter says when it and its code belong to different checkouts."""

from pathlib import Path

import pytest

from analysis.book import chapters
from tests.support.paths import REPOSITORY


@pytest.fixture(autouse=True)
def book(monkeypatch):
    """Opens a book without data: what comes before the tables is asked here."""
    monkeypatch.setattr(chapters, "load_manifest", dict)
    for name in ("require_settings_of_pull", "load_tables", "cached_tables", "collect"):
        monkeypatch.setattr(chapters, name, lambda *_: [])


def checkout(folder: Path) -> Path:
    (folder / "analysis").mkdir()
    (folder / "_toc.yml").touch()
    return folder


@pytest.mark.parametrize("inside", ["", "chapters"])
def test_code_of_another_checkout_is_a_warning_with_the_remedy(tmp_path, monkeypatch, inside):
    home = checkout(tmp_path)
    (home / inside).mkdir(exist_ok=True)
    monkeypatch.chdir(home / inside)
    with pytest.warns(UserWarning, match="its code comes from") as caught:
        chapters.open_book("survival")
    assert str(caught[0].message) == (
        f"This chapter lies in {home}, but its code comes from {REPOSITORY}: start it with {home / '.venv'}."
    )
    assert caught[0].filename == __file__, "the warning points at the cell"


@pytest.mark.parametrize("folder", [REPOSITORY, REPOSITORY / "chapters"], ids=["root", "chapters"])
def test_the_own_checkout_gives_no_warning(monkeypatch, folder):
    monkeypatch.chdir(folder)
    chapters.open_book("survival")  # a warning would be an error here


def test_a_folder_outside_of_any_checkout_gives_no_warning(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    chapters.open_book("survival")
