"""What the methods and cohort chapters show: the rules as set, who met them, and how the arms differ at baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.cohort import charts
from analysis.cohort.balance import balance_frame
from analysis.cohort.constants import constants_frame
from analysis.cohort.eligibility import OUTCOMES, lu_eligibility, outcome_counts, sirt_eligibility
from analysis.cohort.flow import flow_frame, rests_on_data
from analysis.cohort.results import indication_frame
from analysis.cohort.table_one import prior_therapy_frame, rows, table_one_frame
from analysis.datasets.characteristics import missing_counts, patient_frame
from analysis.opened_book import Book
from analysis.paper.reconstruction import basis_of
from analysis.report.charts import ARM_NAMES, Drawn, Stack
from analysis.report.diagrams import Box, Steps, flow_boxes
from analysis.report.format import text
from analysis.report.labels import labelled
from analysis.report.tables import Folded, Table
from analysis.results import Result

Results = Mapping[str, Result]
BEYOND = {"<": "below ", ">": "above "}  # on which side of its limit a rule excludes
CODED = {  # the answer that excludes, for rules without a number
    "ascites": "present",
    "gi_flow": "present",
    "extrahepatic_controlled": "not controlled",
    "hepatic_progressive": "not progressive",
}
CODED_RULES = {
    "ascites": "Ascites",
    "gi_flow": "Flow to the gastrointestinal tract",
    "extrahepatic_controlled": "Extrahepatic disease",
    "hepatic_progressive": "Liver metastases",
}
EXAMINATIONS = (  # step, what is done there, result that counts its patients
    ("Baseline", "PSMA PET with CT or MRI before therapy", "n.subgroup"),
    ("177Lu-PSMA", "cycles", "n.subgroup"),
    ("Restaging", "PSMA PET with CT or MRI, response to 177Lu-PSMA", "n.subgroup_lu"),
    ("SIRT", "after angiography and 99mTc-MAA", "n.subgroup_sirt"),
    ("Final staging", "PSMA PET with CT or MRI, response to SIRT", "n.subgroup_sirt"),
)
INDICATION_TITLES = {
    "psa": "PSA (ng/mL)",
    "alp": "ALP (U/L)",
    "ldh": "LDH (U/L)",
    "ecog": "ECOG",
    "sites": "Metastatic sites beside the liver",
}
UNITS_NOT_SHOWN = ("count", "score")


def constants_table(book: Book) -> Table:
    """Limits, activities and times of the paper as set, by what they concern."""
    frame = constants_frame(book.study)
    frame["value"] = [_limit(row.operator, book[row.id]) for row in frame.itertuples()]
    frame["value"] = frame["value"].mask(frame["operator"].ne(""), "excluded " + frame["value"])
    order = frame["group"].map({group: place for place, group in enumerate(frame["group"].unique())})
    frame = frame.loc[order.sort_values(kind="stable").index, ["group", "label", "value"]]
    headers = {"group": "Concerns", "label": "Rule", "value": "Value"}
    caption = "Limits, activities and times of the paper as this book applies them"
    return Table(frame.reset_index(drop=True), caption, "methods_constants", headers=headers, row_headers=2)


def examinations_figure(book: Book) -> Steps:
    """The sequence of examinations with the number of patients at each step."""
    steps = [(step, activity, int(book[result_id].value or 0)) for step, activity, result_id in EXAMINATIONS]
    return Steps("Sequence of examinations", steps)


def flow_figure(book: Book) -> Box:
    """The flow of patients from the tables to the arms and to the imaging subgroup."""
    flow = flow_frame(book.tables, book.study, basis_of if book.is_reconstruction else rests_on_data)
    return flow_boxes(flow)


def characteristics_table(book: Book) -> Table:
    """Table 1 of the paper: each characteristic by arm and for all, with the number of patients without a value."""
    frame = table_one_frame(book.results, patient_frame(book.tables, book.study))
    frame["label"] = frame["row"].map(rows().set_index("row")["unit"]).pipe(_with_units, frame["label"])
    return Table(
        frame.drop(columns=["row", "group"]),
        "Table 1. Patient characteristics: median with interval or range, or number with percentage",
        "cohort_table_1",
        headers={"label": "Characteristic", **ARM_NAMES, "all": "All", "missing": "Without value"},
    )


def _with_units(units: pd.Series, labels: pd.Series) -> list[str]:
    """Each label with its unit in brackets, but for counts and scores."""
    return [
        label if unit in UNITS_NOT_SHOWN else f"{label} ({unit})" for label, unit in zip(labels, units, strict=True)
    ]


def missing_table(book: Book) -> Folded:
    """How many patients lack which characteristic, by arm."""
    counts = missing_counts(patient_frame(book.tables, book.study)).query("missing > 0")
    table = Table(
        labelled(counts, "characteristic", "arm"),
        "Missing characteristics by arm, of the patients who can have one; those that nobody lacks are not listed",
        "cohort_missing",
        headers={"characteristic": "Characteristic", "arm": "Arm", "missing": "Without value", "n": "Patients"},
    )
    return Folded("How many patients lack which value, by arm", table)


def prior_therapies_figure(book: Book) -> Drawn:
    """Previous therapies by arm, percent of the patients with a record."""
    description = "Bar chart of previous therapies by arm, in percent of the patients of each arm."
    return charts.shares_by_arm(prior_therapy_frame(book.results), "Share of patients (%)", description)


def balance_figure(book: Book) -> Drawn:
    """Standardised differences between the arms beside the range expected of random arms of these sizes."""
    description = (
        "Forest plot of standardised differences between the arms beside the range expected from drawing lots."
    )
    return charts.balance(balance_frame(patient_frame(book.tables, book.study), book.study), description)


def balance_table(book: Book) -> Folded:
    """The differences of `balance_figure` as numbers, with the number of patients in each arm."""
    characteristics = balance_frame(patient_frame(book.tables, book.study), book.study)
    table = Table(
        pd.DataFrame([_balance_row(book.results, row) for row in characteristics.itertuples()]),
        "Standardised differences, SIRT minus none (95% interval), and the range that holds 95% of those between arms "
        "drawn by lot",
        "cohort_balance",
        headers={
            "label": "Characteristic",
            "lu": "Patients, 177Lu-PSMA alone",
            "lu_sirt": "Patients, with SIRT",
            "smd": "Difference (95% CI)",
            "permuted": "By lot, from",
            "permuted_upper": "By lot, to",
        },
        decimals={"permuted": 2, "permuted_upper": 2},
    )
    return Folded("The same differences as numbers", table)


def _balance_row(results: Results, row: Any) -> dict[str, Any]:
    """`row`: of `balance_frame`."""
    difference = results[f"t1.smd.{row.characteristic}"]
    random_arms = results[f"t1.smd.{row.characteristic}.permuted"]
    return {
        "label": row.label,
        "lu": row.n_lu,
        "lu_sirt": row.n_lu_sirt,
        "smd": difference,
        "permuted": random_arms.lower,
        "permuted_upper": random_arms.upper,
    }


def indication_figure(book: Book) -> Stack:
    """One mark a patient for each characteristic that may have decided about SIRT."""
    return charts.marks_by_measure(
        indication_frame(patient_frame(book.tables, book.study)),
        INDICATION_TITLES,
        "Strip plots of PSA, ALP, LDH, ECOG and number of metastatic sites by arm, one mark a patient.",
    )


def eligibility_table(book: Book) -> Table:
    """Number of treated patients by what each rule of the paper says about them."""
    therapies = (
        (lu_eligibility(book.tables, book.study), "177Lu-PSMA", "elig.lu"),
        (sirt_eligibility(book.tables, book.study), "SIRT", "elig.sirt"),
    )
    counts = [_outcomes_by_rule(book, judged, prefix).assign(therapy=name) for judged, name, prefix in therapies]
    caption = "Rules that exclude from each therapy, and the treated patients by what the rule says about them"
    headers = {"therapy": "Therapy", "rule": "Rule", "limit": "Excludes if", "met": "Not excluded"}
    headers |= {"excluded": "Excluded", "undetermined": "No value"}
    frame = pd.concat(counts, ignore_index=True)[["therapy", "rule", "limit", *OUTCOMES]]
    return Table(frame, caption, "cohort_eligibility", headers=headers, row_headers=2)


def _outcomes_by_rule(book: Book, judged: pd.DataFrame, prefix: str) -> pd.DataFrame:
    """rule, limit (both in words), and the number of patients by outcome; `judged`: patients by rule."""
    counts = outcome_counts(judged.astype({"rule": "object"}))
    rules = constants_frame(book.study).set_index("id").reindex([f"{prefix}.{rule}" for rule in counts["rule"]])
    words = [
        (CODED_RULES[rule], CODED[rule]) if rule in CODED else (row.label, _limit(row.operator, book[str(row.Index)]))
        for rule, row in zip(counts["rule"], rules.itertuples(), strict=True)
    ]
    return counts.assign(rule=[rule for rule, _ in words], limit=[limit for _, limit in words])


def _limit(operator: str, result: Result) -> str:
    """ "below 8 g/dL" for a limit that excludes on one side, else the value alone."""
    return BEYOND.get(operator, "") + text(result)
