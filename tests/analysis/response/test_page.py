"""Tables of the lesion chapter: counts add up, expected ranges by hand, every cohort gives every table."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.datasets.cached import cached_tables
from analysis.datasets.imaging_subgroup import evaluate
from analysis.report.charts import NoChart, Stack
from analysis.report.tables import Folded, Table
from analysis.response import page
from analysis.response import results as response
from analysis.response import rows as response_rows
from analysis.response.frames import lesion_lines, lesion_spider, response_limits_pct
from analysis.response.heterogeneity import repeatability, repeatability_words
from analysis.response.progression_claim import paired_counts
from analysis.results import Result
from tests.support.opened import opened
from tests.support.response_cohorts import COHORTS, STUDY
from tests.support.study_tables import GA, Patient, tables_of

MOVED = Patient(
    "S01",
    lu=[0],
    pet={-5: GA, 60: GA},
    mm={"S01-L1": {-5: 20.0, 60: 24.0}, "S01-L2": {-5: 40.0, 60: 20.0}, "S01-L3": {-5: 30.0, 60: 45.0}},
)


def evaluated(*patients: Patient):
    tables = cached_tables(tables_of(*patients))
    return tables, evaluate(tables, STUDY)


def test_reclassification_counts_every_lesion_once():
    tables, evaluation = evaluated(MOVED)
    by_lesion = response_rows.reclassified_lesions(tables, STUDY, evaluation)
    counts = response_rows.reclassification_counts(by_lesion, "recist").set_index("paper")
    assert counts[["complete_response", "partial_response", "stable", "progressive"]].to_numpy().sum() == 3
    assert counts.loc["progressive", ["stable", "progressive"]].tolist() == [1, 1], "24 after 20 mm: 20 % but 4 mm"
    assert counts.loc["partial_response", "partial_response"] == 1
    assert "stable" not in counts.index, "a row of nobody is left out"


def test_reclassified_patients_name_the_therapy_and_the_choices():
    tables, evaluation = evaluated(MOVED)
    row = response_rows.reclassified_patients(tables, STUDY, evaluation).iloc[0]
    assert (row["therapy"], row["patient_id"], row["choices"]) == ("lu", "S01", 3)
    # sums of two: 70 to 65 (stable), 60 to 44 (stable), 50 to 69 mm (progressive)
    assert (row["choices_progressive"], bool(row["choices_agree"])) == (1, False)


def test_expected_ranges_follow_from_number_and_size():
    ranges = response_rows.expected_ranges().set_index(["model", "size_mm"])
    words = repeatability_words()
    sd = repeatability()["liver_mm_two_readers"][1]
    small = ranges.loc[(words["liver_mm_two_readers"], 15.0)]
    assert small["2"] == pytest.approx(100 * sd / 15 * 1.1284, rel=1e-3)
    assert small["4"] / small["2"] == pytest.approx(2.0588 / 1.1284, rel=1e-3)
    assert small["2"] / ranges.loc[(words["liver_mm_two_readers"], 60.0), "2"] == pytest.approx(4)
    relative = response_rows.expected_ranges().query("model == @words['two_readers']")
    assert len(relative) == 1
    assert relative["size_mm"].isna().all(), "a relative error does not know the size"


def test_every_repeatability_has_words_of_its_own():
    assert list(repeatability_words()) == list(repeatability())
    assert len(set(repeatability_words().values())) == len(repeatability())


def test_patients_judged_after_both_stand_in_one_row_each():
    both = [
        Patient(
            f"S0{n}", lu=[0], sirt=[100], pet={-5: GA, 90: GA, 150: GA}, mm={f"L{n}": {-5: 20.0, 90: 30.0, 150: 15.0}}
        )
        for n in (1, 2)
    ]
    _, evaluation = evaluated(*both)
    table = response_rows.both_therapies(paired_counts(evaluation))
    assert table["after_lu"].tolist() == ["progressive"]
    assert table["partial_response"].tolist() == [2]


def test_lines_of_the_spider_start_at_the_baseline_scan_and_count_months():
    tables, evaluation = evaluated(MOVED)
    lines = lesion_lines(tables, STUDY, evaluation)
    assert lines.groupby("line")["months"].min().tolist() == [0, 0, 0]
    assert lines["months"].max() == pytest.approx(65 / STUDY["analysis"]["days_per_month"])
    assert len(lines) == len(lesion_spider(tables, STUDY, evaluation))


PAGE_TABLES = (
    page.lesion_table,
    page.scan_table,
    page.both_therapies_table,
    page.reclassified_patients_table,
    page.reclassified_lesions_table,
    page.target_choices_table,
    page.range_table,
    lambda book: page.expected_range_table(),
    page.uptake_test_table,
    page.selection_table,
)
PAGE_FIGURES = (
    page.response_figure,
    page.progression_figure,
    page.lesion_figure,
    page.best_and_worst_figure,
    page.range_figure,
    page.uptake_figure,
    page.spider_figure,
)


@pytest.mark.parametrize("name", COHORTS)
def test_every_cohort_gives_every_table(name):
    book = opened(tables_of(*COHORTS[name]), response)
    names = []
    for show in PAGE_TABLES:
        item = show(book)
        table = item.content if isinstance(item, Folded) else item
        assert isinstance(table, Table)
        names.append(table.name)
        html = item._repr_html_()
        assert "nan" not in html.split("csv", 1)[0].lower().replace("covenant", "")
    assert len(set(names)) == len(names)
    assert all(isinstance(result, Result) for _, result in response_rows.claim_ways(book.results))


@pytest.mark.parametrize("name", COHORTS)
def test_every_cohort_gives_every_figure_or_says_why_there_is_none(name):
    book = opened(tables_of(*COHORTS[name]), response)
    for show in PAGE_FIGURES:
        figure = show(book)
        parts = [drawn for _, drawn in figure.parts] if isinstance(figure, Stack) else [figure]
        assert parts
        assert all(drawn.why if isinstance(drawn, NoChart) else drawn.to_dict()["description"] for drawn in parts)


def test_limits_in_the_figures_are_those_of_the_settings():
    rules = STUDY["response"]
    assert response_limits_pct(STUDY) == [
        -rules["partial_response_decrease_pct"], rules["progression_increase_pct"]
    ]  # fmt: skip


def test_headers_are_words_not_names_of_columns():
    book = opened(tables_of(MOVED), response)
    for table in (
        page.lesion_table(book).content,
        page.scan_table(book).content,
        page.selection_table(book).content,
        page.uptake_test_table(book),
    ):
        assert all(column in table.headers for column in table.frame), table.name


def test_after_which_therapy_is_not_in_which_arm():
    frame = page.scan_table(opened(tables_of(MOVED), response)).content.frame
    assert frame["therapy"].tolist() == ["177Lu-PSMA"]


def test_uptake_tests_go_from_lesions_to_patients():
    table = response_rows.uptake_tests(opened(tables_of(MOVED), response).results)
    assert table["p"].map(lambda result: result.id).tolist() == [
        "suv.p", "suv.p.kruskal", "suv.p.patients", "suv.p.gee", "suv.p.mixed",
    ]  # fmt: skip
    assert pd.isna(table["ratio"]).tolist() == [True, True, True, False, False]
