"""The house itself: rooms of a size that one can read, documents that agree with the code."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.support.paths import REPOSITORY

PRODUCT = sorted(path for root in ("adapters", "analysis") for path in (REPOSITORY / root).rglob("*.py"))
TESTS = sorted((REPOSITORY / "tests").rglob("*.py"))
MODULES_MAX, PRODUCT_LINES_MAX, TEST_LINES_MAX = 15, 300, 400


def lines(path: Path) -> int:
    return path.read_text("utf-8").count("\n")


def test_no_folder_has_more_modules_than_one_can_overlook() -> None:
    modules = Counter(path.parent for path in PRODUCT if path.name != "__init__.py")
    assert {str(folder): number for folder, number in modules.items() if number > MODULES_MAX} == {}


@pytest.mark.parametrize(("files", "most"), [(PRODUCT, PRODUCT_LINES_MAX), (TESTS, TEST_LINES_MAX)])
def test_no_module_is_too_long(files: list[Path], most: int) -> None:
    assert {str(path): lines(path) for path in files if lines(path) > most} == {}


def test_every_package_says_what_it_is_for() -> None:
    packages = [path for path in PRODUCT if path.name == "__init__.py"]
    assert [str(path) for path in packages if '"""' not in path.read_text("utf-8")] == []


def test_the_layers_of_the_architecture_page_are_those_of_the_contracts() -> None:
    script = [sys.executable, str(REPOSITORY / "tools" / "layers.py"), "--check"]
    assert subprocess.run(script, check=False).returncode == 0, "run python tools/layers.py"


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "ARCHITECTURE.md", "GLOSSARY.md", "README.md"])
def test_every_file_that_a_document_names_is_there(page: str) -> None:
    named = re.findall(
        r"`((?:adapters|analysis|tests|tools|chapters)/[\w./*-]*)`", (REPOSITORY / page).read_text("utf-8")
    )
    assert [path for path in named if not list(REPOSITORY.glob(path.rstrip("/")))] == []


def test_every_recipe_is_short() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text("utf-8").split("## Recipes")[1]
    recipes = [part.strip().splitlines() for part in text.split("### ")[1:]]
    numbered = {recipe[0]: [line for line in recipe if re.match(r"\d+\. ", line)] for recipe in recipes}
    assert max(len(steps) for steps in numbered.values()) <= 10
