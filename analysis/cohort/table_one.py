"""Table 1 as the paper prints it: `t1.*` for each arm and all, and the same facts as the text states them, `tx.*`.

Which rows there are, and how each is summarised is listed in `table_one.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.datasets.arms import ARMS, Tables, completed
from analysis.datasets.characteristics import applicable, cycle_intervals
from analysis.estimates import counted, described
from analysis.results import Result, missing
from analysis.settings import Study

GROUPS = (*ARMS, "all")
# why a row has no value although there are patients
NO_VALUE = {"patient": "no_measurements", "ecog": "no_measurements", "interval_weeks": "too_few_patients"}


@cache
def rows() -> pd.DataFrame:
    """The rows of Table 1: row, label, group, kind, source (column of `patient_frame`), unit."""
    return pd.read_csv(Path(__file__).with_suffix(".csv"))


def groups(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The rows of `frame` (with a column arm) by arm and for all, in the order of the table's columns."""
    return {**{arm: frame[frame["arm"] == arm] for arm in ARMS}, "all": frame}


def table_one_results(tables: Tables, study: Study, patients: pd.DataFrame) -> list[Result]:
    """Every row of Table 1 by arm and for all (`t1.<row>.<arm>`), with the mean beside each printed "average".

    `patients`: the frame of `patient_frame` for these tables.
    """
    by_group = groups(patients)
    results: list[Result] = []
    for row in rows().itertuples():
        values = _values(tables, study, patients, str(row.source))
        for group, members in by_group.items():
            inside = values[values.index.isin(members.index)]
            results.append(_cell(f"t1.{row.row}.{group}", row, inside, len(members)))
            if row.kind == "median_t":
                results.append(_mean(results[-1], inside))
    return results


def _values(tables: Tables, study: Study, patients: pd.DataFrame, source: str) -> pd.Series:
    """Values of one row, index patient_id: one a patient, or one a cycle or pair of cycles where the settings say so."""
    rule = study.table_one
    if source == "interval_weeks" and rule.interval_unit == "pair":
        return cycle_intervals(tables).set_index("patient_id")["weeks"]
    if source == "activity_gbq" and rule.activity_unit == "administration":
        return completed(tables, "lu_psma").set_index("patient_id")["activity_gbq"].dropna()
    return patients[source]


def _cell(result_id: str, row: Any, values: pd.Series, patients: int) -> Result:
    if row.kind == "count":
        known = values.dropna()
        if patients and known.empty:
            return missing(result_id, "not_recorded", n=0, unit="count", method="count")
        return counted(result_id, int(known.sum()), len(known))
    reason = NO_VALUE.get(row.source, NO_VALUE.get(row.group, "not_recorded")) if patients else "no_patients"
    result = described(result_id, values.astype("float64"), row.kind, unit=row.unit, reason=reason)
    return _whole(result) if row.kind == "sum" else result


def _whole(result: Result) -> Result:
    return result if result.value is None else replace(result, value=int(result.value))


def _mean(printed: Result, values: pd.Series) -> Result:
    """The mean that the printed interval belongs to."""
    reason = printed.reason or "not_recorded"
    return described(f"{printed.id}.mean", values.astype("float64"), "mean_t", unit=printed.unit, reason=reason)


def therapy_results(table_one: Mapping[str, Result], patients: pd.DataFrame) -> list[Result]:
    """The same facts as the section "Patient Characteristics and Therapies" states them, and the SIRT activity."""
    again = [
        replace(table_one[source], id=result_id)
        for result_id, source in (("tx.interval", "t1.interval.all"), ("tx.activity", "t1.activity.all"))
    ]
    cycles = replace(table_one["t1.cycles.all"], id="tx.cycles", lower=None, upper=None, interval="")
    treated = patients[patients["arm"] == "lu_sirt"]
    reason = "not_recorded" if len(treated) else "arm_empty"
    activity = described("tx.sirt_activity", treated["sirt_gbq"], "mean_range", unit="GBq", reason=reason)
    return [cycles, *again, activity]


def table_one_frame(results: Mapping[str, Result], patients: pd.DataFrame) -> pd.DataFrame:
    """Table 1 for the page: row, label, group, then one `Result` per arm and for all, and `missing` (patients)."""
    lines = []
    for row in rows().itertuples():
        cells = {group: results[f"t1.{row.row}.{group}"] for group in GROUPS}
        lacking = int((patients[row.source].isna() & applicable(patients, row.source)).sum())
        lines.append({"row": row.row, "label": row.label, "group": row.group, **cells, "missing": lacking})
    return pd.DataFrame(lines, columns=["row", "label", "group", *GROUPS, "missing"])


def prior_therapy_frame(results: Mapping[str, Result]) -> pd.DataFrame:
    """Prior therapies by arm for a chart: row, label, arm, count, percent, n; rows without a count are left out."""
    lines = []
    for row in rows().itertuples():
        if row.group not in ("drugs", "radiation"):
            continue
        for arm in ARMS:
            cell = results[f"t1.{row.row}.{arm}"]
            if cell.value is not None:
                lines.append((row.row, row.label, arm, cell.value, cell.percent, cell.n))
    return pd.DataFrame(lines, columns=["row", "label", "arm", "count", "percent", "n"])
