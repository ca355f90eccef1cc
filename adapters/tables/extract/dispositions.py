"""Disposition and findings of each resource, collected until study ids exist, then reported to the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from adapters.ledger import FindingKind, LeftOutReason, QuarantineReason
from adapters.tables.extract.numbered import Numbered
from adapters.tables.extract.views import Fault

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


class LedgerLike(Protocol):
    """What of the ledger the tables need."""

    def all_used(self, fed: Iterable[tuple[str, int]]) -> None:
        """Count resources as used: key and number of rows that it fed."""

    def left_out(self, key: str, reason: LeftOutReason) -> None:
        """Count a resource as left out."""

    def quarantined(self, key: str, reason: QuarantineReason, path: str = "", *, table: str | None = None) -> None:
        """Count a resource as quarantined, with the path of what is wrong."""

    def finding(self, kind: FindingKind, *, count: int = 1, **where: Any) -> None:
        """Count a finding."""


@dataclass(frozen=True, slots=True)
class Note:
    """A finding before study ids exist; `patient` is the person's key or None."""

    kind: FindingKind
    severity: str = "warning"
    table: str | None = None
    resource_type: str | None = None
    path: str | None = None
    measure: str | None = None
    patient: str | None = None


@dataclass
class Dispositions:
    """One disposition for each resource; the first that is given counts, so earlier rules precede later ones."""

    rows: Counts  # how many rows each fed
    needed: Flags  # feeds no row of its own, but is needed for others
    out: Flags  # left out or quarantined
    why: dict[int, LeftOutReason | Fault] = field(default_factory=dict)  # of those that are out
    unused: dict[int, LeftOutReason] = field(default_factory=dict)  # why, should nothing use the resource
    notes: Counter[Note] = field(default_factory=Counter)

    @classmethod
    def of(cls, resources: int) -> Dispositions:
        """Nothing known yet of so many resources."""
        return cls(
            np.zeros(resources, dtype=np.int64), np.zeros(resources, dtype=bool), np.zeros(resources, dtype=bool)
        )

    def leave_out(self, keys: Iterable[int], reason: LeftOutReason) -> None:
        """Valid resources that feed no table."""
        for key in keys:
            self.why.setdefault(key, reason)
            self.out[key] = True

    def explain(self, keys: Iterable[int], reason: LeftOutReason) -> None:
        """Why these resources feed no table, unless something else uses them or leaves them out."""
        for key in keys:
            self.unused.setdefault(key, reason)

    def quarantine(self, key: int, fault: Fault) -> None:
        """A resource that cannot be read."""
        self.why.setdefault(key, fault)
        self.out[key] = True

    def use(self, keys: Iterable[int]) -> None:
        """Resources that fed a row; once for each row."""
        np.add.at(self.rows, _array(keys), 1)

    def need(self, keys: Iterable[int]) -> None:
        """Resources that feed no row of their own, but were needed for others."""
        self.needed[_array(keys)] = True

    def note(self, kind: FindingKind, *, count: int = 1, **where: Any) -> None:
        """Count a finding; `where` are the fields of Note."""
        if count:
            self.notes[Note(kind, **where)] += count

    def note_rows(self, rows: pd.DataFrame, kind: FindingKind, by: str | None = None, **where: Any) -> None:
        """A finding for the rows, apart by the column `by`, which becomes the finding's measure.

        Warnings and errors are apart by patient as well; what is only worth knowing is counted over all patients.
        """
        keys = [*(["patient"] if where.get("severity") != "info" else []), *([by] if by else [])]
        if rows.empty:
            return
        if not keys:
            self.note(kind, count=len(rows), **where)
            return
        for group, number in rows.groupby(keys, dropna=False, observed=True).size().items():
            names = dict(zip(keys, group if isinstance(group, tuple) else (group,), strict=True))
            measure = names.get(by) if by else None
            self.note(kind, count=int(number), patient=names.get("patient"), measure=measure, **where)

    def is_out(self, keys: pd.Series) -> pd.Series:
        """Which of the keys are left out or quarantined."""
        return pd.Series(self.out[_array(keys)], keys.index)

    def has_rows(self, keys: pd.Series) -> pd.Series:
        """Which of the keys fed a row."""
        return pd.Series(self.rows[_array(keys)] > 0, keys.index)

    def is_used(self, keys: pd.Series) -> pd.Series:
        """Which of the keys fed a row or were needed for others."""
        return self.has_rows(keys) | self.needed[_array(keys)]

    def report(self, extracted: Numbered, study_ids: Mapping[str, str], ledger: LedgerLike) -> None:
        """Report one disposition of every key, and the findings about people in the tables."""
        used = (((self.rows > 0) | self.needed) & ~self.out).tolist()
        rows = self.rows.tolist()
        resources = [(key, extracted.numbers[key]) for key in extracted.keys]
        ledger.all_used((key, rows[number]) for key, number in resources if used[number])
        for key, number in resources:
            if used[number]:
                continue
            disposition = self.why.get(number) or self.unused.get(number, LeftOutReason.CODE_NOT_LISTED)
            if isinstance(disposition, LeftOutReason):
                ledger.left_out(key, disposition)
            else:
                ledger.quarantined(key, disposition.reason, disposition.path, table=disposition.table)
        for note, count in self.notes.items():
            if note.patient is not None and note.patient not in study_ids:
                continue
            where = {name: getattr(note, name) for name in ("severity", "table", "resource_type", "path", "measure")}
            patient = None if note.patient is None else study_ids[note.patient]
            ledger.finding(note.kind, count=count, patient_id=patient, **where)


def _array(keys: Iterable[int]) -> npt.NDArray[np.int64]:
    """Numbers of resources as an array; those of an empty frame may have come as floats."""
    return np.asarray(keys if isinstance(keys, pd.Series) else list(keys), dtype=np.int64)
