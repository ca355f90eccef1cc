"""Holm by hand, attainable P values by counting."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.settings import Family
from analysis.statistics.attainable_p import minimum_attainable_p, minimum_attainable_p_asymptotic
from analysis.statistics.multiplicity import adjust, holm
from analysis.statistics.rank_tests import mann_whitney, signed_rank


def test_holm_multiplies_the_smallest_by_the_number_of_tests_and_never_falls():
    # sorted .01 .02 .03 .04 -> 4x.01=.04, 3x.02=.06, max(.06, 2x.03)=.06, max(.06, .04)=.06
    got = holm(pd.Series([0.04, 0.01, 0.03, 0.02]))
    np.testing.assert_allclose(got, [0.06, 0.04, 0.06, 0.06])


def test_a_test_without_p_counts_in_the_family_and_stays_without():
    got = holm(pd.Series([0.01, np.nan]))
    assert got[0] == 0.02
    assert np.isnan(got[1])


def test_the_eight_printed_tests_as_one_family():
    printed = {
        "ggt": 0.0003,
        "suv": 0.005,
        "alt": 0.006,
        "ast": 0.007,
        "best_worst": 0.05,
        "logrank": 0.227,
        "bili": None,
        "sirt": None,
    }
    tests = pd.DataFrame({"id": list(printed), "p": pd.Series(list(printed.values()), dtype=float), "operator": "="})
    got = adjust(tests, {"all": Family(tests=tuple(printed), reason="one paper")}).set_index("id")["holm_p"]
    np.testing.assert_allclose(got[["ggt", "suv", "alt", "ast"]], [0.0024, 0.035, 0.036, 0.036])
    assert got["best_worst"] == pytest.approx(0.2)


def test_a_family_that_names_an_unknown_test_is_refused():
    with pytest.raises(KeyError, match="nobody"):
        adjust(pd.DataFrame({"id": ["a"], "p": [0.1], "operator": ["="]}), {"f": Family(tests=("nobody",), reason="")})


@pytest.mark.parametrize(
    ("design", "sizes", "p"),
    [
        ("mann_whitney", (5, 31), 2 / 376_992),
        ("mann_whitney", (4, 4), 2 / 70),
        ("mann_whitney", (0, 5), None),
        ("mann_whitney_halves", (8,), 2 / 70),
        ("mann_whitney_halves", (1,), None),
        ("log_rank", (4, 4), 2 / 70),
        ("signed_rank", (7,), 0.015625),
        ("signed_rank", (6,), 0.03125),
        ("signed_rank", (5,), 0.0625),
        ("signed_rank", (4,), 0.125),
        ("signed_rank", (0,), None),
    ],
)
def test_attainable_p_is_what_counting_gives(design, sizes, p):
    assert minimum_attainable_p(design, sizes) == (None if p is None else pytest.approx(p))


@pytest.mark.parametrize(
    ("design", "sizes", "p"),
    [
        # R: wilcox.test(1:5 + 100, 1:31, exact = FALSE, correct = FALSE)$p.value
        ("mann_whitney", (5, 31), 0.0003924991),
        ("mann_whitney", (0, 5), None),
        # R: wilcox.test(1:7, exact = FALSE, correct = FALSE)$p.value, and 1:4
        ("signed_rank", (7,), 0.0179604775),
        ("signed_rank", (4,), 0.0678891549),
        ("signed_rank", (0,), None),
        ("log_rank", (4, 27), None),
    ],
)
def test_attainable_asymptotic_p_is_that_of_the_most_extreme_order(design, sizes, p):
    assert minimum_attainable_p_asymptotic(design, sizes) == (None if p is None else pytest.approx(p, rel=1e-6))


def test_the_most_extreme_order_gives_the_attainable_p_and_equal_gaps_less():
    apart = mann_whitney([101, 102, 103, 104, 105], list(range(31)))
    assert apart.p_asymptotic == pytest.approx(minimum_attainable_p_asymptotic("mann_whitney", (5, 31)))
    assert signed_rank([1, 2, 3, 4]).p_spss == pytest.approx(minimum_attainable_p_asymptotic("signed_rank", (4,)))
    assert signed_rank([1, 1, 1, 2]).p_spss > 0.05 > signed_rank([1, 1, 1, 1]).p_spss


@pytest.mark.slow
@settings(max_examples=30)
@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=12))
def test_adjustment_never_lowers_a_p_value_nor_changes_order(p_values):
    p = pd.Series(p_values)
    adjusted = holm(p)
    assert (adjusted >= p - 1e-12).all()
    assert (adjusted.iloc[np.argsort(p.to_numpy(), kind="stable")].diff().dropna() >= -1e-12).all()
