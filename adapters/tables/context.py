"""The state that all tables share: rows of the views, persons, code lists, units, settings, dispositions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

import pandas as pd

from adapters.fhir.codelists import CodeLists
from adapters.ledger import FindingKind, LeftOutReason, QuarantineReason
from adapters.settings import Settings
from adapters.tables.extract.acts import acts_named
from adapters.tables.extract.coded import Coded
from adapters.tables.extract.dispositions import Dispositions
from adapters.tables.extract.joins import BY_IDENTIFIER, Identified, People, find_people
from adapters.tables.extract.numbered import Numbered
from adapters.tables.extract.views import CODINGS, Fault, no_rows, rows_where, stacked
from adapters.tables.values.times import when
from adapters.tables.values.units import Units

NO_ROWS = no_rows("resource_type", numbers=("resource_key",))
_LINKS = no_rows("role", "target_key", "resource_type", numbers=("resource_key",))
_CODINGS = no_rows("role", "system", "code", numbers=("resource_key", "part"))


@dataclass
class Context:
    """The state of one build of the tables."""

    extract: Numbered
    settings: Settings
    lists: CodeLists
    units: Units
    excluded: Mapping[str, LeftOutReason] = field(default_factory=dict)
    dispositions: Dispositions = field(init=False)
    indexes: dict[str, Identified] = field(default_factory=dict)
    acts: dict[str, pd.DataFrame] = field(default_factory=dict)  # code list -> what acts are by it
    late: dict[str, pd.DataFrame] = field(default_factory=dict)  # table -> rows after the data cutoff

    def __post_init__(self) -> None:
        self.dispositions = Dispositions.of(len(self.extract.keys))

    @cached_property
    def zone(self) -> ZoneInfo:
        """The time zone in which instants become dates."""
        return ZoneInfo(self.settings.time.zone)

    @cached_property
    def cutoff(self) -> float | None:
        """The ordinal of the last day of the study, None without a data cutoff."""
        cutoff = self.settings.time.data_cutoff
        return None if cutoff is None else float(cutoff.toordinal())

    def frame(self, name: str) -> pd.DataFrame:
        """The rows of all views of a table or helper; empty where nothing fed it."""
        return self.extract.frames.get(name, NO_ROWS)

    @cached_property
    def links(self) -> pd.DataFrame:
        """References by role: resource_key, role, target_key, resource_type."""
        return self.extract.frames.get("links", _LINKS)

    @cached_property
    def people(self) -> People:
        """Patient records grouped into persons."""
        keys = (key for key in self.extract.keys if key.startswith("Patient/"))
        links = self.links[self.links["resource_type"] == "Patient"]
        links = links.assign(source_key=self.extract.texts(links["resource_key"]))
        return find_people(keys, links, self.identified("Patient"))

    def identified(self, kind: str) -> Identified:
        """Resources of a type by business identifier."""
        if kind not in self.indexes:
            self.indexes[kind] = Identified.of(self.extract.frames.get("identifiers"), kind, self.extract.keys)
        return self.indexes[kind]

    def resolved(self, targets: pd.Series, kind: str) -> pd.Series:
        """The number of the resource of type `kind` that each reference leads to; missing for none or several."""
        identified = self.identified(kind)
        matches = {target: self.extract.numbers_of(identified.find(target)) for target in targets.dropna().unique()}
        return targets.map({target: numbers[0] for target, numbers in matches.items() if len(numbers) == 1})

    @cached_property
    def coded(self) -> Coded:
        """All codings; those of a Medication also stand as codings of what refers to it."""
        codings = self.extract.frames.get(CODINGS, _CODINGS)
        columns = list(_CODINGS.columns)
        own = codings.reindex(columns=columns)
        referred = self.medication_links.merge(own, left_on="medication", right_on="resource_key", suffixes=("", "_of"))
        return Coded(stacked(own, referred[columns]), self.lists)

    def acts_named(self, name: str) -> pd.DataFrame:
        """What acts are by the list `name`: resource_key, part, means; see `tables.extract.acts`."""
        if name not in self.acts:
            self.acts[name] = acts_named(self.coded, name)
        return self.acts[name]

    @cached_property
    def medication_links(self) -> pd.DataFrame:
        """resource_key of what refers to a Medication, and the Medication's key, resolved by identifier where needed."""
        links = self.links[self.links["role"] == "medication"]
        settled = links.assign(medication=self.resolved(links["target_key"], "Medication"))
        return settled.dropna(subset=["medication"])[["resource_key", "medication"]].astype("int64")

    def with_patient(self, name: str) -> pd.DataFrame:
        """The rows of a table with their person; resources without a patient that was read are left out."""
        frame = self.frame(name)
        if "patient_key" not in frame:
            return frame.assign(patient=pd.Series(dtype=object))
        frame = frame.assign(patient=self.people.resolve(frame["patient_key"]))
        nobody = frame[frame["patient"].isna()].drop_duplicates("resource_key")
        for key in nobody["resource_key"]:
            if key in self.extract.faults:  # who it belongs to may be the very thing that cannot be read
                self.dispositions.quarantine(key, self.extract.faults[key])
        self.dispositions.leave_out(nobody["resource_key"], LeftOutReason.NO_PATIENT)
        unclear = self.people.ambiguous(nobody["patient_key"])
        by_name = int(nobody["patient_key"].fillna("").str.contains(BY_IDENTIFIER, regex=False).sum())
        self.dispositions.note(FindingKind.SEVERAL_MATCHES, count=unclear, table=name)
        self.dispositions.note(FindingKind.UNRESOLVED_REFERENCE, count=by_name - unclear, table=name, path="patient")
        return rows_where(frame, frame["patient"].notna())

    def valid(self, frame: pd.DataFrame, listed: pd.Series) -> pd.DataFrame:
        """`frame` without resources that hold an invalid field that a view reads; those are quarantined.

        A resource whose codes could be read and are not `listed` is left to the code lists: its faults cost nobody.
        """
        faulty = frame["resource_key"].isin(self.extract.faults.keys())
        for key, known in zip(frame.loc[faulty, "resource_key"], listed[faulty], strict=True):
            fault = self.extract.faults[key]
            if known or fault.table == CODINGS:
                self.dispositions.quarantine(key, fault)
        return rows_where(frame, ~faulty)

    def one_meaning(self, meanings: pd.DataFrame, table: str) -> pd.DataFrame:
        """`meanings` (resource_key, part, means) of resources with one meaning a part; others are quarantined."""
        several = meanings[meanings.duplicated(["resource_key", "part"], keep=False)]["resource_key"].unique()
        for key in several:
            path = f"{self.extract.kind(key)}.code"
            self.dispositions.quarantine(key, Fault(QuarantineReason.CONFLICTING_CODES, path, table))
        return meanings[~meanings["resource_key"].isin(several)]

    def dated(self, frame: pd.DataFrame, starts: tuple[str, ...], end: str | None, element: str) -> pd.DataFrame:
        """`frame` with first, last, at, zoneless; rows with an invalid date are quarantined and gone."""
        times = when(frame, self.zone, starts, end)
        table = pd.concat([frame.reset_index(drop=True), times.reset_index(drop=True)], axis=1)
        for row in table.loc[table["invalid"], ["resource_key", "resource_type"]].itertuples():
            fault = Fault(QuarantineReason.INVALID_DATE, f"{row.resource_type}.{element}", "")
            self.dispositions.quarantine(row.resource_key, fault)
        return rows_where(table, ~table["invalid"]).drop(columns="invalid")

    def before_cutoff(self, frame: pd.DataFrame, table: str) -> pd.DataFrame:
        """`frame` without the rows that lie wholly after the data cutoff; those are left out and counted."""
        if self.cutoff is None:
            return frame
        late = frame["first"] > self.cutoff
        self.late[table] = frame[late]
        self.dispositions.leave_out(frame.loc[late, "resource_key"], LeftOutReason.AFTER_DATA_CUTOFF)
        self.dispositions.note_rows(frame[late], FindingKind.AFTER_DATA_CUTOFF, severity="info", table=table)
        return rows_where(frame, ~late)
