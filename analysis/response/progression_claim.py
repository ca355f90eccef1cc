"""The paper's main claim: 0 % progression after SIRT against 56 % after 177Lu-PSMA. What do these patients carry?

The paper reports no test of it. Fisher's exact test is given, and is not valid: most patients with SIRT are in both
groups. Beside it stand exact intervals, the table of patients judged after both therapies, what lay between their
scans, and the bounds if every patient had been imaged.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from scipy import stats

from analysis.datasets.arms import Tables
from analysis.datasets.imaging_subgroup import Evaluation
from analysis.datasets.lesions import FRAMES, THERAPIES
from analysis.datasets.scans import scans, therapy_days, timepoints
from analysis.estimates import p_result
from analysis.results import Result, missing
from analysis.settings import Study
from analysis.statistics.intervals import exact_interval


def claim_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Progression after each therapy: therapy, progressive, patients, pct, lower_pct, upper_pct (Clopper-Pearson).

    pct is NaN and the interval 0 to 100 where nobody was judged.
    """
    rows = []
    for therapy in THERAPIES:
        response = evaluation.patients[therapy]["response"].dropna()
        events, total = int(response.eq("progressive").sum()), len(response)
        share = 100 * events / total if total else float("nan")
        rows.append((therapy, events, total, share, *exact_interval(events, total)))
    return pd.DataFrame(rows, columns=["therapy", "progressive", "patients", "pct", "lower_pct", "upper_pct"])


def paired_frame(tables: Tables, study: Study, evaluation: Evaluation) -> pd.DataFrame:
    """One row per patient and therapy judged: what was compared with what, and what lay in between.

    Columns patient_id, therapy, response, change_pct, reference_day, followup_day, weeks_between, cycles_between,
    sirts_between, weeks_since_therapy (last therapy of that kind to the scan), both (judged after both therapies).
    """
    both = set(evaluation.patients["lu"]["response"].dropna().index) & set(
        evaluation.patients["sirt"]["response"].dropna().index
    )
    parts = []
    for therapy, procedure in zip(THERAPIES, ("lu_psma", "sirt"), strict=True):
        judged = evaluation.patients[therapy].dropna(subset=["response"])[["response", "change_pct"]]
        part = _between_scans(tables, study, judged.index, FRAMES[therapy])
        last = _last_before(therapy_days(tables, procedure), part)
        part["weeks_since_therapy"] = (part["followup_day"] - last) / 7
        parts.append(judged.join(part).reset_index().assign(therapy=therapy))
    frame = pd.concat(parts, ignore_index=True)
    frame = frame.assign(both=frame["patient_id"].isin(both), weeks_between=_weeks(frame))
    columns = ["patient_id", "therapy", "response", "change_pct", "reference_day", "followup_day", "weeks_between"]
    columns += ["cycles_between", "sirts_between", "weeks_since_therapy", "both"]
    return frame[columns].sort_values(["patient_id", "therapy"], ignore_index=True)


def _weeks(frame: pd.DataFrame) -> pd.Series:
    return (frame["followup_day"] - frame["reference_day"]) / 7


def _between_scans(tables: Tables, study: Study, patients: pd.Index, sides: tuple[str, str]) -> pd.DataFrame:
    frames, seen = timepoints(tables, study).reindex(patients), scans(tables, study)
    part = pd.DataFrame(index=patients)
    counts = {}
    for name, side in zip(("reference", "followup"), sides, strict=True):
        chosen = frames[side].rename("scan").astype("int64").reset_index()
        scan = chosen.merge(seen, on=["patient_id", "scan"]).set_index("patient_id")
        counts[name] = scan
        part[f"{name}_day"] = scan["last_day" if name == "reference" else "first_day"]
    for column, therapy in (("cycles_between", "lu_before"), ("sirts_between", "sirt_before")):
        part[column] = counts["followup"][therapy] - counts["reference"][therapy]
    return part


def _last_before(therapy: pd.DataFrame, part: pd.DataFrame) -> pd.Series:
    days = therapy.merge(part["followup_day"].reset_index(), on="patient_id")
    last = days[days["day"].lt(days["followup_day"])].groupby("patient_id")["day"].max()
    return last.reindex(part.index)


