"""The dosimetry chapter shows every table and figure for any cohort."""

from __future__ import annotations

import pytest

from analysis.dosimetry import page, physics_page
from analysis.dosimetry import results as dosimetry_results
from tests.support.opened import check_shown, opened
from tests.support.response_cohorts import COHORTS
from tests.support.study_tables import tables_of
from tests.support.truth import truth_tables

SHOWN = (
    physics_page.reach, physics_page.clusters,
    page.sirt_activity, page.sirt_doses, page.sirt_inputs, page.lesion_sensitivity, page.patient_doses,
)  # fmt: skip
WITHOUT_PATIENTS = (
    physics_page.emissions, physics_page.literature_values, physics_page.assumed_ranges,
    physics_page.absorbed_fractions, physics_page.spheres_by_mass, physics_page.dose_across_border,
    page.ladder, page.eqd2_sensitivity,
)  # fmt: skip


@pytest.mark.parametrize("name", ["nobody", "one patient", "reconstruction"])
def test_every_cohort_gives_every_table_and_figure(name: str) -> None:
    book = opened(truth_tables() if name == "reconstruction" else tables_of(*COHORTS[name]), dosimetry_results)
    for show in SHOWN:
        check_shown(show(book))


def test_what_needs_no_patients_is_shown() -> None:
    for show in WITHOUT_PATIENTS:
        check_shown(show())
    assert "calculator" in page.calculator_forms()._repr_html_()
