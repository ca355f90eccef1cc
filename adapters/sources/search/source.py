"""A FHIR server as a source: the cohort first, then all that the views read about it, complete or an error.

Complete means: every chain of pages ended without `next`, no outcome named an error, and the distinct ids of each
search equal `_summary=count` before and after it. Where a server does not count, the manifest says `verified: false`.
Every entry is judged again here: what was not asked for is dropped and counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from adapters.errors import IncompleteError
from adapters.fhir.r4 import BY_REFERENCE
from adapters.sources.http.client import HttpClient
from adapters.sources.search.capability import read_capability
from adapters.sources.search.checks import check_cohort, keep_without_patient, not_served
from adapters.sources.search.cohort import find_cohort, group_of, medication_id
from adapters.sources.search.dry_run import dry_run
from adapters.sources.search.parts import DownloadPart, download_parts, fetch_part
from adapters.sources.search.run import Run
from adapters.sources.search.searcher import Searcher
from adapters.sources.spool.counts import SearchStatistics
from adapters.sources.spool.resume import chunks_of
from adapters.sources.spool.source import SpooledSource
from adapters.sources.spool.spool import Spool


@dataclass
class ServerSource(SpooledSource):
    """Everything about the cohort, found by searches."""

    _counts: Counter[str] = field(default_factory=Counter)
    _wanted: list[DownloadPart] = field(default_factory=list)  # all parts that are known so far
    _lock: Lock = field(default_factory=Lock)

    def dry_run(self) -> list[str]:
        """The searches of a pull, as text; nothing is sent."""
        return dry_run(self)

    def _fetched(self, client: HttpClient) -> tuple[Spool, dict[str, Any]]:
        selection, rule = self.selection, self.settings.cohort.any_of
        asked = sorted(selection.patients or ()), selection.group, self.settings.consent.required
        spool = self._opened_spool(list(rule), self.config.chunk_size, self.any_code, *asked)
        run = Run(client, Searcher(client, self.config.count), read_capability(client), self.config)
        cohort = find_cohort(run, self.settings, selection)
        self.shown("patients found", len(cohort.patients))
        missing = not_served(run, self.types, self.shown)
        chunks = self._chunks(run, spool, cohort.patients)
        if selection.group is not None:
            spool.keep("Group", "Group", [group_of(run, selection.group)], verified=True)
        types = {kind for kind in self.types_by_patient if run.capability.has_type(kind)}
        wanted = download_parts(types, chunks, run.capability, None if self.any_code else self.settings)
        self._fetch(run, spool, wanted)
        keep_without_patient(cohort, spool)
        self._fetch(run, spool, list(self._referenced(run, spool)))  # Medications and the like
        checked = check_cohort(cohort, spool, run, self.types, self.shown)
        return spool, checked | {"not_served": missing} | self._facts(run, spool)

    def _facts(self, run: Run, spool: Spool) -> dict[str, Any]:
        """What the manifest states: numbers of this run and of the parts that an interrupted one had finished."""
        statistics, parts = SearchStatistics(), spool.parts.values()
        statistics.merge(run.statistics.noted())
        for entry in parts:
            statistics.merge(entry.get("counts") or {})
        return {
            "queries": statistics.rows(),
            "verified": run.verified and all(entry["verified"] for entry in parts),
            "software": run.capability.software,
            "links_followed": "both ways" if run.capability.supports("Patient", "link") else "from the cohort only",
            "not_asked_for": _not_asked_for(spool),
            "parts_resumed": spool.resumed,
            "started": spool.recall("started", str),
        }

    def _chunks(self, run: Run, spool: Spool, patients: list[str]) -> list[list[str]]:
        """Chunks of an interrupted pull, and new ones for patients that were not in them."""
        chunks = chunks_of(spool, patients, self.accept_drift, self.shown)
        known = {patient for chunk in chunks for patient in chunk}
        chunks += run.chunks([patient for patient in patients if patient not in known])
        spool.remember("chunks", chunks)
        return chunks

    def _fetch(self, run: Run, spool: Spool, wanted: list[DownloadPart]) -> None:
        """Fetch what the spool does not hold yet. Raises IncompleteError with a list of what is missing.

        After an error, and when the user ends the pull, what is under way is finished and nothing else begun.
        """
        waiting, done = [], spool.done()
        for part in wanted:
            finished = spool.resume(part.name, done)
            if finished is None:
                waiting.append(part)
            else:
                self._progressed(part.type, finished)
        self._wanted += wanted
        pool = ThreadPoolExecutor(max_workers=self.config.parallel)
        try:
            futures = [pool.submit(self._fetch_part, run, spool, part) for part in waiting]
            wait(futures, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(cancel_futures=True)
        failed = [error for future in futures if not future.cancelled() and (error := future.exception()) is not None]
        if failed and isinstance(failed[0], IncompleteError):
            raise self._with_missing(failed[0], spool)
        if failed:
            raise failed[0]

    def _with_missing(self, error: IncompleteError, spool: Spool) -> IncompleteError:
        """The error with what is missing by type, as far as that is known; what is finished need not be fetched again."""
        missing = Counter(part.type for part in self._wanted if part.name not in spool.parts)
        named = ", ".join(f"{kind} {number}" for kind, number in sorted(missing.items()))
        later = sorted(self.types & BY_REFERENCE - {part.type for part in self._wanted})
        after = f"; and all {' and '.join(later)} resources that these refer to" if later else ""
        of_all = f"{missing.total()} of {len(self._wanted)} parts are missing ({named}{after})"
        return IncompleteError(
            f"{error.what}; {error.remedy}", error.where, f"{of_all}; the next pull asks for these only"
        )

    def _fetch_part(self, run: Run, spool: Spool, part: DownloadPart) -> None:
        resources, facts = fetch_part(run, part)
        self._progressed(part.type, spool.keep(part.name, part.name.replace(" ", "-"), resources, **facts))

    def _progressed(self, kind: str, number: int) -> None:
        with self._lock:
            self._counts[kind] += number
            self.shown(kind, self._counts[kind])

    def _referenced(self, run: Run, spool: Spool) -> Iterable[DownloadPart]:
        for kind in sorted(self.types & BY_REFERENCE):
            if run.capability.has_type(kind):
                for chunk in run.chunks(sorted(_referred_to(spool))):
                    yield DownloadPart(kind, ids=tuple(chunk))


def _referred_to(spool: Spool) -> set[str]:
    """Ids of the Medications that were given or stated."""
    given = (entry for part, entry in spool.parts.items() if part.startswith("Medication"))
    ids = {medication_id(resource) for entry in given for resource in spool.read(entry)}
    return {identifier for identifier in ids if identifier is not None}


def _not_asked_for(spool: Spool) -> int | None:
    """Observations about the cohort whose codes no list names; None where the server does not count."""
    numbers = [entry.get("not_asked_for") for part, entry in spool.parts.items() if part.startswith("Observation ")]
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(numbers) else None
