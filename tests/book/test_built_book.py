"""The built site of the demo cohort: complete, self-contained, without holes in its text; and builds that must fail."""

from __future__ import annotations

import csv
import json
import re
import shutil
from html import escape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from adapters.contract import load_manifest
from analysis.opened_book import glued_keys
from analysis.report.format import MARKS
from tests.support.built_site import REPOSITORY, Site, build
from tests.support.site_checks import Page, advertisement, empty_drawings, holes, sections_lacking, unnamed_data

pytestmark = [pytest.mark.book, pytest.mark.slow]


def results(site: Site) -> list[dict]:
    return json.loads((site.html / "results.json").read_text("utf-8"))


def test_build_is_strict_and_clean(site):
    assert "WARNING: " not in site.log.replace("IPKernelApp] WARNING", "")
    assert (site.html / "index.html").is_file()


def test_every_listed_chapter_became_a_page(site):
    built = {page.relative_to(site.html).as_posix() for page in site.pages}
    listed = re.findall(r"file: (\S+)", (REPOSITORY / "_toc.yml").read_text("utf-8"))
    assert {f"{name}.html" for name in listed} | {"README.html"} == built


def test_no_page_loads_anything_from_outside(site):
    for page in site.all_pages:
        outside = [address for address in Page(page).loads if urlsplit(address).scheme in ("http", "https")]
        assert outside == [], page.name
        assert "//cdn." not in page.read_text("utf-8")


def test_no_script_or_style_fetches_from_outside_on_its_own(site):
    own = ("charts.js", "calculators.js", "book.css")
    for name in own:
        assert "http" not in (site.html / "_static" / name).read_text("utf-8").replace("http-equiv", "")


def test_every_loaded_file_is_in_the_site(site):
    for page in site.pages:
        for address in Page(page).loads:
            target = (page.parent / unquote(urlsplit(address).path)).resolve()
            assert target.is_file(), (page.name, address)


def test_every_link_and_anchor_leads_somewhere(site):
    pages = {page.resolve(): Page(page) for page in site.all_pages}
    for page, content in pages.items():
        for link in content.links:
            parts = urlsplit(link)
            if parts.scheme or link == "#":
                continue
            target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
            assert target.is_file(), (page.name, link)
            if parts.fragment and target in pages:
                assert unquote(parts.fragment) in pages[target].anchors, (page.name, link)


@pytest.mark.parametrize("check", [holes, advertisement, empty_drawings, sections_lacking])
def test_pages_are_whole_and_in_sober_words(site, check):
    assert {page.name: found for page in site.pages if (found := check(Page(page)))} == {}


def test_every_page_says_whose_data_it_shows_and_carries_their_hash(site):
    manifest = load_manifest(site.tables)
    for page in site.all_pages:
        if page.name != "index.html":  # a redirect without content
            assert unnamed_data(Page(page), "Synthetic cohort.", manifest["hash"]) == [], page.name


def test_results_json_holds_every_printed_id_and_each_once(site):
    rows = results(site)
    ids = [row["id"] for row in rows]
    assert len(ids) == len(set(ids))
    with (REPOSITORY / "analysis" / "paper" / "published_results.csv").open(encoding="utf-8", newline="") as file:
        printed = {row["id"] for row in csv.DictReader(file)}
    assert printed <= set(ids)
    assert {row["id"] for row in rows if "agrees" in row} == printed


def test_results_json_rows_say_what_the_design_promises(site):
    for row in results(site):
        assert {"id", "value", "lower", "upper", "n", "method", "basis"} <= set(row)
        assert row["basis"] in ("printed", "bounded", "free", "physics", "design")
        assert (row["value"] is not None) or row["reason"]


def test_results_json_gives_the_range_of_every_number_that_the_print_does_not_force(site):
    for row in results(site):
        not_forced = row["basis"] in ("bounded", "free")
        assert ("range_low" in row and "range_high" in row) is not_forced, row["id"]
        if not_forced and isinstance(row["value"], int | float) and not isinstance(row["value"], bool):
            assert row["range_low"] <= row["value"] <= row["range_high"], row["id"]


