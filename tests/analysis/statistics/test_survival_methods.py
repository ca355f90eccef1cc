"""Exact log-rank, hazard ratios, waiting time and design numbers, pinned to R (tests/reference/survival.R)."""

import csv
from itertools import combinations
from math import comb, log

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.cox import SeparationError, cox_efron, cox_firth, is_separated
from analysis.statistics.exact_logrank import exact_logrank, logrank_scores, subset_sums
from analysis.statistics.power_and_e_value import (
    detectable_hazard_ratio,
    e_value,
    e_value_of_limit,
    risk_ratio_of_common_outcome,
)
from analysis.statistics.time_varying_exposure import (
    cox_log_ratios,
    landmark,
    mantel_byar,
    simon_makuch_curve,
    spurious_gain,
    start_stop,
    time_varying_hazard_ratio,
)
from tests.support.paths import REFERENCE
from tests.support.r_scripts import output_of

R = {row["key"]: float(row["value"]) for row in csv.DictReader((REFERENCE / "survival.csv").read_text().splitlines())}

AML_TIME = [9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161, 5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45]
AML_EVENT = [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0, 1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]
AML_X = [0] * 11 + [1] * 12

# one arrangement of 31 and 5 patients that meets the printed medians and intervals
TIME = [21, 21, 30, 38, 49, 60, 68, 68, 79, 79, 111, 123, 148, 148, 168, 168, 173, 173, 183, 236, 257, 275, 297, 322, 322,
        382, 420, 466, 527, 615, 788, 184, 206, 256, 492, 655]  # fmt: skip
EVENTS = [bool(e) for e in [1, 0, 0, 1, 1, 0, 1, 1, 1, 1, 0] + [1] * 19 + [0] + [1, 1, 1, 1, 0]]
SIRT = [False] * 31 + [True] * 5


def cohort(day: int | None) -> pd.DataFrame:
    days = pd.array([day if sirt else None for sirt in SIRT], dtype="Int64")
    return pd.DataFrame({"patient_id": range(36), "time_days": TIME, "death_observed": EVENTS, "exposure_day": days})


@pytest.mark.program
def test_committed_r_numbers_are_what_r_gives_now(golden):
    output = output_of(REFERENCE / "survival.R")
    assert output == golden.text(REFERENCE / "survival.csv", output)


def test_exact_logrank_counts_all_376992_allocations_and_equals_coin():
    test = exact_logrank(TIME, EVENTS, SIRT)
    assert test.allocations == comb(36, 5) == 376_992
    assert test.p == pytest.approx(R["small.exact.p"], abs=1e-9)
    assert test.monte_carlo_se == 0


def test_exact_logrank_above_a_million_allocations_is_drawn_and_says_its_error():
    test = exact_logrank(AML_TIME, AML_EVENT, AML_X)
    assert comb(23, 11) > 1_000_000
    assert 0 < test.monte_carlo_se < 0.001
    assert abs(test.p - R["aml.exact.p"]) < 4 * test.monte_carlo_se


def test_scores_sum_to_zero_and_subset_sums_are_those_of_all_subsets():
    assert logrank_scores(TIME, EVENTS).sum() == pytest.approx(0, abs=1e-12)
    values = [1.0, 2.0, 4.0, 8.0]
    assert sorted(subset_sums(values, 2)) == sorted(a + b for a, b in combinations(values, 2))


@pytest.mark.parametrize("group", [[True, True], [False, False]])
def test_exact_logrank_refuses_an_empty_group(group):
    with pytest.raises(ValueError, match="two groups"):
        exact_logrank([1, 2], [1, 1], group)


def test_efron_equals_r():
    for name, data in (("aml", (AML_TIME, AML_EVENT, AML_X)), ("small", (TIME, EVENTS, SIRT))):
        got = cox_efron(*data)
        assert log(got.value) == pytest.approx(R[f"{name}.efron.coef"], abs=1e-5)
        width = (log(got.upper) - log(got.lower)) / (2 * 1.959963985)
        assert width == pytest.approx(R[f"{name}.efron.se"], rel=1e-4)


