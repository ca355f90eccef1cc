"""The HTTP client: no redirects, bounded answers, polite retries, no address or secret in any message.

Every request names the query template it belongs to ("POST Observation?patient={up to 100 patients}"), and errors carry
that name only.
"""

from __future__ import annotations

import io
import logging
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlencode

import httpx2
import stamina

from adapters.errors import InputError
from adapters.sources.http.answers import TIMED_OUT, Answer, ServerError, refusal, retry_after_seconds
from adapters.sources.http.body import DamagedError, TooSlowError, decompressed, in_time
from adapters.sources.http.config import ServerConfig, private_text
from adapters.sources.http.deadline import deadline, is_over, respect_deadlines
from adapters.sources.http.origin import Base, Origin

FHIR_JSON = "application/fhir+json"
NO_ANSWER = 0  # the status of a request that got none: the connection failed, or what came was damaged
RETRIED = frozenset({NO_ANSWER, TIMED_OUT, 425, 429, 500, 502, 503, 504})
SHORT_TRIES = 3  # of a request that times out: more of the same would time out too
_COUNTING = threading.Lock()  # of statistics: threads share them, and so do clients

stamina.instrumentation.set_on_retry_hooks([])  # retries are counted in the manifest, not printed
for name in ("httpx2", "httpcore2", "httpx", "httpcore"):  # they log whole addresses, with patient ids, at INFO
    logging.getLogger(name).setLevel(logging.WARNING)


class Authorizer(Protocol):
    """Authentication of requests to the server's own origin."""

    def header(self) -> Mapping[str, str]:
        """Headers for the next request; fetches or renews a token when needed."""
        ...

    def renew(self, refused: Mapping[str, str]) -> bool:
        """After a 401: forget the refused token. True if a second request can succeed."""
        ...


class Nobody:
    """No authentication."""

    def header(self) -> Mapping[str, str]:
        """No headers."""
        return {}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002  as of every way of signing in
        """Nothing to renew."""
        return False


class _TransientError(Exception):
    def __init__(self, fault: ServerError, wait_seconds: float | None = None) -> None:
        super().__init__(str(fault))
        self.fault = fault
        self.wait_seconds = wait_seconds


@dataclass(frozen=True)
class Request:
    """One request.

    where : name of the query for messages; it holds no value
    content : makes the body anew for each try
    retried : statuses that are tried again; 0 stands for a failed connection
    with_token : send the token; allowed for addresses beneath the base only
    sink : file that takes the body of a 200 piece by piece (up to max_file_bytes) instead of the answer
    """

    method: str
    url: str
    where: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: Callable[[], bytes] | None = None
    retried: frozenset[int] = RETRIED
    with_token: bool = True
    sink: IO[bytes] | None = None


