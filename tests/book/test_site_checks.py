"""The checks of built pages: each finds what it is for, wherever on the page it stands, and nothing else."""

from __future__ import annotations

import json

import pytest

from tests.support.site_checks import Page, advertisement, empty_drawings, faults, holes, sections_lacking, unnamed_data

SPEC = '<div class="chart"><script type="application/json" class="chart-spec">{}</script></div>'
MARKS = '<svg role="img" aria-label="a chart"><g class="mark-symbol role-mark marks"{}>{}</g></svg>'
AXIS = '<g class="mark-rule role-axis-grid"><line/></g><g class="mark-text role-axis-label"><text>3</text></g>'


@pytest.fixture
def page(tmp_path):
    """A page of this body, under a name."""

    def written(body: str, name: str = "page.html") -> Page:
        path = tmp_path / name
        path.write_text(f"<html><body>{body}</body></html>", "utf-8")
        return Page(path)

    return written


@pytest.mark.parametrize(
    "hole", ["NaN", "None", "nan", "inf", "&lt;NA&gt;", "undefined", "Traceback (most recent call"]
)
@pytest.mark.parametrize(
    "place",
    [
        "<p>Median {} months</p>",
        '<figure><figcaption><span class="caption-text">n = {}</span></figcaption></figure>',
        "<table><caption>{}</caption><tbody><tr><td>1</td></tr></tbody></table>",
        '<svg role="img" aria-label="Medians: {}"></svg>',
        '<svg role="img" aria-label="x"><text>{}</text></svg>',
        '<img alt="{}">',
        '<abbr title="runs from {}">◇</abbr>',
        "<details><summary>{}</summary></details>",
    ],
)
def test_holes_are_found_wherever_a_reader_meets_them(page, place, hole):
    assert holes(page(place.format(hole)))


def test_holes_in_the_words_and_paths_of_charts_are_found(page):
    assert holes(page(SPEC.format(json.dumps({"title": "n = NaN"}))))
    assert holes(page('<svg role="img" aria-label="x"><path d="MNaN,3L2,4"/></svg>'))


@pytest.mark.parametrize(
    "body",
    ["<p>Nanometres; information; none was left out; infinite patience</p>", "<pre>None</pre>", "<code>nan</code>",
     "<script>undefined</script>", SPEC.format(json.dumps({"value": None}))],
)  # fmt: skip
def test_words_that_only_look_like_holes_are_left_alone(page, body):
    assert holes(page(body)) == []


@pytest.mark.parametrize(
    "word", ["superior", "Superiority", "effective", "efficient", "efficiency", "significant", "significantly",
             "significance", "No difference"],
)  # fmt: skip
@pytest.mark.parametrize(
    "place",
    ["<p>It was {}.</p>", '<svg role="img" aria-label="{} change"></svg>', '<a title="{}">x</a>', "<td>{}</td>",
     '<figcaption>{}</figcaption>', "<text>{}</text>"],
)  # fmt: skip
def test_advertisement_is_found_outside_quotations_and_not_within(page, word, place):
    assert advertisement(page(place.format(word)))
    assert not advertisement(page(f'<blockquote class="paper">{place.format(word)}</blockquote>'))
    assert not advertisement(page(f'<section id="references">{place.format(word)}</section>'))


def test_advertisement_in_a_tooltip_of_a_chart_is_found(page):
    assert advertisement(page(SPEC.format(json.dumps({"encoding": {"tooltip": [{"title": "significant"}]}}))))


@pytest.mark.parametrize("body", ["<p>insignificant</p>", "<p>effective_half_life</p>", "<p>effective.ofType(x)</p>"])
def test_other_words_are_no_advertisement(page, body):
    assert advertisement(page(body)) == []


def test_a_chart_is_empty_when_no_mark_stands_for_data(page):
    assert empty_drawings(page(MARKS.format("", "") + AXIS))
    assert empty_drawings(page(MARKS.format(' aria-hidden="true"', '<line x2="9"/>')))  # a line for reference
    assert empty_drawings(page(MARKS.format("", '<path d=""/>')))
    assert empty_drawings(page(MARKS.format("", '<path d="M0,0"/>') + AXIS)) == []
    assert empty_drawings(page('<svg class="icon"></svg><p class="no-data">Nothing to draw: no patient.</p>')) == []


def test_a_table_is_empty_without_a_row_below_its_head(page):
    head = "<table><caption>Lesions</caption><thead><tr><th>a</th></tr></thead><tbody>{}</tbody></table>"
    assert empty_drawings(page(head.format(""))) == ["table without rows: Lesions"]
    assert empty_drawings(page(head.format("<tr><td>Nothing to list.</td></tr>"))) == []


def test_chapters_need_their_sections_numbered_or_not(page):
    title = '<h2><span class="section-number">3.6. </span>{}<a class="headerlink">#</a></h2>'
    both = title.format("Limits") + title.format("Paper, book, and why they differ")
    assert sections_lacking(page(both, "survival.html")) == []
    assert sections_lacking(page(title.format("Limits"), "survival.html")) == ["Paper, book, and why they differ"]
    assert sections_lacking(page("", "references.html")) == []


def test_banner_and_hash_are_missed_when_they_are_not_there(page):
    assert unnamed_data(page("Data of us, hash abc"), "Data of us", "abc") == []
    assert unnamed_data(page("Data of them"), "Data of us", "abc") == ["Data of us", "abc"]


def test_faults_of_a_site_name_the_page_and_leave_out_search_and_index(tmp_path):
    (tmp_path / "a.html").write_text("<p>us abc NaN</p>", "utf-8")
    (tmp_path / "search.html").write_text("<p>NaN</p>", "utf-8")
    assert faults(tmp_path, "us", "abc") == ["a.html: hole: us abc NaN"]
