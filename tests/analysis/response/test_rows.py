"""Tables of the lesion chapter: counts add up, expected gaps by hand, every cohort gives every table."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.datasets.cached import remembering
from analysis.datasets.imaging_subgroup import evaluate
from analysis.report.charts import NoChart, Stack
from analysis.report.tables import Folded, Table
from analysis.response import figures as response_figures
from analysis.response import page as response_pages
from analysis.response import results as response
from analysis.response import rows as response_rows
from analysis.response.frames import lesion_lines, lesion_spider
from analysis.response.heterogeneity import repeatability, repeatability_words
from analysis.response.progression_claim import paired_counts
from analysis.results import Result
from tests.support.response_cohorts import COHORTS, STUDY
from tests.support.study_tables import GA, Patient, tables_of

MOVED = Patient(
    "S01",
    lu=[0],
    pet={-5: GA, 60: GA},
    mm={"S01-L1": {-5: 20.0, 60: 24.0}, "S01-L2": {-5: 40.0, 60: 20.0}, "S01-L3": {-5: 30.0, 60: 45.0}},
)


def opened(*patients: Patient):
    tables = remembering(tables_of(*patients))
    return tables, evaluate(tables, STUDY), {r.id: r for r in response.results(tables, STUDY)}


def test_reclassification_counts_every_lesion_once():
    tables, found, _ = opened(MOVED)
    by_lesion = response_rows.reclassified_lesions(tables, STUDY, found)
    counts = response_rows.reclassification_counts(by_lesion, "recist").set_index("paper")
    assert counts[["complete_response", "partial_response", "stable", "progressive"]].to_numpy().sum() == 3
    assert counts.loc["progressive", ["stable", "progressive"]].tolist() == [1, 1], "24 after 20 mm: 20 % but 4 mm"
    assert counts.loc["partial_response", "partial_response"] == 1
    assert "stable" not in counts.index, "a row of nobody is left out"


def test_reclassified_patients_name_the_therapy_and_the_choices():
    tables, found, _ = opened(MOVED)
    row = response_rows.reclassified_patients(tables, STUDY, found).iloc[0]
    assert (row["therapy"], row["patient_id"], row["choices"]) == ("lu", "S01", 3)
    # sums of two: 70 to 65 (stable), 60 to 44 (stable), 50 to 69 mm (progressive)
    assert (row["choices_progressive"], bool(row["choices_agree"])) == (1, False)


def test_expected_gaps_follow_from_number_and_size():
    gaps = response_rows.expected_gaps().set_index(["model", "size_mm"])
    words = repeatability_words()
    sd = repeatability()["liver_mm_two_readers"][1]
    small = gaps.loc[(words["liver_mm_two_readers"], 15.0)]
    assert small["2"] == pytest.approx(100 * sd / 15 * 1.1284, rel=1e-3)
    assert small["4"] / small["2"] == pytest.approx(2.0588 / 1.1284, rel=1e-3)
    assert small["2"] / gaps.loc[(words["liver_mm_two_readers"], 60.0), "2"] == pytest.approx(4)
    relative = response_rows.expected_gaps().query("model == @words['two_readers']")
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
    _, found, _ = opened(*both)
    table = response_rows.both_therapies(paired_counts(found))
    assert table["after_lu"].tolist() == ["progressive"]
    assert table["partial_response"].tolist() == [2]


def test_lines_of_the_spider_start_at_the_baseline_scan_and_count_months():
    tables, found, _ = opened(MOVED)
    lines = lesion_lines(tables, STUDY, found)
    assert lines.groupby("line")["months"].min().tolist() == [0, 0, 0]
    assert lines["months"].max() == pytest.approx(65 / STUDY.analysis.days_per_month)
    assert len(lines) == len(lesion_spider(tables, STUDY, found))


@pytest.mark.parametrize("name", COHORTS)
def test_every_cohort_gives_every_table(name):
    tables, found, results = opened(*COHORTS[name])
    by_patient = response_rows.reclassified_patients(tables, STUDY, found)
    shown = [
        response_pages.lesions(found),
        response_pages.scans(tables, STUDY, found),
        response_pages.both_therapies(found),
        response_pages.reclassified_patients(by_patient),
        response_pages.reclassified_lesions(response_rows.reclassified_lesions(tables, STUDY, found)),
        response_pages.target_choices(by_patient),
        response_pages.gaps(results),
        response_pages.expected_gaps(),
        response_pages.uptake_tests(results),
        response_pages.selection(tables, STUDY, found),
    ]
    names = []
    for item in shown:
        table = item.content if isinstance(item, Folded) else item
        assert isinstance(table, Table)
        names.append(table.name)
        html = item._repr_html_()
        assert "nan" not in html.split("csv", 1)[0].lower().replace("covenant", "")
    assert len(set(names)) == len(names)
    assert all(isinstance(result, Result) for _, result in response_rows.claim_ways(results))


@pytest.mark.parametrize("name", COHORTS)
def test_every_cohort_gives_every_figure_or_says_why_there_is_none(name):
    tables, found, results = opened(*COHORTS[name])
    for figure in (
        response_figures.patients(found, results, STUDY),
        response_figures.progression(results),
        response_figures.lesions(found, STUDY),
        response_figures.best_and_worst(found, results, STUDY),
        response_figures.gaps(found, results),
        response_figures.uptake(found, results),
        response_figures.spider(tables, STUDY, found),
    ):
        parts = [drawn for _, drawn in figure.parts] if isinstance(figure, Stack) else [figure]
        assert parts
        assert all(drawn.why if isinstance(drawn, NoChart) else drawn.to_dict()["description"] for drawn in parts)


def test_limits_in_the_figures_are_those_of_the_settings():
    rules = STUDY.response
    assert response_figures.limits(STUDY) == [
        -rules.partial_response_decrease_pct, rules.progression_increase_pct
    ]  # fmt: skip


def test_headers_are_words_not_names_of_columns():
    tables, found, results = opened(MOVED)
    for table in (
        response_pages.lesions(found).content,
        response_pages.scans(tables, STUDY, found).content,
        response_pages.selection(tables, STUDY, found).content,
        response_pages.uptake_tests(results),
    ):
        assert all(column in table.headers for column in table.frame), table.name


def test_after_which_therapy_is_not_in_which_arm():
    tables, found, _ = opened(MOVED)
    frame = response_pages.scans(tables, STUDY, found).content.frame
    assert frame["therapy"].tolist() == ["177Lu-PSMA"]


def test_uptake_tests_go_from_lesions_to_patients():
    _, _, results = opened(MOVED)
    table = response_rows.uptake_tests(results)
    assert table["p"].map(lambda result: result.id).tolist() == [
        "suv.p", "suv.p.kruskal", "suv.p.patients", "suv.p.gee", "suv.p.mixed",
    ]  # fmt: skip
    assert pd.isna(table["ratio"]).tolist() == [True, True, True, False, False]
