"""The paper's variant of RECIST 1.1, each limit from both sides, per lesion and per patient."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.criteria.paper_response import classify_change, patient_response, percent_change
from analysis.datasets.lesions import best_and_worst, lesion_changes, uptake_changes
from analysis.settings import load_study
from tests.support.study_tables import GA, Patient, tables_of

STUDY = load_study()


def one(reference: float, followup: float) -> str | None:
    named = classify_change(pd.Series([reference]), pd.Series([followup]), STUDY.response)[0]
    return None if pd.isna(named) else named


@pytest.mark.parametrize(
    ("reference", "followup", "named"),
    [
        (20, 24, "progressive"),
        (20, 23.9, "stable"),
        (30, 36, "progressive"),
        (0.1, 0.12, "progressive"),
        (20, 14, "partial_response"),
        (20, 14.1, "stable"),
        (0.3, 0.21, "partial_response"),
        (20, 0, "complete_response"),
        (20, 0.1, "partial_response"),
        (20, 20, "stable"),
        (float("nan"), 20, None),
        (20, float("nan"), None),
        (0, 20, None),
    ],
)
def test_limits_count_themselves(reference, followup, named):
    assert one(reference, followup) == named


@given(st.integers(1, 2000), st.integers(0, 4000))
def test_response_does_not_depend_on_the_unit(reference, followup):
    assert one(reference, followup) == one(reference / 10, followup / 10)


def test_percent_change_by_hand():
    assert percent_change(pd.Series([40.0, 30.0]), pd.Series([26.0, 48.9])).tolist() == [-35.0, 63.0]


def judged(mm: dict[str, dict[int, float | None]], lu=(0,)) -> pd.Series:
    tables = tables_of(Patient("S01", lu=lu, pet={-5: GA, 60: GA}, mm=mm))
    return patient_response(lesion_changes(tables, STUDY), STUDY.response).loc["S01"]


def test_patient_response_is_that_of_the_sum():
    row = judged({"S01-L1": {-5: 40.0, 60: 20.0}, "S01-L2": {-5: 20.0, 60: 22.0}})
    assert (row["reference_mm"], row["followup_mm"], row["change_pct"]) == (60, 42, -30)
    assert row["response"] == "partial_response"


def test_a_new_lesion_is_progression_whatever_the_sum():
    row = judged({"S01-L1": {-5: 40.0, 60: 10.0}, "S01-L2": {60: 8.0}})
    assert row["response"] == "progressive"
    assert row["new_lesions"] == 1


def test_a_lesion_known_but_not_measured_before_is_not_new():
    row = judged({"S01-L1": {-5: 40.0, 60: 10.0}, "S01-L2": {-5: None, 60: 8.0}})
    assert row["new_lesions"] == 0
    assert row["response"] == "partial_response"


def test_a_lesion_seen_on_pet_before_is_not_new():
    mm = {"S01-L1": {-5: 40.0, 60: 10.0}, "S01-L2": {60: 8.0}}
    tables = tables_of(Patient("S01", lu=[0], pet={-5: GA, 60: GA}, mm=mm, suv={"S01-L2": {-5: (6.0, GA)}}))
    assert not lesion_changes(tables, STUDY)["is_new"].any()


def test_complete_response_needs_every_lesion_gone():
    assert judged({"S01-L1": {-5: 40.0, 60: 0.0}})["response"] == "complete_response"
    left = {"S01-L1": {-5: 40.0, 60: 0.0}, "S01-L2": {-5: None, 60: 8.0}}
    assert judged(left)["response"] == "partial_response"


def test_only_the_four_largest_lesions_are_targets():
    sizes = {f"S01-L{n}": {-5: 50.0 - n, 60: 50.0 - n} for n in range(1, 6)}
    sizes["S01-L5"] = {-5: 10.0, 60: 100.0}
    row = judged(sizes)
    assert row["targets"] == 4
    assert row["response"] == "stable"


def test_a_target_without_follow_up_leaves_the_patient_not_evaluable():
    row = judged({"S01-L1": {-5: 40.0, 60: 20.0}, "S01-L2": {-5: 20.0}})
    assert pd.isna(row["response"])


def test_best_and_worst_need_two_lesions():
    two = tables_of(Patient("S01", lu=[0], mm={"S01-L1": {-5: 40.0, 60: 20.0}, "S01-L2": {-5: 20.0, 60: 25.0}}))
    assert best_and_worst(lesion_changes(two, STUDY)).loc["S01"].tolist() == [-50.0, 25.0, 2, 75.0]
    one_lesion = tables_of(Patient("S01", lu=[0], mm={"S01-L1": {-5: 40.0, 60: 20.0}}))
    assert best_and_worst(lesion_changes(one_lesion, STUDY)).empty


def test_uptake_is_compared_within_one_tracer_only():
    suv = {"S01-L1": {100: (20.0, GA), 200: (10.0, GA)}, "S01-L2": {100: (20.0, GA), 200: (10.0, "f18_psma_1007")}}
    changes = uptake_changes(tables_of(Patient("S01", lu=[0], sirt=[150], suv=suv)), STUDY).set_index("lesion_id")
    assert changes.loc["S01-L1", "change_pct"] == -50
    assert pd.isna(changes.loc["S01-L2", "change_pct"])
    assert changes["same_tracer"].tolist() == [True, False]
