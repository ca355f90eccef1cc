"""From a source to tidy tables on disk: complete, or an error with the last tables unchanged."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from adapters import contract
from adapters.contract import parquet as stored
from adapters.contract.hashing import file_hashes, short_hash
from adapters.contract.publish import publish
from adapters.contract.pull_settings import RULE_OF_THE_CALL, stated
from adapters.errors import InputError
from adapters.fhir.selection import Selection, load_patients
from adapters.ledger import Ledger, LeftOutReason
from adapters.manifest import findings_by_kind, package_versions, rule_files, write_manifest
from adapters.progress import NOTE, Progress, silent
from adapters.reading.stage import Stage
from adapters.settings import Cohort, Settings, check, load_settings
from adapters.sources.base import Source
from adapters.tables import build_tables
from adapters.tables.overlays import check_overlays
from adapters.tables.study_ids import read_link, write_link

LAST_EPOCH = 253_370_764_800  # 1 January 9999: any time zone is still within that year
VIEWS = Path(__file__).resolve().parent / "views"
Excluded = Mapping[str, LeftOutReason]  # "Patient/id" -> why it is left out


@dataclass(frozen=True)
class Request:
    """What a pull is asked for besides the source.

    selection : patients or Group to restrict to
    allow_empty : write empty tables where nobody is left, instead of an error
    link : file that keeps study ids across pulls
    """

    selection: Selection = field(default_factory=Selection)
    allow_empty: bool = False
    link: Path | None = None


def selection(patients: Path | None, group: str | None) -> Selection:
    """The restriction to a file of patients or a Group. Raises InputError if the file cannot be read."""
    return Selection(load_patients(patients) if patients is not None else None, group)


def chosen_settings(path: Path | None, cohort: str | None) -> Settings:
    """study.toml's settings with the cohort rule of the call; overlays are read once. Raises InputError, ViewError."""
    settings = load_settings(path)
    check_overlays(settings)
    if cohort is None:
        return settings
    rule = Cohort(any_of=tuple(cohort.split(",")))
    settings = msgspec.structs.replace(settings, cohort=rule, cohort_of_call=True)
    check(settings, "--cohort")
    return settings


def types_read(settings: Settings) -> frozenset[str]:
    """The resource types that the views read, by the names of their files (<table>.<ResourceType>.json)."""
    folders = [VIEWS, settings.overlay("views")]
    files = [file for folder in folders if folder is not None for file in folder.glob("*.json")]
    return frozenset(file.name.split(".")[1] for file in files if file.name.count(".") == 2)


