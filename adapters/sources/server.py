"""A FHIR server as a source: the cohort first, then all that the views read about it, complete or an error.

Complete means: every chain of pages ended without `next`, no outcome told of an error, and the distinct ids of each
search equal `_summary=count` before and after it. Where a server does not count, the manifest says `verified: false`.
Every entry is judged again here: what was not asked for is dropped and counted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from adapters.errors import IncompleteError, InputError
from adapters.progress import NOTE, Progress, silent
from adapters.reading.patients import Selection
from adapters.settings import Settings, load_settings
from adapters.sources.http_client import HttpClient
from adapters.sources.http_origin import parse_base
from adapters.sources.search import Searcher
from adapters.sources.server_capability import read_capability
from adapters.sources.server_checks import check_cohort, keep_astray, not_served
from adapters.sources.server_cohort import find_cohort, group_of, medication_id
from adapters.sources.server_config import load_server_config
from adapters.sources.server_dry_run import dry_run
from adapters.sources.server_plan import BY_REFERENCE
from adapters.sources.server_run import Run
from adapters.sources.server_spool import Spool, default_root
from adapters.sources.server_spooled import SpooledSource
from adapters.sources.server_tally import Tallies, now
from adapters.sources.server_units import Unit, fetch_unit, units


@dataclass
class ServerSource(SpooledSource):
    """Everything about the cohort, found by searches."""

    _counts: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def dry_run(self) -> list[str]:
        """The searches of a pull, as text; nothing is sent."""
        return dry_run(self)

    def _fetched(self, client: HttpClient) -> tuple[Spool, dict[str, Any]]:
        run = Run(client, Searcher(client, self.config.count), read_capability(client), self.config)
        cohort = find_cohort(run, self.settings, self.selection)
        self.shown("patients found", len(cohort.patients))
        missing = not_served(run, self.types, self.shown)
        spool = self._opened_spool(cohort.patients)
        chunks = self._chunks(run, spool, cohort.patients)
        resumed = len(spool.done())
        if self.selection.group is not None:
            spool.keep("Group", "Group", [group_of(run, self.selection.group)], verified=True)
        wanted = units(
            self._types_about_patients(run), chunks, run.capability, None if self.any_code else self.settings
        )
        self._fetch(run, spool, wanted)
        keep_astray(cohort, spool)
        self._fetch(run, spool, list(self._referenced(run, spool)))  # Medications and the like
        checked = check_cohort(cohort, spool, run, self.types, self.shown)
        return spool, checked | {"not_served": missing} | self._facts(run, spool, resumed)

    def _facts(self, run: Run, spool: Spool, resumed: int) -> dict[str, Any]:
        """What the manifest states: numbers of this run and of the parts that an interrupted one had finished."""
        all_tallies, done = Tallies(), spool.done().values()
        all_tallies.merge(run.tallies.noted())
        for entry in done:
            all_tallies.merge(entry.get("tally") or {})
        return {
            "queries": all_tallies.rows(),
            "verified": run.verified and all(entry["verified"] for entry in done),
            "software": run.capability.software,
            "links_followed": "both ways" if run.capability.supports("Patient", "link") else "from the cohort only",
            "not_asked_for": _not_asked_for(spool),
            "parts_resumed": resumed,
            "started": spool.recall("started"),
        }

    def _opened_spool(self, patients: list[str]) -> Spool:
        """The spool of this question, emptied where what it holds is of another cohort or too old."""
        asked_for = sorted(self.selection.patients or ()), self.selection.group, self.settings.consent.required
        question = [self.base.text, sorted(self.types), list(self.settings.cohort.any_of), self.config.chunk_size,
                    self.any_code, *asked_for]  # fmt: skip
        name = hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16]
        spool = Spool(self.spool_root / name)
        before = spool.recall("chunks") or []
        if before and {one for chunk in before for one in chunk} != set(patients) and not self.accept_drift:
            self.shown("the cohort changed since the interrupted pull: starting over", NOTE)
            spool.clear()
        elif before and _hours_since(spool.recall("started")) > self.config.resume_hours:
            self.shown("the interrupted pull is too old to be resumed: starting over", NOTE)
            spool.clear()
        if spool.recall("started") is None:
            spool.remember("started", now())
        return spool

    def _chunks(self, run: Run, spool: Spool, patients: list[str]) -> list[list[str]]:
        """Chunks of an interrupted pull as they were, and new ones for patients that were not in them."""
        chunks: list[list[str]] = spool.recall("chunks") or []
        known = {one for chunk in chunks for one in chunk}
        chunks += run.chunks([one for one in patients if one not in known])
        spool.remember("chunks", chunks)
        return chunks

    def _types_about_patients(self, run: Run) -> set[str]:
        wanted = set(self.types) | {"Patient"} | ({"Consent"} if self.settings.consent.required else set())
        return {kind for kind in wanted - BY_REFERENCE if run.capability.has_type(kind)}

    def _fetch(self, run: Run, spool: Spool, wanted: list[Unit]) -> None:
        """Fetch what the spool does not hold yet. Raises IncompleteError with a list of what is missing."""
        done = spool.done()
        waiting = [unit for unit in wanted if unit.name not in done]
        for unit in wanted:
            if unit.name in done:
                self._progressed(unit.type, done[unit.name]["resources"])
        with ThreadPoolExecutor(max_workers=self.config.parallel) as pool:
            futures = [pool.submit(self._fetch_unit, run, spool, unit) for unit in waiting]
            finished, unfinished = wait(futures, return_when=FIRST_EXCEPTION)
            for future in unfinished:
                future.cancel()
        failed = [error for future in finished if (error := future.exception()) is not None]
        if failed and isinstance(failed[0], IncompleteError):
            raise _with_missing(failed[0], wanted, spool)
        if failed:
            raise failed[0]

    def _fetch_unit(self, run: Run, spool: Spool, unit: Unit) -> None:
        kept, facts = fetch_unit(run, unit)
        self._progressed(unit.type, spool.keep(unit.name, unit.name.replace(" ", "-"), kept, **facts))

    def _progressed(self, kind: str, number: int) -> None:
        with self._lock:
            self._counts[kind] += number
            self.shown(kind, self._counts[kind])

    def _referenced(self, run: Run, spool: Spool) -> Iterable[Unit]:
        for kind in sorted(self.types & BY_REFERENCE):
            if run.capability.has_type(kind):
                for chunk in run.chunks(sorted(_referred_to(spool))):
                    yield Unit(kind, ids=tuple(chunk))


def _referred_to(spool: Spool) -> set[str]:
    """Ids of the Medications that were given or stated."""
    given = (entry for unit, entry in spool.done().items() if unit.startswith("Medication"))
    found = {medication_id(resource) for entry in given for resource in spool.read(entry)}
    return {one for one in found if one is not None}


def _not_asked_for(spool: Spool) -> int | None:
    """Observations about the cohort whose codes no list names; None where the server does not count."""
    numbers = [one.get("not_asked_for") for unit, one in spool.done().items() if unit.startswith("Observation ")]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None


def _with_missing(error: IncompleteError, wanted: list[Unit], spool: Spool) -> IncompleteError:
    """The error with what is missing by type; what is finished need not be fetched again."""
    done = spool.done()
    missing = Counter(unit.type for unit in wanted if unit.name not in done)
    named = ", ".join(f"{kind} {number}" for kind, number in sorted(missing.items()))
    of_all = f"{missing.total()} of {len(wanted)} parts are missing ({named}); the next pull asks for these only"
    return IncompleteError(f"{error.what}; {error.remedy}", error.where, of_all)


def _hours_since(started: Any) -> float:
    if not isinstance(started, str):
        return 0.0
    return (datetime.now(UTC) - datetime.fromisoformat(started)) / timedelta(hours=1)


def open_server(
    spec: str,
    *,
    settings: Settings | None = None,
    types: frozenset[str] = frozenset(),
    server_config: str | Path | None = None,
    selection: Selection | None = None,
    spool: Path | None = None,
    keep_raw: bool = False,
    accept_drift: bool = False,
    bulk: str | None = None,
    any_code: bool = False,
    allow_output_origin: str | None = None,
    shown: Progress | None = None,
) -> SpooledSource:
    """The source for an http(s) base. Raises InputError: not an address, http beyond this machine, wrong settings."""
    base = parse_base(spec)
    config, folder = load_server_config(server_config)
    if allow_output_origin is not None:
        if bulk is None:
            raise InputError("is for the files of an export", "--allow-output-origin", "add --bulk")
        config = msgspec.structs.replace(config, allow_output_origin=allow_output_origin)
    if not types:
        raise InputError("no resource types are asked for", "views", "add views")
    question = (
        base, config, folder, settings or load_settings(), types, selection or Selection(), spool or default_root(),
        keep_raw, accept_drift, any_code, shown or silent,
    )  # fmt: skip
    if bulk is None:
        return ServerSource(*question)
    from adapters.sources.bulk import BulkSource

    return BulkSource(*question, level=bulk)
