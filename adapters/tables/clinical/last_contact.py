"""The last contact with each patient, and its source."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from adapters.fhir.codelists import FOLLOW_UP
from adapters.ledger import FindingKind
from adapters.tables.context import Context
from adapters.tables.extract.views import stacked

SOURCES = {"vital_status": "vital_status", FOLLOW_UP: "follow_up"}  # measure -> source


def last_contacts(
    context: Context, people: pd.DataFrame, observations: pd.DataFrame, events: pd.DataFrame
) -> pd.DataFrame:
    """contact (ordinal) and source by person.

    A dated death is the last contact. Else the latest explicit vital status or follow-up counts, else the latest
    clinical event; never a day after death. `events` : patient and day (ordinal) of what the tidy tables hold.
    """
    limit = people["death_last"]
    explicit = observations[observations["measure"].isin(SOURCES) & (observations["category"] != "dead")]
    explicit = explicit.assign(day=explicit["first"].where(explicit["first"] == explicit["last"]))
    explicit = explicit.assign(source=explicit["measure"].map(SOURCES))
    events = events.assign(source="clinical_event")
    _note_after_death(context, events, limit)
    chosen = _latest(events, limit)
    stated = _latest(explicit, limit)
    chosen = stated.combine_first(chosen).reindex(people.index)
    died = people["death_observed"] & people["death_first"].notna() & (people["death_first"] == people["death_last"])
    chosen.loc[died, "day"] = people.loc[died, "death_first"]
    chosen.loc[died, "source"] = "death"
    return pd.DataFrame({"contact": chosen["day"].astype(float), "source": chosen["source"].fillna("none")})


def _latest(rows: pd.DataFrame, limit: pd.Series) -> pd.DataFrame:
    """The latest day of each patient that is not after death, with its source."""
    rows = rows[["patient", "day", "source"]].dropna(subset=["day"])
    bound = rows["patient"].map(limit).astype(float)
    rows = rows[~(rows["day"] > bound)].sort_values(["patient", "day", "source"])
    return rows.drop_duplicates("patient", keep="last").set_index("patient")[["day", "source"]]


def _note_after_death(context: Context, events: pd.DataFrame, limit: pd.Series) -> None:
    after = events[events["day"] > events["patient"].map(limit).astype(float)]
    context.dispositions.note_rows(after, FindingKind.EVENT_AFTER_DEATH, "table")


def clinical_events(frames: Iterable[tuple[str, pd.DataFrame, str]]) -> pd.DataFrame:
    """patient, day, table of all rows that are exact to the day; frames as (table, rows, name of the day column)."""
    events = []
    for table, rows, column in frames:
        exact = rows[column].notna()
        if column == "first":
            exact &= rows["first"] == rows["last"]
        day = rows.loc[exact, column].astype(float)
        events.append(pd.DataFrame({"patient": rows.loc[exact, "patient"], "day": day, "table": table}))
    return stacked(*events)
