"""What can end a follow-up: the event and the sources of censoring as named objects, in the order in which they apply.

They are listed in `censoring.csv`. Every patient's time ends with exactly one of them, and the name goes with the time
through the analysis, so that each censoring can be traced to what was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pandas as pd

ENDS = Path(__file__).with_name("censoring.csv")


@dataclass(frozen=True, slots=True)
class EventSource:
    """One way for a follow-up to end: its name, "event" or "censored", the column of `patients` with its day, meaning."""

    source: str
    counts_as: str
    day: str
    meaning: str


@cache
def event_sources() -> tuple[EventSource, ...]:
    """All sources in the order in which they apply: the event, a death without a date, then those of the last contact."""
    return tuple(EventSource(*row) for row in pd.read_csv(ENDS).itertuples(index=False))


EVENT, UNDATED = event_sources()[:2]


def end_of_each(patients: pd.DataFrame) -> pd.DataFrame:
    """End of follow-up of each row of the table `patients`, same index: time_days (Float64, missing without a day),
    death_observed, event_source.
    """
    dead = patients["death_observed"].fillna(False).astype(bool)
    observed = dead & patients[EVENT.day].notna()
    source = patients["last_contact_source"].astype("string").mask(dead, UNDATED.source).mask(observed, EVENT.source)
    time = patients[EVENT.day].where(observed, patients[UNDATED.day]).astype("Float64")
    return pd.DataFrame({"time_days": time, "death_observed": observed, "event_source": source})


def count_ends(survival: pd.DataFrame, arms: tuple[str, ...]) -> pd.DataFrame:
    """What ended each follow-up, counted by arm: source, counts_as, meaning, one column per arm; every end has a row."""
    rows = []
    for end in event_sources():
        ended = survival.loc[survival["event_source"].eq(end.source), "arm"]
        rows.append((end.source, end.counts_as, end.meaning, *(int(ended.eq(arm).sum()) for arm in arms)))
    return pd.DataFrame(rows, columns=["source", "counts_as", "meaning", *arms])
