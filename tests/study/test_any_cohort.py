"""Every cohort gives for every number either a value or the true reason, as committed in any_cohort.csv."""

from __future__ import annotations

import math

import pytest

from analysis.report.format import text
from analysis.results import REASONS
from tests.support.cohorts import COHORTS, SLOW, committed, outcome, results_of

WORDS_FOR_MISSING = ("nan", "none", "inf", "traceback", "<na>")


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in COHORTS])
def test_each_number_has_a_value_or_the_committed_reason(name):
    results = results_of(name)
    expected = committed()[name]
    found = {result.id: outcome(result) for result in results}
    assert {id: (expected.get(id), found.get(id)) for id in expected | found if expected.get(id) != found.get(id)} == {}
    for result in results:
        for part in (result.value, result.lower, result.upper, result.percent):
            assert not isinstance(part, float) or math.isfinite(part), result.id
        shown = text(result).lower().replace("information", "")
        assert not [word for word in WORDS_FOR_MISSING if word in shown.split()], result.id


def test_the_table_holds_reasons_of_the_closed_list_only():
    cells = {cell for column in committed().values() for cell in column.values()}
    assert cells <= {"value", *REASONS}


def test_all_cohorts_have_the_same_ids():
    ids = [set(column) for column in committed().values()]
    assert all(one == ids[0] for one in ids)
