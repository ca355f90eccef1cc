"""Table 1, the values it takes as baseline, and the rules of eligibility, on cohorts by hand."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.cohort.balance import COVARIATES, PROPORTIONS, balance_frame, balance_results
from analysis.cohort.constants import imaging_timing, practice_results
from analysis.cohort.eligibility import lu_eligibility, outcome_counts, sirt_eligibility
from analysis.cohort.results import indication_frame, results
from analysis.cohort.table_one import table_one_results
from analysis.datasets.characteristics import cycle_intervals, missing_counts, patient_frame
from analysis.estimates import counted, described
from analysis.paper.reconstruction import basis_of
from analysis.results import Result
from analysis.settings import Study, load_study
from tests.support.cohort_tables import act, lu, mcrpc, patient, seen, tables, treated

STUDY = load_study()


def with_settings(section: str, **values: object) -> Study:
    return STUDY.with_(**{section: values})


def by_id(found: list[Result]) -> dict[str, Result]:
    return {result.id: result for result in found}


def one_patient(**rows: list[dict]) -> dict[str, pd.DataFrame]:
    base = {"patients": [patient("S01")], "conditions": mcrpc("S01"), "procedures": lu("S01", 0, 56)}
    return tables(**{name: [*base.get(name, []), *rows.get(name, [])] for name in {**base, **rows}})


def row(**given: list[dict]) -> pd.Series:
    frame = patient_frame(one_patient(**given), STUDY)
    assert frame.index.tolist() == ["S01"]
    return frame.iloc[0]


class TestEstimates:
    def test_an_average_of_the_paper_is_a_median_with_the_interval_of_the_mean(self) -> None:
        found = described("t1.cycles.lu_sirt", [3, 3, 3, 4, 4], "median_t", unit="count", reason="no_patients")
        assert (found.value, found.n, found.interval) == (3.0, 5, "95% CI, t interval of the mean")
        assert (found.lower, found.upper) == pytest.approx((2.7199, 4.0801), abs=1e-4)

    def test_one_value_has_no_interval_and_none_has_a_reason(self) -> None:
        one = described("x", [3.0, float("nan")], "median_t", unit="", reason="no_patients")
        assert (one.value, one.lower, one.n) == (3.0, None, 1)
        assert described("x", [], "mean_range", unit="", reason="no_measurements").reason == "no_measurements"

    def test_range_and_sum(self) -> None:
        found = described("x", [2.0, 9.0, 4.0], "mean_range", unit="GBq", reason="no_patients")
        assert (found.value, found.lower, found.upper, found.interval) == (5.0, 2.0, 9.0, "range")
        assert described("x", [2, 9], "sum", unit="count", reason="no_patients").value == 11

    def test_a_count_needs_somebody_to_be_counted(self) -> None:
        assert counted("x", 0, 5).percent == 0.0
        assert counted("x", 0, 0).reason == "no_patients"


class TestPatients:
    def test_baseline_laboratory_is_the_last_up_to_day_0(self) -> None:
        values = [seen("S01", "psa", -40, 5.0), seen("S01", "psa", 0, 7.0), seen("S01", "psa", 3, 9.0)]
        assert row(observations=values)["psa"] == 7.0

    def test_gleason_score_counts_however_old_or_undated_but_not_from_later(self) -> None:
        assert row(observations=[seen("S01", "gleason_score", None, 9.0)])["gleason"] == 9.0
        old = [seen("S01", "gleason_score", -3000, 7.0), seen("S01", "gleason_score", 200, 10.0)]
        assert row(observations=old)["gleason"] == 7.0

    def test_a_prior_drug_is_one_not_certainly_started_later(self) -> None:
        drugs = [
            {"patient_id": "S01", "drug": "docetaxel", "start_day": -300},
            {"patient_id": "S01", "drug": "cabazitaxel", "start_day": 90},
            {"patient_id": "S01", "drug": "abiraterone", "start_day": None},
            {"patient_id": "S01", "drug": "enzalutamide", "start_day": None, "start_day_min": -5, "start_day_max": 25},
        ]
        found = row(medications=drugs)
        names = ["docetaxel", "cabazitaxel", "abiraterone", "enzalutamide", "abi_enza", "adt"]
        assert found[names].tolist() == [True, False, True, True, True, False]

    def test_radiation_to_other_sites_is_not_radiation_to_bone(self) -> None:
        acts = [act("S01", "ebrt", -50, site="prostate"), act("S01", "ra223", -90)]
        assert row(procedures=acts)[["ebrt_bone", "ra223"]].tolist() == [False, True]

    def test_what_no_record_of_its_kind_exists_for_is_missing_not_no(self) -> None:
        found = row()
        assert found[["docetaxel", "ra223", "ebrt_bone"]].isna().all()
        assert found["bone"] is False or not found["bone"]

    def test_ecog_groups(self) -> None:
        for score, group in ((0, "ecog01"), (1, "ecog01"), (2, "ecog2"), (3, "ecog3")):
            found = row(observations=[seen("S01", "ecog", -1, float(score))])
            assert [name for name in ("ecog01", "ecog2", "ecog3") if found[name]] == [group]
        assert row()[["ecog01", "ecog2", "ecog3"]].isna().all()

    def test_intervals_join_neighbouring_cycles_and_need_their_days(self) -> None:
        acts = [*lu("S01", 100), *lu("S02", 0, 70), act("S02", "lu_psma", None), *lu("S03", 0)]
        found = cycle_intervals(tables(procedures=[*lu("S01", 0, 49), *acts]))
        assert found["weeks"].tolist() == [7.0, pytest.approx(51 / 7)]
        assert set(found["patient_id"]) == {"S01"}

    def test_missing_counts_ask_only_those_who_can_have_a_value(self) -> None:
        frame = missing_counts(patient_frame(tables(**treated("S01", sirt=["S02"])), STUDY))
        found = frame.set_index(["characteristic", "arm"])
        assert found.loc[("sirt_gbq", "lu"), "n"] == 0
        assert found.loc[("psa", "lu"), ["missing", "n"]].tolist() == [1, 1]
        assert found.loc[("interval_weeks", "lu_sirt"), "missing"] == 0


class TestTableOne:
    def cohort(self) -> dict[str, pd.DataFrame]:
        rows = treated("S01", "S02", sirt=["S03"])
        rows["procedures"] += lu("S01", 140, gbq=8.0)
        return tables(**rows)

    def found(self, study: Study = STUDY) -> dict[str, Result]:
        cohort = self.cohort()
        return by_id(table_one_results(cohort, study, patient_frame(cohort, study)))

    def test_totals_and_means(self) -> None:
        found = self.found()
        assert [found[f"t1.cycles_total.{arm}"].value for arm in ("lu", "lu_sirt", "all")] == [5, 2, 7]
        assert found["t1.cycles.lu"].value == 2.5
        assert found["t1.cycles.lu.mean"].value == 2.5
        assert isinstance(found["t1.cycles_total.all"].value, int)

    def test_interval_and_activity_by_patient_or_by_act_as_the_settings_say(self) -> None:
        by_patient = self.found()
        by_act = self.found(with_settings("table_one", interval_unit="pair", activity_unit="administration"))
        assert (by_patient["t1.interval.lu"].n, by_act["t1.interval.lu"].n) == (2, 3)
        assert (by_patient["t1.activity.lu"].n, by_act["t1.activity.lu"].n) == (2, 5)
        assert by_act["t1.interval.lu.mean"].value == pytest.approx((8 + 12 + 8) / 3)

    def test_deaths_limit_the_terms_of_an_adjusted_model(self) -> None:
        rows = treated("S01", sirt=["S02"])
        found = by_id(results(tables(**rows), STUDY))
        assert (found["n.model_terms"].value, found["n.model_terms"].events) == (0, 0)
        assert basis_of("n.model_terms") == "free", "the paper prints no deaths"
        assert found["design.events_per_term"].value == STUDY.analysis.events_per_term

    @pytest.mark.parametrize(("deaths", "terms"), [(9, 0), (10, 1), (19, 1), (20, 2)])
    def test_the_deaths_of_both_arms_count(self, deaths: int, terms: int) -> None:
        ids = [f"S{n:02d}" for n in range(30)]
        rows = treated(*ids[:-2], sirt=ids[-2:])
        rows["patients"] = [patient(patient_id, death_observed=n >= 30 - deaths) for n, patient_id in enumerate(ids)]
        assert by_id(results(tables(**rows), STUDY))["n.model_terms"].value == terms

    def test_one_mark_per_patient_and_reason_of_indication(self) -> None:
        rows = treated("S01", sirt=["S02"])
        rows["observations"] = [seen("S01", "psa", 0, 5.0), seen("S02", "ecog", -1, 1.0)]
        frame = indication_frame(patient_frame(tables(**rows), STUDY))
        assert set(frame.itertuples(index=False, name=None)) == {
            ("S01", "lu", "psa", 5.0), ("S02", "lu_sirt", "ecog", 1.0), ("S01", "lu", "sites", 0.0),
            ("S02", "lu_sirt", "sites", 0.0),
        }  # fmt: skip


class TestBalance:
    def frame(self, **columns: list) -> pd.DataFrame:
        n = len(next(iter(columns.values())))
        arm = pd.Categorical(columns.pop("arm"), categories=["lu", "lu_sirt"])
        base = {name: [False] * n if name in PROPORTIONS else [float("nan")] * n for name in COVARIATES}
        return pd.DataFrame({**base, **columns, "arm": arm})

    def test_continuous_difference_is_cohens_d(self) -> None:
        patients = self.frame(arm=["lu"] * 3 + ["lu_sirt"] * 2, age_years=[60.0, 70.0, 80.0, 80.0, 90.0])
        found = balance_frame(patients, STUDY).set_index("characteristic").loc["age_years"]
        assert found["smd"] == pytest.approx(15 / ((100 + 50) / 2) ** 0.5)
        assert found["lower"] < found["smd"] < found["upper"]

    def test_disjoint_levels_are_undefined_and_say_so_not_zero(self) -> None:
        patients = self.frame(arm=["lu", "lu", "lu_sirt", "lu_sirt"], bone=[True, True, False, False])
        found = by_id(balance_results(patients, STUDY))
        assert found["t1.smd.bone"].reason == "constant_values"

    def test_the_same_seed_gives_the_same_range(self) -> None:
        patients = self.frame(arm=["lu"] * 6 + ["lu_sirt"] * 2, age_years=[float(60 + i) for i in range(8)])
        first, second = balance_frame(patients, STUDY), balance_frame(patients, STUDY)
        pd.testing.assert_frame_equal(first, second)


def laboratory(**values: float | None) -> list[dict]:
    normal = {"leukocytes": 6.0, "platelets": 200.0, "haemoglobin": 12.0, "creatinine": 1.0, "ast": 30.0, "alt": 30.0}
    measured = {**normal, **values}
    return [seen("S01", name, -1, value, upper_limit=40.0) for name, value in measured.items() if value is not None]


def lu_outcome(rule: str, study: Study = STUDY, **values: float | None) -> str:
    frame = lu_eligibility(one_patient(observations=laboratory(**values)), study)
    return str(frame.set_index("rule").loc[rule, "outcome"])


class TestEligibility:
    @pytest.mark.parametrize(
        ("rule", "measure", "at", "beyond"),
        [
            ("wbc", "leukocytes", 2.0, 1.99),
            ("plt", "platelets", 75.0, 74.9),
            ("hb", "haemoglobin", 8.0, 7.9),
            ("crea", "creatinine", 2.0, 2.01),
            ("transaminases", "alt", 200.0, 200.1),
            ("transaminases", "ast", 200.0, 200.1),
        ],
    )
    def test_the_limit_itself_does_not_exclude(self, rule: str, measure: str, at: float, beyond: float) -> None:
        assert lu_outcome(rule, **{measure: at}) == "met"
        assert lu_outcome(rule, **{measure: beyond}) == "excluded"
        assert lu_outcome(rule, **{measure: None}) == "undetermined"

    def test_either_or_both_transaminases(self) -> None:
        both = STUDY.with_(eligibility={"lu_psma": {"transaminases_rule": "both"}})
        assert lu_outcome("transaminases", both, alt=300.0) == "met"
        assert lu_outcome("transaminases", both, alt=300.0, ast=300.0) == "excluded"
        assert lu_outcome("transaminases", both, alt=300.0, ast=None) == "undetermined"
        assert lu_outcome("transaminases", alt=300.0, ast=None) == "excluded"

    def test_without_an_upper_limit_multiples_are_undetermined(self) -> None:
        values = [{**value, "upper_limit": None} for value in laboratory()]
        frame = lu_eligibility(one_patient(observations=values), STUDY).set_index("rule")
        assert frame.loc["transaminases", "outcome"] == "undetermined"

    def sirt(self, *observations: dict, conditions: tuple[dict, ...] = ()) -> pd.Series:
        rows = treated(sirt=["S01"])
        rows["conditions"] += conditions
        frame = sirt_eligibility(tables(**rows, observations=list(observations)), STUDY)
        return frame.set_index("rule")["outcome"].astype("object")

    def test_sirt_limits(self) -> None:
        for value, outcome in ((2.0, "met"), (2.1, "excluded")):
            assert self.sirt(seen("S01", "bilirubin", 119, value))["bilirubin"] == outcome
        for value, outcome in ((20.0, "met"), (20.1, "excluded")):
            assert self.sirt(seen("S01", "lung_shunt_fraction", 106, value))["shunt"] == outcome
        assert set(self.sirt()) == {"undetermined"}

    def test_only_what_was_known_up_to_the_day_of_sirt_counts(self) -> None:
        found = self.sirt(seen("S01", "bilirubin", 121, 9.0), seen("S01", "gi_flow", 121, "present"))
        assert set(found) == {"undetermined"}

    def test_coded_rules(self) -> None:
        found = self.sirt(
            seen("S01", "gi_flow", 106, "absent"),
            seen("S01", "ascites", 106, "absent"),
            seen("S01", "disease_status", 100, "progressive", site="liver"),
            seen("S01", "disease_status", 100, "stable", site="other"),
        )
        assert found[["gi_flow", "ascites", "hepatic_progressive", "extrahepatic_controlled"]].tolist() == ["met"] * 4
        found = self.sirt(
            seen("S01", "gi_flow", 106, "present"),
            seen("S01", "disease_status", 100, "stable", site="liver"),
            seen("S01", "disease_status", 100, "progressive", site="other"),
            conditions=({"patient_id": "S01", "condition": "ascites", "day": 90},),
        )
        assert (
            found[["gi_flow", "ascites", "hepatic_progressive", "extrahepatic_controlled"]].tolist() == ["excluded"] * 4
        )

    def test_counts_for_the_page(self) -> None:
        counts = outcome_counts(lu_eligibility(one_patient(observations=laboratory(creatinine=2.5)), STUDY))
        assert counts.set_index("rule").loc["crea", ["met", "excluded", "undetermined"]].tolist() == [0, 1, 0]


class TestPractice:
    def test_lead_time_of_the_work_up_and_time_of_scintigraphy(self) -> None:
        acts = [
            act("S01", "maa_workup", 90), act("S01", "maa_workup", 106), act("S01", "sirt", 120, activity_gbq=2.0),
            act("S01", "lu_scintigraphy", 2), act("S01", "lu_scintigraphy", 57),
        ]  # fmt: skip
        frame = imaging_timing(one_patient(procedures=acts), STUDY)
        assert frame.groupby("step")["found"].apply(list).to_dict() == {"maa": [2.0], "scintigraphy": [48, 24]}

    @pytest.mark.parametrize(("gbq", "inside"), [(6.0, 2), (5.99, 0), (7.5, 2), (7.51, 0)])
    def test_cycles_within_the_target(self, gbq: float, inside: int) -> None:
        rows = {"patients": [patient("S01")], "conditions": mcrpc("S01"), "procedures": lu("S01", 0, 56, gbq=gbq)}
        found = by_id(practice_results(tables(**rows), STUDY))
        assert (found["tx.cycles_in_target"].value, found["tx.cycles_in_target"].n) == (inside, 2)
        assert found["tx.intervals_as_planned"].value == 1
