"""A server's `$export` as a source: kick-off, polling, files with checks, and the job removed at the end.

System, Group or Patient level. The status address is kept with the spool, so that an interrupted pull goes on waiting for
the same job. An `error` or `outcome` file with an issue of error severity means that the export is not complete.
Reference: FHIR Bulk Data Access 2.0 and its 3.0 ballot.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import msgspec

from adapters.errors import IncompleteError, InputError
from adapters.sources import Read, strict_json
from adapters.sources.http_auth import Nobody, authorizer
from adapters.sources.http_client import HttpClient, ServerError, retry_after_seconds
from adapters.sources.http_origin import Base, parse
from adapters.sources.search import check_outcome
from adapters.sources.server import ServerSource
from adapters.sources.server_capability import read_capability
from adapters.sources.server_config import ServerConfig
from adapters.sources.server_spool import Spool

LEVELS = ("system", "patient", "group")
ASYNC = {"Prefer": "respond-async"}
NDJSON = {"Accept": "application/fhir+ndjson"}
FIRST_WAIT_SECONDS = 1.0
WHERE = "$export"
FILES = "bulk output file"


@dataclass
class BulkSource:
    """Everything a server exports for the types that the views read. `level`: "system", "patient", or "group/ID"."""

    server: ServerSource
    level: str
    sleep: Callable[[float], None] = time.sleep
    kind: str = "bulk"
    label: str = "FHIR server, bulk export"
    manifest: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0
    size_bytes: int | None = None
    _spool: Spool | None = None

    def __post_init__(self) -> None:
        if self.level.partition("/")[0] not in LEVELS or (self.level.startswith("group") and "/" not in self.level):
            raise InputError("the level of the export is unknown", "--bulk", "use system, patient or group/ID")

    def read(self) -> Iterator[Read]:
        """All exported resource versions. Raises IncompleteError (exit 3) or InputError (exit 2)."""
        if self._spool is None:
            self._fetch()
        assert self._spool is not None  # noqa: S101 - for the type checker
        yield from self._spool.records(self.server.base, "the export")

    def finished(self) -> None:
        """The tables are written: the raw resources go, unless they are to be kept."""
        if self._spool is not None and not self.server.keep_raw:
            self._spool.remove()

    def _fetch(self) -> None:
        server = self.server
        token = authorizer(server.base, server.config, server.folder, os.environ)
        client = HttpClient(server.base, self._file_config(), token, server.folder)
        name = hashlib.sha256(f"{server.base.text} {self.level} {sorted(server.types)}".encode()).hexdigest()[:16]
        spool = Spool(server.spool_root / f"bulk-{name}")
        try:
            capability = read_capability(client)
            status_url, manifest = self._finished_job(client, spool)
            files = self._files(client, manifest, status_url)
            resources = self._download(client, spool, files)
            self._delete(client, status_url)
            self._spool = spool
            self.manifest = {
                "queries": [
                    {"query": f"{WHERE} ({self.level.partition('/')[0]})", "files": len(files), "entries": resources}
                ],
                "verified": all(one.get("count") is not None for one in files),
                "software": capability.software,
                "requests": client.tally["requests"],
                "retries": client.tally["retries"],
                "bytes": client.tally["bytes"],
                "settings": server.config.describe(),
            }
        finally:
            client.close()

    def _kick_off(self, client: HttpClient) -> str:
        kind, _, group = self.level.partition("/")
        path = {"system": "$export", "patient": "Patient/$export", "group": f"Group/{group}/$export"}[kind]
        query = urlencode({"_type": ",".join(sorted(self.server.types)), "_outputFormat": "application/fhir+ndjson"})
        answer = client.get(f"{self.server.base.url(path)}?{query}", f"GET {WHERE}", headers=ASYNC)
        location = answer.headers.get("content-location", "")
        if answer.status != 202 or not location:
            raise IncompleteError(
                f"it answered {answer.status} without a status address", WHERE, "does it offer exports?"
            )
        config = self.server.config
        return self.server.base.resolve(location, answer.url, where=WHERE, rewrite=config.rewrite_links)

    def _finished_job(self, client: HttpClient, spool: Spool) -> tuple[str, dict[str, Any]]:
        saved = spool.recall("status")
        if isinstance(saved, str) and self.server.base.holds(saved):
            try:
                return saved, self._polled(client, saved)
            except ServerError as error:
                if error.status not in (404, 410):
                    raise
        spool.clear()  # the job is gone: what it wrote belongs to another export
        status_url = self._kick_off(client)
        spool.remember("status", status_url)
        return status_url, self._polled(client, status_url)

    def _polled(self, client: HttpClient, status_url: str) -> dict[str, Any]:
        config, waited, pause = self.server.config, 0.0, FIRST_WAIT_SECONDS
        while waited <= config.poll_limit_seconds:
            answer = client.get(status_url, f"status of {WHERE}", headers={"Accept": "application/json"})
            if answer.status == 200:
                return _object(answer.body, f"manifest of {WHERE}")
            asked = retry_after_seconds(answer.headers)
            wait = min(asked if asked is not None else pause, config.poll_cap_seconds)
            self.server.shown(
                f"the server exports ({answer.headers.get('x-progress', 'in progress')[:40]})", int(waited)
            )
            self.sleep(wait)
            waited, pause = waited + wait, pause * 2
        raise IncompleteError(
            "the export did not end in time", WHERE, "raise poll_limit_seconds; the next pull resumes it"
        )

    def _files(self, client: HttpClient, manifest: dict[str, Any], status_url: str) -> list[dict[str, Any]]:
        """Output files of the manifest and of those it links to. Raises IncompleteError when an error file has an error."""
        files: list[dict[str, Any]] = []
        seen: set[str] = set()
        while True:
            for name in ("error", "outcome"):
                for one in manifest.get(name) or ():
                    self._check_errors(client, one, status_url)
            files += [
                one | {"token": bool(manifest.get("requiresAccessToken"))} for one in manifest.get("output") or ()
            ]
            link = next((one.get("url") for one in manifest.get("link") or () if one.get("relation") == "next"), None)
            if link is None:
                break
            url = self.server.base.resolve(str(link), status_url, where=WHERE, rewrite=self.server.config.rewrite_links)
            if url in seen:
                raise IncompleteError("the pages of its manifest do not end", WHERE, "ask the server's operator")
            seen.add(url)
            manifest = _object(client.get(url, f"manifest of {WHERE}").body, f"manifest of {WHERE}")
        if not any(one.get("type") == "Patient" for one in files):
            raise IncompleteError("it holds no Patient", WHERE, "export at another level")
        return files

    def _check_errors(self, client: HttpClient, one: dict[str, Any], status_url: str) -> None:
        for outcome in self._lines(client, one, status_url, with_token=True):
            if outcome.get("resourceType") == "OperationOutcome":
                check_outcome(outcome, WHERE)

    def _download(self, client: HttpClient, spool: Spool, files: list[dict[str, Any]]) -> int:
        done, number = spool.done(), 0
        for position, one in enumerate(files):
            name = f"{one.get('type', 'unknown')} {position}"
            if name not in done:
                resources = list(self._lines(client, one, spool.recall("status"), with_token=bool(one.get("token"))))
                declared = one.get("count")
                if isinstance(declared, int) and declared != len(resources):
                    what = f"a file of {declared} resources holds {len(resources)}"
                    raise IncompleteError(what, f"{FILES} {position + 1}", "export again")
                wanted = [
                    r for r in resources if r.get("resourceType") in self.server.types | {"Patient", "Group", "Consent"}
                ]
                if any(not isinstance(r.get("id"), str) or not r["id"] for r in wanted):
                    raise IncompleteError("a resource has no id", f"{FILES} {position + 1}", "export again")
                file = spool.write(name, f"export-{position:05d}", [wanted])
                spool.note(name, file, resources=len(wanted))
                done[name] = {"resources": len(wanted)}
            number += int(done[name]["resources"])
            self.server.shown("files", position + 1)
        return number

    def _lines(
        self, client: HttpClient, one: dict[str, Any], status_url: str, *, with_token: bool
    ) -> Iterator[dict[str, Any]]:
        """Resources of one output file; a HAPI `Binary` answer is NDJSON too when asked for as such."""
        url, own = self._address(str(one.get("url", "")), status_url)
        reader = client if own else self._outside()
        answer = reader.send("GET", url, FILES, headers=NDJSON, with_token=own and with_token)
        lines = [line for line in _decoded(answer.body).split("\n") if line.strip()]
        for position, line in enumerate(lines, start=1):
            try:
                resource = strict_json.loads(line)
            except strict_json.JsonError:
                raise IncompleteError("a line is not JSON", f"{FILES}, line {position}", "export again") from None
            if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
                raise IncompleteError("a line is no resource", f"{FILES}, line {position}", "export again")
            yield resource

    def _address(self, url: str, status_url: str) -> tuple[str, bool]:
        """The file's address and whether it lies on the server itself. Raises IncompleteError for another origin."""
        base: Base = self.server.base
        try:
            return base.resolve(url, status_url, where=FILES, rewrite=self.server.config.rewrite_links), True
        except IncompleteError:
            allowed = self.server.config.allow_output_origin
            if not allowed or not _same_origin(url, allowed):
                what = "the export's files lie on another origin"
                raise IncompleteError(what, FILES, "name it with --allow-output-origin if you trust it") from None
            return url, False

    def _outside(self) -> HttpClient:
        """A client for the named other origin: no token, no client certificate."""
        config = msgspec.structs.replace(self._file_config(), client_cert="", client_key="")
        return HttpClient(self.server.base, config, Nobody(), self.server.folder)

    def _file_config(self) -> ServerConfig:
        return msgspec.structs.replace(self.server.config, max_page_bytes=self.server.config.max_file_bytes)

    def _delete(self, client: HttpClient, status_url: str) -> None:
        with suppress(IncompleteError):  # the files are here; a job that is gone already, or stays, harms no table
            client.send("DELETE", status_url, f"DELETE {WHERE}", retry=False)


def _same_origin(url: str, allowed: str) -> bool:
    try:
        origin, named = parse(url)[0], parse(allowed)[0]
    except ValueError:
        return False
    return origin == named and (origin.scheme == "https" or origin.is_loopback)


def _decoded(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise IncompleteError("it is not UTF-8 text", FILES, "export again") from None


def _object(body: bytes, where: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise IncompleteError("it is not a JSON object", where, "ask the server's operator")
    return document
