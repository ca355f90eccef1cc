"""A server's `$export` as a source: kick-off, polling, files with checks, and the job removed at the end.

System, Group or Patient level. The status address is kept with the spool, so that an interrupted pull goes on waiting for
the same job. An `error` or `outcome` file with an issue of error severity means that the export is not complete.
Reference: FHIR Bulk Data Access 2.0 and its 3.0 ballot.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from adapters.errors import IncompleteError, InputError
from adapters.sources.bulk_files import BulkFiles, OutputFile
from adapters.sources.http_answers import Answer, ServerError, json_object, retry_after_seconds
from adapters.sources.http_client import HttpClient
from adapters.sources.search import check_outcome
from adapters.sources.server_capability import read_capability
from adapters.sources.server_spool import Spool
from adapters.sources.server_spooled import SpooledSource
from adapters.sources.server_tally import now

LEVELS = ("system", "patient", "group")
ASYNC = {"Prefer": "respond-async"}
REFUSES_GET = frozenset({405, 501})  # the 3.0 ballot starts exports by POST only
FIRST_WAIT_SECONDS = 1.0
UNSEEN = frozenset({0, 401, 403, 408, 429, 503})  # of the status: the job may be well, only we cannot see it
WHERE = "$export"


@dataclass
class BulkSource(SpooledSource):
    """Everything a server exports for the types that the views read. `level`: "system", "patient", or "group/ID"."""

    level: str = "system"
    sleep: Callable[[float], None] = time.sleep
    kind: str = "bulk"
    label: str = "FHIR server, bulk export"
    whose = "the export"

    def __post_init__(self) -> None:
        name, _, group = self.level.partition("/")
        if name not in LEVELS or (name == "group") != bool(group):
            raise InputError("the level of the export is unknown", "--bulk", "use system, patient or group/ID")

    def dry_run(self) -> list[str]:
        """The request that starts the export; nothing is sent."""
        return [f"GET {self._start_address()}  (Prefer: respond-async)"]

    def _fetched(self, client: HttpClient) -> tuple[Spool, dict[str, Any]]:
        capability = read_capability(client)
        spool = self._opened_spool(self.level)
        status_url, manifest = self._finished_job(client, spool)
        reader = BulkFiles(client, spool, status_url, self.types | {"Patient", "Group", "Consent"})
        files = list(self._files(client, reader, manifest, status_url))
        if not any(one.type == "Patient" for one in files):
            raise IncompleteError("it holds no Patient", WHERE, "export at another level")
        resources = self._downloaded(reader, files)
        self._delete(client, status_url)
        query = {"query": f"{WHERE} ({self.level.partition('/')[0]})", "files": len(files), "entries": resources}
        facts = {
            "queries": [query],
            "verified": all(one.count is not None for one in files),
            "software": capability.software,
            "started": spool.recall("started"),
        }
        return spool, facts

    def _start_address(self) -> str:
        kind, _, group = self.level.partition("/")
        path = {"system": "$export", "patient": "Patient/$export", "group": f"Group/{group}/$export"}[kind]
        query = urlencode({"_type": ",".join(sorted(self.types)), "_outputFormat": "application/fhir+ndjson"})
        return f"{self.base.url(path)}?{query}"

    def _kick_off(self, client: HttpClient) -> str:
        """Start the export; gives the status address. Raises IncompleteError."""
        try:
            answer = client.get(self._start_address(), f"GET {WHERE}", headers=ASYNC)
        except ServerError as error:
            if error.status not in REFUSES_GET:
                raise
            answer = self._posted(client)
        location = answer.headers.get("content-location", "")
        if answer.status != 202 or not location:
            what = f"it answered {answer.status} without a status address"
            raise IncompleteError(what, WHERE, "does it offer exports?")
        return self.base.resolve(location, answer.url, where=WHERE, rewrite=self.config.rewrite_links)

    def _posted(self, client: HttpClient) -> Answer:
        """The kick-off as the 3.0 ballot has it: a Parameters resource, one `_type` for each type."""
        parameters = [{"name": "_type", "valueString": kind} for kind in sorted(self.types)]
        parameters.append({"name": "_outputFormat", "valueString": "application/fhir+ndjson"})
        body = json.dumps({"resourceType": "Parameters", "parameter": parameters}).encode()
        headers = {**ASYNC, "Content-Type": "application/fhir+json"}
        address = self._start_address().partition("?")[0]
        return client.send("POST", address, f"POST {WHERE}", headers=headers, content=lambda: body)

    def _finished_job(self, client: HttpClient, spool: Spool) -> tuple[str, dict[str, Any]]:
        """Status address and manifest of the job that an interrupted pull waited for, or of a new one."""
        saved = spool.recall("status")
        if isinstance(saved, str) and self.base.holds(saved):
            try:
                return saved, self._polled(client, saved)
            except ServerError as error:
                if error.status in UNSEEN:
                    raise
        spool.clear()  # the job is gone or failed: what it wrote belongs to another export
        status_url = self._kick_off(client)
        spool.remember("started", now())
        spool.remember("status", status_url)
        return status_url, self._polled(client, status_url)

    def _polled(self, client: HttpClient, status_url: str) -> dict[str, Any]:
        waited, pause = 0.0, FIRST_WAIT_SECONDS
        while waited <= self.config.poll_limit_seconds:
            answer = client.get(status_url, f"status of {WHERE}", headers={"Accept": "application/json"})
            if answer.status == 200:
                return json_object(answer.body, f"manifest of {WHERE}")
            asked = retry_after_seconds(answer.headers)
            wait = min(asked if asked is not None else pause, self.config.poll_cap_seconds)
            self.shown("the server exports, seconds", int(waited))
            self.sleep(wait)
            waited, pause = waited + wait, pause * 2
        raise IncompleteError(
            "the export did not end in time", WHERE, "raise poll_limit_seconds; the next pull resumes it"
        )

    def _files(
        self, client: HttpClient, reader: BulkFiles, manifest: dict[str, Any], status_url: str
    ) -> Iterator[OutputFile]:
        """Output files of the manifest and of those it links to. Raises IncompleteError when an error file has an error."""
        seen: set[str] = set()
        while True:
            token = bool(manifest.get("requiresAccessToken"))
            for name in ("error", "outcome"):
                for one in _listed(manifest, name):
                    for outcome in reader.outcomes(OutputFile.of(one, token)):
                        check_outcome(outcome, WHERE)
            yield from (OutputFile.of(one, token) for one in _listed(manifest, "output"))
            link = next((one.get("url") for one in _listed(manifest, "link") if one.get("relation") == "next"), None)
            if link is None:
                return
            url = self.base.resolve(str(link), status_url, where=WHERE, rewrite=self.config.rewrite_links)
            if url in seen:
                raise IncompleteError("the pages of its manifest do not end", WHERE, "ask the server's operator")
            seen.add(url)
            manifest = json_object(client.get(url, f"manifest of {WHERE}").body, f"manifest of {WHERE}")

    def _downloaded(self, reader: BulkFiles, files: list[OutputFile]) -> int:
        number = 0
        for position, one in enumerate(files, start=1):
            number += reader.kept(one, position)
            self.shown("resources", number)
            self.shown(f"files of {len(files)}", position)
        return number

    def _delete(self, client: HttpClient, status_url: str) -> None:
        with suppress(IncompleteError):  # the files are here; a job that is gone already, or stays, harms no table
            client.send("DELETE", status_url, f"DELETE {WHERE}", retried=frozenset())


def _listed(manifest: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """The objects of an array of the manifest; servers leave empty ones out. Raises IncompleteError for anything else."""
    value = manifest.get(name) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise IncompleteError(f"its {name} is not a list of files", f"manifest of {WHERE}", "ask the server's operator")
    return value