def paired_counts(evaluation: Evaluation) -> pd.DataFrame:
    """Patients judged after both therapies: counts of response after 177Lu-PSMA (rows) by response after SIRT."""
    both = evaluation.patients["lu"][["response"]].join(
        evaluation.patients["sirt"]["response"].rename("after_sirt"), how="inner"
    )
    known = both.dropna().rename(columns={"response": "after_lu"})
    return known.groupby(["after_lu", "after_sirt"], observed=False).size().unstack(fill_value=0).astype("int64")


def bounds_frame(evaluation: Evaluation) -> pd.DataFrame:
    """Progression if every treated patient of the analysis set had been judged: best and worst case.

    Columns therapy, progressive, judged, treated, best_pct (nobody else progressed), worst_pct (all others did).
    Patients whose SIRT came first do not count for 177Lu-PSMA, as in the paper. NaN where nobody was treated.
    """
    subgroup = evaluation.subgroup
    treated = {
        "lu": int((subgroup["lu_cycles"].gt(0) & ~subgroup["sirt_first"]).sum()),
        "sirt": int(subgroup["sirts"].gt(0).sum()),
    }
    frame = claim_frame(evaluation).rename(columns={"patients": "judged"})[["therapy", "progressive", "judged"]]
    frame["treated"] = frame["therapy"].map(treated)
    known = frame["treated"].where(frame["treated"].gt(0))
    frame["best_pct"] = 100 * frame["progressive"] / known
    frame["worst_pct"] = 100 * (frame["progressive"] + frame["treated"] - frame["judged"]) / known
    return frame


def claim_results(evaluation: Evaluation) -> list[Result]:
    """resp.claim.*: Fisher's P and the overlap that makes it invalid, the paired table, best and worst case."""
    frame = claim_frame(evaluation).set_index("therapy")
    judged = [set(evaluation.patients[therapy]["response"].dropna().index) for therapy in THERAPIES]
    overlap = len(judged[0] & judged[1])
    p = None
    if (frame["patients"] > 0).all():
        table = [[row.progressive, row.patients - row.progressive] for row in frame.itertuples()]
        p = float(stats.fisher_exact(table).pvalue)
    total = int(frame["patients"].sum())
    method = "Fisher's exact test; not valid where patients stand in both groups"
    rows = [
        p_result("resp.claim.fisher_p", p, n=total, method=method, reason="arm_empty"),
        Result("resp.claim.overlap", overlap, n=len(judged[0] | judged[1]), unit="count"),
        *_paired_results(evaluation),
    ]
    return [*rows, *map(_bound, bounds_frame(evaluation).itertuples())]


def _paired_results(evaluation: Evaluation) -> list[Result]:
    counts = paired_counts(evaluation)
    total = int(counts.to_numpy().sum())
    lost = int(counts.drop(columns="progressive").loc["progressive"].sum())
    gained = int(counts.drop(index="progressive")["progressive"].sum())
    method = "exact McNemar test of progression, patients judged after both therapies"
    p = float(stats.binomtest(lost, lost + gained).pvalue) if lost + gained else None
    reason = "constant_values" if total else "arm_empty"
    only_lu = "progressive after 177Lu-PSMA and not after SIRT"
    return [
        Result("resp.claim.paired", lost, n=total, unit="count", method=only_lu)
        if total
        else missing("resp.claim.paired", "arm_empty", n=0, unit="count", method=only_lu),
        p_result("resp.claim.paired_p", p, n=total, method=method, reason=reason),
    ]


def _bound(row: Any) -> Result:
    result_id, method = (
        f"resp.claim.{row.therapy}.bounds",
        "progression judged; range if all others had none or all had it",
    )
    if not row.judged:
        return missing(result_id, "no_followup" if row.treated else "arm_empty", n=int(row.treated), unit="percent")
    value = 100 * row.progressive / row.judged
    interval = "best and worst case"
    return Result(
        result_id,
        value,
        row.best_pct,
        row.worst_pct,
        n=int(row.treated),
        unit="percent",
        method=method,
        interval=interval,
        events=int(row.progressive),
        denominator=int(row.judged),
    )
