"""The toxicity chapter shows every table and figure for any cohort."""

from __future__ import annotations

import pytest

from analysis.toxicity import courses_page, grades_page, liver_page, page
from analysis.toxicity import results as toxicity_results
from tests.support.opened import check_shown, opened
from tests.support.response_cohorts import COHORTS
from tests.support.study_tables import tables_of
from tests.support.truth import truth_tables

SHOWN = (
    page.patients_without_change, page.liver_changes, page.other_changes, page.alt_changes, page.sirt_changes,
    grades_page.limits, grades_page.liver_grades, grades_page.other_grades, grades_page.ungraded, grades_page.shares,
    grades_page.shifts,
    liver_page.hys_law, liver_page.albi_grades, liver_page.rises, liver_page.not_recorded,
    courses_page.alt_from_day_0, courses_page.alt_from_sirt, courses_page.other_courses,
)  # fmt: skip


@pytest.mark.parametrize("name", ["nobody", "one patient", "reconstruction"])
def test_every_cohort_gives_every_table_figure_and_sentence(name: str) -> None:
    book = opened(truth_tables() if name == "reconstruction" else tables_of(*COHORTS[name]), toxicity_results)
    for show in SHOWN:
        check_shown(show(book))
    assert page.sentences(book)["tox.ctcae_version:value"] == "5"
