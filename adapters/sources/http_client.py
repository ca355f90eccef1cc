"""One careful HTTP client: no redirects, bounded answers, polite retries, and no address or secret in any message.

Every request names the query template it belongs to ("POST Observation/_search"), and errors carry that name only.
"""

from __future__ import annotations

import email.utils
import logging
import ssl
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx2
import stamina

from adapters.errors import IncompleteError, InputError
from adapters.sources.http_origin import Base
from adapters.sources.server_config import ServerConfig

FHIR_JSON = "application/fhir+json"
RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
MARGIN = 64 * 1024  # read in pieces of this size, so that a bomb is stopped early

stamina.instrumentation.set_on_retry_hooks([])  # retries are counted in the manifest, not printed
for name in ("httpx2", "httpcore2", "httpx", "httpcore"):  # they log whole addresses, with patient ids, at INFO
    logging.getLogger(name).setLevel(logging.WARNING)


class Authorizer(Protocol):
    """What puts the Authorization header on requests to the server's own origin."""

    def header(self) -> Mapping[str, str]:
        """Headers for the next request; fetches or renews a token when needed."""
        ...

    def renew(self) -> bool:
        """After a 401: forget the token; whether asking again can help."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (lower-case names) and decoded body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class ServerError(IncompleteError):
    """An answer that is not what was asked for; `status` is 0 where there was none."""

    def __init__(self, what: str, where: str, remedy: str, status: int = 0) -> None:
        super().__init__(what, where, remedy)
        self.status = status


class _TransientError(Exception):
    def __init__(self, fault: ServerError, wait_seconds: float | None) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.wait_seconds = wait_seconds


@dataclass
class HttpClient:
    """Requests to one server. Threads may share it. `retries` and `bytes_read` are counted for the manifest."""

    base: Base
    config: ServerConfig
    authorizer: Authorizer
    folder: Path = field(default_factory=Path.cwd)
    tally: Counter[str] = field(default_factory=Counter)
    _client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        connections = httpx2.Limits(
            max_connections=self.config.parallel, max_keepalive_connections=self.config.parallel
        )
        self._client = httpx2.Client(
            verify=tls_context(self.config, self.folder),
            follow_redirects=False,
            timeout=httpx2.Timeout(self.config.timeout_seconds),
            limits=connections,
            headers={"Accept-Encoding": "gzip"},
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, url: str, where: str, *, headers: Mapping[str, str] | None = None, retry: bool = True) -> Answer:
        """GET an address beneath the base. Raises ServerError."""
        return self.send("GET", url, where, headers=headers, retry=retry)

    def post_form(self, url: str, form: list[tuple[str, str]], where: str, *, retry: bool = True) -> Answer:
        """POST search parameters as a form. Raises ServerError."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return self.send("POST", url, where, headers=headers, content=urlencode(form).encode(), retry=retry)

    def send(
        self,
        method: str,
        url: str,
        where: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        retry: bool = True,
        with_token: bool = True,
    ) -> Answer:
        """One request with retries and one renewal of the token after 401. Raises ServerError with `where`.

        The token goes to addresses beneath the base only: anything else is a programming error and refused here.
        """
        if with_token and not self.base.holds(url):
            raise ServerError("refused to ask another origin", where, "report this as a defect")

        def attempt() -> Answer:
            answer = self._once(method, url, where, headers, content, with_token)
            if answer.status == 401 and with_token and self.authorizer.renew():
                answer = self._once(method, url, where, headers, content, with_token)
            return self._judged(answer, where)

        return self._with_retries(attempt, where, retry)

    def _with_retries(self, attempt: Callable[[], Answer], where: str, retry: bool) -> Answer:
        def decide(error: Exception) -> bool | float:
            if not isinstance(error, _TransientError) or not retry:
                return False
            self.tally["retries"] += 1
            return error.wait_seconds if error.wait_seconds is not None else True

        try:
            for attempted in stamina.retry_context(
                on=decide,
                attempts=self.config.attempts,
                timeout=self.config.retry_seconds,
                wait_initial=0.2,
                wait_max=30.0,
            ):
                with attempted:
                    return attempt()
        except _TransientError as error:
            raise error.fault from None
        raise ServerError("no answer", where, "try again later")  # pragma: no cover - stamina returns or raises

    def _once(
        self,
        method: str,
        url: str,
        where: str,
        headers: Mapping[str, str] | None,
        content: bytes | None,
        with_token: bool,
    ) -> Answer:
        token = self.authorizer.header() if with_token else {}
        sent = {"Accept": FHIR_JSON, **(headers or {}), **token}
        self.tally["requests"] += 1
        try:
            with self._client.stream(method, url, headers=sent, content=content) as response:
                body = self._bounded(response, where)
                found = {key.lower(): value for key, value in response.headers.items()}
                return Answer(response.status_code, found, body, url)
        except httpx2.TransportError as error:
            kind = type(error).__name__
            if isinstance(error, httpx2.ConnectError) and "certificate" in str(error).lower():
                raise ServerError("the server's certificate is not trusted", where, "name its CA in ca_file") from None
            fault = ServerError(f"connection failed ({kind})", where, "check the network and try again")
            raise _TransientError(fault, None) from None
        except httpx2.DecodingError:
            fault = ServerError("the compressed answer is damaged", where, "try again, or ask the server's operator")
            raise _TransientError(fault, None) from None

    def _bounded(self, response: httpx2.Response, where: str) -> bytes:
        pieces, size = [], 0
        for piece in response.iter_bytes(MARGIN):
            size += len(piece)
            if size > self.config.max_page_bytes:
                raise ServerError(
                    "one answer is larger than max_page_bytes", where, "lower count or raise max_page_bytes"
                )
            pieces.append(piece)
        self.tally["bytes"] += size
        return b"".join(pieces)

    def _judged(self, answer: Answer, where: str) -> Answer:
        status = answer.status
        if status < 300:
            return answer
        if status in RETRIED:
            fault = ServerError(f"the server answered {status}", where, "try again later", status)
            raise _TransientError(fault, self._asked_to_wait(answer.headers))
        if status < 400:
            raise ServerError(f"the server redirects ({status})", where, "give the address it redirects to", status)
        raise ServerError(
            f"the server answered {status}", where, _REMEDIES.get(status, "ask the server's operator"), status
        )

    def _asked_to_wait(self, headers: Mapping[str, str]) -> float | None:
        seconds = retry_after_seconds(headers)
        return None if seconds is None else min(seconds, self.config.longest_wait_seconds)


_REMEDIES = {
    401: "give a valid token",
    403: "the account lacks the right to read this",
    404: "check the base address",
    410: "the page has expired",
    414: "lower chunk_size",
}


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` (seconds or a date) or `x-ms-retry-after-ms` ask for; None where absent or unreadable."""
    if "x-ms-retry-after-ms" in headers:
        return _number(headers["x-ms-retry-after-ms"], 1000)
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = _number(value, 1)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def _number(text: str, divisor: float) -> float | None:
    try:
        value = float(text) / divisor
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def tls_context(config: ServerConfig, folder: Path) -> Any:
    """Verification by the system's trust store, or the CA file; with the client certificate if one is named."""
    if not (config.ca_file or config.client_cert):
        return True
    try:
        context = ssl.create_default_context(cafile=str(folder / config.ca_file) if config.ca_file else None)
        if config.client_cert:
            key = str(folder / config.client_key) if config.client_key else None
            context.load_cert_chain(str(folder / config.client_cert), key)
    except (OSError, ssl.SSLError) as error:
        kind = type(error).__name__
        raise InputError(f"certificate files cannot be used ({kind})", "server settings", "check their names") from None
    return context
