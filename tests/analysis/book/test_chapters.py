"""The parts of the book: one rule finds the numbers of each."""

import pytest

from adapters.contract import empty_tables
from analysis.book.chapters import PARTS, collect
from analysis.psa.published_cohorts import context_results
from analysis.psa.results import psa_results
from analysis.settings import load_study
from tests.support.paths import REPOSITORY

STUDY = load_study()
HOSPITAL = {"synthetic": False, "cohort_tags": []}


@pytest.mark.parametrize("part", PARTS)
def test_the_numbers_of_a_part_are_in_the_results_module_of_its_package(part):
    assert (REPOSITORY / "analysis" / part / "results.py").is_file()
    results = collect(empty_tables(), STUDY, HOSPITAL, (part,))
    assert results
    assert {result.basis for result in results} <= {"data", "physics", "design"}


def test_psa_and_its_published_cohorts_are_one_part_in_this_order():
    tables = empty_tables()
    parts = [*psa_results(tables, STUDY), *context_results(tables, STUDY)]
    assert collect(tables, STUDY, HOSPITAL, ("psa",)) == parts


def test_an_unknown_part_is_named_with_those_that_exist():
    with pytest.raises(ValueError, match=r"no part 'context': one of cohort, .*psa"):
        collect(empty_tables(), STUDY, HOSPITAL, ("context",))
