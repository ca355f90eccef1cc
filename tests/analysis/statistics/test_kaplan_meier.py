"""Pinned to unrounded SPSS 31 output of a rule-based fixture and to R 4.2.2, package survival 3.5-3."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.kaplan_meier import (
    at_risk_counts,
    curve_rows,
    loglog_median,
    logrank,
    restricted_mean,
    reverse_median_follow_up,
    spss_median,
)

I = np.arange(1, 73)  # noqa: E741 - the running number of the fixture
TIME = 20 + (37 * I % 500)
EVENT = ~np.isin(I % 10, [1, 4, 7])
SEX = np.where(I % 2 == 1, 1, 2)

# SPSS 31.0.1.0: KM time BY sex /STATUS=status(1) /PRINT TABLE MEAN
SPSS = {
    1: ((353, 28.40150389233, 297.33305237, 408.66694763), (335.06565959, 27.56488420, 281.03848657, 389.09283262)),
    2: ((296, 49.81232524456, 198.36784252, 393.63215748), (289.53733375, 25.50930627, 239.53909346, 339.53557405)),
    0: ((333, 27.27714317113, 279.53679938, 386.46320062), (310.83810966, 18.86391388, 273.86483847, 347.81138086)),
}

# survival::aml; R: survfit(Surv(time, status) ~ x, aml, conf.type = "log-log")
MAINTAINED = ([9, 13, 13, 18, 23, 28, 31, 34, 45, 48, 161], [1, 1, 0, 1, 1, 0, 1, 1, 0, 1, 0])
NONMAINTAINED = ([5, 5, 8, 8, 12, 16, 23, 27, 30, 33, 43, 45], [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1])


@pytest.mark.parametrize("sex", [1, 2, 0])
def test_spss_median_and_mean_equal_spss_to_ten_digits(sex):
    chosen = np.full(72, True) if sex == 0 else sex == SEX
    median, mean = spss_median(TIME[chosen], EVENT[chosen]), restricted_mean(TIME[chosen], EVENT[chosen])
    np.testing.assert_allclose([median.value, median.se, median.lower, median.upper], SPSS[sex][0], rtol=1e-10)
    np.testing.assert_allclose([mean.value, mean.se, mean.lower, mean.upper], SPSS[sex][1], rtol=1e-9)


@pytest.mark.parametrize("deaths", [2, 4, 6, 10, 14, 22])
def test_a_curve_that_ends_exactly_on_one_half_has_its_median_there(deaths):
    # the third of six deaths leaves 5/6 x 4/5 x 3/4, which in floating point is a hair above one half
    times = np.arange(1, deaths + 1)
    assert loglog_median(times, np.full(deaths, True)).value == deaths / 2
    assert spss_median(times, np.full(deaths, True)).value == deaths / 2


def test_logrank_equals_spss():
    chi2, p = logrank(TIME, EVENT, SEX)
    np.testing.assert_allclose([chi2, p], [1.6424068833783, 0.19999555379145], rtol=1e-9)


@pytest.mark.parametrize(
    ("arm", "median", "mean"),
    [
        (MAINTAINED, (31, 7.358291, 16.5777, 45.4223), (52.645455, 19.828603)),
        (NONMAINTAINED, (23, 11.427176, 0.6027, 45.3973), (22.708333, 4.180942)),
    ],
)
def test_aml_by_the_spss_formula(arm, median, mean):
    got = spss_median(*arm)
    np.testing.assert_allclose([got.value, got.se, got.lower, got.upper], median, atol=5e-5)
    area = restricted_mean(*arm)
    np.testing.assert_allclose([area.value, area.se], mean, atol=5e-7)


def test_aml_loglog_interval_equals_r_and_shows_where_it_is_not_reached():
    assert (loglog_median(*MAINTAINED).lower, loglog_median(*MAINTAINED).upper) == (13, None)
    assert (loglog_median(*NONMAINTAINED).lower, loglog_median(*NONMAINTAINED).upper) == (5, 33)


def test_aml_restricted_mean_at_30_equals_r_survival():
    # R: summary(survfit(Surv(time, status) ~ x, aml), rmean = 30)$table
    first, second = restricted_mean(*MAINTAINED, horizon=30), restricted_mean(*NONMAINTAINED, horizon=30)
    np.testing.assert_allclose([first.value, first.se], [24.602273, 2.313149], atol=5e-7)
    np.testing.assert_allclose([second.value, second.se], [19.694444, 3.054198], atol=5e-7)


def test_aml_logrank_equals_r_survdiff():
    times, events = MAINTAINED[0] + NONMAINTAINED[0], MAINTAINED[1] + NONMAINTAINED[1]
    chi2, p = logrank(times, events, [0] * 11 + [1] * 12)
    np.testing.assert_allclose([chi2, p], [3.396388699, 0.06533932], rtol=1e-6)


# Freireich 6-MP; R: survdiff(..., rho = 0) and textbook Gehan-Breslow, Tarone-Ware
PLACEBO = ([1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23], [1] * 21)
MERCAPTOPURINE = (
    [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35],
    [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0],
)


@pytest.mark.parametrize(
    ("weights", "chi2", "p"),
    [(None, 16.792941, 4.1688e-5), ("wilcoxon", 13.457852, 2.4398e-4), ("tarone-ware", 15.123575, 1.0070e-4)],
)
def test_freireich_rank_tests(weights, chi2, p):
    times, events = PLACEBO[0] + MERCAPTOPURINE[0], PLACEBO[1] + MERCAPTOPURINE[1]
    got = logrank(times, events, [0] * 21 + [1] * 21, weights)
    np.testing.assert_allclose(got, (chi2, p), rtol=1e-4)


def test_median_of_four_distinct_deaths_is_the_first_time_at_one_half():
    assert spss_median([1, 2, 3, 4], [1, 1, 1, 1]).value == 2


def test_median_not_reached_has_no_value_and_interval_needs_the_45_percent():
    assert spss_median([5, 6, 7], [1, 0, 0]).value is None
    reached_only = spss_median([1, 2, 3, 4], [1, 1, 0, 0])
    assert reached_only.value == 2
    assert reached_only.lower is None


def test_first_death_below_55_percent_counts_from_time_zero():
    # one step from 1 to 0.4 at day 10: f = (1 - 0.4)/10 = 0.06, SE(S) = 0.4 sqrt(3/(5*2)) = 0.219089, SE = 3.651484
    got = spss_median([10, 10, 10, 20, 20], [1, 1, 1, 0, 0])
    assert got.value == 10
    np.testing.assert_allclose(got.se, 3.651484, atol=1e-6)


@pytest.mark.parametrize("bad", [([], []), ([1, 2], [1]), ([1, -1], [1, 1]), ([1, np.nan], [1, 1])])
def test_unusable_times_are_refused(bad):
    with pytest.raises(ValueError, match="times"):
        spss_median(*bad)


def test_logrank_refuses_one_group_and_no_event():
    with pytest.raises(ValueError, match="two groups"):
        logrank([1, 2], [1, 1], [0, 0])
    with pytest.raises(ValueError, match="at least one event"):
        logrank([1, 2], [0, 0], [0, 1])


def test_horizon_beyond_the_last_time_is_refused_and_at_it_is_the_mean():
    with pytest.raises(ValueError, match="beyond"):
        restricted_mean([3, 4], [1, 1], 5)
    assert restricted_mean([3, 4], [1, 1], 4) == restricted_mean([3, 4], [1, 1])


def test_everyone_dead_on_one_day():
    assert spss_median([7, 7, 7], [1, 1, 1]).value == 7
    assert restricted_mean([7, 7, 7], [1, 1, 1]).value == 7
    assert loglog_median([7, 7, 7], [1, 1, 1]).value == 7


def test_follow_up_swaps_event_and_censoring():
    assert reverse_median_follow_up([1, 2, 3, 4], [0, 0, 0, 0]).value == 2
    assert reverse_median_follow_up([1, 2, 3], [1, 1, 1]).value is None


def test_five_deaths_support_no_upper_limit():
    # R: quantile(survfit(Surv(c(6, 7, 8, 16, 22), rep(1, 5)) ~ 1, conf.type = "log-log"), 0.5): 8, lower 6, upper NA
    # the widest interval of order statistics, first to last of five deaths, holds the median in 93.75 % only
    got = loglog_median([6, 7, 8, 16, 22], [1] * 5)
    assert (got.value, got.lower, got.upper) == (8, 6, None)
    everyone_at_once = loglog_median([7, 7, 7], [1, 1, 1])
    assert (everyone_at_once.lower, everyone_at_once.upper) == (None, None)


def test_the_drawn_band_keeps_its_height_where_the_curve_reaches_zero():
    rows = curve_rows([6, 7, 8, 16, 22], [1] * 5)
    assert rows[-1]["survival"] == 0
    assert (rows[-1]["lower"], rows[-1]["upper"]) == (rows[-2]["lower"], rows[-2]["upper"])
    assert rows[-1]["upper"] > 0


def test_numbers_at_risk_count_those_seen_just_before():
    assert at_risk_counts([5, 10, 10, 20], [0, 5, 10, 11, 20, 21]) == [4, 4, 3, 1, 1, 0]


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), min_size=3, max_size=40), st.randoms())
def test_order_of_patients_and_the_unit_of_time_do_not_matter(patients, random):
    times, events = zip(*patients, strict=True)
    shuffled = random.sample(patients, len(patients))
    again = spss_median(*zip(*shuffled, strict=True))
    first = spss_median(times, events)
    assert again == first
    scaled = spss_median([7 * t for t in times], events)
    assert (scaled.value is None) == (first.value is None)
    if first.value is not None:
        assert scaled.value == 7 * first.value
    rows = curve_rows(times, events)
    assert all(a["survival"] >= b["survival"] for a, b in pairwise(rows))
