"""Day 0 of each patient, days relative to it, and the sequence of events within a day."""

from __future__ import annotations

import pandas as pd

from adapters.ledger import FindingKind
from adapters.tables.context import Context


def day_zero(context: Context, procedures: pd.DataFrame, persons: list[str]) -> pd.Series:
    """The ordinal of day 0 by person: the first completed procedure of the kind that study.toml names.

    Missing, with a finding, where there is none, or where one of unknown or inexact date may have come before it.
    """
    kind = context.settings.time.day_zero
    done = procedures[(procedures["procedure"] == kind) & (procedures["status"] == "completed")]
    exact = done["first"].notna() & (done["first"] == done["last"])
    earliest = done[exact].groupby("patient")["first"].min()
    unsure = done[~exact]
    before = unsure["first"].isna() | (unsure["first"] < unsure["patient"].map(earliest))
    zero = earliest.drop(labels=unsure.loc[before, "patient"].unique(), errors="ignore").reindex(persons)
    for person in zero.index[zero.isna()]:
        context.dispositions.note(FindingKind.NO_DAY_ZERO, table="patients", measure=kind, patient=person)
    return zero.astype(float)


def relative_days(rows: pd.DataFrame, zero: pd.Series, first: str = "first", last: str = "last") -> pd.DataFrame:
    """day (only where exact), day_min, day_max of each row relative to its patient's day 0; index of `rows`."""
    start = rows["patient"].map(zero).astype(float)
    earliest, latest = rows[first].astype(float) - start, rows[last].astype(float) - start
    return pd.DataFrame(
        {
            "day": earliest.where(earliest == latest).astype("Int64"),
            "day_min": earliest.astype("Int64"),
            "day_max": latest.astype("Int64"),
        },
        index=rows.index,
    )


def order_in_day(rows: pd.DataFrame) -> pd.Series:
    """Sequence of moments within patient and day, from 1; equal moments share a number, a time unknown comes first."""
    exact = rows["first"].notna() & (rows["first"] == rows["last"])
    moment = rows["at"].astype(float).fillna(float("-inf"))
    order = moment[exact].groupby([rows["patient"][exact], rows["first"][exact]]).rank(method="dense")
    return order.reindex(rows.index).astype("Int64")


def note_dates(context: Context, rows: pd.DataFrame, table: str, by: str) -> None:
    """Findings about dates that are missing, not exact to the day, or moments without a zone."""
    note = context.dispositions.note_rows
    known = rows["first"].notna() | rows["last"].notna()
    note(rows[~known], FindingKind.DATE_MISSING, by, table=table, severity="info")
    note(rows[known & (rows["first"] != rows["last"])], FindingKind.PARTIAL_DATE, by, table=table, severity="info")
    if "zoneless" in rows:
        note(rows[rows["zoneless"].eq(True)], FindingKind.TIME_WITHOUT_ZONE, by, table=table)
