"""What becomes of each resource, and what was noticed: collected here, told to the ledger when study ids exist."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import pandas as pd

from adapters.quality import FindingKind, LeftOutReason, QuarantineReason
from adapters.tables.extract import Fault


class LedgerLike(Protocol):
    """What of the ledger the tables need."""

    def used(self, key: str, rows: int = 1) -> None: ...
    def left_out(self, key: str, reason: LeftOutReason) -> None: ...
    def quarantined(self, key: str, reason: QuarantineReason, path: str = "", *, table: str | None = None) -> None: ...
    def finding(self, kind: FindingKind, *, count: int = 1, **where: Any) -> None: ...


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
class Fates:
    """One disposition for each resource; the first one given stays, so earlier rules come before later ones."""

    out: dict[str, LeftOutReason | Fault] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    needed: set[str] = field(default_factory=set)
    notes: Counter[Note] = field(default_factory=Counter)

    def leave_out(self, keys: Iterable[str], reason: LeftOutReason) -> None:
        """Valid resources that feed no table."""
        for key in keys:
            self.out.setdefault(key, reason)

    def quarantine(self, key: str, fault: Fault) -> None:
        """A resource that cannot be read."""
        self.out.setdefault(key, fault)

    def use(self, keys: Iterable[str]) -> None:
        """Resources that fed a row; once for each row."""
        self.rows.update(keys)

    def need(self, keys: Iterable[str]) -> None:
        """Resources that feed no row of their own, but were needed for others."""
        self.needed.update(keys)

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
        return keys.isin(self.out.keys())

    def tell(self, keys: Iterable[str], study_ids: Mapping[str, str], ledger: LedgerLike) -> None:
        """Settle every key once and pass on the findings about people in the tables."""
        for key in keys:
            fate = self.out.get(key)
            if isinstance(fate, LeftOutReason):
                ledger.left_out(key, fate)
            elif fate is not None:
                ledger.quarantined(key, fate.reason, fate.path, table=fate.table)
            elif key in self.rows or key in self.needed:
                ledger.used(key, self.rows[key])
            else:
                ledger.left_out(key, LeftOutReason.CODE_NOT_LISTED)
        for note, count in self.notes.items():
            if note.patient is not None and note.patient not in study_ids:
                continue
            where = {name: getattr(note, name) for name in ("severity", "table", "resource_type", "path", "measure")}
            patient = None if note.patient is None else study_ids[note.patient]
            ledger.finding(note.kind, count=count, patient_id=patient, **where)
