"""Windows, changes, worst grades and liver frames on small cohorts by hand."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from adapters.contract import SettingsError
from analysis.criteria.ctcae import load_criteria
from analysis.datasets.windows import therapy_windows
from analysis.paper.reconstruction import basis_of
from analysis.results import Result
from analysis.settings import Study, load_study
from analysis.toxicity.changes import changes, changes_after_sirt, lacking
from analysis.toxicity.grades import NOT_GRADABLE, grade_table, graded_values, shift_frame, shift_table, worst_grades
from analysis.toxicity.liver import (
    albi,
    albi_frame,
    albi_grade,
    albi_shift,
    hys_law_frame,
    not_recorded_frame,
    progression_frame,
    rise_frame,
)
from analysis.toxicity.results import results
from tests.support.cohort_tables import act, lu, mcrpc, patient, seen, tables, treated

STUDY = load_study()
WINDOW = STUDY.toxicity.followup_days
LAST_CYCLE = 56


def changed(**values: object) -> Study:
    return STUDY.with_(toxicity=values)


def alt(patient_id: str, day: int | None, value: float, upper: float | None = 40.0, **cells: object) -> dict:
    return seen(patient_id, "alt", day, value, upper_limit=upper, lower_limit=10.0, **cells)


def cohort(*observations: dict, sirt: tuple[str, ...] = ()) -> dict[str, pd.DataFrame]:
    ids = sorted({row["patient_id"] for row in observations} - set(sirt))
    return tables(**treated(*ids, sirt=sirt), observations=observations)


def one(frame: pd.DataFrame) -> pd.Series:
    assert len(frame) == 1
    return frame.iloc[0]


class TestWindows:
    def test_baseline_is_the_last_value_on_or_before_day_0(self) -> None:
        found = cohort(alt("S01", -20, 20.0), alt("S01", 0, 30.0), alt("S01", 1, 99.0), alt("S01", 70, 60.0))
        row = one(changes(found, STUDY, ["alt"]))
        assert (row["baseline"], row["baseline_day"], row["followup"]) == (30.0, 0, 60.0)
        assert row["change_pct"] == pytest.approx(100.0)
        assert row["log_ratio"] == pytest.approx(math.log(2))

    def test_of_two_values_of_one_day_the_later_counts(self) -> None:
        found = cohort(alt("S01", 0, 30.0, order=2), alt("S01", 0, 99.0, order=1), alt("S01", 70, 60.0))
        assert one(changes(found, STUDY, ["alt"]))["baseline"] == 30.0

    @pytest.mark.parametrize(
        ("day", "counts"),
        [(LAST_CYCLE, False), (LAST_CYCLE + 1, True), (LAST_CYCLE + WINDOW, True), (LAST_CYCLE + WINDOW + 1, False)],
    )
    def test_follow_up_lies_within_its_window_after_the_last_therapy(self, day: int, counts: bool) -> None:
        found = cohort(alt("S01", 0, 30.0), alt("S01", day, 60.0))
        assert bool(one(changes(found, STUDY, ["alt"]))["followup"] == 60.0) is counts

    @pytest.mark.parametrize(("days", "counts"), [(0, True), (1, False)])
    def test_an_old_value_is_no_baseline(self, days: int, counts: bool) -> None:
        found = cohort(alt("S01", -STUDY.toxicity.baseline_days - days, 30.0), alt("S01", 70, 60.0))
        assert pd.notna(one(changes(found, STUDY, ["alt"]))["change_pct"]) is counts

    def test_sirt_moves_the_last_therapy_and_has_a_baseline_of_its_own(self) -> None:
        values = [alt("S01", 0, 20.0), alt("S01", 100, 40.0), alt("S01", 120, 50.0), alt("S01", 160, 100.0)]
        found = cohort(*values, sirt=("S01",))
        assert one(therapy_windows(found, STUDY))["last_therapy"] == 120
        assert one(changes(found, STUDY, ["alt"]))["change_pct"] == pytest.approx(400.0)
        after = one(changes_after_sirt(found, STUDY, ["alt"]))
        assert (after["baseline"], after["change_pct"]) == (50.0, pytest.approx(100.0))

    def test_those_without_a_change_are_named_with_what_they_lack(self) -> None:
        found = cohort(
            alt("S01", 0, 30.0), alt("S02", 70, 60.0), alt("S03", None, 1.0), alt("S04", 0, 0.0), alt("S04", 70, 3.0)
        )
        named = lacking(changes(found, STUDY, ["alt"])).set_index("patient_id")["lacks"].to_dict()
        assert named == {
            "S01": "follow-up",
            "S02": "baseline",
            "S03": "baseline and follow-up",
            "S04": "a baseline above 0",
        }


class TestGrades:
    def test_worst_grade_follows_the_branch_of_the_baseline(self) -> None:
        found = cohort(
            alt("S01", 0, 30.0), alt("S01", 40, 130.0), alt("S01", 80, 20.0),
            alt("S02", 0, 100.0), alt("S02", 40, 140.0),
        )  # fmt: skip
        worst = worst_grades(found, STUDY).query("measure == 'alt'").set_index("patient_id")
        assert worst["worst_grade"].to_dict() == {"S01": 2, "S02": 0}
        assert worst["baseline_state"].to_dict() == {"S01": "normal", "S02": "high"}
        assert worst["baseline_grade"].to_dict() == {"S01": 0, "S02": 1}
        assert worst.loc["S01", "worst_day"] == 40
        assert worst["worsened"].to_dict() == {"S01": True, "S02": False}

    def test_worse_than_at_baseline(self) -> None:
        found = cohort(
            alt("S01", 0, 100.0), alt("S01", 40, 160.0),  # abnormal baseline, grade 1 by its multiples
            *(seen("S02", "platelets", day, value, lower_limit=150.0) for day, value in ((0, 140.0), (40, 100.0))),
            *(seen("S03", "platelets", day, value, lower_limit=150.0) for day, value in ((0, 140.0), (40, 70.0))),
            seen("S04", "platelets", 40, 70.0, lower_limit=150.0),
        )  # fmt: skip
        worst = worst_grades(found, STUDY).set_index(["patient_id", "measure"])["worsened"]
        assert worst[("S01", "alt")]
        assert worst[[("S02", "platelets"), ("S03", "platelets"), ("S04", "platelets")]].tolist() == [
            False,
            True,
            pd.NA,
        ]

    def test_an_unchanged_abnormal_value_is_not_worse_in_either_version(self) -> None:
        # version 6 calls 1.0 to 1.5 times an abnormal baseline grade 1, so grade 1 alone is no worsening there
        for value, worse in ((100.0, {5: False, 6: False}), (160.0, {5: True, 6: True})):
            found = cohort(alt("S01", 0, 100.0), alt("S01", 40, value))
            for version, expected in worse.items():
                worst = worst_grades(found, changed(ctcae_version=version)).set_index("measure")
                assert worst.loc["alt", "worsened"] == expected

    def test_without_limits_nothing_is_graded_and_nothing_is_grade_0(self) -> None:
        found = cohort(alt("S01", 0, 30.0, upper=None), alt("S01", 40, 31.0, upper=None))
        row = worst_grades(found, STUDY).query("measure == 'alt'").iloc[0]
        assert pd.isna(row["worst_grade"])
        assert (row["values"], row["ungraded"]) == (1, 1)

    def test_a_missing_baseline_can_be_read_as_normal_by_the_settings(self) -> None:
        found = cohort(alt("S01", 40, 130.0))
        for setting, grade in (("not_gradable", pd.NA), ("normal", 2)):
            grades = graded_values(found, changed(missing_baseline=setting))["grade"]
            assert grades.tolist() == [grade]

    def test_shift_table_adds_up_to_the_patients_of_the_arm(self) -> None:
        found = cohort(alt("S01", 0, 30.0), alt("S01", 40, 130.0), alt("S02", 0, 30.0), alt("S03", 40, 50.0))
        table = shift_table(worst_grades(found, STUDY), "alt", "lu")
        assert table.to_numpy().sum() == 3
        assert table.loc[0, 2] == 1
        assert table.loc[0, NOT_GRADABLE] == 1
        assert table.loc[NOT_GRADABLE, NOT_GRADABLE] == 1

    def test_shift_tables_of_all_measures_add_up_in_each_arm(self) -> None:
        found = cohort(alt("S01", 0, 30.0), alt("S01", 40, 130.0), alt("S02", 0, 100.0), sirt=("S03",))
        frame = shift_frame(worst_grades(found, STUDY))
        counts = (
            frame.drop(columns=["measure", "arm", "baseline"]).sum(axis=1).groupby([frame["measure"], frame["arm"]])
        )
        assert counts.sum().unstack().to_numpy().tolist() == [[2, 1]] * frame["measure"].nunique()
        alt_rows = frame[(frame["measure"] == "alt") & (frame["arm"] == "lu")].set_index("baseline")
        assert (alt_rows.loc[0, "2"], alt_rows.loc[1, NOT_GRADABLE]) == (1, 1)
        assert shift_frame(worst_grades(tables(), STUDY)).empty

    def test_grade_table_counts_every_patient_once(self) -> None:
        found = cohort(alt("S01", 0, 30.0), alt("S01", 40, 130.0), sirt=("S02",))
        table = grade_table(worst_grades(found, STUDY)).set_index(["measure", "arm"])
        assert table.loc[("alt", "lu"), ["n", "2", NOT_GRADABLE]].tolist() == [1, 1, 0]
        assert table.loc[("alt", "lu_sirt"), NOT_GRADABLE] == 1

    def test_version_6_grades_only_what_it_has_thresholds_for(self) -> None:
        found = cohort(alt("S01", 0, 100.0), alt("S01", 40, 210.0), seen("S01", "lymphocytes", 40, 0.1))
        worst = worst_grades(found, changed(ctcae_version=6)).set_index("measure")["worst_grade"]
        assert worst["alt"] == 3
        assert "lymphocytes" not in worst.index
        with pytest.raises(SettingsError, match=r"toxicity\.ctcae_version is 3, not one of its words"):
            changed(ctcae_version=3)
        with pytest.raises(ValueError, match="CTCAE v3 is not available"):
            load_criteria(3)


class TestLiver:
    @pytest.mark.parametrize(
        ("enzyme", "bilirubin", "quadrant"),
        [(3.0, 2.0, "both"), (2.99, 2.0, "bilirubin only"), (3.0, 1.99, "transaminases only"), (2.99, 1.99, "neither")],
    )
    def test_quadrants_of_hys_law(self, enzyme: float, bilirubin: float, quadrant: str) -> None:
        found = cohort(alt("S01", 30, enzyme * 40), seen("S01", "bilirubin", 30, bilirubin * 1.2, upper_limit=1.2))
        assert one(hys_law_frame(found, STUDY))["quadrant"] == quadrant

    def test_no_quadrant_without_one_of_the_two(self) -> None:
        assert pd.isna(one(hys_law_frame(cohort(alt("S01", 30, 400.0)), STUDY))["quadrant"])

    def test_albi_score_and_the_bounds_of_its_grades(self) -> None:
        score = albi(pd.Series([1.0]), pd.Series([40.0])).iloc[0]
        assert score == pytest.approx(0.66 * math.log10(17.104) - 0.085 * 40)
        bounds = pd.Series([-2.60, -2.5999, -1.39, -1.3899, None])
        assert albi_grade(bounds).tolist() == [1, 2, 2, 3, pd.NA]

    def test_albi_only_where_albumin_exists(self) -> None:
        values = [seen("S01", name, day, value) for name, day, value in (
            ("bilirubin", 0, 1.0), ("albumin", 0, 40.0), ("bilirubin", 70, 2.0), ("albumin", 70, 30.0))]  # fmt: skip
        frame = albi_frame(cohort(*values, seen("S02", "bilirubin", 0, 1.0)), STUDY).set_index("patient_id")
        assert frame.loc["S01", "change"] == pytest.approx(0.66 * math.log10(2) + 0.85)
        assert pd.isna(frame.loc["S02", "baseline"])

    def test_rises_stand_beside_the_course_of_the_liver_metastases(self) -> None:
        status = seen("S01", "disease_status", 75, "progressive", site="liver")
        other = seen("S01", "disease_status", 76, "stable", site="other")
        found = cohort(alt("S01", 0, 30.0), alt("S01", 70, 60.0), status, other)
        assert one(progression_frame(found, STUDY, "alt"))["hepatic_status"] == "progressive"

    def test_every_rise_is_progressive_otherwise_judged_or_not_judged(self) -> None:
        rises = [
            alt(patient_id, day, value)
            for patient_id in ("S01", "S02", "S03")
            for day, value in ((0, 30.0), (70, 60.0))
        ]
        falls = [alt("S04", 0, 30.0), alt("S04", 70, 20.0)]
        judged = [
            seen("S01", "disease_status", 75, "progressive", site="liver"),
            seen("S02", "disease_status", 75, "stable", site="liver"),
            seen("S04", "disease_status", 75, "progressive", site="liver"),
        ]
        rows = rise_frame(cohort(*rises, *falls, *judged), STUDY, ["alt"]).set_index("arm")
        assert rows.loc["lu"].tolist() == ["alt", 4, 3, 1, 1, 1]
        assert rows.loc["lu_sirt"].tolist() == ["alt", 0, 0, 0, 0, 0]
        assert rise_frame(tables(), STUDY)["risen"].sum() == 0

    def test_albi_grades_before_and_after_add_up_to_the_arm(self) -> None:
        values = [seen("S01", name, day, value) for name, day, value in (
            ("bilirubin", 0, 1.0), ("albumin", 0, 45.0), ("bilirubin", 70, 3.0), ("albumin", 70, 25.0))]  # fmt: skip
        table = albi_shift(albi_frame(cohort(*values, seen("S02", "bilirubin", 0, 1.0)), STUDY)).set_index("baseline")
        # 0.66 log10(17.1) - 0.085 x 45 = -3.0; 0.66 log10(51.3) - 0.085 x 25 = -1.0
        assert table.loc["1", "3"] == 1
        assert table.loc["no score", "no score"] == 1
        assert table[["1", "2", "3", "no score"]].to_numpy().sum() == 2
        assert albi_shift(albi_frame(tables(), STUDY)).empty

    def test_ascites_is_the_only_event_that_could_be_recorded(self) -> None:
        assert not not_recorded_frame(tables())["recorded"].any()
        found = not_recorded_frame(cohort(seen("S01", "ascites", 3, "absent")))
        assert found.loc[found["recorded"], "event"].tolist() == ["Ascites"]


def by_id(found: list[Result]) -> dict[str, Result]:
    return {result.id: result for result in found}


class TestResults:
    def test_shares_of_grades_stand_with_their_exact_interval(self) -> None:
        values = [alt("S01", 0, 30.0), alt("S01", 40, 210.0), alt("S02", 0, 30.0), alt("S02", 40, 130.0)]
        found = by_id(results(cohort(*values), STUDY))
        severe, any_grade = found["tox.ctcae.alt.lu.g3plus"], found["tox.ctcae.alt.lu.any"]
        assert (severe.events, severe.denominator, severe.value) == (1, 2, 50.0)
        assert (severe.lower, severe.upper) == pytest.approx((1.2579117, 98.7420883))  # R: binom.test(1, 2)
        assert (any_grade.value, found["tox.ctcae.alt.lu.worsened"].value) == (100.0, 100.0)

    def test_medians_tests_and_differences(self) -> None:
        values = []
        for number, change in enumerate((10.0, 20.0, 30.0), start=1):
            values += [alt(f"S0{number}", 0, 100.0), alt(f"S0{number}", 70, 100.0 + change)]
        for number, change in ((4, 150.0), (5, 250.0)):
            values += [alt(f"S0{number}", 0, 100.0), alt(f"S0{number}", 130, 100.0 + change)]
        found = by_id(results(cohort(*values, sirt=("S04", "S05")), STUDY))
        assert found["tox.alt.lu"].value == pytest.approx(20.0)
        assert found["tox.alt.lu_sirt"].value == pytest.approx(200.0)
        assert found["tox.alt.p"].value == pytest.approx(2 / 10)
        assert found["tox.alt.difference"].value == pytest.approx(180.0)
        assert found["tox.alt.ratio"].value == pytest.approx(3.0 / 1.2, rel=0.1)
        assert found["tox.bilirubin"].reason == "no_measurements"

    def sirt_first(self, day: int) -> dict[str, pd.DataFrame]:
        """One patient alone (+10%), two with SIRT: S02 on `day` (+300%), S03 after 177Lu-PSMA (+100%)."""
        values = [alt(patient_id, 0, 100.0) for patient_id in ("S01", "S02", "S03")]
        values += [alt("S01", 70, 110.0), alt("S02", 130, 400.0), alt("S03", 130, 200.0)]
        rows = treated("S01", sirt=("S02", "S03"))
        for row in rows["procedures"]:
            if row["procedure"] == "sirt" and row["patient_id"] == "S02":
                row["day"] = day
        return tables(**rows, observations=values)

    @pytest.mark.parametrize(("day", "first"), [(-1, 1), (0, 0)])
    def test_sirt_before_day_0_is_counted_and_left_out(self, day: int, first: int) -> None:
        found = by_id(results(self.sirt_first(day), STUDY))
        count, later = found["tox.sirt_first"], found["tox.alt.later.lu_sirt"]
        assert (count.value, count.denominator, basis_of(count.id)) == (first, 2, "bounded")
        assert (later.value, later.n) == ((100.0, 1) if first else (200.0, 2))
        assert found["tox.alt.later.difference"].value == pytest.approx(90.0 if first else 190.0)
        assert found["tox.alt.lu_sirt"].n == 2

    def test_all_with_sirt_first_leave_nobody_to_compare(self) -> None:
        values = [alt("S01", 0, 30.0), alt("S01", 70, 60.0)]
        found = by_id(results(tables(**treated("S01", sirt=("S02",), sirt_day=-30), observations=values), STUDY))
        assert found["tox.sirt_first"].value == 1
        assert found["tox.alt.later.lu_sirt"].reason == found["tox.alt.later.difference"].reason == "arm_empty"

    @pytest.mark.parametrize(("alone", "exact"), [(38, True), (39, False)])
    def test_the_method_names_the_test_that_spss_prints(self, alone: int, exact: bool) -> None:
        ids = [f"S{number:02}" for number in range(1, alone + 3)]
        values = [alt(patient_id, day, 30.0 + day + place) for place, patient_id in enumerate(ids) for day in (0, 130)]
        found = by_id(results(tables(**treated(*ids[2:], sirt=ids[:2]), observations=values), STUDY))["tox.alt.p"]
        assert ("exact" in found.method) is exact

    @pytest.mark.parametrize(
        ("rows", "result_id", "reason"),
        [
            ({}, "tox.alt.p", "no_patients"),
            ({}, "tox.sirt_first", "no_patients"),
            (treated("S01"), "tox.sirt_first", "arm_empty"),
            (treated("S01"), "tox.alt.later.lu_sirt", "arm_empty"),
            (treated("S01"), "tox.alt.lu", "no_measurements"),
            (treated("S01"), "tox.alt.lu_sirt", "arm_empty"),
            (treated("S01"), "tox.alt.p", "no_measurements"),
            (treated("S01"), "tox.alt.after_sirt", "arm_empty"),
            (treated(sirt=["S01"]), "tox.alt.lu", "arm_empty"),
            ({**treated("S01"), "observations": [alt("S01", 0, 30.0)]}, "tox.alt.lu", "no_followup"),
            ({**treated("S01"), "observations": [alt("S01", 70, 30.0)]}, "tox.alt.lu", "no_baseline"),
            ({**treated("S01"), "observations": [alt("S01", 0, 3.0, None), alt("S01", 70, 30.0, None)]},
             "tox.ctcae.alt.lu.any", "no_reference_range"),
            (treated("S01"), "tox.albi.lu", "not_recorded"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_computed_says_why(self, rows: dict, result_id: str, reason: str) -> None:
        assert by_id(results(tables(**rows), STUDY))[result_id].reason == reason

    def test_ids_do_not_depend_on_the_cohort(self) -> None:
        cohorts = [
            tables(),
            tables(**treated("S01")),
            tables(**treated("S01", sirt=["S02"])),
            tables(**treated(sirt=["S01"])),
        ]
        ids = [[result.id for result in results(found, STUDY)] for found in cohorts]
        assert all(found == ids[0] for found in ids)
        assert len(set(ids[0])) == len(ids[0])

    def test_a_patient_without_dates_has_no_window_but_breaks_nothing(self) -> None:
        rows = {
            "patients": [patient("S01", has_day_zero=False)],
            "conditions": mcrpc("S01", day=None),
            "procedures": [act("S01", "lu_psma", None), *lu("S01")],
            "observations": [alt("S01", None, 30.0)],
        }
        assert by_id(results(tables(**rows), STUDY))["tox.alt.lu"].reason == "no_measurements"
