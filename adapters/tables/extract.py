"""Run all views over the resources: rows as the resources tell them, before any code list, unit or join."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from adapters.errors import InputError
from adapters.quality import QuarantineReason
from adapters.sql_on_fhir import CompiledView, compile_view

VIEWS = Path(__file__).resolve().parents[1] / "views"
CODINGS = "codings"
_DATE_TYPES = frozenset({"date", "dateTime", "instant", "time"})


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a resource cannot be read: an invalid field that a view reads; `path` holds element names only."""

    reason: QuarantineReason
    path: str
    table: str


@dataclass
class Extract:
    """What the views gave.

    frames : name of the table or helper -> rows of all its views, with a column resource_type
    keys : keys of all resources seen, in the order read
    faults : key -> the first invalid field that a view read
    """

    frames: dict[str, pd.DataFrame]
    keys: list[str] = field(default_factory=list)
    faults: dict[str, Fault] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TableView:
    """One view and the table or helper table that its rows belong to."""

    table: str
    compiled: CompiledView


def load_views(overlay: Path | None = None) -> list[TableView]:
    """The views of adapters/views, where `overlay` has a file of the same name, that one; and those it adds.

    Raises InputError where a file is not JSON or views of one table differ in columns, ViewError for a wrong view.
    """
    files = {path.name: path for path in sorted(VIEWS.glob("*.json"))}
    files |= {path.name: path for path in sorted(overlay.glob("*.json"))} if overlay else {}
    views = [
        TableView(name.partition(".")[0], _compiled(path, path.stat().st_mtime_ns)) for name, path in files.items()
    ]
    columns: dict[str, tuple[str, ...]] = {}
    for view in views:
        if columns.setdefault(view.table, view.compiled.names) != view.compiled.names:
            raise InputError(f"views of table {view.table} differ in columns", view.compiled.name, "make them equal")
    return views


@lru_cache(maxsize=128)
def _compiled(path: Path, _changed: int) -> CompiledView:
    """The view of a file as it stands; compiling all of them takes as long as reading a small source."""
    return compile_view(_definition(path))


def _definition(path: Path) -> Mapping[str, Any]:
    try:
        definition: Mapping[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise InputError("the view is not JSON", path.name, "correct the file") from None
    return definition


def extract(resources: Iterable[Mapping[str, Any]], views: list[TableView]) -> Extract:
    """Rows of all `views` for `resources` (each with resourceType and id, references settled)."""
    rows: list[list[tuple[Any, ...]]] = [[] for _ in views]
    by_type: dict[str, list[tuple[TableView, list[tuple[Any, ...]]]]] = {}
    for view, own in zip(views, rows, strict=True):
        by_type.setdefault(view.compiled.resource_type, []).append((view, own))
    found = Extract({})
    for resource in resources:
        kind = resource["resourceType"]
        key = f"{kind}/{resource['id']}"
        found.keys.append(key)
        for view, own in by_type.get(kind, ()):
            listener = _Listener(found.faults, key, view)
            own += view.compiled.tuples(resource, listener)
    for view, own in zip(views, rows, strict=True):
        frame = pd.DataFrame(own, columns=list(view.compiled.names), dtype=object)
        if "part" in frame:
            frame["part"] = frame["part"].astype("int64")
        frame["resource_type"] = view.compiled.resource_type
        known = found.frames.get(view.table)
        found.frames[view.table] = frame if known is None else stacked(known, frame)
    return found


def stacked(*frames: pd.DataFrame) -> pd.DataFrame:
    """The frames one below the other; empty ones, whose columns have no telling dtype, decide only if all are empty."""
    filled = [frame for frame in frames if not frame.empty]
    return pd.concat(filled, ignore_index=True) if filled else frames[0].reset_index(drop=True)


def no_rows(*texts: str, numbers: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> pd.DataFrame:
    """A frame without rows whose columns have the dtypes that rows would give them."""
    kinds = {**dict.fromkeys(texts, object), **dict.fromkeys(numbers, float), **dict.fromkeys(flags, bool)}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})


@dataclass(frozen=True, slots=True)
class _Listener:
    """Notes the first invalid field of one resource."""

    faults: dict[str, Fault]
    key: str
    view: TableView

    def __call__(self, _view: str, column: str, path: str, reason: str) -> None:
        kinds = {c.name: c.type for c in self.view.compiled.columns}
        found = QuarantineReason.INVALID_VALUE
        if "where one is declared" in reason:
            found = QuarantineReason.INVALID_STRUCTURE
        elif kinds.get(column) in _DATE_TYPES:
            found = QuarantineReason.INVALID_DATE
        where = f"{self.view.compiled.resource_type}.{path}"
        self.faults.setdefault(self.key, Fault(found, where, self.view.table))
