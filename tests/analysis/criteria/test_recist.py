"""RECIST 1.1 proper: every limit from both sides, nadir, nodes, choices of targets, the table of overall response."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.criteria.recist import (
    Lesion,
    is_gone,
    is_measurable,
    overall_response,
    response_of_choice,
    target_choices,
    target_response,
)
from analysis.datasets.imaging_subgroup import evaluate
from analysis.response.recist_comparison import (
    cross_table,
    lesions_reclassified,
    reclassification_results,
    reclassified,
)
from analysis.settings import load_study
from tests.support.study_tables import GA, Patient, tables_of

STUDY = load_study()
NAN = float("nan")


@pytest.mark.parametrize(
    ("sums_mm", "named"),
    [
        ((50, 60), "progressive"),
        ((50, 59.9), "stable"),
        ((20, 24), "stable"),  # 20 % but 4 mm
        ((20, 25), "progressive"),
        ((24, 28.9), "stable"),  # 20.4 % but 4.9 mm
        ((100, 70), "partial_response"),
        ((100, 70.1), "stable"),
        ((100, 50, 60), "progressive"),  # 20 % over the smallest sum, though 40 % under baseline
        ((100, 50, 59), "partial_response"),
        ((100, NAN, 120), "progressive"),
        ((100, 0, 5), "progressive"),
        ((100, 0, 4.9), "partial_response"),
        ((100, NAN), None),
        ((NAN, 100), None),
        ((100,), None),
    ],
)
def test_targets_against_baseline_and_smallest_sum(sums_mm, named):
    assert target_response(sums_mm) == named


def test_complete_response_with_nodes_left_below_10_mm():
    assert target_response((60, 9), all_gone=True) == "complete_response"
    assert is_gone(9.9, is_node=True)
    assert not is_gone(10, is_node=True)
    assert is_gone(0, is_node=False)
    assert not is_gone(0.1, is_node=False)


@pytest.mark.parametrize(
    ("size_mm", "is_node", "answer"), [(10, False, True), (9.9, False, False), (15, True, True), (14.9, True, False)]
)
def test_measurable(size_mm, is_node, answer):
    assert is_measurable(size_mm, is_node=is_node) is answer


CR, PR, SD, PD = "complete_response", "partial_response", "stable", "progressive"


@pytest.mark.parametrize(
    ("target", "non_target", "new", "overall"),
    [
        (CR, CR, False, CR),
        (CR, "none", False, CR),
        (CR, "non_cr_non_pd", False, PR),
        (PR, "non_cr_non_pd", False, PR),
        (PR, CR, False, PR),
        (SD, "non_cr_non_pd", False, SD),
        (PD, CR, False, PD),
        (CR, PD, False, PD),
        (CR, CR, True, PD),
        (None, "none", False, None),
        (None, PD, False, PD),
        (None, "none", True, PD),
    ],
)
def test_overall_response(target, non_target, new, overall):
    assert overall_response(target, non_target, new_lesion=new) == overall


def test_overall_response_refuses_an_unknown_word():
    with pytest.raises(ValueError, match="non_target"):
        overall_response(SD, "better", new_lesion=False)


@given(st.lists(st.integers(0, 200), min_size=2, max_size=6).filter(lambda sums: sums[0] > 0))
def test_millimetres_and_centimetres_agree_on_response(sums):
    in_mm = target_response([float(s) for s in sums])
    assert in_mm == target_response([round(s / 10, 1) * 10 for s in sums])


def lesions(**sizes) -> list[Lesion]:
    return [Lesion(lesion_id, organ, organ == "lymph_node", tuple(mm)) for lesion_id, (organ, *mm) in sizes.items()]


def names(choices) -> list[str]:
    return ["".join(lesion.lesion_id for lesion in chosen) for chosen in choices]


def test_choices_start_with_the_two_largest_of_the_liver():
    found = target_choices(lesions(A=("liver", 20), B=("liver", 40), C=("liver", 30), D=("liver", 9.9)))
    assert names(found) == ["BC", "BA", "CA"]


def test_choices_keep_two_an_organ_and_five_in_all():
    sizes = {"A": ("liver", 40), "B": ("liver", 35), "C": ("lung", 30), "D": ("lung", 25), "E": ("other", 20)}
    sizes |= {"F": ("other", 15), "G": ("lymph_node", 14), "H": ("lung", 12)}
    assert names(target_choices(lesions(**sizes))) == ["ABCDE"]


def test_nothing_measurable_gives_no_choice():
    assert target_choices(lesions(A=("liver", 9))) == []


def test_response_of_a_choice_needs_all_its_targets():
    first, second = lesions(A=("liver", 40, 20), B=("liver", 30, NAN))
    assert response_of_choice([first]) == PR
    assert response_of_choice([first, second]) is None


def test_a_choice_whose_targets_are_gone_is_complete_response():
    assert response_of_choice(lesions(A=("liver", 40, 0), B=("lymph_node", 20, 9))) == CR
    assert response_of_choice(lesions(A=("liver", 40, 0), B=("lymph_node", 20, 10))) == PR


def judged(patient: Patient, therapy: str = "lu") -> pd.Series:
    tables = tables_of(patient)
    return reclassified(tables, STUDY, evaluate(tables, STUDY), therapy).loc[patient.id]


def test_the_smallest_sum_between_the_cycles_turns_stable_into_progressive():
    sizes = {"S01-L1": {-5: 50.0, 45: 30.0, 120: 45.0}}
    row = judged(Patient("S01", lu=[0, 50], pet={-5: GA, 120: GA}, mm=sizes))
    assert (row["paper"], row["recist_liver"]) == ("stable", "progressive")


def test_the_choice_of_two_lesions_can_decide():
    sizes = {"A": {-5: 40.0, 60: 60.0}, "B": {-5: 38.0, 60: 20.0}, "C": {-5: 36.0, 60: 20.0}}
    row = judged(Patient("S01", lu=[0], pet={-5: GA, 60: GA}, mm=sizes))
    assert row["choices"] == 3
    assert not row["choices_agree"]
    assert row["choices_progressive"] == 0


def test_extrahepatic_progression_counts_in_the_whole_body_only():
    sizes = {"S01-L1": {-5: 40.0, 60: 20.0}}
    patient = Patient("S01", lu=[0], pet={-5: GA, 60: GA}, mm=sizes, status=[("other", 61, "progressive")])
    row = judged(patient)
    assert (row["recist_liver"], row["recist_overall"]) == ("partial_response", "progressive")


def test_a_node_is_judged_by_its_short_axis():
    patient = Patient(
        "S01",
        lu=[0],
        pet={-5: GA, 60: GA},
        mm={"S01-L1": {-5: 20.0, 60: 20.0}},
        short_axis={"S01-L2": {-5: 20.0, 60: 30.0}},
        organ={"S01-L2": "lymph_node"},
    )
    row = judged(patient)
    assert (row["recist_liver"], row["recist_overall"]) == ("stable", "progressive")


def test_lesions_move_between_categories():
    sizes = {"A": {-5: 20.0, 60: 24.0}, "B": {-5: 40.0, 60: 20.0}}
    tables = tables_of(Patient("S01", lu=[0], pet={-5: GA, 60: GA}, mm=sizes))
    frame = lesions_reclassified(tables, STUDY, evaluate(tables, STUDY), "lu").set_index("lesion_id")
    assert frame.loc["A"].tolist()[1:] == ["progressive", "stable"], "20 % but 4 mm"
    counts = cross_table(frame, "recist")
    assert counts.at["progressive", "stable"] == 1
    assert counts.to_numpy().sum() == 2


@pytest.mark.parametrize(
    ("cohort", "lu", "sirt"),
    [([], "no_patients", "no_patients"), ([Patient("S01", lu=[0])], "no_followup", "arm_empty")],
    ids=["nobody", "no imaging"],
)
def test_small_cohorts_give_reasons(cohort, lu, sirt):
    tables = tables_of(*cohort)
    rows = reclassification_results(tables, STUDY, evaluate(tables, STUDY))
    assert {(row.id.split(".")[1], row.reason) for row in rows} == {("lu", lu), ("sirt", sirt)}
