"""Who is analysed, in which arm, and what the flow chart counts."""

from __future__ import annotations

import re

import pandas as pd
import pytest

from analysis.cohort import flow as cohort_flow
from analysis.cohort.flow import flow_frame, flow_results
from analysis.datasets.arms import REASONS_LEFT_OUT, analysis_set, assign_arms, rejected_candidates
from analysis.paper.reconstruction import basis_of
from analysis.report.diagrams import flow_boxes
from analysis.settings import Study, load_study
from tests.support.cohort_tables import act, lu, mcrpc, patient, seen, tables, treated

STUDY = load_study()


def changed(section: str, **values: object) -> Study:
    return Study({**STUDY, section: {**STUDY[section], **values}})


def reasons(frame) -> dict[str, str]:
    left_out = frame[~frame["in_analysis"]]
    return dict(zip(left_out["patient_id"], left_out["reason_left_out"].astype("object"), strict=True))


class TestArms:
    def test_sirt_makes_the_arm_whenever_it_was_given(self) -> None:
        rows = treated("S01", sirt=["S02"])
        rows["patients"].append(patient("S03"))
        rows["conditions"] += mcrpc("S03")
        rows["procedures"] += [act("S03", "sirt", -40), *lu("S03", 0)]
        arms = analysis_set(tables(**rows), STUDY)
        assert arms["patient_id"].tolist() == ["S01", "S02", "S03"]
        assert arms["arm"].tolist() == ["lu", "lu_sirt", "lu_sirt"]

    def test_sirt_that_was_not_completed_does_not_count(self) -> None:
        rows = treated("S01")
        rows["procedures"].append(act("S01", "sirt", 90, status="stopped"))
        assert analysis_set(tables(**rows), STUDY)["arm"].tolist() == ["lu"]

    def test_each_patient_left_out_has_one_reason(self) -> None:
        everybody = tables(
            patients=[patient(f"S0{n}") for n in range(1, 8)],
            conditions=[
                *mcrpc("S01"),
                {"patient_id": "S02", "condition": "castration_resistance", "day": -9},
                {"patient_id": "S03", "condition": "metastasis", "site": "liver", "day": -9},
                *mcrpc("S04"),
                *mcrpc("S05"),
                *mcrpc("S06"),
                *mcrpc("S07"),
            ],
            procedures=[
                *lu("S01", 0),
                *lu("S02", 0),
                *lu("S03", 0),
                act("S04", "sirt", None),
                act("S05", "maa_workup", None),
                act("S06", "maa_workup", None),
            ],
            observations=[seen("S05", "disease_status", None, "progressive", site="liver")],
        )
        found = assign_arms(everybody, STUDY)
        assert reasons(found) == {
            "S02": "no_liver_metastases",
            "S03": "no_castration_resistance",
            "S04": "sirt_without_lu_psma",
            "S05": "sirt_candidate_progressed",
            "S06": "work_up_only",
            "S07": "not_treated",
        }
        assert set(reasons(found).values()) == set(REASONS_LEFT_OUT)
        assert rejected_candidates(everybody).tolist() == ["S05"]

    def test_rules_can_be_switched_off_in_the_settings(self) -> None:
        cohort = tables(patients=[patient("S01")], procedures=lu("S01", 0))
        lenient = changed("analysis_set", castration_resistance_required=False, liver_metastases_required=False)
        assert analysis_set(cohort, STUDY).empty
        assert analysis_set(cohort, lenient)["patient_id"].tolist() == ["S01"]

    @pytest.mark.parametrize(
        ("cells", "counts"),
        [
            ({"day": 28}, True),
            ({"day": 29}, False),
            ({"day": None}, True),
            ({"day": None, "day_min": 20, "day_max": 50}, True),
            ({"day": None, "day_min": 29, "day_max": 50}, False),
        ],
    )
    def test_a_liver_metastasis_found_later_does_not_make_a_member(self, cells: dict, counts: bool) -> None:
        found = tables(
            patients=[patient("S01")],
            conditions=[
                {"patient_id": "S01", "condition": "castration_resistance", "day": -9},
                {"patient_id": "S01", "condition": "metastasis", "site": "liver", **cells},
            ],
            procedures=lu("S01", 0),
        )
        assert assign_arms(found, STUDY)["liver_metastases"].tolist() == [counts]

    def test_a_liver_lesion_measured_at_baseline_counts_without_a_coded_metastasis(self) -> None:
        found = tables(
            patients=[patient("S01")],
            conditions=[{"patient_id": "S01", "condition": "castration_resistance", "day": -9}],
            procedures=lu("S01", 0),
            lesions=[{"patient_id": "S01", "lesion_id": "S01-L1"}],
            observations=[seen("S01", "lesion_diameter", -10, 22.0, lesion_id="S01-L1")],
        )
        assert analysis_set(found, STUDY)["patient_id"].tolist() == ["S01"]

    def test_no_patients(self) -> None:
        found = assign_arms(tables(), STUDY)
        assert found.empty
        assert list(found.columns) == ["patient_id", "arm", "liver_metastases", "in_analysis", "reason_left_out"]


