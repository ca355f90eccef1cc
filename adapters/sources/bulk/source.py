"""A server's `$export` as a source: kick-off, polling, files with checks, and the job removed at the end.

System, Group or Patient level. The status address is kept with the spool, so that an interrupted pull goes on waiting for
the same job. An `error` or `outcome` file with an issue of error severity means that the export is not complete. A job that
is gone, failed or gave damaged files is removed and forgotten, so that the next pull starts another; a fault of the network,
the sign-in or the settings leaves it alone.
Reference: FHIR Bulk Data Access 2.0 and its 3.0 ballot.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlencode

from adapters.errors import IncompleteError, InputError
from adapters.progress import NOTE
from adapters.sources.bulk.files import PERMISSION, BulkFiles, DamagedExportError, OutputFile, by_part
from adapters.sources.http.answers import Answer, ServerError, json_object, only_objects, retry_after_seconds
from adapters.sources.http.client import HttpClient, Request
from adapters.sources.http.origin import parse_origin
from adapters.sources.search.capability import Capability, read_capability
from adapters.sources.spool.counts import SearchCounts, SearchStatistics, now
from adapters.sources.spool.source import SpooledSource
from adapters.sources.spool.spool import Spool

LEVELS = ("system", "patient", "group")
ASYNC = {"Prefer": "respond-async"}
REFUSES_GET = frozenset({405, 501})  # the 3.0 ballot starts exports by POST only
KICK_OFF_RETRIED = frozenset({429, 503})  # the server says that it began nothing; after other failures it may have
FIRST_WAIT_SECONDS = 1.0
SHORTEST_WAIT_SECONDS = 1.0
UNSEEN = frozenset({401, 403, 408, 425, 429, 502, 503, 504})  # the job may be well, only we cannot see it
WHERE = "$export"
MANIFEST_PAGES = 1000  # more than any export needs


@dataclass
class BulkSource(SpooledSource):
    """Everything a server exports for the types that the views read. `level`: "system", "patient", or "group/ID"."""

    level: str = "system"
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    kind: str = "bulk"
    label: str = "FHIR server, bulk export"
    whose = "the export"

    def __post_init__(self) -> None:
        name, _, group = self.level.partition("/")
        if name not in LEVELS or (name == "group") != bool(group):
            raise InputError("the level of the export is unknown", "--bulk", "use system, patient or group/ID")
        if self.config.allow_output_origin:
            parse_origin(self.config.allow_output_origin, PERMISSION)

    def dry_run(self) -> list[str]:
        """The request that starts the export; nothing is sent."""
        return [f"GET {self._start_address(self._wanted)}  (Prefer: respond-async)"]

    @property
    def _wanted(self) -> frozenset[str]:
        """The types that the views read, and those that define the patients."""
        consent = {"Consent"} if self.settings.consent.required else set()
        group = {"Group"} if self.selection.group is not None else set()
        return self.types | {"Patient"} | consent | group

    def _fetched(self, client: HttpClient) -> tuple[Spool, dict[str, Any]]:
        capability = read_capability(client)
        types = self._served(capability)
        spool = self._opened_spool(self.level, sorted(self._wanted))
        status_url, manifest = self._finished_job(client, spool, types)
        reader = BulkFiles(client, spool, status_url, self._wanted, f"{WHERE} ({self.level.partition('/')[0]})")
        files: dict[str, OutputFile] = {}
        try:
            counts = self._listed_files(client, reader, manifest, files)
            self._downloaded(reader, files)
        except IncompleteError as error:
            raise self._given_up(error, client, reader, files) from None
        self._delete(client, status_url)
        return spool, self._facts(reader, files, counts) | {
            "software": capability.software,
            "not_served": sorted(self._wanted - types),
        }

    def _served(self, capability: Capability) -> frozenset[str]:
        """The wanted types that the server knows. It may refuse the whole export for an unknown type."""
        types = frozenset(kind for kind in self._wanted if capability.has_type(kind))
        if types != self._wanted:
            missing = ", ".join(sorted(self._wanted - types))
            self.shown(f"the server does not serve {missing}: the export is asked for without", NOTE)
        return types

    def _facts(self, reader: BulkFiles, files: dict[str, OutputFile], counts: SearchCounts) -> dict[str, Any]:
        """Facts for the manifest about all files, those of an interrupted run included.

        Distinct ids are those of each file, added up; `total` is what the export's manifest counts, if it counts all.
        """
        statistics, parts = SearchStatistics(), reader.spool.parts
        statistics.add(reader.query, counts)
        for name in files:
            statistics.merge(parts[name].get("counts") or {})
        verified = all(file.count is not None for file in files.values())
        started = reader.spool.recall("started", str)
        whole = replace(statistics.by_template[reader.query], started=started, ended=now())
        row = asdict(whole) | {"query": reader.query, "files": len(files), "total": whole.total if verified else None}
        return {"queries": [row], "verified": verified, "started": started}

    def _start_address(self, types: Iterable[str]) -> str:
        kind, _, group = self.level.partition("/")
        path = {"system": "$export", "patient": "Patient/$export", "group": f"Group/{group}/$export"}[kind]
        query = urlencode({"_type": ",".join(sorted(types)), "_outputFormat": "application/fhir+ndjson"})
        return f"{self.base.url(path)}?{query}"

    def _kick_off(self, client: HttpClient, types: frozenset[str]) -> str:
        """Start the export; gives the status address. Raises IncompleteError."""
        try:
            answer = client.get(self._start_address(types), f"GET {WHERE}", headers=ASYNC, retried=KICK_OFF_RETRIED)
        except ServerError as error:
            if error.status not in REFUSES_GET:
                raise
            answer = self._posted(client, types)
        location = answer.headers.get("content-location", "")
        if answer.status != 202 or not location:
            what = f"it answered {answer.status} without a status address"
            raise IncompleteError(what, WHERE, "does it offer exports?")
        return self.base.resolve(location, answer.url, where=WHERE, rewrite=self.config.rewrite_links)

    def _posted(self, client: HttpClient, types: frozenset[str]) -> Answer:
        """The kick-off as the 3.0 ballot has it: a Parameters resource, one `_type` for each type."""
        parameters = [{"name": "_type", "valueString": kind} for kind in sorted(types)]
        parameters.append({"name": "_outputFormat", "valueString": "application/fhir+ndjson"})
        body = json.dumps({"resourceType": "Parameters", "parameter": parameters}).encode()
        headers = {**ASYNC, "Content-Type": "application/fhir+json"}
        address = self._start_address(types).partition("?")[0]
        return client.send(Request("POST", address, f"POST {WHERE}", headers, lambda: body, KICK_OFF_RETRIED))

    def _finished_job(self, client: HttpClient, spool: Spool, types: frozenset[str]) -> tuple[str, dict[str, Any]]:
        """Status address and manifest of the job that an interrupted pull waited for, or of a new one."""
        saved = spool.recall("status", str)
        if saved is not None and self.base.holds(saved):
            try:
                return saved, self._polled(client, saved)
            except ServerError as error:
                if not _is_at_fault(error):
                    raise
            self._delete(client, saved)  # servers that run one job at a time would refuse the next
        abandoned = spool.recall("abandoned", str)
        if abandoned is not None and self.base.holds(abandoned):
            self._delete(client, abandoned)
        spool.clear()  # the job is gone or failed: what it wrote belongs to another export
        status_url = self._kick_off(client, types)
        spool.remember("started", now())
        spool.remember("status", status_url)
        return status_url, self._polled(client, status_url)

    def _polled(self, client: HttpClient, status_url: str) -> dict[str, Any]:
        """The manifest, when the job is done. Raises ServerError for a job that failed, IncompleteError for a slow one."""
        begun, pause = self.clock(), FIRST_WAIT_SECONDS
        while (waited := self.clock() - begun) <= self.config.poll_limit_seconds:
            answer = client.get(status_url, f"status of {WHERE}", headers={"Accept": "application/json"})
            if answer.status == 200:
                return json_object(answer.body, f"manifest of {WHERE}")
            asked = retry_after_seconds(answer.headers)
            wait = min(asked if asked is not None else pause, self.config.poll_cap_seconds)
            self.shown("the server exports, seconds", int(waited))
            self.sleep(max(wait, SHORTEST_WAIT_SECONDS))
            pause *= 2
        raise IncompleteError(
            "the export did not end in time", WHERE, "raise poll_limit_seconds; the next pull resumes it"
        )

    def _listed_files(
        self, client: HttpClient, reader: BulkFiles, manifest: dict[str, Any], files: dict[str, OutputFile]
    ) -> SearchCounts:
        """Fill `files` by part; gives pages of the manifest and issues. Raises DamagedExportError: errors, or no Patient."""
        pages = list(self._pages(client, manifest, reader.status_url))
        files.update(by_part(_files(pages, "output")))
        counts = SearchCounts(pages=len(pages))
        for file in (*_files(pages, "error"), *_files(pages, "outcome")):
            counts = counts.plus(reader.outcomes(file))
        if not any(file.type == "Patient" for file in files.values()):
            raise DamagedExportError("it holds no Patient", WHERE, "export at another level")
        return counts

    def _pages(self, client: HttpClient, manifest: dict[str, Any], status_url: str) -> Iterator[dict[str, Any]]:
        """The manifest, and those that it links to."""
        seen: set[str] = set()
        while True:
            yield manifest
            link = next((link.get("url") for link in _listed(manifest, "link") if link.get("relation") == "next"), None)
            if link is None:
                return
            url = self.base.resolve(str(link), status_url, where=WHERE, rewrite=self.config.rewrite_links)
            if url in seen or len(seen) >= min(self.config.page_limit, MANIFEST_PAGES):
                raise DamagedExportError("the pages of its manifest do not end", f"manifest of {WHERE}")
            seen.add(url)
            manifest = json_object(client.get(url, f"manifest of {WHERE}").body, f"manifest of {WHERE}")

    def _downloaded(self, reader: BulkFiles, files: dict[str, OutputFile]) -> None:
        number = 0
        for position, (name, file) in enumerate(files.items(), start=1):
            number += reader.store(name, file, position)
            self.shown("resources", number)
            self.shown(f"files of {len(files)}", position)

    def _given_up(
        self, error: IncompleteError, client: HttpClient, reader: BulkFiles, files: dict[str, OutputFile]
    ) -> IncompleteError:
        """The error with the missing files. A failed job is removed, or every pull would meet it again."""
        done = reader.spool.done()
        missing = Counter(file.type for name, file in files.items() if name not in done)
        named = ", ".join(f"{kind} {number}" for kind, number in sorted(missing.items()))
        damaged = _is_at_fault(error)
        if damaged:
            self._delete(client, reader.status_url)
            reader.spool.clear()
        then = "the next pull starts another export" if damaged else "the next pull goes on with this export"
        which = f"{missing.total()} of {len(files)} files are missing ({named}); " if missing else ""
        return IncompleteError(f"{error.what}; {error.remedy}", error.where, which + then)

    def _delete(self, client: HttpClient, status_url: str) -> None:
        with suppress(IncompleteError):  # a job that is gone already, or stays, harms no table
            client.send(Request("DELETE", status_url, f"DELETE {WHERE}", retried=frozenset()))


def _is_at_fault(error: IncompleteError) -> bool:
    """True if the job itself failed. After redirects, sign-in and network faults it may still be well."""
    if isinstance(error, ServerError):
        return error.status >= 400 and error.status not in UNSEEN
    return isinstance(error, DamagedExportError)


def _files(pages: Iterable[dict[str, Any]], name: str) -> list[OutputFile]:
    return [
        OutputFile.of(file, bool(page.get("requiresAccessToken"))) for page in pages for file in _listed(page, name)
    ]


def _listed(manifest: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of an array of the manifest; servers leave empty ones out. Raises DamagedExportError for anything else."""
    entries = only_objects(manifest.get(name) or [])
    if entries is None:
        raise DamagedExportError(f"its {name} is not a list of files", f"manifest of {WHERE}")
    return entries
