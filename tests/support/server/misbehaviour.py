"""What a scripted server may do instead of answering: given to `Fake.before` and `Fake.after`."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

from werkzeug import Request, Response

from tests.support.server.fake_fhir import Fake, as_json


def outcome(severity: str, code: str = "processing", detail: str = "") -> dict[str, Any]:
    issue = {"severity": severity, "code": code, "details": {"coding": [{"code": detail}]}}
    return {"resource": {"resourceType": "OperationOutcome", "issue": [issue]}, "search": {"mode": "outcome"}}


def first(times: int, make: Callable[[], Response]) -> Callable[[Fake, Request, int], Response | None]:
    """Answer the first `times` searches for Observations with something else."""
    left = [times]

    def before(_server: Fake, request: Request, _number: int) -> Response | None:
        if "Observation" in request.path and left[0] > 0:
            left[0] -= 1
            return make()
        return None

    return before


def always(make: Callable[[], Response]) -> Callable[[Fake, Request, int], Response | None]:
    return first(10_000, make)


def on_page(make: Callable[[], Response], times: int = 10_000) -> Callable[[Fake, Request, int], Response | None]:
    """Answer requests for a next page with something else."""
    left = [times]

    def before(_server: Fake, request: Request, _number: int) -> Response | None:
        if b"_getpages" in request.query_string and left[0] > 0:
            left[0] -= 1
            return make()
        return None

    return before


def link(rewritten: Callable[[str, Fake], str]) -> Callable[[Fake, Request, dict[str, Any]], Any]:
    def after(server: Fake, _request: Request, bundle: dict[str, Any]) -> Any:
        for one in bundle["link"]:
            one["url"] = rewritten(one["url"], server)
        return bundle

    return after


def entries(changed: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> Callable[..., Any]:
    def after(_server: Fake, request: Request, bundle: dict[str, Any]) -> Any:
        return {**bundle, "entry": changed(bundle["entry"])}

    return after


def raw(
    text: str | bytes, status: int = 200, kind: str = "application/fhir+json", **headers: str
) -> Callable[[], Response]:
    return lambda: Response(text, status=status, content_type=kind, headers=headers)


def packed_in_two(end: int | None = None) -> Callable[..., Response]:
    """Bundles sent as gzip of two members, up to `end`."""

    def after(_server: Fake, _request: Request, bundle: dict[str, Any]) -> Response:
        text = as_json(bundle).get_data()
        body = gzip.compress(text[:30]) + gzip.compress(text[30:])
        return Response(body[:end], content_type="application/fhir+json", headers={"Content-Encoding": "gzip"})

    return after


def empty_middle_page(server: Fake, request: Request, bundle: dict[str, Any]) -> Any:
    if bundle["link"] and not getattr(server, "emptied", False):
        server.emptied = True  # type: ignore[attr-defined]
        token = "empty"
        kind = bundle["entry"][0]["resource"]["resourceType"]
        server.pages[token] = (
            kind,
            [e["resource"] for e in bundle["entry"]] + server.pages[bundle["link"][0]["url"].split("=")[1]][1],
        )
        return {**bundle, "entry": [], "link": [{"relation": "next", "url": f"{server.base}?_getpages={token}"}]}
    return bundle


def loop_of_three(server: Fake, request: Request, bundle: dict[str, Any]) -> Any:
    """Each page links to the next of three, for ever."""
    page = int(request.args.get("_getpages", "x0").removeprefix("x"))
    kind = bundle["entry"][0]["resource"]["resourceType"]
    following = f"x{page % 3 + 1}"
    server.pages[following] = (kind, [entry["resource"] for entry in bundle["entry"]])
    return {**bundle, "link": [{"relation": "next", "url": f"{server.base}?_getpages={following}"}]}


def growing(server: Fake, request: Request, bundle: dict[str, Any]) -> Any:
    """Every page leads to one more, each with an address of its own."""
    token = request.args.get("_getpages", "g0")
    kind = server.pages[token][0] if token in server.pages else request.path.split("/")[-2]
    following = f"g{int(token.removeprefix('g')) + 1}"
    server.pages[following] = kind, []
    return {**bundle, "link": [{"relation": "next", "url": f"{server.base}?_getpages={following}"}]}


def counts_once(server: Fake, request: Request, _number: int) -> Response | None:
    """Every second count fails."""
    if "_summary=count" not in request.get_data(as_text=True):
        return None
    server.counted = not getattr(server, "counted", False)  # type: ignore[attr-defined]
    return None if server.counted else as_json({}, 500)  # type: ignore[attr-defined]


def estimates(_server: Fake, request: Request, _number: int) -> Response | None:
    if "_summary=count" not in request.get_data(as_text=True):
        return None
    return as_json({"resourceType": "Bundle", "type": "searchset", "total": 50})
