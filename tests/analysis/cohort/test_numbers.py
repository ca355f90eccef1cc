"""Cohort, toxicity and PSA on the reconstructed cohort and on every kind of other cohort."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cache

import pandas as pd
import pytest

from adapters.contract import empty_tables
from analysis.cohort import results as cohort_results
from analysis.cohort.balance import balance_frame
from analysis.cohort.constants import constants, constants_frame, imaging_timing
from analysis.cohort.eligibility import lu_eligibility, outcome_counts, sirt_eligibility
from analysis.cohort.flow import flow_frame
from analysis.cohort.results import indication_frame
from analysis.cohort.table_one import prior_therapy_frame, table_one_frame
from analysis.datasets.cached import cached_tables
from analysis.datasets.characteristics import missing_counts, patient_frame
from analysis.paper.published import compare, load_printed, may_disagree
from analysis.paper.reconstruction import settle
from analysis.psa import results as psa
from analysis.psa.published_cohorts import survival_by_group
from analysis.psa.results import curve_frame, psa_frame, waterfall_frame
from analysis.results import Result
from analysis.settings import load_study
from analysis.toxicity import results as toxicity_results
from analysis.toxicity.changes import changes, changes_after_sirt, lacking
from analysis.toxicity.grades import grade_table, shift_frame, shift_table, worst_grades
from analysis.toxicity.liver import (
    albi_frame,
    albi_shift,
    hys_law_frame,
    not_recorded_frame,
    progression_frame,
    rise_frame,
)
from tests.support.truth import truth_tables

STUDY = load_study()
RECONSTRUCTION = {"synthetic": True, "cohort_tags": ["reconstruction"]}
MINE = ("n.", "t1.", "tx.", "elig.", "img.", "tox.", "psa.")
Tables = Mapping[str, pd.DataFrame]


def collect(tables: Tables) -> dict[str, Result]:
    parts = (cohort_results, toxicity_results, psa)
    return {result.id: result for part in parts for result in part.results(tables, STUDY)}


@cache
def reconstruction() -> dict[str, Result]:
    return collect(truth_tables())


def only(tables: Tables, ids: set[str]) -> Tables:
    return {
        name: frame[frame["patient_id"].isin(ids)] if name != "findings" else frame for name, frame in tables.items()
    }


def without(tables: Tables, table: str, keep: Callable[[pd.DataFrame], pd.Series]) -> Tables:
    return {**tables, table: tables[table][keep(tables[table])]}


def sirt_ids(tables: Tables) -> set[str]:
    rows = tables["procedures"]
    return set(rows.loc[rows["procedure"].eq("sirt") & rows["status"].eq("completed"), "patient_id"])


def no_sirt(tables: Tables) -> Tables:
    return only(tables, set(tables["patients"]["patient_id"]) - sirt_ids(tables))


def no_limits(tables: Tables) -> Tables:
    rows = tables["observations"].assign(lower_limit=math.nan, upper_limit=math.nan)
    return {**tables, "observations": rows}


COHORTS: dict[str, Callable[[Tables], Tables]] = {
    "nobody": lambda tables: empty_tables(),
    "one patient": lambda tables: only(tables, {sorted(no_sirt(tables)["patients"]["patient_id"])[0]}),
    "one patient with SIRT": lambda tables: only(tables, {sorted(sirt_ids(tables))[0]}),
    "no SIRT arm": no_sirt,
    "only SIRT": lambda tables: only(tables, sirt_ids(tables)),
    "no observations": lambda tables: without(tables, "observations", lambda rows: rows["measure"].isna()),
    "no limits of normal": no_limits,
    "no lesions": lambda tables: without(tables, "lesions", lambda rows: rows["organ"].isna()),
    "no medications": lambda tables: without(tables, "medications", lambda rows: rows["drug"].isna()),
}


@cache
def made(name: str) -> Tables:
    return cached_tables(COHORTS[name](truth_tables()))


@cache
def collected(name: str) -> dict[str, Result]:
    return collect(made(name))


class TestReconstruction:
    def test_every_printed_value_of_these_parts_agrees_but_those_that_may_not(self) -> None:
        found = compare(reconstruction().values(), agrees=True)
        mine = [item for item in found if item.printed.id.startswith(MINE)]
        disagreeing = {item.printed.id: item.how for item in mine if not item.agrees}
        assert disagreeing == {
            result_id: reason for result_id, reason in may_disagree().items() if result_id.startswith(MINE)
        }
        assert len(mine) == sum(row.id.startswith(MINE) for row in load_printed()) == 116

    def test_what_the_print_forces_is_marked_so(self) -> None:
        printed = {row.id for row in load_printed()} | {"n.subgroup_sirt_first"}  # patient 3 of the paper
        for result_id, computed in reconstruction().items():
            result = settle(computed, RECONSTRUCTION)
            if result_id in printed:
                assert result.basis in ("printed", "design", "bounded"), result_id
            else:
                assert result.basis != "printed" or result_id.startswith(
                    ("t1.smd.", "t1.adt.", "t1.cycles.", "tox.")
                ), result_id

    def test_constants_come_from_the_settings_that_the_code_reads(self) -> None:
        study = STUDY.with_(eligibility={"lu_psma": {"creatinine_max_mg_dl": 0.9}})
        value = {result.id: result.value for result in constants(study)}
        assert value["elig.lu.crea"] == 0.9
        tables = truth_tables()
        excluded = [frame.query("rule == 'crea'")["outcome"].eq("excluded").sum()
                    for frame in (lu_eligibility(tables, STUDY), lu_eligibility(tables, study))]  # fmt: skip
        assert excluded[1] > excluded[0]

    def test_imaging_frames(self) -> None:
        timing = imaging_timing(truth_tables(), STUDY).groupby("step")["found"].median()
        assert timing.to_dict() == {"maa": 2.0, "scintigraphy": 48.0}
        assert constants_frame(STUDY)["id"].is_unique

    def test_differences_under_random_arms_bracket_zero(self) -> None:
        frame = balance_frame(patient_frame(truth_tables(), STUDY), STUDY).set_index("characteristic")
        assert ((frame["permuted_lower"] < 0) & (frame["permuted_upper"] > 0)).all()
        # 3 of 5 against 31 of 31: p(1 - p) of the arms is 0.24 and 0
        assert frame.loc["bone", "smd"] == pytest.approx((0.6 - 1.0) / math.sqrt(0.24 / 2))
        assert frame.loc["bone", "smd"] < frame.loc["bone", "permuted_lower"]


class TestDependence:
    def changed_ids(self, tables: Tables) -> set[str]:
        after = collect(tables)
        return {result_id for result_id, result in reconstruction().items() if after[result_id] != result}

    def test_one_alt_after_therapy_changes_alt_and_nothing_else(self) -> None:
        tables = truth_tables()
        row = changes(tables, STUDY, ["alt"]).dropna().query("arm == 'lu'").iloc[0]
        cells = tables["observations"]
        cells.loc[
            cells["patient_id"].eq(row["patient_id"])
            & cells["measure"].eq("alt")
            & cells["day"].eq(row["followup_day"]),
            "value",
        ] *= 30
        found = self.changed_ids(tables)
        assert {"tox.alt.p", "tox.alt.difference", "tox.hys_law"} & found
        assert all(result_id.startswith(("tox.alt.", "tox.ctcae.alt.", "tox.hys_law")) for result_id in found)

    def test_one_activity_changes_activities_only(self) -> None:
        tables = truth_tables()
        rows = tables["procedures"]
        tables["procedures"].loc[rows.index[rows["procedure"].eq("lu_psma")][0], "activity_gbq"] = 3.0
        found = self.changed_ids(tables)
        assert "t1.activity.all.mean" in found
        assert all(result_id.startswith(("t1.activity", "tx.activity", "tx.cycles_in_target")) for result_id in found)

    def test_order_of_rows_changes_nothing(self) -> None:
        tables = {name: frame.sample(frac=1, random_state=3) for name, frame in truth_tables().items()}
        assert not self.changed_ids(tables)

    def test_leaving_out_a_patient_changes_the_counts(self) -> None:
        everybody = set(truth_tables()["patients"]["patient_id"])
        analysed = patient_frame(truth_tables(), STUDY).index[-1]
        assert {"n.all", "t1.cycles_total.all", "n.in_tables"} <= self.changed_ids(
            only(truth_tables(), everybody - {analysed})
        )


@pytest.mark.parametrize("name", COHORTS)
class TestAnyCohort:
    def test_ids_are_those_of_the_reconstruction_and_no_number_is_nan_or_infinite(self, name: str) -> None:
        found = collected(name)
        assert set(found) == set(reconstruction())
        numbers = [x for item in found.values() for x in (item.value, item.lower, item.upper, item.percent)]
        assert all(math.isfinite(x) for x in numbers if isinstance(x, float))

    def test_every_frame_can_be_made(self, name: str) -> None:
        tables = made(name)
        patients, results = patient_frame(tables, STUDY), collected(name)
        worst = worst_grades(tables, STUDY)
        response = psa_frame(tables, STUDY)
        assert len(table_one_frame(results, patients)) == 24
        assert len(shift_table(worst, "alt", "lu")) == 6
        assert grade_table(worst)["n"].max() <= len(patients) or worst.empty
        for frame in (
            flow_frame(tables, STUDY), missing_counts(patients), prior_therapy_frame(results),
            balance_frame(patients, STUDY), indication_frame(patients),
            imaging_timing(tables, STUDY), lacking(changes(tables, STUDY)), changes_after_sirt(tables, STUDY),
            hys_law_frame(tables, STUDY), albi_frame(tables, STUDY), progression_frame(tables, STUDY, "alt"),
            rise_frame(tables, STUDY), albi_shift(albi_frame(tables, STUDY)), shift_frame(worst_grades(tables, STUDY)),
            not_recorded_frame(tables), waterfall_frame(response),
            waterfall_frame(response, "landmark"), curve_frame(tables, STUDY), survival_by_group(tables, STUDY),
            outcome_counts(lu_eligibility(tables, STUDY)), outcome_counts(sirt_eligibility(tables, STUDY)),
        ):  # fmt: skip
            assert isinstance(frame, pd.DataFrame)
            assert len(frame.columns)


@pytest.mark.parametrize(
    ("name", "result_id", "reason"),
    [
        ("nobody", "t1.age.lu", "no_patients"),
        ("nobody", "tox.alt.p", "no_patients"),
        ("no SIRT arm", "tox.alt.p", "arm_empty"),
        ("no SIRT arm", "tx.sirt_activity", "arm_empty"),
        ("no SIRT arm", "t1.smd.psa", "arm_empty"),
        ("only SIRT", "t1.age.lu", "no_patients"),
        ("no observations", "t1.psa.all", "no_measurements"),
        ("no observations", "tox.alt.lu", "no_measurements"),
        ("no limits of normal", "tox.ctcae.alt.lu.any", "no_reference_range"),
        ("no medications", "t1.docetaxel.all", "not_recorded"),
    ],
)
def test_reasons_of_other_cohorts(name: str, result_id: str, reason: str) -> None:
    assert collected(name)[result_id].reason == reason
