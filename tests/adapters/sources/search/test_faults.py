"""What real servers and networks do, each either answered with everything or with an error that names the query."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from decimal import Decimal
from email.utils import formatdate
from time import time
from typing import Any

import pytest
from werkzeug import Response

from adapters.errors import AdapterError, IncompleteError, InputError
from adapters.sources.http.config import ServerConfig
from adapters.sources.search.source import ServerSource
from tests.support.server.fake_fhir import OTHER, Fake, Relay, as_json, observation, small_cohort
from tests.support.server.misbehaviour import (
    always,
    counts_once,
    empty_middle_page,
    entries,
    estimates,
    first,
    growing,
    link,
    loop_of_three,
    on_page,
    outcome,
    packed_in_two,
    raw,
)

KEPT = {"Patient/a", "Patient/b", "Patient/b-old", "Procedure/p1", "Medication/m1", "MedicationAdministration/ma1",
        "Condition/k1", *(f"Observation/o{n}" for n in range(1, 9))}  # fmt: skip
EXPECTED = {
    key: json.loads(as_json(one).get_data(as_text=True), parse_float=Decimal)
    for one in small_cohort()
    if (key := f"{one['resourceType']}/{one['id']}") in KEPT
}
FULL = "the full tables"


def resources(source: ServerSource) -> dict[str, Any]:
    """What a source gives, by type and id, with every digit: tables follow from it and nothing else."""
    return {f"{read.resource['resourceType']}/{read.resource['id']}": read.resource for read in source.read()}


BOMB = gzip.compress(b" " * 80_000_000)

CASES: dict[str, tuple[dict[str, Any], str]] = {
    # transport: HTTP status
    "401 for ever": ({"before": always(raw("", 401))}, "answered 401"),
    "403": ({"before": always(raw("", 403))}, "answered 403"),
    "404 on search, POST and GET": ({"before": always(raw("", 404))}, "answered 404"),
    "405 on POST, GET works": ({"before": lambda s, r, n: raw("", 405)() if r.method == "POST" else None}, FULL),
    "409": ({"before": always(raw("", 409))}, "answered 409"),
    "410 on a page once": ({"before": on_page(raw("", 410), 1)}, FULL),
    "410 on a page for ever": ({"before": on_page(raw("", 410))}, "expire before they can be read"),
    "404 on a page once": ({"before": on_page(raw("", 404), 1)}, FULL),
    "429 with seconds, then good": ({"before": first(2, raw("", 429, **{"Retry-After": "1"}))}, FULL),
    "429 with a date, then good": ({"before": first(2, raw("", 429, **{"Retry-After": formatdate(time() + 1)}))}, FULL),
    "429 with an absurd wait, then good": ({"before": first(1, raw("", 429, **{"Retry-After": "9" * 12}))}, FULL),
    "429 with a date beyond all calendars, then good": ({"before": first(2, raw("", 429, **{"Retry-After": f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT"}))}, FULL),
    "429 without a header, then good": ({"before": first(2, raw("", 429))}, FULL),
    "429 with milliseconds, then good": ({"before": first(2, raw("", 429, **{"x-ms-retry-after-ms": "5"}))}, FULL),
    "503 with an unreadable wait, then good": ({"before": first(2, raw("", 503, **{"Retry-After": "soon"}))}, FULL),
    "400 with an outcome": ({"before": always(lambda: as_json(outcome("error", "not-supported")["resource"], 400))}, "answered 400 (not-supported)"),
    "500 twice, then good": ({"before": first(2, raw("", 500))}, FULL),
    "500 for ever": ({"before": always(raw("", 500))}, "answered 500"),
    "503 with HTML": ({"before": always(raw("<html>", 503, "text/html"))}, "answered 503"),
    "200 with a login page": ({"before": always(raw("<html>log in</html>", 200, "text/html"))}, "not FHIR JSON (text/html)"),
    "204": ({"before": always(raw("", 204))}, "empty answer"),
    "200 without body": ({"before": always(raw(""))}, "empty answer"),
    "302 to a login page": ({"before": always(raw("", 302, Location="https://login.example.org"))}, "redirects (302)"),
    "307 to itself": ({"before": always(raw("", 307, Location="/fhir/Observation"))}, "redirects (307)"),
    # body
    "gzip that lies": ({"before": always(raw(b"not gzip", **{"Content-Encoding": "gzip"}))}, "damaged"),
    "gzip of two members": ({"after": packed_in_two()}, FULL),
    "gzip of two members, the second cut": ({"after": packed_in_two(-12)}, "damaged"),
    "gzip without a trailer": ({"after": packed_in_two(-8)}, "damaged"),
    "gzip that ends before it begins": ({"before": always(raw("", **{"Content-Encoding": "gzip"}))}, "damaged"),
    "a packing that nobody asked for": ({"before": always(raw(b"x", **{"Content-Encoding": "br"}))}, "damaged"),
    "gzip bomb": ({"before": always(raw(BOMB, **{"Content-Encoding": "gzip"}))}, "larger than max_page_bytes"),
    "truncated JSON": ({"before": always(raw('{"resourceType": "Bundle", "entry": ['))}, "not FHIR JSON"),
    "deep nesting": ({"before": always(raw("[" * 5000 + "]" * 5000))}, "not FHIR JSON"),
    "a number beyond reason": ({"before": always(raw('{"resourceType": "Bundle", "total": ' + "9" * 5000 + "}"))}, "not FHIR JSON"),
    "NaN": ({"before": always(raw('{"resourceType": "Bundle", "total": NaN}'))}, "not FHIR JSON"),
    "half a character": ({"before": always(raw(r'{"resourceType": "Bundle", "id": "\ud83d"}'))}, "not FHIR JSON"),
    "a key twice": ({"before": always(raw('{"resourceType": "Bundle", "total": 0, "total": 1}'))}, "not FHIR JSON"),
    "wrong encoding": ({"before": always(raw('{"resourceType": "ü"}'.encode("latin-1")))}, "not FHIR JSON"),
    "an outcome instead of a Bundle": ({"before": always(lambda: as_json(outcome("error")["resource"]))}, "OperationOutcome instead"),
    "another resource instead of a Bundle": ({"before": always(lambda: as_json({"resourceType": "Patient"}))}, "no Bundle"),
    # paging
    "relative next, query only": ({"after": link(lambda u, s: "?" + u.split("?")[1])}, FULL),
    "relative next, host root": ({"after": link(lambda u, s: "/fhir?" + u.split("?")[1])}, FULL),
    "relative next, from the base": ({"after": link(lambda u, s: "/?" + u.split("?")[1])}, FULL),
    "next without scheme": ({"after": link(lambda u, s: u.removeprefix("http://"))}, FULL),
    "next to an inner host": ({"after": link(lambda u, s: u.replace("localhost", "inner-host"))}, "leads elsewhere"),
    "next to another port": ({"after": link(lambda u, s: re.sub(r":\d+", ":1", u))}, "leads elsewhere"),
    "next to itself for ever": ({"after": lambda s, r, b: {**b, "link": [{"relation": "next", "url": f"{s.base}?_getpages=t0"}]}
                                 if r.query_string else b}, "paging does not end"),
    "a loop of three pages": ({"after": loop_of_three}, "paging does not end"),
    "a next of 70 KB": ({"after": link(lambda u, s: u + "&x=" + "y" * 70_000)}, "too long"),
    "two next links": ({"after": lambda s, r, b: {**b, "link": b["link"] * 2}}, "not one address"),
    "more entries a page than _count asks for": ({"page_size": 5000}, FULL),
    "a self link that shows dropped filters": ({"after": lambda s, r, b: {**b, "link": [*b["link"], {"relation": "self", "url": s.base}]}}, FULL),
    "a next link that is no list": ({"after": lambda s, r, b: {**b, "link": b["link"][0]} if b["link"] else b}, "link is not a list"),
    "pages without end": ({"after": growing}, "paging does not end"),
    "a Bundle that is no search": ({"after": lambda s, r, b: {**b, "type": "collection"}}, "not of a search"),
    "an empty middle page": ({"after": empty_middle_page}, FULL),
    "entries twice across pages": ({"after": entries(lambda e: e + e[:1])}, FULL),
    "an entry without resource": ({"after": entries(lambda e: [*e, {"fullUrl": "urn:x"}])}, "holds no resource"),
    "a resource without id": ({"after": entries(lambda e: [{"resource": {"resourceType": e[0]["resource"]["resourceType"]}}])}, "no id"),
    "another type without a mode": ({"after": entries(lambda e: [*e, {"resource": {"resourceType": "Practitioner", "id": "x"}}])}, FULL),
    "an outcome without a mode": ({"after": entries(lambda e: [*e, {"resource": outcome("information")["resource"]}])}, FULL),
    "the id of a patient on another type": ({"after": entries(lambda e: [*e, {"resource": {**observation(1, "c", OTHER), "id": "a"}}]
                                             if e and e[0]["resource"]["resourceType"] == "Observation" else e), "counts": False}, FULL),
    "included resources among matches": ({"after": entries(lambda e: [*e, {"resource": {"resourceType": "Practitioner", "id": "x"},
                                                                           "search": {"mode": "include"}}])}, FULL),
    "no total": ({"totals": False}, FULL),
    "a total on each page": ({"totals": True}, FULL),
    "a wrong total": ({"after": lambda s, r, b: {**b, "total": 99}}, FULL),
    "no counting": ({"counts": False}, FULL),
    # filters
    "the code filter is ignored": ({"ignores": frozenset({"combo-code", "code"}), "counts": False}, FULL),
    "the patient filter is ignored": ({"ignores": frozenset({"patient"}), "counts": False}, FULL),
    "no combo-code": ({"parameters": ("code", "component-code", "patient", "link")}, FULL),
    "an outcome with a warning": ({"after": entries(lambda e: [*e, outcome("warning")])}, FULL),
    "an outcome with an error": ({"after": entries(lambda e: [*e, outcome("error")])}, "not complete"),
    "an outcome that says incomplete": ({"after": entries(lambda e: [*e, outcome("warning", "incomplete")])}, "not complete"),
    "an outcome whose issue is no list": ({"after": entries(lambda e: [*e, {"resource": {"resourceType": "OperationOutcome",
                                           "issue": {"severity": "fatal", "code": "exception"}}}])}, "issue is not a list"),
    "an outcome with a vendor's code": ({"after": entries(lambda e: [*e, outcome("warning", "processing", "4119")])}, "not complete"),
    "the code filter of the therapies is ignored": ({"ignores": frozenset({"code"})}, FULL),
    "entries that are no list": ({"after": lambda s, r, b: {**b, "entry": 5}}, "holds no resource"),
    "a byte order mark": ({"after": lambda s, r, b: Response("\ufeff" + as_json(b).get_data(as_text=True))}, FULL),
    # lists of values
    "the first of several patients only": ({"takes_first": frozenset({"patient"})}, "in another order"),
    "the first of several codes only": ({"takes_first": frozenset({"code"})}, "in another order"),
    "the first of several codes of a measurement only": ({"takes_first": frozenset({"combo-code"})}, "in another order"),
    "the first of several ids only": ({"takes_first": frozenset({"_id"})}, "patients of the cohort are not given"),
    "the id is ignored": ({"ignores": frozenset({"_id"})}, FULL),
    "the link is ignored": ({"ignores": frozenset({"link"})}, FULL),
    # counting
    "counts before a search and not after it": ({"before": counts_once, "after": lambda s, r, b: {**b, "entry": b["entry"][:1], "link": []}},
                                                r"counts \d+ before, but gave 1"),
    "no counting, and a total that was not reached": ({"counts": False, "after": lambda s, r, b: {**b, "total": 99}}, "counts 99"),
    "a count that is an estimate": ({"before": estimates}, "set counts = false"),
    "fewer therapies than counted": ({"after": lambda s, r, b: {**b, "entry": []} if "Procedure" in r.path else b}, r"counts \d+ before"),
    "fewer than counted": ({"after": lambda s, r, b: {**b, "entry": b["entry"][:1], "link": []} if "Observation" in r.path else b},
                           r"counts \d+ before"),
}  # fmt: skip
OUTCOMES: dict[str, str] = {}


def settled(source: ServerSource) -> tuple[dict[str, Any], AdapterError | None]:
    """What the source gave, or the error it ended with."""
    try:
        return resources(source), None
    except AdapterError as error:
        return {}, error


def interrupted(fake: Fake, opened: Callable[..., ServerSource]) -> None:
    """A pull before this one that ended in the middle: some parts are in the spool, some are not."""
    fake.before = lambda server, request, number: as_json({}, 403) if "Condition" in request.path else None
    with pytest.raises(IncompleteError, match="parts are missing"):
        resources(opened(parallel=1))
    fake.before = None
    fake.pages.clear()


@pytest.mark.parametrize("path", ["at once", "resumed"])
@pytest.mark.parametrize("name", CASES)
def test_the_full_tables_or_an_error_that_names_the_query(name, path, fake, opened):
    changes, wanted = CASES[name]
    if path == "resumed":
        interrupted(fake, opened)
    for attribute, value in changes.items():
        setattr(fake, attribute, value() if isinstance(value, type) else value)
    found, error = settled(opened())
    OUTCOMES[name] = FULL if error is None else str(error)
    if wanted == FULL:
        assert error is None, str(error)
        assert found == EXPECTED
        return
    assert found == {}
    assert isinstance(error, IncompleteError | InputError)
    assert re.search(wanted.replace("(", r"\(").replace(")", r"\)"), str(error)), str(error)
    assert re.search(r"\b(Observation|Patient|Procedure|MedicationAdministration|Medication)\b", str(error))
    assert "Patient/a" not in str(error)
    assert "\n" not in str(error)
    for attribute in changes:
        setattr(fake, attribute, getattr(Fake(), attribute))
    assert resources(opened()) == EXPECTED, "when the fault is gone the next pull gives everything"


@pytest.mark.parametrize(
    "kind",
    [
        "reset before request",
        "reset after request",
        "reset in headers",
        "cut body",
        "reset in body",
        "bad chunk",
        "not http",
        "stall",
        "drip",
    ],
)
def test_a_broken_connection_is_tried_again(kind, fake, opened, httpserver):
    with Relay(("127.0.0.1", httpserver.port), lambda number: kind if number % 4 == 2 else None) as relay:
        fake.base = f"http://localhost:{relay.port}/fhir"
        assert resources(opened(fake.base, timeout_seconds=0.5)) == EXPECTED
        assert relay.connections > 4


def test_pages_without_end_are_many_outside_of_the_tests():
    assert ServerConfig().page_limit == 100_000


def test_connections_that_always_break_are_an_error(fake, opened, httpserver):
    with Relay(("127.0.0.1", httpserver.port), lambda number: "cut body" if number > 3 else None) as relay:
        fake.base = f"http://localhost:{relay.port}/fhir"
        with pytest.raises(IncompleteError, match="connection failed"):
            resources(opened(fake.base))


def test_an_answer_longer_than_its_content_length_is_an_error(fake, opened, httpserver):
    with Relay(("127.0.0.1", httpserver.port), lambda number: "claims less" if number > 1 else None) as relay:
        fake.base = f"http://localhost:{relay.port}/fhir"
        with pytest.raises(IncompleteError, match="not FHIR JSON"):
            resources(opened(fake.base))


def test_nobody_at_the_address_is_an_error(opened):
    with pytest.raises(IncompleteError, match=r"GET metadata: connection failed \(ConnectError\)"):
        resources(opened("http://localhost:1/fhir"))


def test_the_table_of_cases_and_outcomes_is_printed(capsys):
    with capsys.disabled():
        width = max(map(len, CASES))
        print("\n" + "\n".join(f"{name:{width}}  {OUTCOMES[name]}" for name in CASES if name in OUTCOMES))
    assert len(CASES) >= 60
    assert all(wanted == FULL or OUTCOMES.get(name, "error") != FULL for name, (_, wanted) in CASES.items())


def test_surplus_is_counted_and_not_kept(fake, opened):
    fake.ignores, fake.counts = frozenset({"patient"}), False
    source = opened()
    assert resources(source) == EXPECTED
    assert sum(query["surplus"] for query in source.manifest["queries"]) > 0


def test_decimals_keep_their_digits(opened):
    values = {
        str(r.resource["valueQuantity"]["value"])
        for r in opened().read()
        if r.resource["resourceType"] == "Observation"
    }
    assert values == {f"{n}.10" for n in range(1, 9)}


def test_what_the_code_lists_did_not_ask_for_is_counted(opened):
    source = opened()
    resources(source)
    assert source.manifest["not_asked_for"] == 1
    assert source.manifest["verified"] is True


def test_a_server_that_does_not_count_is_not_called_verified(fake, opened):
    fake.counts = False
    source = opened()
    resources(source)
    assert source.manifest["verified"] is False
    assert source.manifest["not_asked_for"] is None


def test_the_manifest_holds_numbers_and_no_ids(opened):
    source = opened()
    resources(source)
    text = json.dumps(source.manifest)
    assert not re.search(r"Patient/|m-a|b-old|localhost", text)
    assert {"query", "pages", "entries", "distinct_ids", "total"} <= set(source.manifest["queries"][0])
