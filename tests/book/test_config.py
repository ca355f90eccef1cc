"""Settings of the book and form of its chapters: what a reader, a methodologist and the build rely on."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import jupytext
import pytest
import yaml

from analysis.opened_book import glued_keys
from analysis.settings import REPOSITORY

CHAPTERS = REPOSITORY / "chapters"
CONFIG = yaml.safe_load((REPOSITORY / "_config.yml").read_text("utf-8"))
TOC = yaml.safe_load((REPOSITORY / "_toc.yml").read_text("utf-8"))
LISTED = [chapter["file"] for part in TOC["parts"] for chapter in part["chapters"]]
NOTEBOOKS = [
    REPOSITORY / f"{name}.md" for name in LISTED if "code-cell" in (REPOSITORY / f"{name}.md").read_text("utf-8")
]
SHOWS_CODE = "own_view"  # code is what that page is about
CELL_LINES_MAX = 10
OF_SHORT_CELLS = [page for page in NOTEBOOKS if page.stem != SHOWS_CODE]
LOGIC = (ast.Lambda, ast.If, ast.For, ast.While, ast.Try, ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp)
PAGE_MODULE = re.compile(r"analysis\.book|analysis\.report\.charts|analysis\.\w+\.(\w+_)?page")
STORY = ["survival", "cohort", "lesion_response", "psa", "toxicity", "dosimetry", "methods"]
FORBIDDEN = re.compile(
    r"\b(superior\w*|efficien\w*|effective(?!ly dose|\s+half)|significan\w*|no difference)\b", re.IGNORECASE
)


def test_config_executes_always_and_fails_on_errors_and_stderr():
    execute = CONFIG["execute"]
    assert execute["execute_notebooks"] == "force"
    assert execute["raise_on_error"] is True
    assert execute["stderr_output"] == "error"


def test_config_builds_only_listed_pages_and_ships_no_second_source():
    assert CONFIG["only_build_toc_files"] is True
    assert CONFIG["sphinx"]["config"]["html_copy_source"] is False


def test_config_names_no_outside_script_and_no_thebe():
    sphinx = CONFIG["sphinx"]["config"]
    assert "sphinx_thebe" not in sphinx["extensions"]
    assert not str(sphinx["mathjax_path"]).startswith("http")
    assert not [script for script, *_ in sphinx["html_js_files"] if str(script).startswith("http")]


def test_no_static_folder_at_the_root_which_would_load_every_script_on_every_page():
    assert not (REPOSITORY / "_static").exists()


def test_config_has_no_key_twice():
    text = (REPOSITORY / "_config.yml").read_text("utf-8")
    top = re.findall(r"^(\w+):", text, re.MULTILINE)
    assert len(top) == len(set(top))


@pytest.mark.parametrize("name", LISTED)
def test_every_listed_chapter_exists(name):
    assert (REPOSITORY / f"{name}.md").is_file()


def test_every_chapter_is_listed():
    pages = {f"chapters/{page.stem}" for page in CHAPTERS.glob("*.md")}
    assert pages == set(LISTED)


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_chapter_defines_no_function_and_no_class(page):
    for cell in _code_cells(page):
        nodes = ast.walk(ast.parse(cell.source))
        assert not [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


@pytest.mark.parametrize("page", OF_SHORT_CELLS, ids=lambda page: page.stem)
def test_chapter_cells_are_short_and_hold_no_logic(page):
    for cell in _code_cells(page):
        assert len(cell.source.splitlines()) <= CELL_LINES_MAX, cell.source
        assert not re.search(r"\bpd\.", cell.source), cell.source
        assert not [node for node in ast.walk(ast.parse(cell.source)) if isinstance(node, LOGIC)], cell.source


@pytest.mark.parametrize("page", OF_SHORT_CELLS, ids=lambda page: page.stem)
def test_chapter_imports_only_the_book_and_ready_pages(page):
    imports = [node for cell in _code_cells(page) for node in ast.walk(ast.parse(cell.source))
               if isinstance(node, ast.Import | ast.ImportFrom)]  # fmt: skip
    assert all(isinstance(node, ast.ImportFrom) for node in imports)
    modules = [f"{node.module}.{alias.name}" for node in imports for alias in node.names]
    assert [module for module in modules if not PAGE_MODULE.match(module)] == []
    assert [alias.asname for node in imports for alias in node.names if alias.asname] == []


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_chapter_reads_no_file_of_printed_values(page):
    assert "published_results" not in page.read_text("utf-8")


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_chapter_round_trip_through_a_notebook_changes_nothing(page):
    text = page.read_text("utf-8")
    assert jupytext.writes(jupytext.reads(text, fmt="md:myst"), fmt="md:myst") == text


@pytest.mark.parametrize("page", [p for p in NOTEBOOKS if p.stem != SHOWS_CODE], ids=lambda page: page.stem)
def test_chapter_setup_is_removed_and_results_hide_their_code(page):
    first, *others = _code_cells(page)
    assert first.metadata["tags"] == ["remove-cell"]
    assert [c for c in others if not {"hide-input", "remove-input"} & set(c.metadata.get("tags", []))] == []


@pytest.mark.parametrize("page", NOTEBOOKS, ids=lambda page: page.stem)
def test_chapter_lines_keep_within_250_lines_of_text_and_code(page):
    assert len(page.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize("name", STORY)
def test_chapter_of_the_study_has_every_section(name):
    headings = re.findall(r"^## (.+)$", (CHAPTERS / f"{name}.md").read_text("utf-8"), re.MULTILINE)
    assert headings == ["Question", "Data", "Method", "Result", "Paper, book, and why they differ", "Limits",
                        "Download and check"] or name == "methods"  # fmt: skip
    assert "Paper, book, and why they differ" in headings
    assert "Limits" in headings


@pytest.mark.parametrize("page", sorted(CHAPTERS.glob("*.md")), ids=lambda page: page.stem)
def test_words_of_advertisement_stand_only_in_marked_quotations(page):
    prose = re.sub(r"^\{\.paper\}\n(>.*\n)+", "", page.read_text("utf-8"), flags=re.MULTILINE)
    prose = re.sub(r"^```.*?^```$|`[^`\n]+`", "", prose, flags=re.MULTILINE | re.DOTALL)  # element names in code
    assert FORBIDDEN.findall(prose) == []


def test_glued_keys_are_found_in_pages_and_in_the_answers_of_page_one(tmp_path):
    (tmp_path / "a.md").write_text("{glue}`os.lu` and {glue}`os.lu:n`", "utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.md").write_text("{glue}`chapters/survival.md::os.logrank`", "utf-8")
    assert glued_keys(tmp_path) == {"os.lu", "os.lu:n", "os.logrank"}


def _code_cells(page: Path):
    return [cell for cell in jupytext.read(page).cells if cell.cell_type == "code"]
