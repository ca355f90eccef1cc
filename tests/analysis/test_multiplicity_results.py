"""The table of the study's tests, from results given by hand."""

import pytest

from analysis.multiplicity_results import family_frame, family_table, in_questions, paper_tests, results_from
from analysis.reproduction import printed_tests
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


def test_every_test_of_a_family_is_in_the_table():
    tests = paper_tests(found(), STUDY)
    assert len(family_table(tests, STUDY)) == 8 + 4 + 4


def test_a_test_without_p_gives_its_own_reason():
    given = found(**{"tox.alt.p": 0.006})
    given["os.logrank"] = missing("os.logrank", "arm_empty")
    by_id = {result.id: result for result in results_from(given, STUDY)}
    assert by_id["mult.all.tox.alt.p"].value == pytest.approx(8 * 0.006)
    assert by_id["mult.all.tox.alt.p"].basis == "printed"
    assert by_id["mult.all.os.logrank"].reason == "arm_empty"
    assert by_id["mult.all.suv.p"].reason == "not_recorded"


def test_no_results_at_all_give_reasons_and_the_number_of_tests_only():
    given = [result.id for result in results_from({}, STUDY) if result.value is not None]
    assert given == ["mult.tests"]


def test_the_paper_makes_eight_tests_of_which_two_have_no_printed_p():
    by_id = {result.id: result for result in results_from({}, STUDY)}
    assert by_id["mult.tests"].value == 8
    printed = printed_tests(STUDY["multiplicity"]["tests"])
    assert printed.loc[printed["p"].isna(), "id"].tolist() == ["resp.sirt.best_worst_p", "tox.bilirubin.p"]


def test_every_family_says_its_size_and_its_reason():
    families = family_frame(STUDY)
    assert families["tests_in_family"].tolist() == [8, 4, 4]
    assert families["reason"].str.len().gt(20).all()


def test_tests_are_shown_by_their_question():
    shown = in_questions(family_table(paper_tests(found(), STUDY), STUDY), STUDY)
    assert shown["question"].iloc[0] == "overall survival by therapy"
