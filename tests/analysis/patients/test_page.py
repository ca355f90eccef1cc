"""The page of single patients: which lanes and ids it shows, and that the paper's courses can be found in its list."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.cohort import results as cohort_results
from analysis.datasets.imaging_subgroup import evaluate
from analysis.patients import page
from analysis.patients.frames import subgroup_list
from analysis.patients.page import IDS_NAMED_MAX, drawn_sentence, not_analysed_sentence
from analysis.settings import load_study
from tests.support.opened import check_shown, opened
from tests.support.response_cohorts import COHORTS
from tests.support.study_tables import tables_of
from tests.support.truth import truth_tables


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "All lanes are drawn."), (60, "All lanes are drawn."), (61, "The first 60 of 61 lanes are drawn.")],
)
def test_lanes_that_are_not_drawn_are_counted(count, said):
    assert drawn_sentence(count, 60, "lanes") == said


def arms(analysed: int, left_out: int) -> pd.DataFrame:
    ids = [f"S{n:02d}" for n in range(1, analysed + left_out + 1)]
    return pd.DataFrame({"patient_id": ids, "in_analysis": [True] * analysed + [False] * left_out})


@pytest.mark.parametrize(
    ("left_out", "said"),
    [
        (0, "All of them are on this page."),
        (1, "S03 is not analysed and so not on this page."),
        (3, "S03, S04 and S05 are not analysed and so not on this page."),
        (IDS_NAMED_MAX + 1, f"{IDS_NAMED_MAX + 1} of them are not analysed and so not on this page."),
    ],
)
def test_ids_of_patients_who_are_not_analysed_are_named_while_they_are_few(left_out, said):
    assert not_analysed_sentence(arms(2, left_out)) == said


def test_nobody_in_the_tables_is_nobody_missing():
    nobody = arms(0, 0).astype({"in_analysis": bool})
    assert not_analysed_sentence(nobody) == "All of them are on this page."


def test_the_three_patients_whom_the_paper_describes_are_one_each_in_the_list():
    study = load_study()
    evaluation = evaluate(truth_tables(), study)
    rows = subgroup_list(evaluation.subgroup, evaluation.patients)
    after = rows["sirts"].gt(0) & ~rows["sirt_first"]
    assert rows["lu_cycles"].eq(6).sum() == 1, "patient 6: Figure 2"
    assert (rows["lu_cycles"].eq(4) & after).sum() == 1, "patient 1: Figure 4"
    assert rows["sirt_first"].sum() == 1, "patient 3: Results, subgroup"


SHOWN = (
    page.patient_choice,
    page.swimmer_figure,
    page.laboratory_figure,
    page.spider_figure,
    page.patient_table,
    page.subgroup_table,
)


@pytest.mark.parametrize("name", ["nobody", "one patient", "no imaging"])
def test_every_cohort_gives_every_table_figure_and_sentence(name):
    book = opened(tables_of(*COHORTS[name]), cohort_results)
    for show in SHOWN:
        check_shown(show(book))
    assert page.sentences(book)["patients.lanes"] == "All lanes are drawn."
