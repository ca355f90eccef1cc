"""Drug lines: MedicationStatements, and administrations or procedures of a drug that no statement of it covers."""

from __future__ import annotations

import pandas as pd

from adapters.tables.clinical.procedures import status_of
from adapters.tables.context import Context
from adapters.tables.extract.views import no_rows, rows_where, stacked
from adapters.tables.values.times import read_moments

TABLE = "medications"
_STARTS = ("date_time", "period_start")
_ORDER = ("in_progress", "unknown", "stopped", "completed")  # a line goes on while any part of it goes on


def drug_lines(context: Context, statements: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """One row per line: patient, drug, first, last, at (of the start), end, status, source_resources (keys).

    statements : rows of the view medications; given : rows of the view procedures with a listed drug.
    """
    lines = _statements(context, statements)
    return stacked(lines, _administered(context, given, lines))


def _statements(context: Context, frame: pd.DataFrame) -> pd.DataFrame:
    if frame.empty:
        return no_rows(
            "patient", "drug", "status", "source_resources", numbers=("first", "last", "at", "end"), flags=("zoneless",)
        )
    means = context.coded.means("medications", "code")
    means = context.one_meaning(means[means["resource_key"].isin(frame["resource_key"])], TABLE)
    frame = context.valid(frame, frame["resource_key"].isin(means["resource_key"]))
    rows = frame.merge(means[["resource_key", "means"]], on="resource_key").rename(columns={"means": "drug"})
    rows = _with_times(context, rows)
    rows = rows.assign(source_resources=[(key,) for key in rows["resource_key"]])
    return rows[["patient", "drug", "first", "last", "at", "zoneless", "end", "status", "source_resources"]]


def _with_times(context: Context, rows: pd.DataFrame) -> pd.DataFrame:
    rows = context.dated(rows, _STARTS, "period_end", "effective")
    rows = context.before_cutoff(rows, TABLE)
    rows = rows_where(rows, ~context.dispositions.is_out(rows["resource_key"]))
    ended = read_moments(rows["period_end"], context.zone)
    exact = ended["first"] == ended["last"]
    rows["end"] = ended["first"].where(exact).astype(float)
    if context.cutoff is not None:
        rows["end"] = rows["end"].where(rows["end"] <= context.cutoff)
    rows["status"] = status_of(context, rows["status"])
    return rows


def _administered(context: Context, given: pd.DataFrame, lines: pd.DataFrame) -> pd.DataFrame:
    """One line per patient and drug from first to last dose; doses of a drug that has a statement belong to it."""
    drugs = given[given["drug"].notna()]
    if drugs.empty:
        return lines.iloc[:0]
    rows = _with_times(context, drugs)
    known = set(zip(lines["patient"], lines["drug"], strict=True))
    covered = pd.Series([pair in known for pair in zip(rows["patient"], rows["drug"], strict=True)], dtype=bool)
    context.dispositions.need(rows.loc[covered, "resource_key"])
    groups = rows[~covered].groupby(["patient", "drug"], sort=True)
    courses = [_course(patient, drug, doses) for (patient, drug), doses in groups]
    return pd.DataFrame(courses, columns=list(lines.columns)).astype(
        dict.fromkeys(("first", "last", "at", "end"), float)
    )


def _course(patient: str, drug: str, doses: pd.DataFrame) -> dict[str, object]:
    """The doses of one drug as one line; without an exact end the last dose ends it."""
    is_exact = (doses["first"] == doses["last"]).all()
    first, end = doses["first"].min(), doses["end"].max()
    statuses = set(doses["status"])
    return {
        "patient": patient,
        "drug": drug,
        "first": first,
        "last": doses["last"].min(),
        "at": doses.loc[doses["first"] == first, "at"].min(),
        "zoneless": bool(doses["zoneless"].any()),
        "end": max(doses["first"].max(), end) if is_exact and len(doses) > 1 else end,
        "status": next(status for status in _ORDER if status in statuses),
        "source_resources": tuple(sorted(doses["resource_key"])),
    }
