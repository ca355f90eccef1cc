"""The HTTP client by itself: how long it waits, what it takes for a whole answer, and through whom it asks."""

from __future__ import annotations

import gzip
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest
import stamina
from pytest_httpserver import HTTPServer
from werkzeug import Response

from adapters.sources.http.answers import ServerError, retry_after_seconds
from adapters.sources.http.body import PIECE, DamagedError, decompressed
from adapters.sources.http.client import HttpClient, Nobody
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import parse_base

WHERE = "GET something"
LARGE = bytes(range(256)) * 2000


@pytest.fixture
def client(httpserver: HTTPServer):
    made = []

    def make(**options: Any) -> HttpClient:
        config = ServerConfig(**{"timeout_seconds": 2.0, **options})
        made.append(HttpClient(parse_base(httpserver.url_for("/fhir")), config, Nobody()))
        return made[-1]

    yield make
    for one in made:
        one.close()


def get(client: HttpClient, **options: Any) -> bytes:
    return client.get(client.base.url("x"), WHERE, **options).body


@pytest.fixture
def waits(monkeypatch) -> list[float]:
    """What is waited between tries, without waiting."""
    stamina.set_testing(False)
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", waited.append)
    return waited


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": " 7 "}, 7.0),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "1e999"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.0),
        ({"retry-after": "Fri, 31 Dec 99999 23:59:59 GMT"}, None),
        ({"retry-after": f"Fri, 31 Dec {'9' * 20} 23:59:59 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 0001 00:00:00 +2359"}, 0.0),
        ({"x-ms-retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"x-ms-retry-after-ms": "x"}, None),
    ],
)
def test_how_long_a_server_asks_us_to_wait(headers, seconds):
    assert retry_after_seconds(headers) == seconds


def test_a_date_asks_for_the_time_until_then():
    assert retry_after_seconds({"retry-after": formatdate(time.time() + 90)}) == pytest.approx(90, abs=2)


@pytest.mark.parametrize(
    ("asked", "waited"), [("7", 7.0), ("119", 119.0), ("120", 120.0), ("121", 120.0), ("9" * 12, 120.0)]
)
def test_the_wait_that_is_asked_for_is_kept_up_to_a_cap(asked, waited, client, httpserver, waits):
    httpserver.expect_oneshot_request("/fhir/x").respond_with_data("", 429, {"Retry-After": asked})
    httpserver.expect_request("/fhir/x").respond_with_data("{}")
    assert get(client(longest_wait_seconds=120.0)) == b"{}"
    assert waits == [waited]


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}, {"Retry-After": "0"}])
def test_without_a_wait_asked_for_the_pauses_grow(headers, client, httpserver, waits):
    httpserver.expect_request("/fhir/x").respond_with_data("", 503, headers)
    with pytest.raises(ServerError, match="answered 503"):
        get(client(attempts=6))
    assert len(waits) == 5
    for number, pause in enumerate(waits):
        assert 0.2 * 2**number <= pause <= 0.2 * 2**number + 1.0


def test_tries_end_after_retry_seconds(client, httpserver, monkeypatch):
    stamina.set_testing(False)
    httpserver.expect_request("/fhir/x").respond_with_data("", 503, {"Retry-After": "0.2"})
    with pytest.raises(ServerError, match="answered 503"):
        get(client(attempts=1000, retry_seconds=0.5))
    assert 2 <= len(httpserver.log) <= 4


def members(*texts: bytes) -> bytes:
    return b"".join(map(gzip.compress, texts))


@pytest.mark.parametrize(
    ("body", "whole"),
    [
        (members(b"a"), b"a"),
        (members(b"a", b"b", b"c"), b"abc"),
        (members(b"", b"b", b""), b"b"),
        (members(b"a") + b"\0" * 700, b"a"),
        (members(b"a") + b"\0" + members(b"b"), b"ab"),
        (members(LARGE, LARGE), LARGE * 2),
        (members(b"\0" * 5 * PIECE), b"\0" * 5 * PIECE),
    ],
    ids=["one member", "three members", "empty members", "padding", "padding between", "large", "a small bomb"],
)
@pytest.mark.parametrize("size", [1, 3, 10, 1000, 10**6])
def test_each_member_is_unpacked_however_the_body_is_cut_into_pieces(body, whole, size):
    if len(body) > 1000 * size:
        size = len(body) // 1000
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    assert b"".join(decompressed(pieces, "gzip", may_be_empty=False)) == whole


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (members(b"a")[:-1], "gzip"),
        (members(b"a")[:-8], "gzip"),
        (members(b"a", b"b")[:-1], "gzip"),
        (members(b"a") + b"x", "gzip"),
        (members(b"a")[:-8] + b"\0" * 8, "gzip"),
        (b"\0" + members(b"a"), "gzip"),
        (b"", "gzip"),
        (b"a", "br"),
        (b"a", "gzip, gzip"),
    ],
    ids=["cut", "no trailer", "second member cut", "something behind", "wrong checksum", "something before", "nothing",
         "another coding", "twice"],
)  # fmt: skip
def test_a_body_that_is_not_whole_is_damaged(body, coding):
    with pytest.raises(DamagedError):
        list(decompressed(iter([body]), coding, may_be_empty=False))


@pytest.mark.parametrize("coding", ["", "identity", "Identity ", "gzip", "X-GZIP"])
def test_an_error_may_come_without_a_body(coding):
    assert b"".join(decompressed(iter(()), coding, may_be_empty=True)) == b""


@pytest.mark.parametrize("poured", [False, True])
def test_an_answer_that_never_ends_is_an_error(poured, client, httpserver, tmp_path: Path):
    def drip(_request):
        return Response(b" " for _ in iter(lambda: time.sleep(0.02), 1))

    httpserver.expect_request("/fhir/x").respond_with_handler(drip)
    limit = "max_file_seconds" if poured else "max_page_seconds"
    with (tmp_path / "file").open("w+b") as file, pytest.raises(ServerError, match=rf"longer than {limit}; raise it"):
        get(client(**{limit: 0.3}), sink=file if poured else None)
    assert len(httpserver.log) <= 1, "it is not asked for again"


def test_an_address_that_is_too_long_is_an_error_of_one_line(client):
    asking = client()
    with pytest.raises(ServerError, match=f"{WHERE}: an address is too long or malformed"):
        asking.get(asking.base.url("x?" + "y" * 70_000), WHERE)


def test_what_threads_count_together_adds_up(client, httpserver):
    class Slow(Counter[str]):
        def __getitem__(self, name: str) -> int:
            value = super().__getitem__(name)
            time.sleep(0.002)
            return value

    httpserver.expect_request("/fhir/x").respond_with_data("12345")
    asking = client(parallel=8)
    asking.counts = Slow()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: get(asking), range(40)))
    assert dict(asking.counts) == {"requests": 40, "bytes": 200}


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_what_is_for_this_machine_goes_through_no_proxy(name, client, httpserver, monkeypatch):
    httpserver.expect_request("/fhir/x").respond_with_data("{}")
    for one in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(one, raising=False)
    with HTTPServer(host="127.0.0.1", port=0) as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert get(client()) == b"{}"
        assert proxy.log == []


def test_what_is_beyond_this_machine_goes_through_the_proxy(monkeypatch):
    for one in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(one, raising=False)
    with HTTPServer(host="127.0.0.1", port=0) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
        asking = HttpClient(parse_base("https://fhir.example.org/r4"), ServerConfig(), Nobody())
        with pytest.raises(ServerError, match="connection failed"):
            get(asking)
        asking.close()
        assert [request.method for request, _ in proxy.log] == ["CONNECT"] * 3
