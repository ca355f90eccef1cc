"""A FHIR server as a source: the cohort first, then all that the views read about it, complete or an error.

Complete means: every chain of pages ended without `next`, no outcome told of an error, and the distinct ids of each
chunk equal `_summary=count` before and after it. Where a server does not count, the manifest says `verified: false`.
Every entry is judged again here: what was not asked for is dropped and counted.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from adapters.errors import InputError
from adapters.reading.patients import Selection
from adapters.settings import Settings
from adapters.sources import Read
from adapters.sources.http_auth import authorizer
from adapters.sources.http_client import HttpClient
from adapters.sources.http_origin import Base, parse_base
from adapters.sources.search import Searcher
from adapters.sources.server_capability import read_capability
from adapters.sources.server_cohort import find_patients, local_id
from adapters.sources.server_config import ServerConfig, load_server_config
from adapters.sources.server_plan import BY_REFERENCE, by_ids, cohort_queries, medication_query, observation_codes
from adapters.sources.server_run import Run
from adapters.sources.server_spool import Spool, default_root
from adapters.sources.server_units import Unit, fetch_unit, units

Shown = Callable[[str, int], None]


@dataclass
class ServerSource:
    """Resources of one server, fetched at the first `read` and read again from the spool after that."""

    base: Base
    config: ServerConfig
    folder: Path
    settings: Settings
    types: frozenset[str]
    selection: Selection = field(default_factory=Selection)
    spool_root: Path = field(default_factory=default_root)
    keep_raw: bool = False
    accept_drift: bool = False
    any_code: bool = False  # views of the user's own read what no code list names
    shown: Shown = lambda _stage, _number: None
    kind: str = "server"
    label: str = "FHIR server"
    manifest: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0
    size_bytes: int | None = None
    _spool: Spool | None = None

    def read(self) -> Iterator[Read]:
        """All resource versions about the cohort. Raises IncompleteError (exit 3) or InputError (exit 2)."""
        if self._spool is None:
            self._fetch()
        assert self._spool is not None  # noqa: S101 - for the type checker
        yield from self._spool.records(self.base, "the server")

    def finished(self) -> None:
        """The tables are written: the raw resources go, unless they are to be kept."""
        if self._spool is not None and not self.keep_raw:
            self._spool.remove()

    def queries(self) -> list[str]:
        """The exact searches that a pull would send first (`--dry-run`); those about patients with their number open."""
        first = (
            [] if self.settings.cohort.everyone else [*cohort_queries(self.settings), medication_query(self.settings)]
        )
        shown = [
            f"POST {self.base.url(q.type)}/_search  {'&'.join(f'{k}={v}' for k, v in q.parameters)}" for q in first
        ]
        filters = (("combo-code", ",".join(observation_codes(self.settings).asked())),)
        for kind in sorted(self.types - BY_REFERENCE - {"Patient"}):
            codes_of = filters if kind == "Observation" else ()
            extra = "".join(f"&{name}={value}" for name, value in codes_of)
            shown.append(f"POST {self.base.url(kind)}/_search  patient=Patient/...{extra}&_count={self.config.count}")
        return shown

    def _fetch(self) -> None:
        client = HttpClient(
            self.base, self.config, authorizer(self.base, self.config, self.folder, os.environ), self.folder
        )
        try:
            run = Run(client, Searcher(client, self.config.count), read_capability(client), self.config)
            patients = find_patients(run, self.settings, self.selection)
            self.shown("patients found", len(patients))
            spool = self._opened_spool(patients)
            chunks = self._chunks(run, spool, patients)
            wanted = units(
                self._types_about_patients(run), chunks, run.capability, None if self.any_code else self.settings
            )
            verified = self._fetch_units(run, spool, wanted)
            self._fetch_referenced(run, spool)
            self._spool = spool
            self.manifest = {
                "queries": run.queries(),
                "verified": verified,
                "patients": len(patients),
                "software": run.capability.software,
                "not_asked_for": self._not_asked_for(spool),
                "requests": client.tally["requests"],
                "retries": client.tally["retries"],
                "bytes": client.tally["bytes"],
                "started": run.started,
                "settings": self.config.describe(),
            }
        finally:
            client.close()

    def _opened_spool(self, patients: list[str]) -> Spool:
        asked_for = sorted(self.selection.patients or ()), self.selection.group, self.settings.consent.required
        question = [self.base.text, sorted(self.types), list(self.settings.cohort.any_of), self.config.chunk_size,
                    self.any_code, *asked_for]  # fmt: skip
        name = hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16]
        spool = Spool(self.spool_root / name)
        before = spool.recall("chunks") or []
        changed = bool(before) and {one for chunk in before for one in chunk} != set(patients)
        if changed and not self.accept_drift:
            self.shown("the cohort changed since the interrupted pull: starting over", len(patients))
            spool.clear()
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

    def _fetch_units(self, run: Run, spool: Spool, wanted: list[Unit]) -> bool:
        done = spool.done()
        waiting = [unit for unit in wanted if unit.name not in done]
        verified = [bool(done[unit.name].get("verified")) for unit in wanted if unit.name in done]
        with ThreadPoolExecutor(max_workers=self.config.parallel) as pool:
            futures = [pool.submit(self._fetch_unit, run, spool, unit) for unit in waiting]
            finished, unfinished = wait(futures, return_when=FIRST_EXCEPTION)
            for future in unfinished:
                future.cancel()
            failed = [error for future in finished if (error := future.exception()) is not None]
            if failed:
                raise failed[0]
            verified += [future.result() for future in finished]
        return all(verified)

    def _fetch_unit(self, run: Run, spool: Spool, unit: Unit) -> bool:
        kept, facts = fetch_unit(run, unit)
        spool.note(unit.name, spool.write(unit.name, unit.name.replace(" ", "-"), [kept]), **facts)
        self.shown(unit.type, len(kept))
        return bool(facts["verified"])

    def _fetch_referenced(self, run: Run, spool: Spool) -> None:
        """Second pass: Medications and the like that something fetched refers to."""
        for kind in sorted(self.types & BY_REFERENCE):
            if not run.capability.has_type(kind):
                continue
            wanted = sorted(self._referenced(spool, kind))
            done = spool.done()
            for chunk in run.chunks(wanted):
                mark = hashlib.sha256("\n".join(chunk).encode()).hexdigest()[:12]
                name = f"{kind} {mark}"
                if name in done:
                    continue
                found = [one for one in run.all_of(by_ids(kind, chunk)) if one["id"] in set(chunk)]
                file = spool.write(name, f"{kind}-{mark}", [found])
                spool.note(name, file, verified=True, resources=len(found))

    def _referenced(self, spool: Spool, kind: str) -> set[str]:
        found = set()
        for unit, entry in spool.done().items():
            if unit.startswith("Medication"):
                for resource in spool.read(entry):
                    reference = (resource.get("medicationReference") or {}).get("reference")
                    identifier = local_id(reference, kind, self.base)
                    if identifier is not None:
                        found.add(identifier)
        return found

    def _not_asked_for(self, spool: Spool) -> int | None:
        """Observations about the cohort whose codes no list names; None where the server does not count."""
        numbers = [one.get("not_asked_for") for unit, one in spool.done().items() if unit.startswith("Observation ")]
        known = [number for number in numbers if number is not None]
        return sum(known) if len(known) == len(numbers) else None


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
    dry_run: bool = False,
    allow_output_origin: str | None = None,
    shown: Shown | None = None,
) -> Any:
    """The source for an http(s) base. Raises InputError: not an address, http beyond this machine, wrong settings."""
    from adapters.settings import load_settings

    base = parse_base(spec)
    config, folder = load_server_config(server_config)
    if allow_output_origin is not None:
        config = msgspec.structs.replace(config, allow_output_origin=allow_output_origin)
    if dry_run and bulk is not None:
        raise InputError("a bulk export has no searches to show", "--dry-run", "leave out --bulk")
    source = ServerSource(
        base, config, folder, settings or load_settings(), types, selection or Selection(), spool or default_root(),
        keep_raw, accept_drift, any_code, shown or (lambda _stage, _number: None),
    )  # fmt: skip
    if not types:
        raise InputError("no resource types are asked for", "views", "add views")
    if bulk is not None:
        from adapters.sources.bulk import BulkSource

        return BulkSource(source, bulk)
    return source