def pull(
    source: Source,
    out: str | Path,
    *,
    settings: Settings | None = None,
    request: Request | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Read the source into tidy tables under `out` and give the manifest written beside them.

    Raises InputError (exit 2) or IncompleteError (exit 3); `out` then holds what it held before.
    """
    try:
        chosen = settings or chosen_settings(None, None)
        return _pulled(source, Path(out), chosen, request or Request(), progress)
    finally:
        source.finished()


def _pulled(source: Source, out: Path, settings: Settings, request: Request, progress: Progress) -> dict[str, Any]:
    ids = read_link(request.link) if request.link is not None else None
    now = _now(settings)
    ledger = Ledger()
    stage = Stage(source, settings, ledger, types_read(settings), request.selection, progress)
    with _without_cycle_collection():
        excluded = stage.index(now.date())
        _require_patients(stage, request)
        _note_absent(stage, progress)
        tables = build_tables(stage.records(), settings=settings, ledger=ledger, ids=ids, excluded=excluded)
    ledger.close()
    _require_cohort(tables, excluded, settings, request, source)
    progress("writing", len(tables))
    manifest = _manifest(source, settings, stage, ledger, tables) | {"pulled_on": now.date().isoformat()}

    def fill(folder: Path) -> str:
        """Write tables, manifest and link file into the new folder; gives the hash that names it."""
        manifest["hash"] = _written(tables, settings, folder)
        write_manifest(manifest, folder / "manifest.json")
        if request.link is not None and ids is not None:
            write_link(request.link, ids)
        return str(manifest["hash"])

    publish(out, fill)
    return manifest


def _written(tables: dict[str, pd.DataFrame], settings: Settings, folder: Path) -> str:
    """Write the tables; gives the hash of tables and rules."""
    for name, frame in tables.items():
        stored.write(contract.TABLES[name], frame, folder)  # `build` brought them to the contract
    written = [file.read_bytes() for file in sorted(folder.glob("*.parquet"))]
    rules = [path.read_bytes() for _, path in sorted(rule_files(settings).items())]
    return short_hash(written + rules)


@contextmanager
def _without_cycle_collection() -> Iterator[None]:
    """Switch off the search for reference cycles: there are none, and the search takes a tenth of the time."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _now(settings: Settings) -> datetime:
    """The time of the pull in the study's zone; SOURCE_DATE_EPOCH fixes it for reproducible builds. Raises InputError."""
    from zoneinfo import ZoneInfo

    fixed = os.environ.get("SOURCE_DATE_EPOCH", "").strip()
    if not fixed:
        return datetime.now(UTC).astimezone(ZoneInfo(settings.time.zone))
    if not (fixed.isascii() and fixed.isdigit()) or len(fixed) > len(str(LAST_EPOCH)) or int(fixed) > LAST_EPOCH:
        what = "is not a number of seconds since 1970"
        raise InputError(what, "SOURCE_DATE_EPOCH", "give whole seconds up to the year 9999, or unset it")
    return datetime.fromtimestamp(int(fixed), UTC).astimezone(ZoneInfo(settings.time.zone))


def _require_patients(stage: Stage, request: Request) -> None:
    if stage.patients or request.allow_empty:
        return
    if not stage.of_cohort:
        raise InputError("no patients among the resources", stage.source.name, "add the Patient resources")
    if request.selection != Selection():
        remedy = "check --patients or --group, or pass --allow-empty for empty tables"
        raise InputError("none of the patients asked for is there", stage.source.name, remedy)


def _note_absent(stage: Stage, progress: Progress) -> None:
    """Report requested patients that the source lacks."""
    requested, present = stage.restricted.get("asked", 0), stage.restricted.get("found", 0)
    if present < requested:
        progress(f"{present} of the {requested} patients asked for are in the source", NOTE)


def _require_cohort(
    tables: dict[str, pd.DataFrame], excluded: Excluded, settings: Settings, request: Request, source: Source
) -> None:
    if len(tables["patients"]) or request.allow_empty:
        return
    if excluded:
        reasons = ", ".join(sorted({reason.value for reason in excluded.values()}))
        what = f"no patient is left who meets the cohort rule (left out before: {reasons})"
    else:
        what = f"no patient meets the cohort rule ({', '.join(settings.cohort.any_of)})"
    raise InputError(what, source.name, "see `doctor`, pass --cohort all, or --allow-empty for empty tables")


def _manifest(
    source: Source, settings: Settings, stage: Stage, ledger: Ledger, tables: dict[str, pd.DataFrame]
) -> dict[str, Any]:
    reading = dict(source.manifest)
    return stated(settings) | {
        "source": {"kind": source.kind, "label": settings.study.source_label or source.label},
        "synthetic": stage.synthetic,
        "cohort_tags": list(stage.cohort_tags),
        "queries": reading.pop("queries", []),
        "reading": reading | {"unreadable": source.unreadable},
        "dispositions": ledger.counts(),
        "findings": findings_by_kind(ledger),
        "tables": {name: len(frame) for name, frame in sorted(tables.items())},
        "hashes": file_hashes(rule_files(settings)),
        "versions": package_versions(),
        RULE_OF_THE_CALL: settings.cohort_of_call,
        "restricted": stage.restricted,
        "complete": True,
    }
