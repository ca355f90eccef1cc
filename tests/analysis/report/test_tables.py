"""Tables of the book: accessible, escaped, complete in their CSV."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from xml.etree import ElementTree

import pandas as pd
import pytest

from analysis.report.format import Words
from analysis.report.tables import LONG, NOTHING, ROWS_SHOWN, Folded, Table
from analysis.results import Result, missing


def table(frame, **options):
    return Table(frame, "A caption", "a_name", **options)._repr_html_()


def parsed(html):
    return ElementTree.fromstring(f"<root>{html}</root>")


def csv_of(html):
    data = re.search(r"base64,([A-Za-z0-9+/=]+)", html)
    return pd.read_csv(io.BytesIO(b64decode(data[1])))


FRAME = pd.DataFrame({"arm": ["lu", "lu_sirt"], "n": [31, 5], "share": [0.861, None]})


def test_table_has_caption_and_scopes_of_columns_and_rows():
    tree = parsed(table(FRAME))
    assert tree.find(".//caption").text == "A caption"
    assert [th.get("scope") for th in tree.findall(".//thead//th")] == ["col"] * 3
    assert [th.get("scope") for th in tree.findall(".//tbody//th")] == ["row"] * 2


def test_table_sets_figures_right_and_uses_headers_given():
    tree = parsed(table(FRAME, headers={"n": "Patients"}))
    heads = tree.findall(".//thead//th")
    assert [(head.text, head.get("class")) for head in heads] == [("arm", None), ("Patients", "num"), ("share", "num")]


@pytest.mark.parametrize("evil", ["<script>alert(1)</script>", 'a "quoted" & bold <b>'])
def test_table_escapes_cells_headers_and_caption(evil):
    html = Table(pd.DataFrame({evil: [evil]}), evil, "name")._repr_html_()
    assert "<script" not in html
    assert "<b>" not in html
    assert parsed(html) is not None


def test_table_missing_cells_show_the_sign_and_never_nan():
    shown = "".join(parsed(table(FRAME, missing="not given")).itertext())
    assert "not given" in shown
    assert not re.search(r"\b(nan|NaN|None|NaT)\b", shown)


def test_table_of_results_shows_words_and_the_csv_holds_values():
    results = [Result("a", 5.684, 2.9, 8.5, 31, "months", basis="data"), missing("b", "no_patients")]
    html = table(pd.DataFrame({"what": ["a", "b"], "result": results}))
    assert "5.7 (2.9–8.5)" in html
    assert "no patient in this group" in html
    assert csv_of(html)["result"].tolist()[0] == 5.684


def test_table_csv_holds_all_rows_unrounded_though_the_page_shows_the_first():
    frame = pd.DataFrame({"row": range(ROWS_SHOWN + 1), "value": 1 / 3})
    html = table(frame)
    assert len(parsed(html).findall(".//tbody/tr")) == ROWS_SHOWN
    assert f"The first {ROWS_SHOWN} of {ROWS_SHOWN + 1} rows are shown." in html
    assert len(csv_of(html)) == ROWS_SHOWN + 1
    assert csv_of(html)["value"].iloc[0] == 1 / 3


def test_table_of_a_choice_says_how_many_rows_its_csv_holds():
    html = table(FRAME.head(1), full=FRAME)
    assert len(parsed(html).findall(".//tbody/tr")) == 1
    assert "The CSV holds all 2 rows." in html
    assert csv_of(html)["arm"].tolist() == ["lu", "lu_sirt"]


@pytest.mark.parametrize(("rows", "scrolls"), [(LONG, False), (LONG + 1, True)])
def test_table_scrolls_in_a_box_only_when_long(rows, scrolls):
    assert ("study-table long" in table(pd.DataFrame({"row": range(rows)}))) is scrolls


@pytest.mark.parametrize("nothing", [FRAME.head(0), pd.DataFrame(), pd.DataFrame(columns=["a"])])
def test_table_without_rows_is_one_sentence(nothing):
    tree = parsed(table(nothing))
    assert tree.find(".//table") is None
    assert "".join(tree.itertext()) == f"A caption: {NOTHING}."


def test_a_caption_is_escaped_where_there_are_no_rows():
    assert "<b>" not in Table(FRAME.head(0), "a <b>", "name")._repr_html_()


def test_table_decimals_and_whole_numbers():
    html = table(pd.DataFrame({"k": ["a"], "x": [123.4567], "y": [3.0], "z": [True]}), decimals={"x": 2})
    cells = [td.text for td in parsed(html).findall(".//td")]
    assert cells == ["123.46", "3", "yes"]


def test_table_shows_words_with_their_marks():
    html = table(pd.DataFrame({"k": ["a"], "x": [Words("1", "<em>1</em>")]}))
    assert "<em>1</em>" in html
    assert csv_of(html)["x"].tolist() == [1]


def test_folded_opens_on_demand_with_an_escaped_title():
    html = Folded("More <here>", Table(FRAME, "c", "n"))._repr_html_()
    assert html.startswith('<details class="folded"><summary>More &lt;here&gt;</summary>')


def test_the_header_of_a_column_of_row_headers_stands_left_like_its_cells():
    shown = Table(pd.DataFrame({"spacing": [2.0], "dose": [0.8]}), "A caption", "left")._repr_html_()
    assert '<th scope="col">spacing</th>' in shown
    assert '<th scope="col" class="num">dose</th>' in shown
