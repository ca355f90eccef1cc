"""Would the paper's own rules have let each patient be treated?

The exclusion limits are in `study.toml` ([eligibility]); the values are those of the baseline (177Lu-PSMA) or the
last before the first SIRT. A rule without its value, or without the upper limit of normal that it needs, is
"undetermined", never "met".
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.datasets.arms import Tables, analysis_set, completed
from analysis.datasets.baseline import baseline_windows, last_within, numbers
from analysis.results import Result, missing
from analysis.settings import LuPsmaLimits, Study

OUTCOMES = ("met", "excluded", "undetermined")
COLUMNS = ["patient_id", "rule", "value", "limit", "unit", "outcome"]
PER_UL_IN_10_9_L = 1000.0  # 1,000 per microlitre are 1 10*9/L
RULES = {
    "lu": ("wbc", "plt", "hb", "crea", "transaminases"),
    "sirt": ("bilirubin", "shunt", "ascites", "gi_flow", "extrahepatic_controlled", "hepatic_progressive"),
}
ANY_RULE = {  # end of the id -> outcome of at least one rule, and what that means
    "any": ("excluded", "treated although a rule of the paper excludes"),
    "unchecked": ("undetermined", "treated patients of whom at least one rule of the paper could not be checked"),
}
LU_LABORATORY = ("leukocytes", "platelets", "haemoglobin", "creatinine", "ast", "alt")


def lu_eligibility(tables: Tables, study: Study) -> pd.DataFrame:
    """177Lu-PSMA rules at baseline for each analysed patient: one row per patient and rule, columns `COLUMNS`.

    Rules wbc, plt, hb, crea, transaminases. AST and ALT are compared in multiples of their upper limit of normal; the
    settings say whether "either" or "both" above the limit excludes (the paper leaves it open).
    """
    limits = study.eligibility.lu_psma
    patients = analysis_set(tables, study)["patient_id"]
    values = last_within(numbers(tables, LU_LABORATORY), baseline_windows(patients, study))
    simple = (
        ("wbc", "leukocytes", "<", limits.leukocytes_min_per_ul / PER_UL_IN_10_9_L, "10*9/L"),
        ("plt", "platelets", "<", limits.platelets_min_per_ul / PER_UL_IN_10_9_L, "10*9/L"),
        ("hb", "haemoglobin", "<", limits.haemoglobin_min_g_dl, "g/dL"),
        ("crea", "creatinine", ">", limits.creatinine_max_mg_dl, "mg/dL"),
    )
    parts = [
        _judged(patients, rule, _of(values, measure, patients), operator, limit, unit)
        for rule, measure, operator, limit, unit in simple
    ]
    parts.append(_transaminases(values, patients, limits))
    return pd.concat(parts, ignore_index=True)


def _of(values: pd.DataFrame, measure: str, patients: pd.Series, column: str = "value") -> pd.Series:
    rows = values[values.index.get_level_values("measure") == measure].droplevel("measure")
    return rows[column].astype("float64").reindex(patients.to_numpy(dtype=object))


def _transaminases(values: pd.DataFrame, patients: pd.Series, limits: LuPsmaLimits) -> pd.DataFrame:
    multiples = pd.concat(
        [_of(values, name, patients) / _of(values, name, patients, "upper_limit") for name in ("ast", "alt")], axis=1
    )
    highest, lowest = multiples.max(axis=1), multiples.min(axis=1)
    limit, complete = limits.transaminases_max_uln, multiples.notna().all(axis=1)
    if limits.transaminases_rule == "either":
        # one value above the limit excludes even when the other is unknown
        decisive = highest.where(complete | (highest > limit))
    else:
        decisive = lowest.where(complete | (lowest <= limit))
    return _judged(patients, "transaminases", decisive, ">", limit, "x ULN")


def _judged(patients: pd.Series, rule: str, values: pd.Series, operator: str, limit: float, unit: str) -> pd.DataFrame:
    number = values.to_numpy(dtype=float)
    beyond = number < limit if operator == "<" else number > limit
    outcome = np.where(np.isnan(number), "undetermined", np.where(beyond, "excluded", "met"))
    frame = pd.DataFrame({"patient_id": patients.to_numpy(), "rule": rule, "value": number, "limit": limit})
    return frame.assign(unit=unit, outcome=pd.Categorical(outcome, categories=list(OUTCOMES)))[COLUMNS]


def sirt_eligibility(tables: Tables, study: Study) -> pd.DataFrame:
    """SIRT rules before the first SIRT for each analysed patient who had it: columns `COLUMNS`.

    Rules bilirubin, shunt, ascites, gi_flow, extrahepatic_controlled, hepatic_progressive. Coded findings have no
    value; what was never looked for or recorded is undetermined.
    """
    limits = study.eligibility.sirt
    arms = analysis_set(tables, study)
    patients = arms.loc[arms["arm"].eq("lu_sirt"), "patient_id"].reset_index(drop=True)
    last_day = completed(tables, "sirt").groupby("patient_id", observed=True)["day"].min().astype("float64")
    windows = pd.DataFrame({"first_day": -np.inf, "last_day": last_day})
    values = last_within(numbers(tables, ("bilirubin", "lung_shunt_fraction")), windows)
    coded = _coded(tables, windows)
    parts = [
        _judged(patients, "bilirubin", _of(values, "bilirubin", patients), ">", limits.bilirubin_max_mg_dl, "mg/dL"),
        _judged(patients, "shunt", _of(values, "lung_shunt_fraction", patients), ">", limits.lung_shunt_max_pct, "%"),
    ]
    for rule, key, excludes_when, required in (
        ("ascites", "ascites", "present", limits.ascites_excludes),
        ("gi_flow", "gi_flow", "present", limits.gi_flow_excludes),
        ("extrahepatic_controlled", "extrahepatic", "progressive", limits.extrahepatic_controlled_required),
        ("hepatic_progressive", "hepatic", "not progressive", limits.hepatic_progressive_required),
    ):
        if required:
            parts.append(_coded_rule(patients, rule, coded.get(key, pd.Series(dtype="object")), excludes_when))
    return pd.concat(parts, ignore_index=True)


def _coded(tables: Tables, windows: pd.DataFrame) -> dict[str, pd.Series]:
    """Last coded answer before SIRT by patient: ascites, gi_flow, hepatic and extrahepatic disease status."""
    rows = tables["observations"]
    rows = rows[rows["measure"].isin(["ascites", "gi_flow", "disease_status"]) & rows["category"].notna()]
    site = rows["site"].astype("string").fillna("none")
    name = rows["measure"].astype("string")
    status = name.eq("disease_status")
    name = name.mask(status & site.eq("liver"), "hepatic").mask(status & ~site.eq("liver"), "extrahepatic")
    frame = pd.DataFrame({"patient_id": rows["patient_id"].astype("object"), "name": name, "day": rows["day"]})
    frame["category"] = rows["category"].astype("object")
    limit = windows["last_day"].reindex(frame["patient_id"]).to_numpy(dtype=float)
    frame = frame[frame["day"].astype("float64").to_numpy() <= limit]
    last = frame.sort_values(["patient_id", "day"], kind="stable").groupby(["name", "patient_id"])["category"].last()
    found = {str(key): last.xs(key, level="name") for key in last.index.get_level_values("name").unique()}
    return _with_ascites_conditions(tables, found, windows)


def _with_ascites_conditions(
    tables: Tables, found: dict[str, pd.Series], windows: pd.DataFrame
) -> dict[str, pd.Series]:
    """A coded diagnosis of ascites up to the day of SIRT counts as present, whatever an observation says."""
    rows = tables["conditions"]
    rows = rows[rows["condition"].eq("ascites")]
    limit = windows["last_day"].reindex(rows["patient_id"].astype("object")).to_numpy(dtype=float)
    ids = rows.loc[rows["day"].astype("float64").to_numpy() <= limit, "patient_id"].astype("object")
    if len(ids):
        coded = pd.Series("present", index=pd.Index(ids.unique(), name="patient_id"), dtype="object")
        seen = found.get("ascites", pd.Series(dtype="object"))
        found["ascites"] = coded.combine_first(seen)
    return found


def _coded_rule(patients: pd.Series, rule: str, answers: pd.Series, excludes_when: str) -> pd.DataFrame:
    known = answers.reindex(patients.to_numpy(dtype=object))
    hit = known.ne("progressive") if excludes_when == "not progressive" else known.eq(excludes_when)
    outcome = np.where(known.isna(), "undetermined", np.where(hit, "excluded", "met"))
    frame = pd.DataFrame(
        {"patient_id": patients.to_numpy(), "rule": rule, "value": np.nan, "limit": np.nan, "unit": ""}
    )
    return frame.assign(outcome=pd.Categorical(outcome, categories=list(OUTCOMES)))[COLUMNS]


def eligibility_results(tables: Tables, study: Study) -> list[Result]:
    """How many treated patients each rule would have excluded, and how many it cannot judge.

    `elig.lu.<rule>.excluded`, `.undetermined`, the same for `elig.sirt.<rule>`, and of all rules of a therapy
    `elig.<therapy>.any`, patients treated although at least one excludes them, and `elig.<therapy>.unchecked`, patients of
    whom at least one could not be checked.
    """
    results: list[Result] = []
    for therapy, frame in (("lu", lu_eligibility(tables, study)), ("sirt", sirt_eligibility(tables, study))):
        empty = "arm_empty" if therapy == "sirt" and len(analysis_set(tables, study)) else "no_patients"
        for rule in RULES[therapy]:
            group = frame[frame["rule"].eq(rule)]
            reason = "not_applicable" if len(frame) and group.empty else empty
            results += [
                _outcome(f"elig.{therapy}.{rule}.{outcome}", group, outcome, reason) for outcome in OUTCOMES[1:]
            ]
        results += [_any_rule(f"elig.{therapy}.{name}", frame, empty, *rule) for name, rule in ANY_RULE.items()]
    return results


def _any_rule(result_id: str, frame: pd.DataFrame, empty: str, outcome: str, method: str) -> Result:
    if frame.empty:
        return missing(result_id, empty, n=0, unit="count", method=method)
    patients = frame.loc[frame["outcome"].eq(outcome), "patient_id"].nunique()
    total = frame["patient_id"].nunique()
    return Result(result_id, patients, n=total, unit="count", method=method, denominator=total)


def _outcome(result_id: str, group: pd.DataFrame, outcome: str, reason: str) -> Result:
    method = "treated patients beyond the limit" if outcome == "excluded" else "treated patients without the value"
    if group.empty:
        return missing(result_id, reason, n=0, unit="count", method=method)
    count = int(group["outcome"].eq(outcome).sum())
    return Result(result_id, count, n=len(group), unit="count", method=method, denominator=len(group))


def outcome_counts(frame: pd.DataFrame) -> pd.DataFrame:
    """For the table of the chapter: rule, limit, unit and one column per outcome."""
    counts = frame.groupby(["rule", "outcome"], observed=False, sort=False).size().unstack(fill_value=0)
    limits = frame.drop_duplicates("rule").set_index("rule")[["limit", "unit"]]
    return limits.join(counts.reindex(columns=list(OUTCOMES), fill_value=0)).reset_index()
