"""The PSA chapter shows every table and figure for any cohort."""

from __future__ import annotations

import pytest

from analysis.psa import cohorts_page, page, published_cohorts
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
    for part, shown in ((psa_results, OF_PSA), (published_cohorts, OF_COHORTS)):
        book = opened(tables, part)
        for show in shown:
            check_shown(show(book))
    check_shown(cohorts_page.sources())