def test_results_json_disagrees_with_at_most_six_printed_values_each_with_a_reason(site):
    disagreeing = [row for row in results(site) if row.get("agrees") is False]
    assert len(disagreeing) <= 6
    assert all(row["reason"] for row in disagreeing)


def test_every_glued_number_stands_in_results_json(site):
    ids = {row["id"] for row in results(site)}
    texts = {key for key in glued_keys() if key.split(":")[0] not in ids}
    assert texts == {
        "os.allocations", "os.from_sirt_on", "os.undated", "patients.lanes", "patients.lines", "patients.not_analysed",
        "data.read", "data.used", "os.conclusion", "print.scope", "reproduction.remarks",
        "reproduction.holm", "reproduction.meaning", "reproduction.printed", "reproduction.slips", "reproduction.summary",
        "tox.words.baseline", "tox.words.ggt_asymptotic", "tox.words.grades",
        "tox.words.hys_bilirubin", "tox.words.hys_transaminase",
    }  # fmt: skip


def test_key_points_rest_on_no_free_number(site):
    sign = MARKS["free"][0]
    for page in site.pages:
        boxes = re.findall(r'<div class="[^"]*admonition[^"]*tip[^"]*">(.*?)</div>', page.read_text("utf-8"), re.DOTALL)
        assert not [box for box in boxes if f">{sign}</abbr>" in box], page.name


def test_every_column_of_a_table_is_headed_by_words(site):
    bare = re.compile(r'<th scope="col"[^>]*>([a-z][^<]*|[^<]*_[^<]*|)</th>')
    assert {page.name: found for page in site.pages if (found := bare.findall(page.read_text("utf-8")))} == {}


def test_marked_numbers_say_what_the_mark_means(site):
    survival = (site.html / "chapters" / "survival.html").read_text("utf-8")
    for sign, meaning in MARKS.values():
        start = escape(meaning).removesuffix(".")
        assert re.search(rf'title="{re.escape(start)}[^"]*">{sign}</abbr>', survival)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings; warnings.warn('careful')", "stderr"),
        ("import sys; print('oh', file=sys.stderr)", "stderr"),
    ],
)
def test_build_fails_on_a_failing_cell_and_on_anything_on_stderr(cell, why, demo_tables, tmp_path):
    built = build(_small_book(tmp_path, f"```{{code-cell}} ipython3\n{cell}\n```\n"), tmp_path / "out", demo_tables)
    assert built.returncode != 0, why


@pytest.mark.parametrize("text", ["{glue}`no.such.id`", "[link](no_such_page.md)", "{cite:p}`nobody1900`"])
def test_build_fails_on_a_number_link_or_source_that_does_not_exist(text, demo_tables, tmp_path):
    built = build(_small_book(tmp_path, f"{text}\n"), tmp_path / "out", demo_tables)
    assert built.returncode != 0


def test_build_of_the_small_book_itself_succeeds(demo_tables, tmp_path):
    built = build(_small_book(tmp_path, "```{code-cell} ipython3\n1 + 1\n```\n"), tmp_path / "out", demo_tables)
    assert built.returncode == 0, built.stderr[-2000:]


def _small_book(folder: Path, body: str) -> Path:
    """A book of one chapter with the settings of the real one."""
    source = folder / "a small book"
    shutil.copytree(REPOSITORY / "chapters" / "assets", source / "chapters" / "assets")
    for name in ("_config.yml", "chapters/references.bib"):
        shutil.copy(REPOSITORY / name, source / name)
    head = (REPOSITORY / "chapters" / "data.md").read_text("utf-8").split("\n# ")[0]
    (source / "README.md").write_text("# A book\n", "utf-8")
    (source / "chapters" / "one.md").write_text(f"{head}\n# One\n\n{body}", "utf-8")
    (source / "_toc.yml").write_text("format: jb-book\nroot: README\nchapters:\n- file: chapters/one\n", "utf-8")
    return source
