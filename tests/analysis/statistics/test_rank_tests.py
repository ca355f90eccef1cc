"""Rank tests pinned to SPSS rules and to R (coin, exactRankTests, stats::wilcox.test)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.attainable_p import minimum_attainable_p
from analysis.statistics.rank_tests import mann_whitney, signed_rank


def test_signed_rank_with_ties_and_zeros():
    # wilcox.test(d, correct = FALSE, exact = FALSE) after dropping zeros: 0.04980367; exact, zeros dropped: 0.0546875
    test = signed_rank([0, 1, 1, -2, 3, 4, 5, -1, 6, 8])
    assert test.p_spss == pytest.approx(0.04980367, abs=1e-8)
    assert test.p_exact == pytest.approx(0.0546875, abs=1e-12)
    assert (test.pairs, test.used) == (10, 9)


@pytest.mark.parametrize(
    ("pairs", "exact", "spss"),
    [(7, 0.015625, 0.017960), (6, 0.03125, 0.028), (5, 0.0625, 0.043), (4, 0.125, 0.0679)],
)
def test_worst_minus_best_gives_the_p_of_the_design(pairs, exact, spss):
    test = signed_rank(np.arange(1, pairs + 1))
    assert test.smaller_rank_sum == 0
    assert test.p_exact == exact == minimum_attainable_p("signed_rank", (pairs,))
    assert test.p_spss == pytest.approx(spss, abs=5e-4)


def test_signed_rank_without_a_difference_is_not_defined():
    assert signed_rank([0.0, 0.0]) is None
    assert signed_rank([]) is None
    assert minimum_attainable_p("signed_rank", (0,)) is None


@given(st.lists(st.integers(-50, 50).filter(bool), min_size=1, max_size=9, unique_by=abs))
def test_exact_signed_rank_agrees_with_scipy_without_ties(differences):
    assert signed_rank(differences).p_exact == pytest.approx(stats.wilcoxon(differences, method="exact").pvalue)


def test_mann_whitney_5_against_31():
    # wilcox.test with U = 20: exact 0.0059682964, asymptotic without correction 0.0085330114
    second = np.arange(1, 32, dtype=float)
    first = np.array([27.5, 27.6, 27.7, 27.8, 27.9])
    test = mann_whitney(first, second)
    assert min(test.u, 155 - test.u) == 20
    assert test.p_exact == pytest.approx(0.0059682964, abs=1e-9)
    assert test.p_asymptotic == pytest.approx(0.0085330114, abs=1e-9)
    assert test.p_spss == test.p_exact


def test_mann_whitney_with_ties():
    test = mann_whitney([3, 5, 5, 8, 9], [1, 2, 2, 4, 5, 6, 7, 3, 0, 1])
    assert test.p_asymptotic == pytest.approx(0.05609052, abs=1e-8)
    assert test.p_exact == pytest.approx(0.07525808, abs=1e-8), "SPSS's exact P does not correct for ties"


def test_spss_prints_no_exact_p_above_40_cases():
    test = mann_whitney(np.arange(20), np.arange(21) + 0.5)
    assert test.p_spss == test.p_asymptotic


def test_mann_whitney_of_an_empty_or_constant_sample_is_not_defined():
    assert mann_whitney([], [1.0]) is None
    assert mann_whitney([1.0, 1.0], [1.0]) is None
