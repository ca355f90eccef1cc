"""A deadline for all that is read from and written to the network, whatever is sent.

The timeouts of the HTTP library begin anew with every byte: a server that drips header lines, interim answers or chunk
sizes could hold a request for ever. The streams here end at a time that the calling thread has set.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import httpcore2
import httpx2


class _Until(threading.local):
    time: float | None = None


_UNTIL = _Until()


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Within the block, requests of this thread end after so many seconds with a timeout of the HTTP library."""
    before = _UNTIL.time
    _UNTIL.time = time.monotonic() + seconds
    try:
        yield
    finally:
        _UNTIL.time = before


def is_over() -> bool:
    """True if the deadline of this thread has passed."""
    return _UNTIL.time is not None and time.monotonic() >= _UNTIL.time


def _left(timeout: float | None) -> float | None:
    """The timeout of one operation within the deadline. Raises ReadTimeout if the deadline has passed."""
    if _UNTIL.time is None:
        return timeout
    left = _UNTIL.time - time.monotonic()
    if left <= 0:
        raise httpcore2.ReadTimeout("deadline")
    return left if timeout is None else min(timeout, left)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(self, ssl_context: Any, server_hostname: str | None = None, timeout: float | None = None) -> Any:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Backend(httpcore2.NetworkBackend):
    def __init__(self, backend: httpcore2.NetworkBackend) -> None:
        self._backend = backend

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        return _Stream(self._backend.connect_tcp(host, port, _left(timeout), local_address, socket_options))

    def sleep(self, seconds: float) -> None:
        self._backend.sleep(seconds)


def respect_deadlines(client: httpx2.Client) -> None:
    """Make all connections of a client end at the deadline, those through a proxy too.

    The library has no public way to give a client, which chooses its proxies itself, another network backend.
    """
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None:
            pool._network_backend = _Backend(pool._network_backend)
