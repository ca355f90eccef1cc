"""The PSA chapter shows every table and figure for any cohort."""

from __future__ import annotations

import pytest

from analysis.psa import cohorts_page, page
from analysis.psa import results as psa_results
from tests.support.opened import check_shown, opened
from tests.support.response_cohorts import COHORTS
from tests.support.study_tables import tables_of
from tests.support.truth import truth_tables

OF_PSA = (page.patients_without_change, page.best_change, page.responses, page.week_12_change, page.courses)
OF_COHORTS = (cohorts_page.survival_by_characteristic, cohorts_page.cohorts)


@pytest.mark.parametrize("name", ["nobody", "one patient", "reconstruction"])
def test_every_cohort_gives_every_table_and_figure(name: str) -> None:
    tables = truth_tables() if name == "reconstruction" else tables_of(*COHORTS[name])
    book = opened(tables, psa_results)
    for show in (*OF_PSA, *OF_COHORTS):
        check_shown(show(book))
    check_shown(cohorts_page.sources())
