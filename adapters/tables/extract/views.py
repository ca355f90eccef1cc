"""Run all views over the resources: rows as in the resources, before any code list, unit or join."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from adapters.contract.typed_settings import nearest
from adapters.errors import InputError
from adapters.fhir.overlays import overlay_files
from adapters.fhir.r4 import RESOURCE_TYPES
from adapters.ledger import QuarantineReason
from adapters.reading.raw_resource import RawResource
from adapters.sql_on_fhir import CompiledView, compile_view
from adapters.tables.extract.runs import Runs

VIEWS = Path(__file__).resolve().parents[2] / "views"
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

    Raises InputError where a file is not JSON or feeds no table by its name, or views of one table differ in columns,
    ViewError for a wrong view.
    """
    files = {path.name: path for path in sorted(VIEWS.glob("*.json"))}
    files |= {path.name: path for path in _of_overlay(overlay, set(files))} if overlay else {}
    views = [
        TableView(name.partition(".")[0], _compiled(path, path.stat().st_mtime_ns)) for name, path in files.items()
    ]
    columns: dict[str, tuple[str, ...]] = {}
    for view in views:
        if columns.setdefault(view.table, view.compiled.names) != view.compiled.names:
            raise InputError(f"views of table {view.table} differ in columns", view.compiled.name, "make them equal")
    return views


def _of_overlay(overlay: Path, own: set[str]) -> list[Path]:
    """The views of an overlay: <table>.<ResourceType>.json for a table or helper that our own views feed."""
    tables = {name.partition(".")[0] for name in own}

    def meant(name: str) -> str | None:
        table, _, rest = name.partition(".")
        kind, _, suffix = rest.partition(".")
        parts = (nearest(table, tables), nearest(kind, RESOURCE_TYPES))
        whole = suffix == "json" and None not in parts
        return f"{parts[0]}.{parts[1]}.json" if whole else nearest(name, sorted(own))

    return overlay_files(overlay, ".json", meant)


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


def extract(resources: Iterable[Mapping[str, Any] | RawResource], views: list[TableView]) -> Extract:
    """Rows of all `views` for `resources` (each with resourceType and id, references resolved; or still as text)."""
    extracted = Extract({})
    runs = _runs(views, extracted.faults)
    for resource in resources:
        key = resource.key if isinstance(resource, RawResource) else f"{resource['resourceType']}/{resource['id']}"
        extracted.keys.append(key)
        own = runs.get(key.partition("/")[0])
        if own is not None:
            own.add(resource, key)
    for view in views:
        frame = _frame(view, runs[view.compiled.resource_type])
        known = extracted.frames.get(view.table)
        extracted.frames[view.table] = frame if known is None else stacked(known, frame)
    return extracted


def _runs(views: list[TableView], faults: dict[str, Fault]) -> dict[str, Runs]:
    """Resource type -> its views, ready to run; the first fault of a resource is kept."""
    tables = {id(view.compiled): view.table for view in views}

    def note(key: str, view: CompiledView, column: str, path: str, reason: str) -> None:
        if key not in faults:
            faults[key] = _fault(tables[id(view)], view, column, path, reason)

    by_type: dict[str, list[CompiledView]] = {}
    for view in views:
        by_type.setdefault(view.compiled.resource_type, []).append(view.compiled)
    return {kind: Runs(kind, own, note) for kind, own in by_type.items()}


def _frame(view: TableView, runs: Runs) -> pd.DataFrame:
    """The rows of a view as a frame; they are not kept elsewhere."""
    runs.finish()
    frame = pd.DataFrame(runs.taken(view.compiled), columns=list(view.compiled.names), dtype=object)
    if "part" in frame:
        frame["part"] = frame["part"].astype("int64")
    frame["resource_type"] = view.compiled.resource_type
    return frame


def stacked(*frames: pd.DataFrame) -> pd.DataFrame:
    """The frames one below the other; empty ones, whose columns have no telling dtype, decide only if all are empty."""
    filled = [frame for frame in frames if not frame.empty]
    return pd.concat(filled, ignore_index=True) if filled else frames[0].reset_index(drop=True)


def rows_where(frame: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """The rows for which `wanted` holds, numbered anew; where that is all of them, nothing is copied."""
    return (frame if wanted.all() else frame[wanted]).reset_index(drop=True)


def texts_that(values: pd.Series, holds: Callable[[str], bool]) -> pd.Series:
    """Where `holds` is true of the text; it is asked once for each different one."""
    return values.isin([text for text in values.dropna().unique() if holds(text)])


def combinations(columns: Iterable[pd.Series]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The number of each row's combination of values, and the place of the first row of each combination."""
    groups: npt.NDArray[np.int64] = np.zeros(1, dtype=np.int64)
    for column in columns:
        numbers, different = pd.factorize(column, use_na_sentinel=False)
        groups = pd.factorize(groups * len(different) + numbers)[0]
    return groups, np.unique(groups, return_index=True)[1]


def no_rows(*texts: str, numbers: tuple[str, ...] = (), flags: tuple[str, ...] = ()) -> pd.DataFrame:
    """A frame without rows whose columns have the dtypes that rows would give them."""
    kinds = {**dict.fromkeys(texts, object), **dict.fromkeys(numbers, float), **dict.fromkeys(flags, bool)}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})


def _fault(table: str, view: CompiledView, column: str, path: str, reason: str) -> Fault:
    """What the view says of a field that does not fit."""
    kinds = {c.name: c.type for c in view.columns}
    kind = QuarantineReason.INVALID_VALUE
    if "where one is declared" in reason:
        kind = QuarantineReason.INVALID_STRUCTURE
    elif kinds.get(column) in _DATE_TYPES:
        kind = QuarantineReason.INVALID_DATE
    return Fault(kind, f"{view.resource_type}.{path}", table)
