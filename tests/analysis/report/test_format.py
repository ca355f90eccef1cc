"""Words for numbers: rounding, intervals, counts, reasons, marks."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.format import MINUS, Style, cell, mark, number, p_value, pieces, style_of, text
from analysis.results import REASONS, Result, missing


@pytest.mark.parametrize(
    ("value", "decimals", "expected"),
    [
        (5.65, 1, "5.7"),  # half is rounded up, as a reader does, not to the even digit
        (5.6499999, 1, "5.6"),
        (0.5, 0, "1"),
        (1.5, 0, "2"),
        (-0.5, 0, f"{MINUS}1"),
        (-0.04, 1, "0.0"),  # no minus before zero
        (999.94, 1, "999.9"),
        (999.95, 1, "1,000"),  # whole from 1,000 on
        (6970.4, 1, "6,970"),
        (-1500.5, 2, f"{MINUS}1,501"),
        (1e-12, 2, "0.00"),
    ],
)
def test_number_rounds_half_up_with_a_real_minus(value, decimals, expected):
    assert number(value, Style(decimals)) == expected


def test_number_with_sign_shows_plus_only_above_zero():
    signed = Style(0, sign=True)
    assert [number(v, signed) for v in (63.2, 0.2, -35.4)] == ["+63", "0", f"{MINUS}35"]


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (0.2267, "0.227"),
        (0.05, "0.050"),
        (0.001, "0.001"),
        (0.000999, "0.0010"),
        (0.000318, "0.0003"),
        (0.0001, "0.0001"),
        (0.00009999, "< 0.0001"),
        (1.0, "1.000"),
    ],
)
def test_p_value_keeps_a_figure_down_to_one_in_ten_thousand(p, expected):
    assert p_value(p) == expected


def test_text_gives_value_interval_and_n():
    result = Result("os.lu", 5.684, 2.896, 8.471, 31, "months", interval="95% CI, SPSS Wald", basis="printed")
    assert text(result) == "5.7 months (95% CI 2.9–8.5; n = 31)"


def test_text_with_a_negative_limit_says_to():
    result = Result("os.rmst.difference", 3.8, -1.9, 9.5, 36, "months", interval="95% CI", basis="data")
    assert text(result) == f"3.8 months (95% CI {MINUS}1.9 to 9.5; n = 36)"


def test_text_with_an_open_upper_limit_says_not_reached():
    result = Result("os.lu_sirt.loglog", 8.4, 6.0, None, 5, "months", interval="95% CI, log-log", basis="data")
    assert text(result) == "8.4 months (95% CI 6.0 to not reached; n = 5)"


def test_text_of_a_proportion_shows_numerator_and_denominator():
    result = Result("resp.lu.pd", 55.6, 21.2, 86.3, 9, "percent", interval="95% CI", events=5, denominator=9)
    assert text(Result(**{**_fields(result), "basis": "data"})) == "56% (5 of 9; 95% CI 21–86%)"


def test_text_of_a_count_shows_of_how_many():
    assert text(Result("os.lu.deaths", 26, n=31, unit="count", basis="data")) == "26 of 31"
    assert text(Result("n.all", 36, n=36, unit="count", basis="data")) == "36"


@pytest.mark.parametrize(("p", "words"), [(0.227, "P = 0.227 (n = 36)"), (1e-6, "P < 0.0001 (n = 36)")])
def test_text_of_a_p_value(p, words):
    assert text(Result("os.logrank", p, n=36, unit="P", basis="data")) == words


@pytest.mark.parametrize("reason", sorted(REASONS))
def test_text_without_a_value_gives_every_reason_in_words(reason):
    result, words = missing("os.lu", reason, n=0), REASONS[reason]
    in_a_sentence = f"{words} (n = 0)" if reason == "not_reached" else f"not given ({words}; n = 0)"
    assert text(result) == in_a_sentence
    assert words in pieces(result)["os.lu:value"].text
    assert cell(result).text == words  # a table's header says already of what


@pytest.mark.parametrize(("basis", "sign"), [("bounded", "○"), ("free", "◇"), ("printed", ""), ("data", "")])
def test_pieces_carry_the_mark_of_their_basis(basis, sign):
    piece = pieces(Result("x.y", 1.0, n=3, unit="ratio", basis=basis))["x.y"]
    assert piece.text.endswith(sign)
    assert sign in piece.html
    assert ("title=" in mark(basis)) == bool(sign)


def test_pieces_without_a_value_carry_no_mark():
    assert "◇" not in pieces(missing("x.y", "no_patients", basis="free"))["x.y"].html


def test_pieces_exist_for_every_result_so_that_a_sentence_holds_for_any_cohort():
    parts = ("", ":value", ":interval", ":n", ":count", ":percent", ":range")
    assert set(pieces(missing("x", "no_patients"))) == {f"x{part}" for part in parts}


def test_pieces_escape_what_a_page_would_read_as_markup():
    assert "<b>" not in pieces(Result("x", "<b>", basis="data"))["x"].html


def test_cell_of_a_table_leaves_unit_and_n_to_its_headers():
    assert cell(Result("t1.age.lu", 71.9, 66.9, 73.7, 31, "years", interval="95% CI", basis="data")).text == (
        "71.9 (66.9–73.7)"
    )
    assert cell(Result("t1.bone.lu", 31, n=31, unit="count", percent=100.0, denominator=31, basis="data")).text == (
        "31 (100.0%)"
    )


@pytest.mark.parametrize(
    ("kind", "shown"),
    [("range", "160.0 (range 23.8–477.8)"), ("95% CI, order statistics", "160.0 (23.8–477.8)")],
)
def test_cell_tells_a_range_from_a_confidence_interval(kind, shown):
    assert cell(Result("x", 160.0, 23.8, 477.8, 5, "weeks", interval=kind, basis="data")).text == shown


def test_style_of_an_id_pattern_beats_the_unit():
    assert style_of(Result("tox.alt.lu", 14.6, unit="percent", basis="data")).sign
    assert style_of(Result("tox.creatinine.lu", 5.0, unit="percent", basis="data")).sign, "a change like all others"
    assert not style_of(Result("resp.lu.pd", 56.0, unit="percent", basis="data")).sign


@given(st.floats(-1e9, 1e9), st.integers(0, 4))
def test_number_is_within_half_a_digit_of_the_value(value, decimals):
    shown = float(number(value, Style(decimals)).replace(",", "").replace(MINUS, "-"))
    shown_decimals = decimals if abs(shown) < 1000 else 0
    assert math.isclose(shown, value, rel_tol=1e-12, abs_tol=0.5 * 10**-shown_decimals * (1 + 1e-9))


def _fields(result: Result) -> dict[str, object]:
    return {name: getattr(result, name) for name in result.__slots__}
