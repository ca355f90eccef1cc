"""What the results of the reconstruction rest on: the table `basis.csv` and where it applies."""

from __future__ import annotations

from functools import cache

import pytest

from adapters.synthetic.search.ranges import DEMO, results_of
from analysis.paper.reconstruction import basis_of, basis_table, matching_rows, settle
from analysis.results import Result
from analysis.settings import load_study

RECONSTRUCTION = {"synthetic": True, "cohort_tags": ["reconstruction"]}
RESAMPLED = {"synthetic": True, "cohort_tags": ["resampled"]}
HOSPITAL = {"synthetic": False, "cohort_tags": []}
WITHOUT_PATIENTS = ("physics", "design")
WEAKEST_FIRST = ("free", "bounded", "printed")


@cache
def demo() -> dict[str, Result]:
    return {result.id: result for result in results_of(DEMO)}


def test_every_result_that_rests_on_patients_matches_exactly_one_row_and_no_other_result_matches_any():
    expected = {result_id: 0 if result.basis in WITHOUT_PATIENTS else 1 for result_id, result in demo().items()}
    assert {result_id: len(matching_rows(result_id)) for result_id in expected} == expected


def test_every_row_matches_some_result_and_says_why():
    matched = {row.pattern for result_id in demo() for row in matching_rows(result_id).itertuples()}
    assert set(basis_table()["pattern"]) == matched
    assert basis_table()["pattern"].is_unique
    assert set(basis_table()["basis"]) == {"printed", "bounded", "free"}
    assert basis_table()["why"].str.len().gt(10).all()


@pytest.mark.parametrize(
    ("result_id", "basis"),
    [
        ("os.logrank", "printed"),
        ("os.logrank.exact", "bounded"),
        ("os.logrank.exact.error", "printed"),
        ("os.evalue.limit", "bounded"),
        ("dose.lesion.cycle.S01", "free"),
        ("nobody.published.this", "free"),
    ],
)
def test_a_result_of_the_reconstruction_has_the_basis_of_its_row_and_is_free_without(result_id, basis):
    assert basis_of(result_id) == basis
    assert settle(Result(result_id, 1.0), RECONSTRUCTION).basis == basis


@pytest.mark.parametrize("manifest", [RESAMPLED, HOSPITAL])
def test_results_of_any_other_cohort_are_left_as_they_are(manifest, monkeypatch):
    monkeypatch.setattr("analysis.paper.reconstruction.basis_of", lambda result_id: pytest.fail("the table was read"))
    result = Result("os.logrank", 0.2)
    assert settle(result, manifest) is result
    assert result.basis == "data"


@pytest.mark.parametrize("basis", WITHOUT_PATIENTS)
def test_physics_and_design_rest_on_no_cohort(basis):
    assert settle(Result("os.logrank", 0.2, basis=basis), RECONSTRUCTION).basis == basis


def test_two_rows_for_one_id_are_an_error(monkeypatch):
    twice = basis_table().copy()
    twice.loc[twice["basis"].eq("free"), "expression"] = "made.up"
    monkeypatch.setattr("analysis.paper.reconstruction.basis_table", lambda: twice)
    with pytest.raises(ValueError, match=r"made.up matches \d+ rows"):
        basis_of("made.up")


@pytest.mark.parametrize("family", list(load_study().multiplicity.families))
def test_an_adjusted_p_rests_on_what_the_weakest_p_of_its_family_rests_on(family):
    tests = load_study().multiplicity.families[family].tests
    bases = {basis_of(test) for test in tests}
    weakest = next(basis for basis in WEAKEST_FIRST if basis in bases)
    assert {basis_of(f"mult.{family}.{test}") for test in tests} == {weakest}
