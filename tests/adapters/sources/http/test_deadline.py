"""A server that drips, whatever it drips, ends a request within the limit that the message names."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from adapters.sources.http.answers import ServerError
from adapters.sources.http.client import HttpClient, Nobody
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import parse_base

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
PAUSE_SECONDS = 0.02
Drip = Callable[[socket.socket], Iterator[bytes]]


def forever(piece: bytes, before: bytes = b"") -> Callable[[], Iterator[bytes]]:
    """`before` at once, then the same piece again and again."""

    def pieces() -> Iterator[bytes]:
        yield before
        while True:
            yield piece

    return pieces


DRIPS = {
    "header lines": (forever(b"X-A: b\r\n", HEAD), "timeout_seconds"),
    "one header byte by byte": (forever(b"a", HEAD + b"X: "), "timeout_seconds"),
    "the status line byte by byte": (forever(b" ", b"HTTP/1.1 200 "), "timeout_seconds"),
    "100 Continue": (forever(b"HTTP/1.1 100 Continue\r\n\r\n"), "timeout_seconds"),
    "103 Early Hints": (forever(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"), "timeout_seconds"),
    "102 Processing, then nothing": (forever(b"", b"HTTP/1.1 102 Processing\r\n\r\n"), "timeout_seconds"),
    "a body of known length": (forever(b" ", HEAD + b"Content-Length: 999999\r\n\r\n"), "max_page_seconds"),
    "a body until the end": (forever(b" ", HEAD + b"Connection: close\r\n\r\n"), "max_page_seconds"),
    "chunks": (forever(b"1\r\n \r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), "max_page_seconds"),
    "the size of a chunk": (forever(b"0", HEAD + b"Transfer-Encoding: chunked\r\n\r\n"), "max_page_seconds"),
    "a chunk extension": (forever(b"x", HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;"), "max_page_seconds"),
    "trailers": (forever(b"X: y\r\n", HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"), "max_page_seconds"),
    "an error's body": (forever(b" ", b"HTTP/1.1 500 No\r\nContent-Length: 999999\r\n\r\n"), "max_page_seconds"),
}


@pytest.fixture
def dripping() -> Iterator[Callable[[Callable[[], Iterator[bytes]]], str]]:
    """A server that answers every request with these pieces; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()
    threads: list[threading.Thread] = []

    def serve(pieces: Callable[[], Iterator[bytes]]) -> str:
        def answer(client: socket.socket) -> None:
            with client, contextlib.suppress(OSError):
                client.recv(65536)
                for piece in pieces():
                    if stop.is_set():
                        return
                    client.sendall(piece)
                    time.sleep(PAUSE_SECONDS)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threads.append(threading.Thread(target=answer, args=(listening.accept()[0],), daemon=True))
                    threads[-1].start()

        threads.append(threading.Thread(target=accept, daemon=True))
        threads[-1].start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"

    yield serve
    stop.set()
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    for thread in threads:
        thread.join(5)


@pytest.mark.parametrize("case", DRIPS)
def test_a_drip_ends_within_the_limit_that_is_named(case, dripping):
    pieces, limit = DRIPS[case]
    config = ServerConfig(timeout_seconds=0.3, max_page_seconds=0.3, attempts=1)
    client = HttpClient(parse_base(dripping(pieces)), config, Nobody())
    begun = time.monotonic()
    with pytest.raises(ServerError, match=limit):
        client.get(client.base.url("x"), "GET x")
    client.close()
    assert time.monotonic() - begun < 5


def test_a_file_that_drips_ends_too(dripping, tmp_path):
    from adapters.sources.http.client import Request

    config = ServerConfig(timeout_seconds=0.3, max_page_seconds=60.0, max_file_seconds=0.3, attempts=1)
    client = HttpClient(parse_base(dripping(DRIPS["a chunk extension"][0])), config, Nobody())
    with (tmp_path / "x").open("w+b") as sink, pytest.raises(ServerError, match="max_file_seconds"):
        client.send(Request("GET", client.base.url("x"), "GET x", sink=sink))
    client.close()


def test_the_deadline_holds_through_a_proxy(dripping, monkeypatch):
    proxy = dripping(DRIPS["header lines"][0]).removesuffix("/fhir")
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    for name in ("no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    config = ServerConfig(timeout_seconds=0.3, attempts=1)
    client = HttpClient(parse_base("https://fhir.invalid/fhir"), config, Nobody())
    with pytest.raises(ServerError, match="timeout_seconds"):
        client.get(client.base.url("x"), "GET x")
    client.close()


def test_a_slow_but_steady_answer_is_read(dripping):
    body = b'{"resourceType": "Bundle"}'

    def steady() -> Iterator[bytes]:
        yield HEAD + b"Content-Length: %d\r\n\r\n" % len(body)
        for byte in body:
            yield bytes([byte])

    client = HttpClient(parse_base(dripping(steady)), ServerConfig(timeout_seconds=5.0), Nobody())
    assert client.get(client.base.url("x"), "GET x").body == body
    client.close()
