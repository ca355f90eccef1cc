"""Which scan frames which therapy, and who forms the imaging subgroup."""

import pandas as pd
import pytest

from analysis.datasets.imaging_subgroup import imaging_subgroup
from analysis.datasets.scans import count_before, scans, timepoints
from analysis.settings import load_study
from tests.support.study_tables import F18, GA, Patient, tables_of

STUDY = load_study()
SIZES = {-5: 30.0, 130: 40.0, 220: 20.0}


def framed(patient: Patient, shows: str = "has_diameter") -> pd.Series:
    return timepoints(tables_of(patient), STUDY, shows).loc[patient.id]


def test_scans_frame_177lu_and_then_sirt():
    row = framed(Patient("S01", lu=[0, 50, 100], sirt=[150], mm={"S01-L1": SIZES}))
    assert row[["baseline", "restaging", "before_sirt", "final"]].tolist() == [1, 2, 2, 3]
    assert row["lu_cycles_before_sirt"] == 3
    assert row["sirt_day"] == 150


def test_a_scan_on_the_day_of_therapy_is_before_it():
    seen = scans(tables_of(Patient("S01", lu=[0, 50], mm={"S01-L1": {0: 30.0, 50: 31.0, 51: 32.0}})), STUDY)
    assert seen["lu_before"].tolist() == [0, 1, 2]


@pytest.mark.parametrize(("gap", "number"), [(28, 1), (29, 2)])
def test_imaging_days_within_the_window_are_one_scan(gap, number):
    seen = scans(tables_of(Patient("S01", lu=[0], mm={"S01-L1": {-40: 30.0, -40 + gap: 31.0}})), STUDY)
    assert len(seen) == number


def test_a_cycle_between_two_close_imaging_days_parts_them():
    seen = scans(tables_of(Patient("S01", lu=[0], mm={"S01-L1": {-2: 30.0, 2: 31.0}})), STUDY)
    assert seen["lu_before"].tolist() == [0, 1]


def test_baseline_is_the_last_scan_before_therapy_and_restaging_the_first_after_the_last_cycle():
    sizes = {-120: 10.0, -5: 12.0, 25: 11.0, 60: 15.0, 120: 30.0}
    row = framed(Patient("S01", lu=[0, 50], mm={"S01-L1": sizes}))
    assert (row["baseline"], row["restaging"]) == (2, 4)


def test_cycles_after_sirt_do_not_move_restaging_but_take_the_final_scan():
    row = framed(Patient("S01", lu=[0, 50, 200], sirt=[150], mm={"S01-L1": {-5: 30.0, 100: 31.0, 230: 20.0}}))
    assert row["restaging"] == 2
    assert pd.isna(row["final"]), "a cycle lies between SIRT and the scan, so the effect is not SIRT's alone"


def test_sirt_before_the_first_cycle_is_told_apart():
    row = framed(Patient("S01", sirt=[-60], lu=[0], mm={"S01-L1": {-70: 20.0, -20: 10.0, 80: 12.0}}))
    assert row["sirt_first"]
    assert row[["baseline", "before_sirt", "final"]].tolist() == [1, 1, 2]
    assert pd.isna(row["restaging"])


def test_count_before_counts_strictly_earlier_days_of_the_same_patient():
    events = pd.DataFrame({"patient_id": ["B", "A", "A"], "day": [5, 5, 6]})
    therapy = pd.DataFrame({"patient_id": ["A", "A", "C"], "day": [5, 5, 1]})
    assert count_before(events, therapy).tolist() == [0, 0, 2]


def test_subgroup_needs_pet_before_and_after():
    both = Patient("S01", lu=[0], pet={-5: GA, 60: GA}, mm={"S01-L1": {-5: 30.0, 60: 30.0}})
    before = Patient("S02", lu=[0], pet={-5: GA})
    after = Patient("S03", lu=[0], pet={60: GA})
    no_liver = Patient("S04", lu=[0], pet={-5: GA, 60: GA}, liver=False)
    frame = imaging_subgroup(tables_of(both, before, after, no_liver), STUDY)
    assert frame["in_subgroup"].to_dict() == {"S01": True, "S02": False, "S03": False}
    assert frame["reason_left_out"].fillna("").to_dict() == {"S01": "", "S02": "no_pet_after", "S03": "no_pet_before"}


def test_interim_pet_alone_is_not_pet_after_therapy():
    frame = imaging_subgroup(tables_of(Patient("S01", lu=[0, 50], pet={-5: GA, 45: GA})), STUDY)
    assert not frame.loc["S01", "in_subgroup"]


def test_subgroup_marks_what_each_patient_can_be_used_for():
    two = {"S01-L1": {-5: 30.0, 60: 30.0}, "S01-L2": {-5: 20.0, 60: 10.0}}
    several = Patient("S01", lu=[0], pet={-5: GA, 60: F18}, mm=two)
    single = Patient("S02", lu=[0], pet={-5: F18, 60: F18}, mm={"S02-L1": {-5: 30.0, 60: 30.0}})
    first = Patient("S03", sirt=[-60], lu=[0], pet={-70: GA, -20: GA, 80: GA}, mm={"S03-L1": {-70: 20.0, -20: 10.0}})
    frame = imaging_subgroup(tables_of(several, single, first), STUDY)
    marks = frame[["in_subgroup", "lu_evaluable", "sirt_evaluable", "multiple_lesions", "ga68"]]
    assert marks.loc["S01"].tolist() == [True, True, False, True, True]
    assert marks.loc["S02"].tolist() == [True, True, False, False, False]
    assert marks.loc["S03"].tolist() == [True, False, True, False, False]


def test_empty_cohort_gives_an_empty_subgroup_with_its_columns():
    frame = imaging_subgroup(tables_of(), STUDY)
    assert frame.empty
    assert {"in_subgroup", "lu_evaluable", "ga68", "reason_left_out"} <= set(frame.columns)
