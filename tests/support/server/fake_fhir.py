"""A FHIR server small enough to misbehave on command: searches over a handful of resources, page by page."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from werkzeug import Request, Response

LU = {"system": "http://snomed.info/sct", "code": "1263784000"}
LU_DRUG = {"system": "http://snomed.info/sct", "code": "1263794005"}
PSA = {"system": "http://loinc.org", "code": "2857-1"}
OTHER = {"system": "http://loinc.org", "code": "9999-9"}
SPOILED = {  # what a broken answer begins with, by its fault
    "reset in headers": b"HTTP/1.1 200 OK\r\nContent-Ty",
    "reset in body": b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{",
    "cut body": (
        b'HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\nContent-Length: 5000\r\n\r\n{"resourceType"'
    ),
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
    "not http": b"SSH-2.0-OpenSSH_9.2\r\n",
}
TYPES = frozenset({"Patient", "Observation", "Procedure", "Condition", "Medication", "MedicationAdministration"})


def observation(number: int, patient: str, coding: dict[str, str]) -> dict[str, Any]:
    """A laboratory value with a decimal whose digits matter."""
    return {
        "resourceType": "Observation", "id": f"o{number}", "status": "final", "code": {"coding": [coding]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": "2016-05-03",
        "valueQuantity": {"value": f"@{number}.10@", "system": "http://unitsofmeasure.org", "code": "ng/mL"},
    }  # fmt: skip


def small_cohort() -> list[dict[str, Any]]:
    """Three patients in the cohort (by Procedure, by Medication, by link) and one outside, with 2 + 9 Observations."""

    def patient(one: str, **more: Any) -> dict[str, Any]:
        return {"resourceType": "Patient", "id": one, "gender": "male", "birthDate": "1944-02-01",
                "identifier": [{"system": "urn:mrn", "value": f"m-{one}"}], **more}  # fmt: skip

    resources = [
        patient("a"),
        patient("b", link=[{"other": {"reference": "Patient/b-old"}, "type": "replaces"}]),
        patient("b-old", active=False, link=[{"other": {"reference": "Patient/b"}, "type": "replaced-by"}]),
        patient("c"),
        {"resourceType": "Procedure", "id": "p1", "status": "completed", "code": {"coding": [LU]},
         "subject": {"reference": "Patient/a"}, "performedDateTime": "2016-05-01"},
        {"resourceType": "Medication", "id": "m1", "code": {"coding": [LU_DRUG]}},
        {"resourceType": "MedicationAdministration", "id": "ma1", "status": "completed",
         "medicationReference": {"reference": "Medication/m1"}, "subject": {"reference": "Patient/b"},
         "effectiveDateTime": "2016-06-01"},
        {"resourceType": "Condition", "id": "k1", "subject": {"reference": "Patient/a"},
         "code": {"coding": [{"system": "http://snomed.info/sct", "code": "94381002"}]}},
    ]  # fmt: skip
    resources += [observation(n, "a" if n % 2 else "b", PSA) for n in range(1, 8)]
    resources += [observation(8, "b-old", PSA), observation(9, "a", OTHER), observation(10, "c", PSA)]
    return resources


def _own(resource: dict[str, Any]) -> set[str]:
    return _tokens([resource.get("code") or resource.get("medicationCodeableConcept") or {}])


def _of_components(resource: dict[str, Any]) -> set[str]:
    return _tokens([part.get("code") or {} for part in resource.get("component") or ()])


def _tokens(concepts: list[dict[str, Any]]) -> set[str]:
    codings = [coding for concept in concepts for coding in concept.get("coding") or ()]
    return {form for one in codings for form in (one["code"], f"{one['system']}|{one['code']}")}


def _about(resource: dict[str, Any]) -> set[str]:
    about = resource.get("subject") or resource.get("patient") or {}
    return {"/".join(about.get("reference", "").split("/_history")[0].split("/")[-2:])}


# what a search parameter looks at
VALUES: dict[str, Callable[[dict[str, Any]], set[str | None]]] = {
    "_id": lambda one: {one["id"]},
    "patient": _about,
    "code": _own,
    "component-code": _of_components,
    "combo-code": lambda one: _own(one) | _of_components(one),
    "medication": lambda one: {(one.get("medicationReference") or {}).get("reference")},
    "identifier": lambda one: {
        form for i in one.get("identifier") or () for form in (f"{i['system']}|{i['value']}", i["value"])
    },
    "link": lambda one: {link["other"]["reference"] for link in one.get("link") or ()},
}
Before = Callable[["Fake", Request, int], Response | None]
After = Callable[["Fake", Request, dict[str, Any]], Any]


@dataclass
class Fake:
    """The server. `before` may answer instead of it, `after` may change each Bundle; `hits` counts by path."""

    resources: list[dict[str, Any]] = field(default_factory=small_cohort)
    page_size: int = 3
    before: Before | None = None
    after: After | None = None
    ignores: frozenset[str] = frozenset()
    takes_first: frozenset[str] = frozenset()  # parameters of whose values it takes the first only
    types: tuple[str, ...] = (
        "Patient",
        "Observation",
        "Procedure",
        "Condition",
        "Medication",
        "MedicationAdministration",
    )
    parameters: tuple[str, ...] = ("combo-code", "code", "patient", "link")
    counts: bool = True
    totals: bool = False
    base: str = ""
    hits: Counter[str] = field(default_factory=Counter)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    searches: list[tuple[str, str, str]] = field(default_factory=list)  # Authorization, path and form of each POST
    pages: dict[str, tuple[str, list[dict[str, Any]]]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, request: Request) -> Response:
        with self._lock:
            body = request.get_data(as_text=True)
            path = request.path[len("/fhir") :].lstrip("/")
            self.hits[path] += 1
            number = sum(self.hits.values())
            self.requests.append((request.method, path, dict(request.headers)))
            if request.method == "POST":
                self.searches.append((request.headers.get("Authorization", ""), path, body))
            if self.before is not None:
                instead = self.before(self, request, number)
                if instead is not None:
                    return instead
            return self._answer(request, path, body)

    def _answer(self, request: Request, path: str, body: str) -> Response:
        if path == "metadata":
            return as_json(self.capability())
        query = dict(parse_qsl(request.query_string.decode()))
        if "_getpages" in query:
            kind, rest = self.pages[query["_getpages"]]
            return self._page(request, kind, rest)
        kind = path.split("/")[0]
        parameters = dict(parse_qsl(body)) if request.method == "POST" else query
        found = [one for one in self.resources if one["resourceType"] == kind and self._fits(one, parameters)]
        if parameters.get("_summary") == "count":
            total = {"total": len({one["id"] for one in found})} if self.counts else {}
            return as_json({"resourceType": "Bundle", "type": "searchset", **total})
        return self._page(request, kind, found)

    def _page(self, request: Request, kind: str, found: list[dict[str, Any]]) -> Response:
        page, rest = found[: self.page_size], found[self.page_size :]
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "link": []}
        bundle["entry"] = [{"resource": one, "search": {"mode": "match"}} for one in page]
        if self.totals:
            bundle["total"] = len(found)
        if rest:
            token = f"t{len(self.pages)}"
            self.pages[token] = (kind, rest)
            bundle["link"].append({"relation": "next", "url": f"{self.base}?_getpages={token}"})
        changed = self.after(self, request, bundle) if self.after is not None else bundle
        return changed if isinstance(changed, Response) else as_json(changed)

    def _fits(self, resource: dict[str, Any], parameters: dict[str, str]) -> bool:
        for name, value in parameters.items():
            if name in self.ignores or (name.startswith("_") and name != "_id"):
                continue
            values = value.split(",")[: 1 if name in self.takes_first else None]
            if not VALUES.get(name, lambda _: set())(resource) & set(values):
                return False
        return True

    def capability(self) -> dict[str, Any]:
        """What it says it can."""
        search = [{"name": name, "type": "token"} for name in self.parameters]
        rest = {"mode": "server", "resource": [{"type": kind, "searchParam": search} for kind in self.types]}
        return {"resourceType": "CapabilityStatement", "status": "active", "fhirVersion": "4.0.1", "rest": [rest]}


def as_json(document: Any, status: int = 200, **headers: str) -> Response:
    """A FHIR JSON response."""
    text = re.sub(r'"@([-+0-9.eE]+)@"', r"\1", json.dumps(document))  # numbers that keep their digits
    return Response(text, status=status, content_type="application/fhir+json", headers=headers)


@dataclass
class Relay:
    """A TCP relay before the server that spoils chosen connections; `spoil(n)` names what happens to the n-th."""

    target: tuple[str, int]
    spoil: Callable[[int], str | None]
    port: int = 0
    connections: int = 0

    def __enter__(self) -> Relay:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)  # ends the `accept` that the thread waits in; `close` does not
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            kind = self.spoil(self.connections)
            threading.Thread(target=self._handle, args=(client, kind), daemon=True).start()

    def _handle(self, client: socket.socket, kind: str | None) -> None:
        with client:
            client.settimeout(5)
            with contextlib.suppress(OSError):
                if kind == "claims less":
                    self._relayed(client, less=5)
                else:
                    self._spoiled(client, kind) if kind else self._relayed(client)

    def _spoiled(self, client: socket.socket, kind: str) -> None:
        if kind != "reset before request":
            client.recv(65536)
        client.sendall(SPOILED.get(kind, b""))
        if kind.startswith("reset"):
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif kind == "stall":
            time.sleep(1.2)
        elif kind == "drip":
            for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{":
                client.sendall(bytes([byte]))
                time.sleep(0.002)
            time.sleep(1.2)

    def _relayed(self, client: socket.socket, less: int = 0) -> None:
        """Request and answer as they are; `less`: by how much the answer is longer than its Content-Length."""
        with socket.create_connection(self.target, timeout=5) as server:
            request = _whole_message(client)
            server.sendall(re.sub(rb"(?i)\r\nconnection: keep-alive", b"\r\nConnection: close", request, count=1))
            while piece := server.recv(65536):
                if less:
                    piece = re.sub(rb"(?i)(?<=content-length: )\d+", lambda n: b"%d" % (int(n[0]) - less), piece)
                client.sendall(piece)


def _whole_message(client: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        data += client.recv(65536)
    head, _, body = data.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    while len(body) < (int(length[1]) if length else 0):
        more = client.recv(65536)
        body, data = body + more, data + more
    return data


def spool_files(root: Path) -> list[Path]:
    """All files beneath a spool root."""
    return [path for path in root.rglob("*") if path.is_file()]
