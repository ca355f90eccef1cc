"""Ends of follow-up, other choices of time zero, the permuted difference of means, and the frames of waiting."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from adapters.contract import empty_tables
from analysis.datasets.arms import ARMS
from analysis.datasets.censoring import EVENT, UNDATED, count_ends, event_sources
from analysis.datasets.time_to_event import overall_survival
from analysis.results import REASONS, Result
from analysis.statistics.kaplan_meier import restricted_mean
from analysis.statistics.rmst_permutation import restricted_mean_test
from analysis.statistics.time_varying_exposure import at_risk_late, from_first_therapy, simon_makuch_curve, start_stop
from analysis.survival import immortal_time
from analysis.survival import results as survival_results
from tests.support.survival_tables import LU, PER_MONTH, SIRT, STUDY, numbers, tables

DAYS = STUDY["survival"]["landmarks_days"]


def followed(lu: list[int], sirt: list[int], sirt_day: int = 60, **patient: object) -> pd.DataFrame:
    given = tables(lu, sirt, sirt_day, **patient) if lu or sirt else empty_tables()
    ids = [f"S{i:02d}" for i in range(1, len(lu) + len(sirt) + 1)]
    arms = pd.DataFrame({"patient_id": ids, "arm": ["lu"] * len(lu) + ["lu_sirt"] * len(sirt)})
    arms = arms.astype({"patient_id": "string"})
    return overall_survival(given, arms)


def results_of(lu: list[int], sirt: list[int]) -> dict[str, Result]:
    if lu or sirt:
        return numbers(lu, sirt)
    return {result.id: result for result in survival_results.results(empty_tables(), STUDY)}


def test_the_event_comes_first_and_is_the_only_one():
    assert [end.counts_as == "event" for end in event_sources()] == [True, False, False, False, False]
    assert (EVENT.source, UNDATED.source) == ("death", "death without a date")
    assert {end.day for end in event_sources()} == {"death_day", "last_contact_day"}


def test_every_patient_has_one_end_and_all_ends_are_listed():
    counted = count_ends(followed(LU, SIRT), ARMS)
    assert counted["source"].tolist() == [end.source for end in event_sources()]
    assert counted[["lu", "lu_sirt"]].sum().tolist() == [31, 5]
    by_source = counted.set_index("source")
    assert by_source.loc["death", ["lu", "lu_sirt"]].tolist() == [26, 4]
    assert by_source.loc["vital_status", ["lu", "lu_sirt"]].tolist() == [5, 1]


def test_nobody_followed_gives_a_table_of_zeros():
    assert count_ends(followed([], []), ARMS)[["lu", "lu_sirt"]].to_numpy().sum() == 0


def test_a_death_on_no_known_day_moves_the_median_to_the_other_bound():
    # arm of three: deaths at 100 and 300, one dead on no known day, last seen on day 200
    given = tables([100, 200, 300], [50])
    given["patients"].loc[1, "death_day"] = pd.NA
    got = {r.id: r for r in survival_results.results(given, STUDY)}
    assert got["os.undated_deaths"].value == 1
    assert got["os.lu"].value == pytest.approx(300 / PER_MONTH)
    assert got["os.lu.undated"].value == pytest.approx(201 / PER_MONTH)


def test_without_such_a_death_there_is_no_bound_to_give():
    got = numbers([100, 200], [50])
    assert got["os.undated_deaths"].value == 0
    assert got["os.lu.undated"].reason == "not_applicable"


def test_day_zero_at_the_first_of_either_therapy_adds_the_days_since_an_earlier_sirt():
    before = from_first_therapy(followed([100], [300, 400], sirt_day=-40))
    assert before["time_days"].tolist() == [100, 340, 440]
    assert before["exposure_day"].dropna().tolist() == [0, 0]
    later = followed([100], [300], sirt_day=40)
    assert from_first_therapy(later)["time_days"].tolist() == [100, 300]
    assert from_first_therapy(later)["exposure_day"].dropna().tolist() == [40]


def test_sensitivity_to_time_zero_in_numbers():
    late, early = numbers(LU, SIRT), numbers(LU, SIRT, sirt_day=-100)
    assert late["os.first_therapy.moved"].value == 0
    assert late["os.first_therapy.logrank"].value == late["os.logrank"].value
    assert early["os.first_therapy.moved"].value == 5
    assert early["os.first_therapy.lu_sirt"].value == pytest.approx(356 / PER_MONTH)
    assert early["os.first_therapy.hr"].value < early["os.hr.firth"].value
    assert early["os.first_therapy.hr.time_varying"].lower < early["os.first_therapy.hr.time_varying"].value


@pytest.mark.parametrize(
    ("lu", "sirt", "reason"), [([], [], "no_patients"), ([100], [], "arm_empty"), ([-100], [-80], "no_events")]
)
def test_incomparable_arms_give_the_reason_for_each_number(lu, sirt, reason):
    got = results_of(lu, sirt)
    for key in (
        "os.first_therapy.logrank",
        "os.first_therapy.hr",
        "os.logrank.exact",
        "os.logrank.exact.allocations",
        "os.rmst.p",
    ):
        assert got[key].reason == reason


def test_separated_arms_have_no_time_varying_ratio_from_the_first_therapy():
    assert numbers([10, 20, 30], [-40, -50], sirt_day=-5)["os.first_therapy.hr.time_varying"].reason == "separation"


def test_the_exact_test_says_how_many_allocations_and_which_error():
    got = numbers(LU, SIRT)
    assert got["os.logrank.exact.allocations"].value == 376_992
    assert got["os.logrank.exact.error"].value == 0
    drawn = numbers([*range(1, 20)], [*range(20, 40)])
    assert drawn["os.logrank.exact.allocations"].value == 200_000
    assert drawn["os.logrank.exact.error"].value > 0


def test_permuted_means_equal_counting_all_allocations():
    times, events = np.array([2.0, 3.0, 3.0, 5.0, 8.0, 9.0, 12.0, 12.0]), np.array([1, 1, 0, 1, 0, 1, 1, 0], dtype=bool)
    exposed = np.array([0, 0, 0, 1, 0, 0, 1, 1], dtype=bool)

    def difference(group: np.ndarray) -> float:
        # a group whose last time lies before the horizon keeps its last height: censored at the horizon adds no step
        areas = []
        for side in (group, ~group):
            t, d = np.append(times[side], 12.0), np.append(events[side], False)
            last = times[side].max() < 12
            areas.append(_area(t if last else times[side], d if last else events[side], times[side], events[side]))
        return areas[0] - areas[1]

    def _area(t, d, own_t, own_d):
        steps, height, area, at = sorted(set(own_t[own_d])), 1.0, 0.0, 0.0
        for step in steps:
            area += height * (min(step, 12.0) - at)
            at = min(step, 12.0)
            height *= 1 - (own_t[own_d] == step).sum() / (own_t >= step).sum()
        return area + height * (12.0 - at)

    observed = difference(exposed)
    every = [difference(np.isin(np.arange(8), chosen)) for chosen in combinations(range(8), 3)]
    p = np.mean(np.abs(every) >= abs(observed) - 1e-9)
    found = restricted_mean_test(times, events, exposed, 12.0)
    assert found.difference == pytest.approx(observed)
    assert found.p == pytest.approx(p, abs=0.015)


def test_permuted_means_do_not_depend_on_the_order_of_patients():
    order = np.random.default_rng(3).permutation(36)
    times, events = np.abs([*LU, *SIRT]), np.array([*LU, *SIRT]) > 0
    exposed = np.array([False] * 31 + [True] * 5)
    first = restricted_mean_test(times, events, exposed, 655)
    assert restricted_mean_test(times[order], events[order], exposed[order], 655) == first
    areas = [restricted_mean(times[side], events[side], 655).value for side in (exposed, ~exposed)]
    assert first.difference == pytest.approx(areas[0] - areas[1])


@pytest.mark.parametrize("group", [[True, True], [False, False]])
def test_permuted_means_refuse_an_empty_group(group):
    with pytest.raises(ValueError, match="two groups"):
        restricted_mean_test([1, 2], [1, 1], group, 2)


def test_many_patients_get_fewer_draws():
    times = np.arange(1.0, 5001)
    assert restricted_mean_test(times, np.ones(5000), times > 4000, 5000).draws == 1000


def test_exposure_curves_move_a_patient_on_the_day_of_sirt():
    intervals = start_stop(followed([100, -200], [300], sirt_day=91))
    curve, at_risk = immortal_time.exposure_curves(intervals, days_per_month=PER_MONTH)
    counts = at_risk.set_index(["arm", "time_months"])["at_risk"]
    assert counts["lu"].loc[[0, 3, 6]].tolist() == [3, 2, 1]
    assert counts["lu_sirt"].loc[[0, 3, 9]].tolist() == [0, 1, 1]
    assert curve.groupby("arm")["survival"].first().to_dict() == {"lu": 1.0, "lu_sirt": 1.0}
    assert curve[curve["arm"] == "lu_sirt"]["time_months"].iloc[0] == pytest.approx(91 / PER_MONTH)


def test_late_entry_counts_from_the_day_after_but_day_zero_itself():
    intervals = pd.DataFrame({"start": [0.0, 10.0], "stop": [20.0, 30.0]})
    assert at_risk_late(intervals, np.array([0, 10, 11, 20, 21, 31])).tolist() == [1, 1, 2, 2, 1, 0]


def test_curves_without_a_death_stay_at_one_to_the_last_day():
    curve = simon_makuch_curve(start_stop(followed([-100], [])))
    assert curve["survival"].tolist() == [1.0, 1.0]
    assert curve["time"].tolist() == [0, 100]


@pytest.mark.parametrize(("lu", "sirt"), [([], []), ([100], []), ([], [100]), ([-5], [-6]), (LU, SIRT)])
def test_frames_of_the_waiting_section_hold_for_any_cohort(lu, sirt):
    got = results_of(lu, sirt)
    intervals = start_stop(followed(lu, sirt))
    curve, at_risk = immortal_time.exposure_curves(intervals, days_per_month=PER_MONTH)
    assert list(curve) == ["arm", "time_months", "survival"]
    assert at_risk["at_risk"].ge(0).all()
    ways = immortal_time.hazard_ratio_ways(got, DAYS)
    assert len(ways) == 5 + len(DAYS)
    assert all(result.value is not None or result.reason in REASONS for _, result in ways)
    assert immortal_time.landmark_frame(got, DAYS)["day"].tolist() == list(DAYS)
    gain = immortal_time.simulated_bias(got)
    assert gain.drop(columns=["hazard_ratio", "log_hr_se"]).notna().all(axis=None)
    assert (gain["low"] < gain["high"]).all()
