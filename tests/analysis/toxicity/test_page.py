"""Sentences and the table of the toxicity chapter that depend on the patients."""

from __future__ import annotations

from dataclasses import replace

import pytest

from analysis.opened_book import Book
from analysis.results import Result, missing
from analysis.settings import load_study
from analysis.toxicity.changes import PRINTED
from analysis.toxicity.page import SUPPLEMENT, baseline_sentence, grades_sentence, sirt_changes


def first(count: int) -> Result:
    return Result("tox.sirt_first", count, n=5, unit="count", basis="bounded", denominator=5)


def test_the_baseline_is_said_alone_where_nobody_had_sirt_first() -> None:
    alone = "Baseline is the last value before the first 177Lu-PSMA."
    assert baseline_sentence(first(0)).text == alone
    assert baseline_sentence(missing("tox.sirt_first", "arm_empty", n=0)).text == alone


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "In 1 of 5○ patients SIRT came earlier still, so the change of that patient holds"),
        (2, "In 2 of 5○ patients SIRT came earlier still, so the change of these patients holds"),
    ],
)
def test_who_had_sirt_first_is_counted_with_the_mark_of_the_number(count: int, words: str) -> None:
    sentence = baseline_sentence(first(count))
    assert words in sentence.text
    assert ">○</abbr>" in sentence.html


def test_no_key_point_states_grades_that_the_reconstruction_chose() -> None:
    share = Result("tox.ctcae.ggt.lu.g3plus", 50.0, 1.26, 98.7, 2, "percent", interval="95% CI", basis="free")
    share = replace(share, events=1, denominator=2)
    empty = missing("tox.ctcae.ggt.lu_sirt.g3plus", "arm_empty", n=0, basis="data")
    chosen = {result.id: result for result in (share, empty)}
    assert grades_sentence(chosen) == SUPPLEMENT
    measured = grades_sentence(chosen | {share.id: replace(share, basis="data")})
    assert measured == (
        "Grade 3 or more for GGT: not given (a group is empty; n = 0) with SIRT, 50% (1 of 2; 95% CI 1–99%) without."
    )


def table_of(count: Result) -> tuple[list[str], str]:
    ends = ("lu_sirt", "later.lu_sirt", "later.difference", "after_sirt")
    results = {f"tox.{key}.{end}": Result(f"tox.{key}.{end}", 1.0, n=4) for key in PRINTED for end in ends}
    table = sirt_changes(Book({}, load_study(), {}, results | {"tox.sirt_first": count}))
    return list(table.frame.columns), table._repr_html_()


def test_patients_with_sirt_first_are_left_out_in_columns_of_their_own_only_where_there_are_some() -> None:
    columns, html = table_of(first(1))
    assert columns == ["measure", "whole", "whole_n", "later", "later_n", "difference", "after"]
    assert "The same without those with SIRT first" in html
    for nobody in (first(0), missing("tox.sirt_first", "arm_empty", n=0)):
        assert table_of(nobody)[0] == ["measure", "whole", "whole_n", "after"]