class TestFlow:
    def test_steps_below_a_parent_add_up_to_it(self) -> None:
        rows = treated("S01", "S02", sirt=["S03"])
        rows["patients"] += [patient("S04"), patient("S05")]
        rows["conditions"] += mcrpc("S04")
        flow = flow_frame(tables(**rows), STUDY).set_index("step")
        assert flow.loc["in_tables", "count"] == 5
        below = flow[flow["parent"] == "in_tables"]
        assert below["count"].sum() == 5
        assert flow.loc["lu", "count"] + flow.loc["lu_sirt", "count"] == flow.loc["all", "count"] == 3
        assert flow.loc["left_out.not_treated", "kind"] == "left_out"
        assert flow.loc["subgroup_left_out.no_pet_before", "count"] == 3

    def test_who_had_sirt_first_is_named_where_the_response_to_lu_psma_is_judged(self, monkeypatch) -> None:
        rows = tables(**treated("S01", "S02", sirt=["S03", "S04"]))
        everybody = pd.Index(["S01", "S02", "S03", "S04"])
        judged = {"lu_evaluable": [True, False, False, False], "sirt_first": [False, False, True, True]}
        seen = pd.DataFrame(judged, index=everybody).assign(
            in_subgroup=True, sirt_evaluable=False, multiple_lesions=False, ga68=False, reason_left_out=pd.NA
        )
        monkeypatch.setattr(cohort_flow, "imaging_subgroup", lambda tables, study: seen)
        flow = flow_frame(rows, STUDY, basis_of)
        below = flow[flow["parent"] == "subgroup_lu"].set_index("label")["count"]
        assert below.to_dict() == {"SIRT before 177Lu-PSMA": 2, "No liver lesion measured before and after": 1}
        box = flow_boxes(flow)._repr_html_()
        assert "<li>SIRT before 177Lu-PSMA: 2</li>" in box, "the paper prints it"
        assert re.search(r"<li>No liver lesion measured before and after: 1<sup", box), "a choice of the reconstruction"
        assert "<sup" not in flow_boxes(flow_frame(rows, STUDY))._repr_html_(), "patients of a hospital"

    def test_counts_that_the_print_does_not_give_are_marked(self) -> None:
        rows = treated("S01", sirt=["S03"])
        rows["patients"].append(patient("S04"))
        box = flow_boxes(flow_frame(tables(**rows), STUDY, basis_of))._repr_html_()
        assert re.search(r"Patients in the tables</span><strong>n = 3<sup", box)
        assert "<span>Analysed</span><strong>n = 2</strong>" in box

    def test_counts_are_results(self) -> None:
        found = {result.id: result for result in flow_results(tables(**treated("S01", sirt=["S02"])), STUDY)}
        assert (found["n.all"].value, found["n.lu"].value, found["n.lu_sirt"].value) == (2, 1, 1)
        assert found["n.left_out.not_treated"].value == 0
        assert (found["n.all"].basis, basis_of("n.all")) == ("data", "printed")

    def test_nobody(self) -> None:
        assert {result.value for result in flow_results(tables(), STUDY)} == {0}
        assert flow_frame(tables(), STUDY)["count"].sum() == 0
