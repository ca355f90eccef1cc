"""The table of the study's tests, from results given by hand."""

import pytest

from analysis.paper.multiplicity import (
    corrected_words,
    family_frame,
    family_table,
    in_questions,
    paper_tests,
    results_from,
)
from analysis.paper.published import holm_of_print, printed_tests
from analysis.results import Result, missing
from analysis.settings import load_study

STUDY = load_study()


def found(**p_values: float) -> dict[str, Result]:
    results = [Result(key, p, n=36, unit="P", basis="printed") for key, p in p_values.items()]
    results += [
        Result("tox.alt.lu", 14.6, n=31),
        Result("tox.alt.lu_sirt", 160.0, n=5),
        Result("resp.sirt.best", -44.0, n=4),
    ]
    return {result.id: result for result in results}


def test_the_least_p_of_four_pairs_is_one_eighth_and_of_5_against_31_two_in_376992():
    least = paper_tests(found(), STUDY).set_index("id")["least_p"]
    assert least["resp.sirt.best_worst_p"] == pytest.approx(0.125)
    assert least["tox.alt.p"] == pytest.approx(2 / 376_992)
    assert least.isna()["suv.p"]


def test_the_least_p_stands_in_the_kind_of_the_test_that_spss_prints():
    table = paper_tests(found(), STUDY).set_index("id")
    four_pairs, liver = table.loc["resp.sirt.best_worst_p"], table.loc["tox.alt.p"]
    assert four_pairs["least_p_asymptotic"] == four_pairs["least_p_as_computed"] == pytest.approx(0.0678891549)
    assert liver["least_p_asymptotic"] == pytest.approx(0.0003924991)
    assert liver["least_p_as_computed"] == liver["least_p"]  # 36 cases


@pytest.mark.parametrize(("alone", "kind"), [(35, "least_p"), (36, "least_p_asymptotic")])
def test_beyond_40_cases_a_mann_whitney_test_is_asymptotic(alone, kind):
    given = found() | {"tox.alt.lu": Result("tox.alt.lu", 14.6, n=alone)}
    row = paper_tests(given, STUDY).set_index("id").loc["tox.alt.p"]
    assert row["least_p_as_computed"] == row[kind]


def test_the_log_rank_test_has_an_exact_least_p_only():
    deaths = {result_id: Result(result_id, n, n=n) for result_id, n in (("os.lu.deaths", 27), ("os.lu_sirt.deaths", 4))}
    row = paper_tests(deaths, STUDY).set_index("id").loc["os.logrank"]
    assert row["least_p"] == row["least_p_as_computed"] == pytest.approx(2 / 31465)
    ids = {result.id for result in results_from(deaths, STUDY)}
    assert "mult.least.os.logrank" in ids
    assert "mult.least.os.logrank.asymptotic" not in ids


def test_the_corrected_print_reads_from_the_smallest_on_and_leaves_out_what_is_not_printed():
    words = corrected_words(holm_of_print(STUDY.multiplicity.families), STUDY)
    assert words.startswith("0.002 for change of GGT by therapy, < 0.035 for baseline SUVmax by lesion response, 0.036")
    assert words.endswith("0.681 for overall survival by therapy")
    assert "bilirubin" not in words


def test_every_test_of_a_family_is_in_the_table():
    tests = paper_tests(found(), STUDY)
    assert len(family_table(tests, STUDY)) == 8 + 4 + 4


def test_a_test_without_p_gives_its_own_reason():
    given = found(**{"tox.alt.p": 0.006})
    given["os.logrank"] = missing("os.logrank", "arm_empty")
    by_id = {result.id: result for result in results_from(given, STUDY)}
    assert by_id["mult.all.tox.alt.p"].value == pytest.approx(8 * 0.006)
    assert by_id["mult.all.tox.alt.p"].basis == "data"
    assert by_id["mult.all.os.logrank"].reason == "arm_empty"
    assert by_id["mult.all.suv.p"].reason == "not_recorded"


def test_no_results_at_all_give_reasons_and_the_number_of_tests_only():
    given = [result.id for result in results_from({}, STUDY) if result.value is not None]
    assert given == ["mult.tests"]


def test_the_paper_makes_eight_tests_of_which_two_have_no_printed_p():
    by_id = {result.id: result for result in results_from({}, STUDY)}
    assert by_id["mult.tests"].value == 8
    printed = printed_tests(STUDY.multiplicity.tests)
    assert printed.loc[printed["p"].isna(), "id"].tolist() == ["resp.sirt.best_worst_p", "tox.bilirubin.p"]


def test_every_family_says_its_size_and_its_reason():
    families = family_frame(STUDY)
    assert families["tests_in_family"].tolist() == [8, 4, 4]
    assert families["reason"].str.len().gt(20).all()


def test_tests_are_shown_by_their_question():
    shown = in_questions(family_table(paper_tests(found(), STUDY), STUDY), STUDY)
    assert shown["question"].iloc[0] == "overall survival by therapy"
