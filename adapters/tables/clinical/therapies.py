"""One therapy in two resources: a Procedure and a MedicationAdministration of one agent become one row.

They are one therapy where they are linked (partOf, a shared request, a shared identifier) or lie within `merge_days`.
One Procedure goes with at most one administration, so a course that groups several cycles swallows none of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

from adapters.ledger import FindingKind
from adapters.tables.context import Context

ADMINISTRATION, PROCEDURE = "MedicationAdministration", "Procedure"
TOLERANCE = 1e-6  # relative; above it two activities contradict each other
_FAR = float("inf")
Pair = tuple[int, int]
Row = dict[str, Any]


def merged(context: Context, acts: pd.DataFrame) -> pd.DataFrame:
    """`acts` with one row for each therapy; a column `source_resources` lists the keys of the resources that record it."""
    acts = acts.reset_index(drop=True)
    source_resources: list[tuple[int, ...]] = [(key,) for key in acts["resource_key"]]
    both = acts.groupby(["patient", "procedure"])["resource_type"].transform("nunique") > 1
    links = _Linked(context, acts[both])
    records = acts[both].to_dict("index")
    groups: dict[tuple[str, str], list[int]] = defaultdict(list)
    for index, record in records.items():
        groups[(record["patient"], record["procedure"])].append(index)
    gone: list[int] = []
    changes: dict[int, dict[str, Any]] = {}
    for indexes in groups.values():
        for procedure, administration in _pairs(indexes, records, links, context.settings.reading.merge_days):
            changes[procedure] = _merged_row(context, records[procedure], records[administration])
            source_resources[procedure] += source_resources[administration]
            gone.append(administration)
    if changes:
        new = pd.DataFrame.from_dict(changes, orient="index")
        acts.loc[new.index, list(new.columns)] = new
    return acts.assign(source_resources=source_resources).drop(index=gone).reset_index(drop=True)


@dataclass(frozen=True, slots=True)
class _Link:
    """How far apart two resources lie, and what orders equal distances, from content alone."""

    is_linked: bool
    days: float
    rank: tuple[str, str]
    pair: Pair


def _pairs(indexes: list[int], records: dict[int, Row], links: _Linked, merge_days: int) -> Iterator[Pair]:
    """Which Procedure goes with which administration: explicit links first, then the nearest in time."""
    procedures = [index for index in indexes if records[index]["resource_type"] == PROCEDURE]
    administrations = [index for index in indexes if records[index]["resource_type"] == ADMINISTRATION]
    candidates: list[_Link] = []
    for p, a in product(procedures, administrations):
        procedure, administration = records[p], records[a]
        exact = procedure["first"] == procedure["last"] and administration["first"] == administration["last"]
        days = abs(procedure["first"] - administration["first"]) if exact else _FAR
        linked = links.join(procedure["resource_key"], administration["resource_key"])
        if linked or days <= merge_days:
            candidates.append(_Link(linked, days, (_content(procedure), _content(administration)), (p, a)))
    taken: set[int] = set()
    for link in sorted(candidates, key=lambda item: (not item.is_linked, item.days, item.rank)):
        if taken.isdisjoint(link.pair):
            taken.update(link.pair)
            yield link.pair


def _content(row: Row) -> str:
    return " ".join(str(row[name]) for name in ("first", "last", "at", "activity_gbq", "status", "site"))


class _Linked:
    """Which resources point to each other, share a request or share an identifier."""

    def __init__(self, context: Context, rows: pd.DataFrame) -> None:
        keys = set(rows["resource_key"])
        self.wholes: dict[int, set[int]] = defaultdict(set)  # what each is part of
        self.names: dict[int, set[str]] = defaultdict(set)  # of requests and identifiers
        links = context.links[context.links["resource_key"].isin(keys) & context.links["target_key"].notna()]
        identified = {kind: context.identified(kind) for kind in (PROCEDURE, ADMINISTRATION)}
        for key, role, target in _columns(links, "resource_key", "role", "target_key"):
            kind = target.partition("?")[0].partition("/")[0]
            if role == "part_of" and kind in identified:
                self.wholes[key].update(context.extract.numbers_of(identified[kind].find(target)))
            elif role == "request":
                self.names[key].add(f"request {target}")
        identifiers = context.frame("identifiers")
        if "value" in identifiers:
            own = identifiers[identifiers["resource_key"].isin(keys) & identifiers["system"].notna()]
            for key, system, value in _columns(own, "resource_key", "system", "value"):
                self.names[key].add(f"identifier {system}|{value}")

    def join(self, first: int, second: int) -> bool:
        """Whether the two are linked."""
        part = second in self.wholes[first] or first in self.wholes[second]
        return part or not self.names[first].isdisjoint(self.names[second])


def _columns(frame: pd.DataFrame, *names: str) -> Iterable[tuple[Any, ...]]:
    return zip(*(frame[name] for name in names), strict=True)


def _merged_row(context: Context, procedure: Row, administration: Row) -> dict[str, Any]:
    """The row of both: what was given counts before what was billed, and each fills what the other leaves open."""
    note = context.dispositions.note
    where = {"table": "procedures", "measure": procedure["procedure"], "patient": procedure["patient"]}
    note(FindingKind.MERGED_THERAPY, severity="info", table="procedures", measure=procedure["procedure"])
    given, billed = administration["activity_gbq"], procedure["activity_gbq"]
    if pd.notna(given) and pd.notna(billed) and abs(given - billed) > TOLERANCE * max(given, billed):
        note(FindingKind.CONTRADICTING_ACTIVITY, path="activity_gbq", **where)
    dated = administration if _exactness(administration) >= _exactness(procedure) else procedure
    if procedure["first"] > administration["last"] or administration["first"] > procedure["last"]:
        note(FindingKind.CONTRADICTING_DAY, path="day", **where)
    statuses = (administration["status"], procedure["status"])
    return {
        "activity_gbq": given if pd.notna(given) else billed,
        "status": "completed" if "completed" in statuses else procedure["status"],
        "site": procedure["site"] if procedure["site"] != "none" else administration["site"],
        **{name: dated[name] for name in ("first", "last", "at", "zoneless")},
    }


def _exactness(row: Row) -> int:
    return int(row["first"] == row["last"]) + int(pd.notna(row["at"]))
