"""The cohort rule, by the same code for every source: who had one of the procedures that study.toml names."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from adapters.ledger import FindingKind, LeftOutReason
from adapters.tables.context import Context
from adapters.tables.values.times import when

TIMED = ("date_time", "period_start")


def members(context: Context, procedures: pd.DataFrame) -> set[str]:
    """The persons in the tables: not excluded, and with a listed procedure up to the data cutoff.

    A procedure whose date cannot be read still says that its patient had it; the codes decide.
    """
    rule = context.settings.cohort
    included = set(context.people.records) - set(excluded(context))
    if rule.everyone:
        return included
    meanings = context.acts_named("procedures")
    keys = meanings.loc[meanings["means"].isin(rule.any_of), "resource_key"]
    acts = procedures[procedures["resource_key"].isin(keys)]
    if context.cutoff is not None and len(acts):
        first = when(acts, context.zone, TIMED)["first"]
        acts = acts[~(first > context.cutoff)]
    return included & set(acts["patient"])


def excluded(context: Context) -> dict[str, LeftOutReason]:
    """Persons of whom all records are to be left out (test patient, no consent, not selected), with the reason."""
    reasons = context.excluded
    return {
        person: min(reasons[key] for key in records)
        for person, records in context.people.records.items()
        if all(key in reasons for key in records)
    }


def leave_out_others(context: Context, frames: Iterable[pd.DataFrame], cohort: set[str]) -> None:
    """Leave out the records and rows of everybody outside the cohort; note merged records of its members."""
    reasons = excluded(context)
    for person, records in context.people.records.items():
        if person not in cohort:
            context.dispositions.leave_out(
                context.extract.numbers_of(records), reasons.get(person, LeftOutReason.OUTSIDE_COHORT)
            )
        elif len(records) > 1:
            context.dispositions.note(
                FindingKind.MERGED_PATIENT, severity="info", table="patients", resource_type="Patient", patient=person
            )
    for frame in frames:
        outside = frame[~frame["patient"].isin(cohort)]
        why = outside["patient"].map(lambda person: reasons.get(person, LeftOutReason.OUTSIDE_COHORT))
        for reason, keys in outside["resource_key"].groupby(why, sort=False):
            context.dispositions.leave_out(keys, LeftOutReason(reason))