@dataclass
class HttpClient:
    """Requests to one server. Threads may share it. `counts` counts requests, retries and bytes for the manifest.

    elsewhere : origin of the requests if it is not the base's (token endpoint, files of an export); the client
        certificate is not sent there
    """

    base: Base
    config: ServerConfig
    authorizer: Authorizer
    folder: Path = field(default_factory=Path.cwd)
    counts: Counter[str] = field(default_factory=Counter)
    elsewhere: Origin | None = None
    _client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        origin = self.elsewhere or self.base.origin
        connections = httpx2.Limits(
            max_connections=self.config.parallel, max_keepalive_connections=self.config.parallel
        )
        self._client = httpx2.Client(
            verify=tls_context(self.config, self.folder, with_certificate=origin == self.base.origin),
            trust_env=not origin.is_loopback,  # what is for this machine, with its token, goes through no proxy
            follow_redirects=False,
            timeout=httpx2.Timeout(self.config.timeout_seconds),
            limits=connections,
            headers={"Accept-Encoding": "gzip"},
        )
        respect_deadlines(self._client)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def get(self, url: str, where: str, **options: Any) -> Answer:
        """GET an address beneath the base; options are fields of `Request`. Raises ServerError."""
        return self.send(Request("GET", url, where, **options))

    def post_form(
        self, url: str, form: list[tuple[str, str]], where: str, *, headers: Mapping[str, str], **options: Any
    ) -> Answer:
        """POST search parameters as a form; options are fields of `Request`. Raises ServerError."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form).encode()
        return self.send(Request("POST", url, where, {**headers, **kind}, lambda: body, **options))

    def send(self, request: Request) -> Answer:
        """Send a request, with retries and one renewal of the token after 401. Raises ServerError with its `where`."""
        if request.with_token and not self.base.holds(request.url):
            raise ServerError("refused to ask another origin", request.where, "report this as a defect")

        def attempt() -> Answer:
            """One request, and a second one where the first was refused and a new token may help."""
            token = self.authorizer.header() if request.with_token else {}
            answer = self._once(request, token)
            if answer.status == 401 and request.with_token and self.authorizer.renew(token):
                answer = self._once(request, self.authorizer.header())
            return self._judged(answer, request.where)

        return self._with_retries(attempt, request)

    def _with_retries(self, attempt: Callable[[], Answer], request: Request) -> Answer:
        seen: Counter[int] = Counter()

        def decide(error: Exception) -> bool | float:
            """True to try again, or the seconds that the server asks to wait."""
            if not isinstance(error, _TransientError) or error.fault.status not in request.retried:
                return False
            seen[error.fault.status] += 1
            if seen[TIMED_OUT] >= SHORT_TRIES:
                return False
            self._count("retries")
            return error.wait_seconds or True  # True: stamina's own pauses, which grow

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
        raise ServerError("no answer", request.where, "try again later")  # pragma: no cover - stamina returns or raises

    def _once(self, request: Request, token: Mapping[str, str]) -> Answer:
        sent = {"Accept": FHIR_JSON, **request.headers, **token}
        content = request.content() if request.content is not None else None
        self._count("requests")
        try:
            with ExitStack() as stack:
                opened = self._client.stream(request.method, request.url, headers=sent, content=content)
                with deadline(self.config.timeout_seconds):
                    response = stack.enter_context(opened)
                body = self._received(response, request)
                lowered = {key.lower(): value for key, value in response.headers.items()}
                return Answer(response.status_code, lowered, body, request.url)
        except httpx2.TimeoutException:
            fault = ServerError(
                "no answer within timeout_seconds", request.where, "raise it, or lower chunk_size", TIMED_OUT
            )
            raise _TransientError(fault) from None
        except httpx2.TransportError as error:
            if isinstance(error, httpx2.ConnectError) and "certificate" in str(error).lower():
                what = "the server's certificate is not trusted"
                raise ServerError(
                    what, request.where, "name its CA in ca_file, and the host as it stands in it"
                ) from None
            what = f"connection failed ({type(error).__name__})"
            raise _TransientError(ServerError(what, request.where, "check the network and try again")) from None
        except httpx2.InvalidURL:
            what = "an address is too long or malformed"
            raise ServerError(what, request.where, "ask the server's operator, who makes its links") from None
        except DamagedError:
            what = "the compressed answer is damaged"
            raise _TransientError(ServerError(what, request.where, "try again, or ask the server's operator")) from None

    def _received(self, response: httpx2.Response, request: Request) -> bytes:
        """The decompressed body; empty if it was written to the sink. Raises ServerError beyond the limits."""
        page = io.BytesIO()
        target = request.sink if request.sink is not None and response.status_code == 200 else page
        kind = "page" if target is page else "file"
        target.seek(0)
        target.truncate()
        size, coding = 0, response.headers.get("content-encoding", "")
        limit = getattr(self.config, f"max_{kind}_seconds")
        with deadline(limit):
            try:
                wire = in_time(response.iter_raw(), limit)
                for piece in decompressed(wire, coding, may_be_empty=response.status_code != 200):
                    size += len(piece)
                    self._check_size(size, f"max_{kind}_bytes", request.where)
                    target.write(piece)
            except (TooSlowError, httpx2.TimeoutException) as error:
                if isinstance(error, httpx2.TimeoutException) and not is_over():
                    raise
                what = f"one answer takes longer than max_{kind}_seconds"
                raise ServerError(what, request.where, "raise it, or lower count", TIMED_OUT) from None
        self._count("bytes", size)
        return page.getvalue()

    def _check_size(self, size: int, limit: str, where: str) -> None:
        if size > getattr(self.config, limit):
            raise ServerError(f"one answer is larger than {limit}", where, f"raise {limit}, or lower count")
        if self.counts["bytes"] + size > self.config.max_total_bytes:
            raise ServerError("the pull is larger than max_total_bytes", where, "raise it if that is right")

    def _count(self, name: str, number: int = 1) -> None:
        with _COUNTING:
            self.counts[name] += number

    def _judged(self, answer: Answer, where: str) -> Answer:
        if answer.status < 300:
            return answer
        fault = refusal(answer, where)
        if answer.status not in RETRIED:
            raise fault
        asked = retry_after_seconds(answer.headers)
        wait = None if asked is None else min(asked, self.config.longest_wait_seconds)
        raise _TransientError(fault, wait)


def tls_context(config: ServerConfig, folder: Path, *, with_certificate: bool) -> Any:
    """Verification by the system's trust store, or the CA file; with the client certificate if one is named.

    Raises InputError: files that cannot be used, a private key that others can read, or one with a passphrase.
    """
    with_certificate = with_certificate and bool(config.client_cert)
    if not (config.ca_file or with_certificate):
        return True
    try:
        context = ssl.create_default_context(cafile=str(folder / config.ca_file) if config.ca_file else None)
        if with_certificate:
            key = folder / (config.client_key or config.client_cert)
            private_text(key)  # refuses one that others can read
            context.load_cert_chain(str(folder / config.client_cert), str(key), password=_no_passphrase)
    except (OSError, ssl.SSLError) as error:
        kind = type(error).__name__
        raise InputError(f"certificate files cannot be used ({kind})", "server settings", "check their names") from None
    return context


def _no_passphrase() -> str:
    """Raises InputError. OpenSSL would ask at the terminal, and there may be none."""
    raise InputError("the client's private key has a passphrase", "client_key", "name a key without one, chmod 600")
