"""Who each patient is: sex, birth, death, from all records of one person and from vital status Observations."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from adapters.ledger import FindingKind
from adapters.tables.context import Context
from adapters.tables.extract.views import stacked
from adapters.tables.values.times import read_moments

TABLE = "patients"
_FIELDS = ("sex", "birth_date", "deceased", "deceased_at")


def persons(context: Context, cohort: Iterable[str]) -> pd.DataFrame:
    """One row per person of the cohort: sex, birth_first, birth_last, deceased, death_first, death_last (ordinals)."""
    frame = context.frame(TABLE)
    for key in frame.loc[frame["resource_key"].isin(context.extract.faults.keys()), "resource_key"]:
        context.dispositions.quarantine(key, context.extract.faults[key])
    sound = frame[~context.dispositions.is_out(frame["resource_key"])]
    own_keys = context.extract.texts(sound["resource_key"])
    by_key = sound.reindex(columns=list(_FIELDS)).set_axis(own_keys).to_dict("index")
    rows = []
    for person in sorted(cohort):
        records = [key for key in context.people.records[person] if key in by_key]
        current = [key for key in context.people.current[person] if key in by_key]
        chosen = {name: _value([by_key[k] for k in current], [by_key[k] for k in records], name) for name in _FIELDS}
        rows.append({"patient": person, **chosen})
        context.dispositions.use(context.extract.numbers_of(current[:1]))
        context.dispositions.need(context.extract.numbers_of(records))
    people = pd.DataFrame(rows, columns=["patient", *_FIELDS]).set_index("patient")
    for name, source in (("birth", "birth_date"), ("death", "deceased_at")):
        times = read_moments(people[source], context.zone)
        people[f"{name}_first"], people[f"{name}_last"] = times["first"], times["last"]
    partial = people["birth_date"].notna() & (people["birth_first"] != people["birth_last"])
    for person in people.index[partial]:
        context.dispositions.note(FindingKind.BIRTH_DATE_PARTIAL, table=TABLE, patient=person)
    people["sex"] = people["sex"].where(people["sex"].isin(("female", "male", "other"))).fillna("unknown")
    return people


def _value(current: list[dict[str, object]], records: list[dict[str, object]], name: str) -> object:
    """What the current records say, else the replaced ones; of several values the last in order, never by position."""
    for group in (current, records):
        values = [record[name] for record in group if record[name] is not None and record[name] == record[name]]
        if values:
            return max(values, key=str)
    return None


def check_births(context: Context, people: pd.DataFrame, zero: pd.Series) -> pd.DataFrame:
    """`found` without births that lie after day 0: such a date cannot be, and an age from it is none."""
    wrong = people["birth_first"] > zero
    for person in people.index[wrong]:
        context.dispositions.note(FindingKind.IMPLAUSIBLE_VALUE, table=TABLE, path="birthDate", patient=person)
    people.loc[wrong, ["birth_first", "birth_last"]] = np.nan
    return people


def add_deaths(context: Context, people: pd.DataFrame, observations: pd.DataFrame) -> pd.DataFrame:
    """`found` with death_observed, and death_first and death_last from vital status Observations where Patient has none.

    The day of a status "dead" is taken as the day of death; of several the earliest. A death after the data cutoff is
    not observed.
    """
    dead = _dead(context, observations).groupby("patient").agg(first=("first", "min"), last=("last", "min"))
    reported = people.index.isin(_dead(context, observations)["patient"])
    own = people["death_first"].notna()
    for name in ("first", "last"):
        people[f"death_{name}"] = people[f"death_{name}"].where(own, dead[name].reindex(people.index))
    observed = people["deceased"].eq(True) | own | reported
    _note_contradictions(context, people, observations)
    if context.cutoff is not None:
        late = people["death_first"] > context.cutoff
        for person in people.index[late]:
            context.dispositions.note(FindingKind.AFTER_DATA_CUTOFF, severity="info", table=TABLE, patient=person)
        observed &= ~late
    people["death_observed"] = observed
    people.loc[~observed, ["death_first", "death_last"]] = np.nan
    for person in people.index[observed & (people["death_first"] != people["death_last"])]:
        context.dispositions.note(FindingKind.DEATH_WITHOUT_DATE, table=TABLE, path="deceased", patient=person)
    return people


def _dead(context: Context, observations: pd.DataFrame) -> pd.DataFrame:
    """Vital status Observations that say dead, also those after the data cutoff."""
    columns = ["patient", "first", "last"]
    vital = observations[(observations["measure"] == "vital_status") & (observations["category"] == "dead")]
    late = context.late.get("observations")
    if late is None or late.empty:
        return vital[columns]
    said = late["fixed"].where(late["fixed"].notna(), late["answer_category"])
    late = late[(late["measure"] == "vital_status") & (said == "dead")]
    return stacked(vital[columns], late[columns])


def _note_contradictions(context: Context, people: pd.DataFrame, observations: pd.DataFrame) -> None:
    """Death on different days, death denied by the Patient record, or a patient alive after death."""
    vital = observations[observations["measure"] == "vital_status"]
    rows = vital.join(people[["death_first", "death_last", "deceased"]], on="patient")
    dead, alive = rows["category"] == "dead", rows["category"] == "alive"
    other_day = dead & ((rows["first"] > rows["death_last"]) | (rows["last"] < rows["death_first"]))
    denied = dead & rows["deceased"].eq(False)
    revived = alive & (rows["first"] > rows["death_last"])
    context.dispositions.note_rows(rows[other_day | denied | revived], FindingKind.CONTRADICTING_DEATH, table=TABLE)
