"""The tables of rules in the methods and cohort chapters, ready to be shown: limits as set, and who met them."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.cohort.constants import constants_frame
from analysis.cohort.eligibility import OUTCOMES, lu_eligibility, outcome_counts, sirt_eligibility
from analysis.datasets.arms import Tables
from analysis.report.format import text
from analysis.report.tables import Table
from analysis.results import Result
from analysis.settings import Study

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


def constants(results: Results, study: Study) -> Table:
    """Limits, activities and times of the paper as set, by what they concern."""
    frame = constants_frame(study)
    frame["value"] = [_limit(row.operator, results[row.id]) for row in frame.itertuples()]
    frame["value"] = frame["value"].mask(frame["operator"].ne(""), "excluded " + frame["value"])
    order = frame["group"].map({group: place for place, group in enumerate(frame["group"].unique())})
    frame = frame.loc[order.sort_values(kind="stable").index, ["group", "label", "value"]]
    headers = {"group": "Concerns", "label": "Rule", "value": "Value"}
    caption = "Limits, activities and times of the paper as this book applies them"
    return Table(frame.reset_index(drop=True), caption, "methods_constants", headers=headers, row_headers=2)


def eligibility(tables: Tables, study: Study, results: Results) -> Table:
    """Treated patients by what each rule of the paper says about them."""
    parts = [
        _judged(lu_eligibility(tables, study), "177Lu-PSMA", "elig.lu", study, results),
        _judged(sirt_eligibility(tables, study), "SIRT", "elig.sirt", study, results),
    ]
    caption = "Rules that exclude from each therapy, and the treated patients by what the rule says about them"
    headers = {"therapy": "Therapy", "rule": "Rule", "limit": "Excludes if", "met": "Not excluded"}
    headers |= {"excluded": "Excluded", "undetermined": "No value"}
    return Table(pd.concat(parts, ignore_index=True), caption, "cohort_eligibility", headers=headers, row_headers=2)


def _judged(judged: pd.DataFrame, therapy: str, prefix: str, study: Study, results: Results) -> pd.DataFrame:
    """therapy, rule, limit (both in words), and the number of patients by outcome."""
    counts = outcome_counts(judged.astype({"rule": "object"}))
    rules = constants_frame(study).set_index("id").reindex([f"{prefix}.{rule}" for rule in counts["rule"]])
    words = [
        (CODED_RULES[rule], CODED[rule])
        if rule in CODED
        else (row.label, _limit(row.operator, results[str(row.Index)]))
        for rule, row in zip(counts["rule"], rules.itertuples(), strict=True)
    ]
    named = counts.assign(therapy=therapy, rule=[rule for rule, _ in words], limit=[limit for _, limit in words])
    return named[["therapy", "rule", "limit", *OUTCOMES]]


def _limit(operator: str, result: Result) -> str:
    """ "below 8 g/dL" for a limit that excludes on one side, else the value alone."""
    return BEYOND.get(operator, "") + text(result)
