"""Every cohort gives for every number either a value or the true reason, as committed in any_cohort.csv.

The table has one row a result id and one column a cohort, empty where the cohort has no such result.
`pytest --update-golden` writes it anew; what changed in it is to be read before it is committed.
"""

from __future__ import annotations

import math

import pytest

from analysis.report.format import text
from analysis.results import REASONS
from tests.support.cohorts import COHORTS, TABLE, committed, outcome, results_of

FEW_PATIENTS = ("0 patients", "1 patient")
WORDS_FOR_MISSING = ("nan", "none", "inf", "traceback", "<na>")


@pytest.mark.parametrize("name", [n if n in FEW_PATIENTS else pytest.param(n, marks=pytest.mark.slow) for n in COHORTS])
def test_each_number_has_a_value_or_the_committed_reason(name, golden):
    results = results_of(name)
    found = {result.id: outcome(result) for result in results}
    expected = golden.column(TABLE, name, found)
    assert {
        result_id: (expected.get(result_id), found.get(result_id))
        for result_id in expected | found
        if expected.get(result_id) != found.get(result_id)
    } == {}
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
