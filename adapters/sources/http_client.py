"""One careful HTTP client: no redirects, bounded answers, polite retries, and no address or secret in any message.

Every request names the query template it belongs to ("POST Observation?patient={up to 100 patients}"), and errors carry
that name only.
"""

from __future__ import annotations

import logging
import ssl
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlencode

import httpx2
import stamina

from adapters.errors import InputError
from adapters.sources.http_answers import TIMED_OUT, Answer, ServerError, refusal, retry_after_seconds
from adapters.sources.http_origin import Base
from adapters.sources.server_config import ServerConfig

FHIR_JSON = "application/fhir+json"
NO_ANSWER = 0  # the status of a request that got none: the connection failed, or what came was damaged
RETRIED = frozenset({NO_ANSWER, TIMED_OUT, 425, 429, 500, 502, 503, 504})
SHORT_TRIES = 3  # of a request that times out: more of the same would time out too
PIECE = 64 * 1024  # read in pieces of this size, so that a bomb is stopped early

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


class Nobody:
    """No Authorization header."""

    def header(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def renew(self) -> bool:
        """Nothing to renew."""
        return False


class _TransientError(Exception):
    def __init__(self, fault: ServerError, wait_seconds: float | None = None) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class _Ask:
    """One request: where it goes, what it says, where a large body is poured, and which failures are tried again."""

    method: str
    url: str
    where: str
    headers: Mapping[str, str]
    content: Callable[[], bytes] | None
    with_token: bool
    sink: IO[bytes] | None
    retried: frozenset[int]


@dataclass
class HttpClient:
    """Requests to one server. Threads may share it. `tally` counts requests, retries and bytes for the manifest."""

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

    def get(self, url: str, where: str, **options: Any) -> Answer:
        """GET an address beneath the base; options as for `send`. Raises ServerError."""
        return self.send("GET", url, where, **options)

    def post_form(
        self, url: str, form: list[tuple[str, str]], where: str, *, headers: Mapping[str, str], **options: Any
    ) -> Answer:
        """POST search parameters as a form; options as for `send`. Raises ServerError."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        return self.send("POST", url, where, headers={**headers, **kind}, content=lambda: body, **options)

    def send(
        self,
        method: str,
        url: str,
        where: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: Callable[[], bytes] | None = None,
        retried: frozenset[int] = RETRIED,
        with_token: bool = True,
        sink: IO[bytes] | None = None,
    ) -> Answer:
        """One request with retries and one renewal of the token after 401. Raises ServerError with `where`.

        content : makes the body anew for each try
        retried : statuses that are tried again; 0 stands for a connection that failed
        with_token : the token goes to addresses beneath the base only; anything else is a programming error
        sink : takes the body of a 200 piece by piece (up to max_file_bytes) instead of the answer
        """
        if with_token and not self.base.holds(url):
            raise ServerError("refused to ask another origin", where, "report this as a defect")
        ask = _Ask(method, url, where, headers or {}, content, with_token, sink, retried)

        def attempt() -> Answer:
            answer = self._once(ask)
            if answer.status == 401 and with_token and self.authorizer.renew():
                answer = self._once(ask)
            return self._judged(answer, where)

        return self._with_retries(attempt, ask)

    def _with_retries(self, attempt: Callable[[], Answer], ask: _Ask) -> Answer:
        seen: Counter[int] = Counter()

        def decide(error: Exception) -> bool | float:
            if not isinstance(error, _TransientError) or error.fault.status not in ask.retried:
                return False
            seen[error.fault.status] += 1
            if seen[TIMED_OUT] >= SHORT_TRIES:
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
                    return replace(attempt(), retries=seen.total())
        except _TransientError as error:
            raise error.fault from None
        raise ServerError("no answer", ask.where, "try again later")  # pragma: no cover - stamina returns or raises

    def _once(self, ask: _Ask) -> Answer:
        token = self.authorizer.header() if ask.with_token else {}
        sent = {"Accept": FHIR_JSON, **ask.headers, **token}
        content = ask.content() if ask.content is not None else None
        self.tally["requests"] += 1
        try:
            with self._client.stream(ask.method, ask.url, headers=sent, content=content) as response:
                body = self._received(response, ask)
                found = {key.lower(): value for key, value in response.headers.items()}
                return Answer(response.status_code, found, body, ask.url)
        except httpx2.TimeoutException:
            fault = ServerError(
                "no answer within timeout_seconds", ask.where, "raise it, or lower chunk_size", TIMED_OUT
            )
            raise _TransientError(fault) from None
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.ConnectError) and "certificate" in str(error).lower():
                what = "the server's certificate is not trusted"
                raise ServerError(what, ask.where, "name its CA in ca_file, and the host as it stands in it") from None
            what = f"connection failed ({type(error).__name__})"
            raise _TransientError(ServerError(what, ask.where, "check the network and try again")) from None
        except httpx2.DecodingError:
            what = "the compressed answer is damaged"
            raise _TransientError(ServerError(what, ask.where, "try again, or ask the server's operator")) from None

    def _received(self, response: httpx2.Response, ask: _Ask) -> bytes:
        """The decoded body, or nothing where it was poured into the sink. Raises ServerError beyond the limits."""
        poured = ask.sink is not None and response.status_code == 200
        limit = "max_file_bytes" if poured else "max_page_bytes"
        pieces, size = [], 0
        if ask.sink is not None:
            ask.sink.seek(0)
            ask.sink.truncate()
        for piece in response.iter_bytes(PIECE):
            size += len(piece)
            if size > getattr(self.config, limit):
                raise ServerError(f"one answer is larger than {limit}", ask.where, f"raise {limit}, or lower count")
            if self.tally["bytes"] + size > self.config.max_total_bytes:
                raise ServerError("the pull is larger than max_total_bytes", ask.where, "raise it if that is right")
            if ask.sink is not None and poured:
                ask.sink.write(piece)
            else:
                pieces.append(piece)
        self.tally["bytes"] += size
        return b"".join(pieces)

    def _judged(self, answer: Answer, where: str) -> Answer:
        if answer.status < 300:
            return answer
        fault = refusal(answer, where)
        if answer.status not in RETRIED:
            raise fault
        asked = retry_after_seconds(answer.headers)
        wait = None if asked is None else min(asked, self.config.longest_wait_seconds)
        raise _TransientError(fault, wait)


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