def test_firth_equals_an_independent_maximiser_of_the_penalised_likelihood():
    got = cox_firth(AML_TIME, AML_EVENT, AML_X)
    np.testing.assert_allclose(
        [log(got.value), log(got.lower), log(got.upper)], [0.86878790, -0.078058, 1.902828], atol=5e-6
    )
    assert got.p == pytest.approx(0.07235171, abs=1e-7)


def test_separation_is_refused_by_cox_and_finite_by_firth():
    times, events, arm = [*range(1, 11), *[12] * 5], [1] * 10 + [0] * 5, [0] * 10 + [1] * 5
    assert is_separated(times, events, arm)
    with pytest.raises(SeparationError):
        cox_efron(times, events, arm)
    got = cox_firth(times, events, arm)
    np.testing.assert_allclose(
        [log(got.value), log(got.lower), log(got.upper)], [-3.45031, -8.3300, -1.3032], atol=5e-5
    )
    assert got.p == pytest.approx(0.00025, abs=5e-6)


@pytest.mark.parametrize("day", [60, 105, 150, 180])
def test_time_varying_ratio_and_landmark_equal_r(day):
    patients = cohort(day)
    assert time_varying_hazard_ratio(start_stop(patients)).value == pytest.approx(
        R[f"small.varying.{day}.hr"], rel=1e-5
    )
    at = landmark(patients, day)
    assert at.exposed + at.unexposed == R[f"small.landmark.{day}.n"]
    assert at.lost == 36 - R[f"small.landmark.{day}.n"]
    assert at.hazard_ratio.value == pytest.approx(R[f"small.landmark.{day}.hr"], rel=1e-5)


@pytest.mark.parametrize("day", [60, 105, 150, 180])
def test_mantel_byar_is_the_score_test_of_r(day):
    assert mantel_byar(start_stop(cohort(day))).chi2 == pytest.approx(R[f"small.varying.{day}.score_breslow"], abs=1e-8)


def test_sirt_before_day_zero_is_exposure_from_day_zero():
    intervals = start_stop(cohort(-30))
    assert (intervals.loc[intervals["exposed"] == 1, "start"] == 0).all()
    assert mantel_byar(intervals).chi2 == pytest.approx(R["small.logrank.chi2"], abs=1e-6)


def test_exposure_on_the_last_day_adds_no_exposed_time():
    intervals = start_stop(cohort(184))
    assert (intervals[intervals["patient_id"] == 31]["exposed"] == 0).all()


def test_nobody_exposed_gives_no_ratio_no_test_and_one_curve():
    intervals = start_stop(cohort(None))
    with pytest.raises(SeparationError):
        time_varying_hazard_ratio(intervals)
    assert mantel_byar(intervals) is None
    assert set(simon_makuch_curve(intervals)["exposed"]) == {False}


def test_simon_makuch_counts_the_exposed_only_from_exposure_on():
    curve = simon_makuch_curve(start_stop(cohort(150)))
    exposed = curve[curve["exposed"]]
    assert exposed["time"].min() == 150
    assert exposed["at_risk"].max() == 5


def test_landmark_after_the_last_day_keeps_nobody_and_gives_no_ratio():
    at = landmark(cohort(105), 1000)
    assert (at.exposed, at.unexposed, at.lost, at.hazard_ratio) == (0, 0, 36, None)


def test_waiting_without_effect_gains_about_the_waiting_time_and_lowers_the_naive_ratio():
    got = spurious_gain([0.0, 3.45], median_months=5.7, exposed=5, unexposed=31)
    gained = got["gain_months"].diff().iloc[1]
    assert gained == pytest.approx(3.45, abs=4 * got["gain_se"].max())
    assert got["hazard_ratio"].iloc[1] < 0.75 < 0.95 < got["hazard_ratio"].iloc[0] < 1.15
    assert spurious_gain([3.45], median_months=5.7, exposed=5, unexposed=31).equals(
        spurious_gain([3.45], median_months=5.7, exposed=5, unexposed=31)
    )


