"""The committed ranges against the reconstructions and the demo cohort; what a key point and a conclusion may rest on."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from adapters.synthetic.reconstructions import number_of_reconstructions
from adapters.synthetic.search.ranges import inputs_hash, results_of
from analysis.opened_book import Book
from analysis.paper.published import judge, load_printed
from analysis.paper.ranges import BETWEEN_TEXTS, RANGES, load_origin, load_ranges
from analysis.paper.ranges_page import LISTED, PLACE, listed_table, named_ids, templates
from analysis.report.conclusions import conclusion
from analysis.report.format import has_open_interval, style_of
from analysis.results import Result
from analysis.settings import load_study
from tests.support.paths import REPOSITORY
from tests.support.truth import truth_tables

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "chapters").rglob("*.md"))]
IN_SHORT = re.compile(r"^:::\{admonition\}.*?^:::$", re.MULTILINE | re.DOTALL)
GLUED = re.compile(r"\{glue\}`(?:[^`]*::)?([^`]+)`")
# Keys that are no results: counts of resources and rows, sentences made by a tested function, which ends with this.
NO_RESULTS = ("data.", "reproduction.", "print.scope", "tox.words.")
SENTENCE = ".conclusion"
RECONSTRUCTION = {"synthetic": True, "cohort_tags": ["reconstruction"]}
DUE = "run python -m adapters.synthetic.search.ranges"
SAMPLE = (0, -1)  # first and last reconstruction


@pytest.fixture(scope="module")
def demo(cohort_results: dict[str, Result]) -> dict[str, Result]:
    return cohort_results


@cache
def table() -> pd.DataFrame:
    return pd.read_csv(RANGES, dtype={"texts": "string"}).set_index("id")


def varies(result_id: str) -> bool:
    row = table().loc[result_id]
    several_words = pd.notna(row["texts"]) and BETWEEN_TEXTS in row["texts"]
    return bool(several_words or (pd.notna(row["low"]) and row["low"] != row["high"]))


def test_the_ranges_are_those_of_the_committed_reconstructions():
    assert load_origin()["inputs"] == inputs_hash(), DUE
    assert load_origin()["reconstructions"] == number_of_reconstructions() >= 200, DUE


def test_the_ranges_are_of_the_numbers_that_the_book_gives(demo):
    assert set(table().index) == {result_id for result_id in demo if not result_id.startswith("print.")}, DUE
    assert table().index.is_unique


@pytest.mark.slow
@pytest.mark.parametrize("position", SAMPLE)
def test_a_reconstruction_lies_within_the_ranges(position):
    beyond = []
    for result in results_of(position % number_of_reconstructions()):
        found = load_ranges().get(result.id)
        if result.id.startswith("print.") or result.value is None:
            continue
        if found is None:
            beyond.append(result.id)
        elif isinstance(result.value, int | float) and not isinstance(result.value, bool):
            near = 1e-6 * max(1.0, abs(result.value))
            if found.low is None or not found.low - near <= result.value <= found.high + near:
                beyond.append(result.id)
    assert beyond == [], DUE


def test_every_bounded_or_free_number_of_the_demo_has_a_range_that_holds_it(demo):
    lacking = []
    for result in demo.values():
        if result.basis in ("bounded", "free") and result.value is not None:
            found = result.range
            number = isinstance(result.value, int | float) and not isinstance(result.value, bool)
            if found is None or (number and not found.low <= result.value <= found.high):
                lacking.append(result.id)
    assert lacking == [], DUE


def test_what_is_labelled_printed_varies_no_more_than_printing_it_leaves_open(demo):
    wrong = [
        result_id
        for result_id, result in demo.items()
        if result.basis == "printed" and result_id in table().index and isinstance(result.value, int | float)
        if table().loc[result_id, "high"] - table().loc[result_id, "low"] > 10.0 ** -style_of(result).decimals
    ]
    assert wrong == []


def test_printed_values_agree_with_the_print_at_both_ends_of_their_range(demo):
    printed = {row.id: row for row in load_printed() if row.value and row.operator == "=" and not row.text}
    wrong = []
    for result_id, row in printed.items():
        if not judge(row, demo[result_id])[0] or result_id not in table().index:
            continue  # a committed slip
        for end in ("low", "high"):
            value = float(table().loc[result_id, end])
            if not judge(_only_value(row), Result(result_id, value, unit=demo[result_id].unit))[0]:
                wrong.append((result_id, end, value))
    assert wrong == []


def _only_value(row):
    return type(row)(
        **{name: getattr(row, name) for name in row.__slots__} | dict.fromkeys(("lower", "upper", "percent"), "")
    )


def test_what_rests_on_physics_or_design_never_varies(demo):
    assert [result_id for result_id, result in demo.items() if result.basis in ("physics", "design")
            and result_id in table().index and varies(result_id)] == []  # fmt: skip


def test_free_numbers_that_never_vary_are_habits_of_the_search_that_are_known(demo):
    known = re.compile((Path(__file__).with_name("ranges_constant.txt")).read_text("utf-8").strip().replace("\n", "|"))
    constant = {
        result_id
        for result_id, r in demo.items()
        if r.basis == "free" and result_id in table().index and not varies(result_id)
    }
    assert {result_id for result_id in constant if not known.fullmatch(result_id)} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_no_key_point_rests_on_a_free_number(page, demo):
    resting = []
    for block in IN_SHORT.findall(page.read_text("utf-8")):
        for key in GLUED.findall(block):
            if key.startswith(NO_RESULTS) or key.endswith(SENTENCE):
                continue
            result_id = key if key in demo else key.rpartition(":")[0]
            result = demo[result_id]
            shows_interval = key in (result_id, f"{result_id}:interval") and has_open_interval(result)
            if result.basis == "free" or shows_interval:
                resting.append(key)
    assert resting == []


@pytest.fixture
def concluded(demo, monkeypatch):
    """Sentences of the pages that draw a conclusion: key -> sentence; and text of each conclusion -> its result."""
    drawn = {}

    def recorded(result, contrast):
        sentence = conclusion(result, contrast)
        drawn[sentence] = result
        return sentence

    modules = [import_module(name) for name in page_modules() if "sentences" in vars(import_module(name))]
    drawing = [module for module in modules if "conclusion" in vars(module)]
    assert drawing
    book = Book(truth_tables(), load_study(), RECONSTRUCTION, demo)
    for module in drawing:
        monkeypatch.setattr(module, "conclusion", recorded)
    return {key: words for module in drawing for key, words in module.sentences(book).items()}, drawn


def page_modules():
    """Names of the modules that make pages."""
    files = sorted((REPOSITORY / "analysis").rglob("*page.py"))
    return [".".join(file.relative_to(REPOSITORY).with_suffix("").parts) for file in files]


def test_no_conclusion_rests_on_a_free_number(concluded):
    _, drawn = concluded
    assert drawn
    assert [result.id for result in drawn.values() if result.basis == "free"] == []


def test_every_conclusion_of_a_key_point_is_made_by_the_tested_function(concluded):
    sentences, drawn = concluded
    texts = [page.read_text("utf-8") for page in PAGES]
    shown = {key for text in texts for key in GLUED.findall(text) if key.endswith(SENTENCE)}
    assert shown
    assert {key for key in shown if sentences.get(key) in drawn} == shown


def test_key_points_are_looked_at_on_every_page_that_has_some():
    with_points = {page.stem for page in PAGES if IN_SHORT.search(page.read_text("utf-8"))}
    assert {page.stem for page in PAGES} - with_points == {"README", "abbreviations", "checklists", "references"}
    blocks = [block for page in PAGES for block in IN_SHORT.findall(page.read_text("utf-8"))]
    assert sum(bool(GLUED.search(block)) for block in blocks) >= 10


@pytest.mark.parametrize("kind", ["printed", "bounded", "free"])
def test_sentences_of_the_page_name_results_of_their_kind(kind, demo):
    for template in templates(kind):
        for result_id in named_ids(template):
            assert demo[result_id].basis in (kind, "printed"), (result_id, template)
        if kind != "printed":
            assert any(place.endswith("range") for place in PLACE.findall(template))


def test_every_number_that_the_page_lists_is_one_that_the_print_does_not_force(demo):
    listed = listed_table(demo)
    assert len(listed) == len(pd.read_csv(LISTED)) <= 30
    assert listed["range"].notna().all()


def test_what_the_page_says_of_survival_holds_over_all_reconstructions(demo):
    ranges, alpha = table(), demo["stat.alpha"].value
    assert 0.4 < ranges.loc["os.hr.firth", "low"] < ranges.loc["os.hr.firth", "high"] < 0.65
    assert ranges.loc["os.hr.firth", "lower_high"] < 1 < ranges.loc["os.hr.firth", "upper_low"]
    assert ranges.loc["os.logrank.exact", "low"] > alpha
    assert (ranges.loc["os.lu_sirt.deaths", "low"], ranges.loc["os.lu_sirt.deaths", "high"]) == (3, 5)
    assert ranges.loc["os.hr.time_varying", "low"] < 1 < ranges.loc["os.hr.time_varying", "high"]
