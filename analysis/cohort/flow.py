"""Patient flow: from the tables to the arms and to the imaging subgroup, with a reason for everybody left out.

Figure 1A of the paper and the counts of its sections "Patients" and "Subgroup Analysis".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pandas as pd

from analysis.datasets.arms import ARMS, REASONS_LEFT_OUT, Tables, assign_arms, rejected_candidates
from analysis.datasets.imaging_subgroup import SUBGROUP_REASONS, imaging_subgroup
from analysis.results import Result
from analysis.settings import Study

Row = tuple[str, str, str, str, int]  # a row of `flow_frame` without its basis
SIRT_FIRST = "subgroup_lu_left_out.sirt_first"
RESULT_IDS = {SIRT_FIRST: "n.subgroup_sirt_first"}  # steps whose count is a result under another name
ARM_LABELS = {"lu": "177Lu-PSMA alone", "lu_sirt": "177Lu-PSMA and SIRT"}


def rests_on_data(_result_id: str) -> str:
    """The basis of every count of a cohort that was not reconstructed: "data"."""
    return "data"


def members(tables: Tables, study: Study) -> dict[str, pd.Index]:
    """Patients of every count of the paper, by the suffix of its id (`n.<suffix>`)."""
    arms = assign_arms(tables, study)
    analysed = arms[arms["in_analysis"]]
    subgroup = imaging_subgroup(tables, study)
    subgroup = subgroup[subgroup.index.isin(analysed["patient_id"])]
    return {
        "all": pd.Index(analysed["patient_id"]),
        **{arm: pd.Index(analysed.loc[analysed["arm"] == arm, "patient_id"]) for arm in ARMS},
        "subgroup": subgroup.index[subgroup["in_subgroup"]],
        "subgroup_sirt": subgroup.index[subgroup["sirt_evaluable"]],
        "subgroup_lu": subgroup.index[subgroup["lu_evaluable"]],
        "subgroup_multi": subgroup.index[subgroup["multiple_lesions"]],
        "subgroup_68ga": subgroup.index[subgroup["ga68"]],
        "subgroup_sirt_first": subgroup.index[subgroup["in_subgroup"] & subgroup["sirt_first"]],
        "sirt_rejected": rejected_candidates(tables),
    }


def flow_results(tables: Tables, study: Study) -> list[Result]:
    """`n.*`: the paper's counts, the patients in the tables and those left out by reason."""
    arms = assign_arms(tables, study)
    counts = [_count(f"n.{name}", len(ids)) for name, ids in members(tables, study).items()]
    counts.append(_count("n.in_tables", len(arms)))
    left_out = arms["reason_left_out"].value_counts()
    return counts + [_count(f"n.left_out.{reason}", int(left_out[reason])) for reason in REASONS_LEFT_OUT]


def _count(result_id: str, count: int) -> Result:
    return Result(result_id, count, n=count, unit="count", method="count of patients")


def flow_frame(tables: Tables, study: Study, basis_of: Callable[[str], str] = rests_on_data) -> pd.DataFrame:
    """The flow chart as data: step, parent, kind ("step" or "left_out"), label, count, basis; in drawing order.

    Every patient of a parent is in one of its steps or left out, so the counts below a parent add up to it, but for
    the imaging subgroup, whose parts overlap by design (its rows have kind "part"). `basis_of` gives the basis of a
    count by the id of its result, such as `n.all`.
    """
    arms = assign_arms(tables, study)
    groups = members(tables, study)
    rows: list[Row] = [("in_tables", "", "step", "Patients in the tables", len(arms))]
    rows += _left_out("left_out", "in_tables", arms["reason_left_out"], REASONS_LEFT_OUT)
    rows.append(("all", "in_tables", "step", "Analysed", len(groups["all"])))
    rows += [(arm, "all", "step", ARM_LABELS[arm], len(groups[arm])) for arm in ARMS]
    rows += _subgroup_rows(tables, study, groups)
    frame = pd.DataFrame(rows, columns=["step", "parent", "kind", "label", "count"])
    return frame.assign(basis=[basis_of(RESULT_IDS.get(step, f"n.{step}")) for step in frame["step"]])


def _left_out(step: str, parent: str, reasons: pd.Series, words: Mapping[str, str]) -> list[Row]:
    """One row for each reason that leaves somebody out."""
    counts = {reason: int(reasons.eq(reason).fillna(False).sum()) for reason in words}
    return [
        (f"{step}.{reason}", parent, "left_out", words[reason][0].upper() + words[reason][1:], count)
        for reason, count in counts.items()
        if count
    ]


def _subgroup_rows(tables: Tables, study: Study, groups: Mapping[str, pd.Index]) -> list[Row]:
    subgroup = imaging_subgroup(tables, study)
    subgroup = subgroup[subgroup.index.isin(groups["all"])]
    rows: list[Row] = [("subgroup", "all", "part", "PET before and after therapy", len(groups["subgroup"]))]
    rows += _left_out("subgroup_left_out", "all", subgroup["reason_left_out"], SUBGROUP_REASONS)
    for name, label in (
        ("subgroup_lu", "Response to 177Lu-PSMA evaluable"),
        ("subgroup_sirt", "Response to SIRT evaluable"),
        ("subgroup_multi", "Several liver lesions, 177Lu-PSMA"),
        ("subgroup_68ga", "68Ga-PSMA-11 at baseline"),
    ):
        rows.append((name, "subgroup", "part", label, len(groups[name])))
    sirt_first = len(groups["subgroup_sirt_first"])
    unmeasured = len(groups["subgroup"]) - sirt_first - len(groups["subgroup_lu"])
    not_judged = (
        (SIRT_FIRST, "SIRT before 177Lu-PSMA", sirt_first),
        ("subgroup_lu_left_out.not_measured", "No liver lesion measured before and after", unmeasured),
    )
    return rows + [(step, "subgroup_lu", "left_out", label, count) for step, label, count in not_judged if count]
