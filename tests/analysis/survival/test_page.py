"""Sentences of the survival chapter for every kind of cohort, the coverage of SPSS intervals, and the candidate."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from adapters.contract import conform, empty_tables
from analysis.report.charts import NoChart
from analysis.results import Range, Result, missing
from analysis.statistics.kaplan_meier import logrank
from analysis.survival import page
from analysis.survival import results as survival_results
from analysis.survival.intention_to_treat import intention_frame, intention_results
from analysis.survival.median_coverage import coverage_results, spss_coverage_pct
from analysis.survival.page import allocations, from_sirt_on, undated_deaths
from tests.support.opened import check_shown, opened
from tests.support.survival_tables import LU, PER_MONTH, SIRT, STUDY, numbers, tables

HAZARD = {"lower": 0.31, "upper": 2.88, "n": 36, "unit": "ratio", "interval": "95% CI, Wald"}


def test_allocations_that_were_all_counted_have_no_error_to_tell():
    assert allocations(numbers(LU, SIRT)) == "Here all 376,992 allocations were counted."


def test_allocations_that_were_drawn_come_with_their_error():
    said = allocations(numbers([*range(1, 20)], [*range(20, 40)]))
    assert said.startswith("Here 200,000 allocations were drawn; the Monte Carlo error of P is 0.000")


def test_without_two_arms_there_are_no_allocations():
    assert allocations(numbers([100], [])) == "Here there is none to count: a group is empty."


def of_exposure(result: Result) -> dict[str, Result]:
    return {result.id: result, "os.lu_sirt.deaths": Result("os.lu_sirt.deaths", 4, n=5)}


def test_a_ratio_of_the_reconstruction_is_given_as_a_range_only():
    ratio = Result("os.hr.time_varying", 0.94, **HAZARD, basis="free", range=Range(0.75, 2.07, 201, 200))
    assert from_sirt_on(of_exposure(ratio)) == (
        "Over 201 cohorts that give the same print it runs from 0.75 to 2.07: the print does not say what remains of the "
        "difference."
    )


def test_a_ratio_of_real_patients_is_read_from_its_interval():
    said = from_sirt_on(of_exposure(Result("os.hr.time_varying", 0.94, **HAZARD, basis="data")))
    assert said.startswith("This ratio may lie anywhere from 0.31 to 2.88 (95% CI)")
    assert said.endswith("the smaller group has 5 patients.")


def test_a_ratio_that_cannot_be_estimated_says_why():
    said = from_sirt_on(of_exposure(missing("os.hr.time_varying", "arm_empty", basis="data")))
    assert said == "This ratio cannot be given: a group is empty."


@pytest.mark.parametrize(
    "cohort", [numbers(LU, SIRT), {r.id: r for r in survival_results.results(empty_tables(), STUDY)}]
)
def test_without_deaths_on_no_known_day_no_median_is_given(cohort):
    assert undated_deaths(cohort) == "This cohort has none."


def test_a_death_on_no_known_day_gives_the_other_bound():
    given = tables([100, 200, 300], [50])
    given["patients"].loc[1, "death_day"] = pd.NA
    said = undated_deaths({r.id: r for r in survival_results.results(given, STUDY)})
    assert said.startswith("Had they fallen on the next day, the median without SIRT would be 6.6 months")


def test_follow_up_that_too_few_censored_end_says_so():
    got = numbers(LU, [184, -206, 256, 492, 655])
    assert (got["os.lu_sirt.follow_up"].reason, got["os.lu_sirt.censored"].value) == ("few_censored", 1)
    assert numbers([-100], [])["os.lu"].reason == "not_reached"


SHOWN = (
    page.follow_up_ends_table,
    lambda book: page.target_trial_table(),
    page.survival_figure,
    page.exposure_figure,
    page.hazard_ratio_figure,
    page.hazard_ratio_table,
    page.landmark_table,
    page.immortal_time_figure,
    page.immortal_time_table,
    page.intention_to_treat_figure,
)


@pytest.mark.parametrize(("lu", "sirt"), [([], []), ([100], []), ([], [100]), (LU, SIRT)])
def test_every_cohort_gives_every_table_figure_and_sentence(lu, sirt):
    book = opened(tables(lu, sirt) if lu or sirt else empty_tables(), survival_results)
    for show in SHOWN:
        check_shown(show(book))
    assert all(sentence.endswith(".") for sentence in page.sentences(book).values())


def test_nobody_followed_gives_a_sentence_instead_of_curves():
    assert isinstance(page.survival_figure(opened(empty_tables(), survival_results)), NoChart)


def test_landmarks_count_each_patient_once():
    book = opened(tables(LU, SIRT), survival_results)
    for row in page.landmark_table(book).content.frame.itertuples():
        assert row.at_risk.value + row.excluded.value == len(LU) + len(SIRT)
        assert row.exposed.value <= row.at_risk.value


class TestCoverage:
    # 1,500 simulated arms each gave 0.69 and 0.89 (statistics of the SPSS rule, exponential survival without censoring)
    @pytest.mark.parametrize(("patients", "percent"), [(5, 69), (31, 89)])
    def test_few_patients_cover_less_than_the_name_says(self, patients: int, percent: float) -> None:
        assert spss_coverage_pct(patients) == pytest.approx(percent, abs=3)

    def test_one_patient_covers_nothing_and_many_what_the_name_says(self) -> None:
        assert spss_coverage_pct(1) == 0
        assert spss_coverage_pct(4000) == pytest.approx(95, abs=5)

    def test_the_size_of_the_arm_alone_decides(self) -> None:
        assert numbers([1, 2, -3], [9])["os.lu.coverage"].value == numbers([-50, 60, 70], [9])["os.lu.coverage"].value

    def test_an_arm_without_patients_has_none(self) -> None:
        nobody = pd.DataFrame({"arm": pd.Series(dtype="object")})
        assert [result.reason for result in coverage_results(nobody)] == ["no_patients"] * 2


class TestIntention:
    def with_candidate(self) -> dict[str, pd.DataFrame]:
        """LU and SIRT, and one more worked up for SIRT whose disease progressed: never treated, so never followed."""
        given = tables(LU, SIRT)
        more = {
            "procedures": [{"patient_id": "S99", "procedure_id": "S99-P1", "procedure": "maa_workup", "status": "completed",
                            "site": "none", "tracer": "none", "source_resources": 1}],
            "observations": [{"patient_id": "S99", "observation_id": "S99-O1", "measure": "disease_status",
                              "category": "progressive", "order": 1}],
        }  # fmt: skip
        added = {name: _appended(given[name], name, rows) for name, rows in more.items()}
        return {**given, **added}

    def test_the_range_runs_over_every_time_the_candidate_may_have_lived(self) -> None:
        frame = intention_frame(self.with_candidate(), STUDY)
        times, events = np.abs([*LU, *SIRT, 184]), np.array([*LU, *SIRT, 184]) > 0
        row = frame[np.isclose(frame["assumed_months"], 184 / PER_MONTH)].iloc[0]
        assert row["logrank_p"] == pytest.approx(logrank(times, events, np.arange(37) >= 31)[1])
        by_id = {result.id: result for result in intention_results(self.with_candidate(), STUDY)}
        p = by_id["os.intention.logrank"]
        assert (p.lower, p.upper, p.n) == (frame["logrank_p"].min(), frame["logrank_p"].max(), 1)
        assert p.lower <= p.value <= p.upper

    def test_he_may_die_before_all_others_and_outlive_them(self) -> None:
        months = intention_frame(self.with_candidate(), STUDY)["assumed_months"] * PER_MONTH
        assert (months.iloc[0], months.iloc[-1]) == pytest.approx((20.75, 789))

    @pytest.mark.parametrize(
        ("given", "reason"),
        [
            (tables(LU, SIRT), "not_applicable"),
            (tables([100], []), "not_applicable"),
            (empty_tables(), "no_patients"),
        ],
    )
    def test_without_candidate_or_arm_there_is_nothing_to_assume(
        self, given: dict[str, pd.DataFrame], reason: str
    ) -> None:
        assert intention_frame(given, STUDY).empty
        assert {result.reason for result in intention_results(given, STUDY)} == {reason}


def _appended(frame: pd.DataFrame, name: str, rows: list[dict[str, object]]) -> pd.DataFrame:
    more = pd.DataFrame(rows).reindex(columns=frame.columns)
    return conform(name, pd.concat([frame.astype("object"), more.astype("object")], ignore_index=True))
