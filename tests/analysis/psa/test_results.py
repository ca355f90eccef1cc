"""PSA response and progression by PCWG3, and the cohort among others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.psa.published_cohorts import (
    context_results,
    patients_in_words,
    published_cohorts,
    quoted_results,
    survival_by_group,
)
from analysis.psa.results import curve_frame, progression_day, psa_frame, results, waterfall_frame
from analysis.results import Result
from analysis.settings import load_study
from tests.support.cohort_tables import lu, mcrpc, patient, seen, tables, treated

STUDY = load_study()
RULES = STUDY.psa


def psa(patient_id: str, *course: tuple[int, float]) -> list[dict]:
    return [seen(patient_id, "psa", day, value) for day, value in course]


def frame_of(*course: tuple[int, float]) -> pd.Series:
    found = psa_frame(tables(**treated("S01"), observations=psa("S01", *course)), STUDY)
    assert len(found) == 1
    return found.iloc[0]


def by_id(found: list[Result]) -> dict[str, Result]:
    return {result.id: result for result in found}


class TestResponse:
    @pytest.mark.parametrize(("value", "responded"), [(50.0, True), (50.1, False)])
    def test_half_counts(self, value: float, responded: bool) -> None:
        assert frame_of((0, 100.0), (60, value))["responded"] == responded

    @pytest.mark.parametrize(("day", "confirmed"), [(60 + 21, True), (60 + 20, False)])
    def test_confirmation_needs_three_weeks(self, day: int, confirmed: bool) -> None:
        row = frame_of((0, 100.0), (60, 50.0), (day, 49.0))
        assert row["responded"]
        assert row["response_confirmed"] == confirmed

    def test_best_change_is_the_lowest_value_after_day_0(self) -> None:
        row = frame_of((-10, 500.0), (0, 100.0), (30, 80.0), (60, 40.0), (90, 120.0))
        assert (row["baseline"], row["best_change_pct"], row["best_day"]) == (100.0, pytest.approx(-60.0), 60)

    @pytest.mark.parametrize(("day", "known"), [(84 - 21, True), (84 - 22, False), (84 + 21, True), (84 + 22, False)])
    def test_twelve_weeks_is_the_nearest_value_within_its_window(self, day: int, known: bool) -> None:
        assert pd.notna(frame_of((0, 100.0), (day, 90.0))["landmark_change_pct"]) == known

    def test_without_baseline_or_follow_up_nothing_is_said(self) -> None:
        for course in ([(60, 50.0)], [(0, 100.0)], []):
            row = frame_of(*course)
            assert pd.isna(row["responded"])
            assert pd.isna(row["progressed"])


def progression(*course: tuple[float, float], baseline: float = 100.0) -> float | None:
    days, values = (np.array(column, dtype=float) for column in zip(*course, strict=True))
    return progression_day(baseline, days, values, RULES)


class TestProgression:
    def test_after_a_decline_it_counts_from_the_nadir_and_needs_confirmation(self) -> None:
        assert progression((30, 40.0), (60, 50.0), (90, 51.0)) == 60
        assert progression((30, 40.0), (60, 49.9), (90, 49.9)) is None
        assert progression((30, 40.0), (60, 50.0), (80, 50.0)) is None  # 20 days later only
        assert progression((30, 40.0), (60, 50.0), (90, 41.0)) is None

    def test_the_rise_must_also_be_2_ng_per_ml(self) -> None:
        assert progression((30, 4.0), (60, 5.9), (90, 5.9), baseline=10.0) is None
        assert progression((30, 4.0), (60, 6.0), (90, 6.0), baseline=10.0) == 60

    def test_without_any_decline_rises_count_from_week_12_on(self) -> None:
        assert progression((30, 130.0), (83, 150.0)) is None
        assert progression((30, 130.0), (84, 125.0)) == 84
        assert progression((90, 124.9)) is None


class TestFrames:
    def cohort(self) -> dict[str, pd.DataFrame]:
        rows = treated("S01", "S02", sirt=["S03"])
        values = [*psa("S01", (0, 100.0), (80, 150.0)), *psa("S02", (0, 10.0), (80, 2.0)), *psa("S03", (0, 8.0))]
        return tables(**rows, observations=values)

    def test_waterfall_falls(self) -> None:
        bars = waterfall_frame(psa_frame(self.cohort(), STUDY))
        assert bars["patient_id"].tolist() == ["S01", "S02"]
        assert bars["change_pct"].tolist() == pytest.approx([50.0, -80.0])
        assert waterfall_frame(psa_frame(self.cohort(), STUDY), "landmark")["rank"].tolist() == [1, 2]

    def test_curves_start_at_zero_on_the_day_of_the_baseline(self) -> None:
        curves = curve_frame(self.cohort(), STUDY)
        starts = curves.groupby("patient_id").first()
        assert starts["change_pct"].tolist() == [0.0, 0.0, 0.0]


class TestResults:
    def test_share_with_exact_interval(self) -> None:
        found = by_id(results(TestFrames().cohort(), STUDY))
        share = found["psa.psa50.lu"]
        assert (share.value, share.events, share.denominator) == (50.0, 1, 2)
        assert (share.lower, share.upper) == pytest.approx((1.2579117, 98.7420883))
        assert found["psa.psa50.lu_sirt"].reason == "no_followup"
        assert found["psa.best.all"].n == 2

    @pytest.mark.parametrize(
        ("rows", "reason"),
        [({}, "no_patients"), (treated("S01"), "no_measurements"), (treated(sirt=["S01"]), "arm_empty")],
    )
    def test_reasons(self, rows: dict, reason: str) -> None:
        assert by_id(results(tables(**rows), STUDY))["psa.psa50.lu"].reason == reason

    def test_ids_do_not_depend_on_the_cohort(self) -> None:
        ids = [[item.id for item in results(found, STUDY)] for found in (tables(), TestFrames().cohort())]
        assert ids[0] == ids[1]


class TestContext:
    def test_every_published_number_has_a_source(self) -> None:
        frame = published_cohorts()
        assert frame["key"].is_unique
        assert frame["citation"].notna().all()
        assert frame["doi"].str.startswith("10.").all()
        assert (frame["lower"].isna() | (frame["lower"] < frame["value"])).all()
        assert (frame["upper"].isna() | (frame["upper"] > frame["value"])).all()

    def test_a_published_number_is_quoted_with_what_its_source_gives(self) -> None:
        found = by_id(quoted_results())
        published = published_cohorts().set_index("key")
        counted = patients_in_words(published)
        assert counted["pooled_liver"] == "3,038 in the whole meta-analysis"
        assert counted["vision"] == "551"
        assert pd.isna(counted["kessel_visceral"])
        assert found["context.published.pooled_liver"].method.endswith("; n counts the whole meta-analysis")
        assert "n counts" not in found["context.published.vision"].method
        liver, vision = found["context.published.pooled_liver"], found["context.published.vision"]
        assert (liver.value, liver.lower, liver.upper, liver.n, liver.unit) == (2.15, 1.84, 2.5, 3038, "ratio")
        assert (vision.value, vision.lower, vision.interval, vision.n) == (15.3, None, "", 551)
        assert found["context.published.kessel_visceral"].n is None
        assert {result.basis for result in found.values()} == {"design"}

    def two_patients(self) -> dict[str, pd.DataFrame]:
        return tables(
            patients=[
                patient("S01", death_observed=True, death_day=100, last_contact_day=100, last_contact_source="death"),
                patient("S02", last_contact_day=300, last_contact_source="follow_up"),
            ],
            conditions=[*mcrpc("S01", "bone"), *mcrpc("S02")],
            procedures=[*lu("S01", 0), *lu("S02", 0)],
            observations=[seen("S01", "ecog", 0, 1.0)],
        )

    def test_survival_by_ecog_and_sites_adds_up(self) -> None:
        frame = survival_by_group(self.two_patients(), STUDY)
        assert frame.groupby("characteristic")["n"].sum().eq(2).all()
        ecog = frame[(frame["characteristic"] == "ECOG") & (frame["n"] > 0)].set_index("group")
        assert ecog["deaths"].to_dict() == {"ECOG 1": 1, "not recorded": 0}

    def test_medians_stand_with_their_reason_where_there_is_none(self) -> None:
        found = by_id(context_results(self.two_patients(), STUDY))
        assert found["context.os.ecog.1"].value == pytest.approx(100 / 30.4375)
        assert found["context.os.ecog.unknown"].reason == "not_reached"
        assert found["context.os.ecog.4"].reason == "no_patients"
        assert found["context.os.bone.yes"].n == 1
        nobody = context_results(tables(), STUDY)
        assert [result.id for result in nobody] == list(found)
        assert all(result.reason == "no_patients" for result in nobody if result.id.startswith("context.os."))