def test_ratios_of_many_cohorts_at_once_are_those_of_cox_one_by_one():
    random = np.random.default_rng(5)
    cohorts = np.array([random.permutation([True] * 5 + [False] * 31) for _ in range(20)])
    one_by_one = [log(cox_efron(np.arange(36), np.ones(36, dtype=bool), row).value) for row in cohorts]
    np.testing.assert_allclose(cox_log_ratios(cohorts), one_by_one, atol=1e-6)


def test_a_group_that_dies_first_has_an_infinite_ratio():
    rows = np.array([[True, True, False], [False, True, True], [True, False, True]])
    assert cox_log_ratios(rows)[:2].tolist() == [np.inf, -np.inf]
    assert np.isfinite(cox_log_ratios(rows)[2])


def test_two_patients_give_no_ratio_in_the_middle_of_the_draws():
    got = spurious_gain([0.0], median_months=5.7, exposed=1, unexposed=1)
    assert got[["hazard_ratio", "log_hr_se"]].isna().all(axis=None)
    assert got["rejected_pct"].notna().all()


@pytest.mark.parametrize(("deaths", "ratio"), [(26, 0.204), (30, 0.228), (36, 0.259)])
def test_detectable_ratio_for_5_against_31(deaths, ratio):
    assert detectable_hazard_ratio(deaths, 5 / 36) == pytest.approx(ratio, abs=5e-4)


@pytest.mark.parametrize("bad", [(0, 0.5), (10, 0.0), (10, 1.0)])
def test_detectable_ratio_needs_deaths_and_two_arms(bad):
    with pytest.raises(ValueError, match="two arms"):
        detectable_hazard_ratio(*bad)


def test_e_value_of_the_reconstructed_ratio():
    assert 1 / risk_ratio_of_common_outcome(0.5222) == pytest.approx(1.57, abs=0.005)
    assert e_value(0.5222) == pytest.approx(2.51, abs=0.005)
    assert e_value(0.5831) == pytest.approx(2.26, abs=0.005)
    assert e_value(1.0) == 1.0


@pytest.mark.parametrize(
    ("lower", "upper", "expected"),
    [(0.2, 1.0, 1.0), (1.0, 2.0, 1.0), (0.2, 0.5222, e_value(0.5222)), (2, 3, e_value(2))],
)
def test_e_value_of_the_limit_is_one_exactly_when_the_interval_includes_one(lower, upper, expected):
    assert e_value_of_limit(lower, upper) == pytest.approx(expected)


@given(st.floats(0.05, 20))
def test_e_value_is_the_same_for_a_ratio_and_its_inverse(ratio):
    assert e_value(ratio) == pytest.approx(e_value(1 / ratio))


@given(st.randoms())
def test_order_of_patients_does_not_matter(random):
    rows = random.sample(list(zip(TIME, EVENTS, SIRT, strict=True)), 36)
    assert exact_logrank(*zip(*rows, strict=True)).p == pytest.approx(R["small.exact.p"], abs=1e-9)


def test_one_early_death_among_the_exposed_converges_to_what_a_grid_finds():
    # Newton steps from 0 diverge here: one exposed patient, the third of 24 to die, the others unexposed.
    times = np.array([17, 43, 46, 50, 56, 63, 65, 67, 69, 82, 85, 142, 150, 160, 263, 309, 330, 428, 432, 469, 600])
    exposed = times == 46
    got = cox_efron(times, np.ones(len(times), dtype=bool), exposed)
    grid = np.linspace(-4, 6, 100_001)
    at_risk = [(times >= t).sum() for t in times[:3]]  # the exposed is at risk at the first three deaths only
    likelihood = grid - sum(np.log(n - 1 + np.exp(grid)) for n in at_risk)
    assert np.log(got.value) == pytest.approx(grid[likelihood.argmax()], abs=1e-3)
    assert got.lower < got.value < got.upper
