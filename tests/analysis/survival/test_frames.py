"""Who is followed from when to when, and the numbers of the chapter for cohorts of every kind."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.contract import empty_tables
from analysis.datasets.time_to_event import FIRST_DAY, overall_survival, undated_deaths
from analysis.survival import frames
from analysis.survival import results as survival_results
from tests.support.survival_tables import LU, PER_MONTH, SIRT, STUDY, numbers, tables


def test_the_printed_survival_comes_out_of_the_reconstructed_times():
    got = numbers(LU, SIRT)
    one = lambda r: tuple(round(x, 1) for x in (r.value, r.lower, r.upper))  # noqa: E731
    assert one(got["os.lu"]) == (5.7, 2.9, 8.5)
    assert one(got["os.lu_sirt"]) == (8.4, 4.9, 11.9)
    assert round(got["os.logrank"].value, 3) == 0.227
    assert got["os.significant"].value == "no"
    assert got["os.lu"].n == 31
    assert got["os.lu"].events == 26


def test_beside_print_stand_exact_test_hazard_ratio_and_restricted_mean():
    got = numbers(LU, SIRT)
    assert got["os.logrank.exact"].value == pytest.approx(0.12705, abs=1e-5)
    assert got["os.hr.efron"].value == pytest.approx(0.522, abs=5e-4)
    assert got["os.hr.firth"].value == pytest.approx(0.583, abs=5e-4)
    assert got["os.evalue"].value == pytest.approx(2.51, abs=0.005)
    assert got["os.evalue.limit"].value == 1
    assert got["os.rmst.horizon"].value == pytest.approx(655 / PER_MONTH)
    assert got["os.lu.loglog"].lower == pytest.approx(4.86, abs=0.005)
    assert got["os.lu_sirt.loglog"].upper is None


def test_no_patient_gives_reasons_only():
    got = survival_results.results(empty_tables(), STUDY)
    assert {r.reason for r in got if r.value is None} <= {"no_patients"}
    assert {r.id for r in got if r.value is not None} == {
        "stat.alpha", "os.lu.deaths", "os.lu.censored", "os.lu_sirt.deaths", "os.lu_sirt.censored",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("lu", "sirt", "key", "reason"),
    [
        ([100], [], "os.logrank", "arm_empty"),
        ([100], [], "os.hr.efron", "arm_empty"),
        ([-100], [], "os.lu", "not_reached"),
        ([-100, -90], [-80], "os.logrank", "no_events"),
        ([], [100, 200], "os.lu", "no_patients"),
        ([10, 20, 30], [-40, -50], "os.hr.efron", "separation"),
    ],
)
def test_what_cannot_be_computed_says_why(lu, sirt, key, reason):
    assert numbers(lu, sirt)[key].reason == reason


def test_separated_arms_give_a_penalised_ratio_but_no_plain_one():
    got = numbers([10, 20, 30], [-40, -50])
    assert got["os.hr.efron"].value is None
    assert got["os.hr.firth"].value < 1


def test_everybody_dead_on_one_day_and_on_day_zero():
    assert numbers([50] * 4, [50] * 2)["os.lu"].value == pytest.approx(50 / PER_MONTH)
    on_day_zero = tables([5], [])
    on_day_zero["patients"]["death_day"] = pd.array([0], dtype="Int64")
    frame = overall_survival(on_day_zero, pd.DataFrame({"patient_id": ["S01"], "arm": ["lu"]}))
    assert frame["time_days"].tolist() == [FIRST_DAY]


def test_a_death_without_a_date_is_censored_and_bounded():
    given = tables([100, 200], [])
    given["patients"]["death_day"] = pd.array([None, 200], dtype="Int64")
    frame = overall_survival(given, pd.DataFrame({"patient_id": ["S01", "S02"], "arm": "lu"}))
    assert frame["death_observed"].tolist() == [False, True]
    assert frame["event_source"].tolist() == ["death without a date", "death"]
    bound = undated_deaths(frame)
    assert bound["death_observed"].tolist() == [True, True]
    assert bound["time_days"].tolist() == [101, 200]


def test_a_patient_without_last_contact_is_not_followed():
    given = tables([100, 200], [])
    given["patients"].loc[0, ["death_day", "last_contact_day"]] = pd.NA
    frame = overall_survival(given, pd.DataFrame({"patient_id": ["S01", "S02"], "arm": "lu"}))
    assert frame["patient_id"].tolist() == ["S02"]


def test_frames_for_the_figure_agree_with_each_other():
    followed = overall_survival(tables(LU, SIRT), _arms(LU, SIRT))
    curve = frames.curve_frame(followed, days_per_month=PER_MONTH)
    marks = frames.censor_frame(followed, days_per_month=PER_MONTH)
    risk = frames.at_risk_frame(followed, days_per_month=PER_MONTH, every_months=6)
    assert curve.groupby("arm")["survival"].max().tolist() == [1.0, 1.0]
    assert curve.notna().all(axis=None)
    assert marks.groupby("arm").size().to_dict() == {"lu": 5, "lu_sirt": 1}
    assert risk[risk["time_months"] == 0]["at_risk"].tolist() == [31, 5]
    assert (risk["at_risk"] + risk["deaths"] + risk["censored"]).groupby(risk["arm"]).nunique().eq(1).all()


def test_frames_of_nobody_are_empty_and_keep_their_columns():
    followed = overall_survival(empty_tables(), pd.DataFrame({"patient_id": pd.array([], dtype="string"), "arm": []}))
    assert frames.curve_frame(followed, days_per_month=PER_MONTH).empty
    assert "at_risk" in frames.at_risk_frame(followed, days_per_month=PER_MONTH)
    assert frames.censor_frame(followed, days_per_month=PER_MONTH).empty


def test_sirt_before_day_zero_keeps_its_negative_day():
    followed = overall_survival(tables([], [300], sirt_day=-40), _arms([], [300]))
    assert followed["exposure_day"].tolist() == [-40]


@settings(max_examples=10)
@given(st.permutations(range(36)))
def test_order_of_patients_does_not_matter(order):
    given_tables = tables(LU, SIRT)
    shuffled = {**given_tables, "patients": given_tables["patients"].iloc[list(order)].reset_index(drop=True)}
    first, second = (
        {r.id: r.value for r in survival_results.results(t, STUDY) if r.value is not None}
        for t in (given_tables, shuffled)
    )
    assert first == pytest.approx(second)


def _arms(lu: list[int], sirt: list[int]) -> pd.DataFrame:
    ids = [f"S{i:02d}" for i in range(1, len(lu) + len(sirt) + 1)]
    return pd.DataFrame(
        {"patient_id": pd.array(ids, dtype="string"), "arm": ["lu"] * len(lu) + ["lu_sirt"] * len(sirt)}
    )
