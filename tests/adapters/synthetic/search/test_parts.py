"""The parts of the search: what is printed alike, hill climbing, and statistics that must equal the libraries'."""

from __future__ import annotations

import lifelines.statistics
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from adapters.synthetic.search.climb import NotFoundError, again, climb
from adapters.synthetic.search.measurements.enzymes import fitting_u
from adapters.synthetic.search.measurements.lesions import response
from adapters.synthetic.search.patients.survival import survival_arms
from adapters.synthetic.search.patients.table1 import activities, ages_days, baseline_values, cycle_counts
from adapters.synthetic.search.statistics import (
    attainable_exact_p,
    count_ties,
    kruskal_p,
    logrank_p,
    median,
    median_and_t_interval,
    u_statistic,
)
from adapters.synthetic.search.targets import targets, window

IS_SIRT = np.repeat([False, True], [31, 5])


@pytest.mark.parametrize(
    ("text", "rule", "inside", "outside"),
    [
        ("5.7", "round", (5.65, 5.7, 5.7499), (5.6499, 5.75)),
        ("25.42", "round", (25.415, 25.4237), (25.4149, 25.425)),
        ("-35", "round", (-35.5, -35, -34.51), (-35.6, -34.5)),
        ("2.0", "truncate", (1.95, 2.0, 2.09999), (1.94, 2.1)),
        ("-0.3", "truncate", (-0.39, -0.3, -0.26), (-0.41, -0.25)),
        ("229.0", "round", (229.0,), (229.05, 228.9)),
        ("0.0003", "round", (0.000318,), (0.00035, 0.000249)),
    ],
)
def test_values_printed_alike(text: str, rule: str, inside: tuple[float, ...], outside: tuple[float, ...]) -> None:
    frame = window(text, rule)
    assert all(frame.holds(x) and frame.miss(x) == 0 for x in inside)
    assert all(not frame.holds(x) and frame.miss(x) > 0 for x in outside)


def test_a_missing_value_is_never_printed_alike() -> None:
    assert window("5.7").miss(float("nan")) == float("inf")


def test_every_target_reads_its_printed_numbers() -> None:
    assert len(targets()) == 117
    for target in targets().values():
        if target.operator == "=":
            assert all(frame.low < frame.high for frame in target.windows)
            assert target.windows[0].holds(target.number)


def test_climbing_reaches_the_top_or_says_so() -> None:
    rng = np.random.default_rng(1)
    found = climb(0, lambda x, r: x + int(r.integers(-1, 2)), lambda x: abs(x - 20), rng)
    assert found == 20
    with pytest.raises(NotFoundError):
        climb(0, lambda x, r: x, lambda x: 1.0, rng, steps=50)


def test_a_failed_attempt_is_repeated_so_many_times() -> None:
    tries: list[int] = []

    def attempt() -> int:
        tries.append(1)
        if len(tries) < 3:
            raise NotFoundError("not yet")
        return len(tries)

    assert again(attempt, times=5) == 3
    tries.clear()
    with pytest.raises(NotFoundError):
        again(attempt, times=2)


@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=36))
def test_median_and_t_interval_equal_scipy(values: list[float]) -> None:
    sample = np.array(values)
    if np.ptp(sample) < 1e-3:
        return
    middle, low, high = median_and_t_interval(sample)
    expected = stats.t.interval(0.95, len(sample) - 1, sample.mean(), stats.sem(sample))
    assert middle == pytest.approx(float(np.median(sample)))
    assert (low, high) == pytest.approx(expected, rel=1e-6, abs=1e-5)


@given(st.integers(0, 10_000))
def test_rank_tests_equal_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 30, 20).astype(float)
    labels = np.array(["a", "b", "c"])[np.arange(20) % 3]
    groups = [values[labels == name] for name in "abc"]
    assert kruskal_p(values, labels) == pytest.approx(stats.kruskal(*groups).pvalue)
    two = np.where(labels == "a", "a", "rest")
    rest = np.concatenate(groups[1:])
    test = stats.mannwhitneyu(groups[0], rest, method="asymptotic", use_continuity=False)
    assert kruskal_p(values, two) == pytest.approx(test.pvalue)
    assert u_statistic(groups[0], rest) == min(test.statistic, groups[0].size * rest.size - test.statistic)


@given(st.integers(0, 10_000))
def test_fast_log_rank_equals_lifelines(seed: int) -> None:
    rng = np.random.default_rng(seed)
    times, events = rng.integers(1, 30, 36).astype(float), rng.random(36) < 0.7
    events[[0, 35]] = True
    test = lifelines.statistics.multivariate_logrank_test(times, IS_SIRT, events)
    assert logrank_p(times, events, IS_SIRT) == pytest.approx(test.p_value, rel=1e-6)


def test_exact_mann_whitney_p_equals_scipy_and_the_printed_p_fit_one_u_each() -> None:
    p_values = attainable_exact_p(5, 31)
    for u in (0, 8, 20, 21):
        first = np.concatenate([np.arange(4) + 1000.0, [31 - u - 0.5]])  # u of 31 values lie above the last one
        assert p_values[u] == pytest.approx(stats.mannwhitneyu(first, np.arange(31.0), method="exact").pvalue)
    assert [fitting_u(m, 5, 31) for m in ("ggt", "alt", "ast")] == [[8], [20], [21]]


def test_median_of_an_even_number_lies_in_the_middle() -> None:
    assert median(np.array([4.0, 1.0, 3.0, 2.0])) == 2.5
    assert count_ties(np.array([1.0, 1.0, 2.0])) == 1


@pytest.mark.parametrize(
    ("percent", "expected"), [(20.0, "pd"), (19.9, "sd"), (-30.0, "pr"), (-29.9, "sd"), (0.0, "sd")]
)
def test_limits_of_response_count(percent: float, expected: str) -> None:
    assert response(percent) == expected


def test_a_new_lesion_is_progression() -> None:
    assert response(-50.0, new_lesion=True) == "pd"


def test_one_seed_gives_one_solution() -> None:
    once, twice = (survival_arms(np.random.default_rng(3)) for _ in range(2))
    for first, second in zip(once, twice, strict=True):
        assert first.days.tolist() == second.days.tolist()
        assert first.events.tolist() == second.events.tolist()
    assert (
        ages_days(IS_SIRT, np.random.default_rng(5)).tolist() == ages_days(IS_SIRT, np.random.default_rng(5)).tolist()
    )


def test_cycles_and_activities_stay_possible() -> None:
    rng = np.random.default_rng(8)
    lu, sirt = cycle_counts(rng)
    assert (lu.min(), lu.sum(), sirt.sum()) == (1, 89, 17)
    assert 6 in lu
    given_gbq = activities(np.concatenate([lu, sirt]), IS_SIRT, rng)
    assert [len(own) for own in given_gbq] == [*lu, *sirt]
    assert all((own > 4).all() and (own < 8).all() for own in given_gbq)


def test_baseline_values_follow_the_rank_they_are_given() -> None:
    rng = np.random.default_rng(2)
    rank = rng.normal(size=36)
    values = baseline_values("psa", IS_SIRT, rank, 1.5, rng)
    assert stats.spearmanr(rank[~IS_SIRT], values[~IS_SIRT]).statistic > 0.95
