"""The committed cohort gives every printed result, and nothing in it is impossible."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from adapters.contract import TABLES, conform
from adapters.synthetic.cohort_files import COLUMNS, read_cohort, write_cohort
from adapters.synthetic.search.__main__ import main
from adapters.synthetic.search.check import disagreements, printed_values
from adapters.synthetic.search.targets import targets
from adapters.synthetic.tidy import tidy_tables
from tests.support.truth import truth_tables

SCHEDULED = ("cycles", "sirt", "labs", "lesion_measurements", "procedures", "disease_status")


@pytest.fixture(scope="module")
def cohort() -> dict[str, pd.DataFrame]:
    return read_cohort()


@pytest.fixture(scope="module")
def failing(cohort: dict[str, pd.DataFrame]) -> list[str]:
    return disagreements(cohort)


@pytest.mark.parametrize("target_id", sorted(targets()))
def test_the_cohort_gives_the_printed_result(target_id: str, failing: list[str]) -> None:
    assert target_id not in failing


def test_a_changed_death_a_lesion_and_an_enzyme_are_noticed(cohort: dict[str, pd.DataFrame]) -> None:
    frames = {name: frame.copy() for name, frame in cohort.items()}
    people = frames["patients"]
    people.loc[people["key"].eq("P03"), ["death_day", "last_contact_day"]] += 60
    assert "os.lu_sirt" in disagreements(frames)
    frames = {name: frame.copy() for name, frame in cohort.items()}
    sizes = frames["lesion_measurements"]
    sizes.loc[sizes["key"].eq("P01") & sizes["day"].gt(0), "diameter_mm"] *= 3
    assert set(disagreements(frames)) & {"resp.lu.worst", "resp.lu.best", "suv.pd"}
    frames = {name: frame.copy() for name, frame in cohort.items()}
    frames["labs"]["value"] = frames["labs"]["value"].mask(frames["labs"]["measure"].eq("alt"), 30.0)
    assert {"tox.alt.lu", "tox.alt.lu_sirt", "tox.alt.p"} <= set(disagreements(frames))


def test_roles_that_contradict_the_therapies_are_refused(cohort: dict[str, pd.DataFrame]) -> None:
    people = cohort["patients"].assign(role=cohort["patients"]["role"].where(cohort["patients"]["key"].ne("P11"), "lu"))
    with pytest.raises(ValueError, match="contradict"):
        printed_values({**cohort, "patients": people})


def test_nothing_happens_after_the_last_contact(cohort: dict[str, pd.DataFrame]) -> None:
    last = cohort["patients"].set_index("key")["last_contact_day"]
    for name in SCHEDULED:
        rows = cohort[name].dropna(subset=["day"])
        assert (rows["day"] <= rows["key"].map(last)).all(), name
    died = cohort["patients"]["death_day"].dropna()
    assert (died == cohort["patients"].loc[died.index, "last_contact_day"]).all()


def test_activities_and_measurements_are_positive(cohort: dict[str, pd.DataFrame]) -> None:
    assert cohort["cycles"]["activity_gbq"].between(4, 8).all()
    assert cohort["sirt"]["activity_gbq"].dropna().between(1.2, 2.6).all()
    assert cohort["labs"]["value"].gt(0).all()
    sizes = cohort["lesion_measurements"]
    assert sizes["diameter_mm"].dropna().gt(0).all()
    assert sizes["suv_max"].dropna().gt(0).all()
    assert sizes[["diameter_mm", "suv_max"]].notna().any(axis=1).all()


def test_nobody_was_treated_against_the_exclusion_criteria(cohort: dict[str, pd.DataFrame]) -> None:
    """PSMA-Targeted Radionuclide Therapy: leukocytes, platelets, haemoglobin, creatinine, transaminases."""
    limits = {"leukocytes": (2.0, np.inf), "platelets": (75, np.inf), "haemoglobin": (8.0, np.inf)}
    limits |= {"creatinine": (0, 2.0), "alt": (0, 250), "ast": (0, 250)}
    last = cohort["cycles"].groupby("key")["day"].max()
    for measure, (low, high) in limits.items():
        rows = cohort["labs"][cohort["labs"]["measure"].eq(measure)]
        before = rows[rows["day"] <= rows["key"].map(last).astype("float64")]
        assert before["value"].between(low, high).all(), measure


def test_sirt_was_given_by_its_rules(cohort: dict[str, pd.DataFrame]) -> None:
    plan = cohort["sirt"].dropna(subset=["day"])
    assert ((plan["day"] - plan["workup_day"]) == 14).all()
    assert plan["lung_shunt_pct"].le(20).all()
    assert plan["gi_flow"].eq("absent").all()
    status = cohort["disease_status"].merge(plan[["key", "day"]], on="key", suffixes=("", "_sirt"))
    before = status[status["day"] < status["day_sirt"]].sort_values("day").groupby(["key", "site"])["category"].last()
    assert (before.xs("liver", level="site") == "progressive").all()
    assert (before.xs("extrahepatic", level="site") != "progressive").all()
    bilirubin = cohort["labs"][cohort["labs"]["measure"].eq("bilirubin")].merge(plan[["key", "day"]], on="key")
    assert bilirubin.loc[bilirubin["day_x"] < bilirubin["day_y"], "value"].le(2.0).all()


def test_nobody_else_met_the_rule_for_sirt(cohort: dict[str, pd.DataFrame]) -> None:
    """Patients: only five met it, so nobody without SIRT has a progressive liver with the rest controlled."""
    wide = cohort["disease_status"].pivot_table(index=["key", "day"], columns="site", values="category", aggfunc="last")
    met = wide[wide["liver"].eq("progressive") & wide["extrahepatic"].ne("progressive")].reset_index()
    assert set(met["key"]) <= set(cohort["sirt"]["key"])


def test_every_study_patient_has_blood_tests_before_at_and_after_therapy(cohort: dict[str, pd.DataFrame]) -> None:
    people = cohort["patients"]
    study = people.loc[people["role"].isin(["lu", "lu_sirt"]), "key"]
    therapy = pd.concat([cohort["cycles"][["key", "day"]], cohort["sirt"][["key", "day"]].dropna()])
    last = therapy.groupby("key")["day"].max()
    for measure in ("psa", "alp", "ldh", "alt", "ast", "ggt", "bilirubin", "creatinine", "haemoglobin", "platelets"):
        rows = cohort["labs"][cohort["labs"]["measure"].eq(measure)]
        days = rows.groupby("key")["day"].agg(list)
        for key in study:
            assert any(-60 <= day <= 0 for day in days[key])
            assert any(last[key] < day <= last[key] + 90 for day in days[key])
            assert max(days[key]) <= last[key] + 90  # so that every window after therapy reads the same last value


def test_one_tracer_frames_each_sirt(cohort: dict[str, pd.DataFrame]) -> None:
    pets = cohort["procedures"][cohort["procedures"]["procedure"].eq("psma_pet")]
    assert (pets.groupby("key")["tracer"].nunique() == 1).all()


def test_who_is_left_out_is_there(cohort: dict[str, pd.DataFrame]) -> None:
    roles = cohort["patients"]["role"].value_counts()
    assert roles.to_dict() == {
        "lu": 31, "lu_sirt": 5, "no_liver_metastases": 3, "no_therapy": 2, "sirt_rejected": 1,
    }  # fmt: skip


def test_truth_tables_keep_the_contract() -> None:
    tables = truth_tables()
    assert set(tables) == set(TABLES)
    for name, table in tables.items():
        pd.testing.assert_frame_equal(table, conform(name, table))
    assert "X05" not in set(tables["patients"]["patient_id"])
    rejected = tables["patients"].set_index("patient_id").loc["X04"]
    assert not rejected["has_day_zero"]
    assert pd.isna(rejected["age_years"])


def test_truth_tables_are_fresh_copies() -> None:
    tables = truth_tables()
    tables["patients"].loc[0, "age_years"] = -1.0
    assert truth_tables()["patients"].loc[0, "age_years"] > 0


def test_files_survive_being_written_and_read(cohort: dict[str, pd.DataFrame], tmp_path: Path) -> None:
    write_cohort(cohort, tmp_path)
    again = read_cohort(tmp_path)
    for name in COLUMNS:
        pd.testing.assert_frame_equal(cohort[name], again[name])
    assert tidy_tables(again)["lesions"].equals(truth_tables()["lesions"])


@pytest.mark.parametrize(
    "module",
    ["adapters.pull", "adapters.synthetic.demo", "adapters.synthetic.reconstructions", "analysis.paper.published"],
)
def test_what_runs_after_the_search_knows_no_target(module: str) -> None:
    code = f"import sys, {module}; sys.exit('adapters.synthetic.search.targets' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_the_committed_files_are_those_of_their_seed(tmp_path: Path) -> None:
    main(["--out", str(tmp_path)])
    for name, frame in read_cohort().items():
        pd.testing.assert_frame_equal(frame, read_cohort(tmp_path)[name])
