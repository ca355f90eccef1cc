"""The one function that draws conclusions: from interval, n and basis, never from a P value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.report.conclusions import SMALL_N, Contrast, conclusion
from analysis.results import BASES, Result, missing

HAZARD = Contrast("The hazard ratio", 1.0, "a lower hazard with SIRT", "a higher one", 31)
FORBIDDEN = ("superior", "effective", "efficient", "significant", "no difference")


def ratio(lower, upper, *, basis="data"):
    return Result("os.hr.firth", 0.6, lower, upper, 36, "ratio", interval="95% CI", basis=basis)


def test_conclusion_interval_across_null_leaves_both_directions_open():
    assert conclusion(ratio(0.18, 1.45), HAZARD) == (
        "The hazard ratio may lie anywhere from 0.18 to 1.45 (95% CI): both a lower hazard with SIRT and a higher one "
        "remain possible."
    )


@pytest.mark.parametrize(
    ("lower", "upper", "side"),
    [(0.2, 0.99, "a lower hazard with SIRT"), (1.01, 3.0, "a higher one")],
)
def test_conclusion_interval_beside_null_names_the_side(lower, upper, side):
    sentence = conclusion(ratio(lower, upper), HAZARD)
    assert "on one side of 1.00" in sentence
    assert sentence.endswith(f"{side}.")


@pytest.mark.parametrize(("lower", "upper"), [(0.5, 1.0), (1.0, 2.0)])
def test_conclusion_interval_that_touches_null_still_includes_it(lower, upper):
    assert "remain possible" in conclusion(ratio(lower, upper), HAZARD)


@pytest.mark.parametrize(("n", "said"), [(SMALL_N - 1, True), (SMALL_N, False)])
def test_conclusion_names_a_small_group(n, said):
    contrast = Contrast("The hazard ratio", 1.0, "a lower hazard", "a higher one", n)
    assert (f"the smaller group has {n} patients" in conclusion(ratio(0.2, 1.5), contrast)) is said


def test_conclusion_names_a_single_patient_in_the_singular():
    contrast = Contrast("The hazard ratio", 1.0, "a lower hazard", "a higher one", 1)
    assert conclusion(ratio(0.2, 1.5), contrast).endswith("the smaller group has 1 patient.")


def test_conclusion_free_result_concludes_nothing():
    sentence = conclusion(ratio(0.2, 0.9, basis="free"), HAZARD)
    assert "chosen by the reconstruction" in sentence
    assert "lower" not in sentence


def test_conclusion_without_value_gives_the_reason():
    assert conclusion(missing("os.hr.firth", "arm_empty"), HAZARD) == (
        "The hazard ratio cannot be given: a group is empty."
    )


def test_conclusion_without_interval_concludes_nothing():
    assert "nothing follows" in conclusion(ratio(None, 1.2), HAZARD)


@given(st.floats(0.01, 5), st.floats(0.01, 5), st.sampled_from(BASES))
def test_conclusion_never_uses_the_words_of_advertisement(a, b, basis):
    sentence = conclusion(ratio(min(a, b), max(a, b), basis=basis), HAZARD)
    assert not [word for word in FORBIDDEN if word in sentence]
