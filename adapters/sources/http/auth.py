"""Authentication: none, bearer token, basic, OAuth2 client credentials, or SMART Backend Services with a private key.

Secrets come from files that only their owner can read, or from the environment; no object here shows them. A token is
renewed before it expires and once after a 401. To the token endpoint goes only what it needs to know: the assertion or
the client secret, never another token. References: SMART App Launch 2.2, Backend Services; RFC 6749, 7523.
"""

from __future__ import annotations

import base64
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import msgspec

from adapters.errors import IncompleteError, InputError
from adapters.sources.http.answers import ServerError, json_object
from adapters.sources.http.client import Authorizer, HttpClient, Nobody, Request
from adapters.sources.http.config import ServerConfig, private_text, secret
from adapters.sources.http.origin import Base, parse

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240  # the specification allows five minutes
EARLY_SECONDS = 30.0
DEFAULT_SECONDS = 300.0  # lifetime of a token whose endpoint does not say
REMEDY = "check client id, key and scope"
LARGEST_ANSWER = 2**20
TOKEN = "token endpoint"  # noqa: S105 - the place that messages name
DISCOVERY = ".well-known/smart-configuration"


@dataclass(frozen=True)
class Fixed:
    """A constant header: a bearer token or basic credentials."""

    value: str = field(repr=False)

    def header(self) -> Mapping[str, str]:
        """The header."""
        return {"Authorization": self.value}

    def renew(self, refused: Mapping[str, str]) -> bool:  # noqa: ARG002  as of every way of signing in
        """A given token cannot be renewed."""
        return False


@dataclass
class Grant:
    """A token from a token endpoint, shared by threads. `form` makes the body of each request anew."""

    base: Base
    endpoint: str
    config: ServerConfig
    folder: Path
    form: Callable[[], dict[str, str]] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    _token: str = field(default="", repr=False)
    _expires: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def header(self) -> Mapping[str, str]:
        """The header with a valid token. Raises IncompleteError if the endpoint gives none."""
        with self._lock:
            if not self._token or time.monotonic() >= self._expires - EARLY_SECONDS:
                self._token, lifetime = self._fetch()
                self._expires = time.monotonic() + lifetime
            return self._shown()

    def renew(self, refused: Mapping[str, str]) -> bool:
        """Forget the refused token, unless another thread has already renewed it."""
        with self._lock:
            if refused == self._shown():
                self._token = ""
        return True

    def _shown(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}

    def _fetch(self) -> tuple[str, float]:
        headers = {"Content-Type": "application/x-www-form-urlencoded", **self.headers}
        request = Request("POST", self.endpoint, TOKEN, headers, lambda: urlencode(self.form()).encode())
        answer = _json_of(self.base, self.config, self.folder, request)
        token, kind = answer.get("access_token"), str(answer.get("token_type", "")).lower()
        if not isinstance(token, str) or not _is_one_word(token) or kind != "bearer":
            raise IncompleteError("it gave no bearer token", TOKEN, REMEDY)
        lifetime = answer.get("expires_in", DEFAULT_SECONDS)
        lifetime = float(lifetime) if isinstance(lifetime, int | Decimal) and lifetime > 0 else DEFAULT_SECONDS
        return token, max(lifetime, EARLY_SECONDS + 1)


def authorizer(base: Base, config: ServerConfig, folder: Path, environment: Mapping[str, str]) -> Authorizer:
    """The authentication of the settings; "auto" is a bearer token if one is given, else none. Raises InputError."""
    kind = config.signs_in_by(environment)
    if kind == "none":
        return Nobody()
    if kind == "bearer":
        token = secret("FHIR_TOKEN", config.token_file, folder)
        if not _is_one_word(token):
            raise InputError("the token is not one word of ASCII characters", "FHIR_TOKEN", "give the token alone")
        return Fixed(f"Bearer {token}")
    if kind == "basic":
        user = config.user or environment.get("FHIR_USER", "")
        pair = f"{user}:{secret('FHIR_PASSWORD', config.password_file, folder)}"
        return Fixed("Basic " + base64.b64encode(pair.encode()).decode())
    if not config.client_id:
        raise InputError("client_id is missing", "server settings", "add it")
    if kind == "smart":
        key = _signing_key(config, folder)  # errors of the settings come before any request
        endpoint = _endpoint(base, config, folder)
        return Grant(base, endpoint, config, folder, _assertion_form(endpoint, config, *key))
    value = secret("FHIR_CLIENT_SECRET", config.client_secret_file, folder)
    basic = base64.b64encode(f"{config.client_id}:{value}".encode()).decode()
    form = {"grant_type": "client_credentials", "scope": config.scope}
    endpoint = _endpoint(base, config, folder)
    return Grant(base, endpoint, config, folder, lambda: form, {"Authorization": f"Basic {basic}"})


def _is_one_word(token: str) -> bool:
    """True if a header can carry the token: printable ASCII without spaces, not empty."""
    return token.isascii() and token.isprintable() and " " not in token and bool(token)


def _signing_key(config: ServerConfig, folder: Path) -> tuple[Any, str, str]:
    """Key, algorithm and key id, which SMART requires in every assertion. Raises InputError."""
    key, algorithm, key_id = private_key(private_text(folder / config.key_file) if config.key_file else "")
    if not (config.key_id or key_id):
        raise InputError("the private key has no key id", "server settings", "set key_id as registered at the server")
    return key, algorithm, config.key_id or key_id


def _assertion_form(
    endpoint: str, config: ServerConfig, key: Any, algorithm: str, key_id: str
) -> Callable[[], dict[str, str]]:
    def form() -> dict[str, str]:
        """A new assertion with its own time and id."""
        now = int(time.time())
        claims = {"iss": config.client_id, "sub": config.client_id, "aud": endpoint, "jti": uuid.uuid4().hex}
        claims_in_time: dict[str, Any] = {**claims, "iat": now, "exp": now + ASSERTION_SECONDS}
        signed = jwt.encode(claims_in_time, key, algorithm=algorithm, headers={"kid": key_id})
        return {
            "grant_type": "client_credentials",
            "scope": config.scope,
            "client_assertion_type": ASSERTION,
            "client_assertion": signed,
        }

    return form


def private_key(text: str) -> tuple[Any, str, str]:
    """Key, algorithm (RS384 or ES384) and key id of a PEM or JWK private key. Raises InputError without showing it."""
    from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    wrong = InputError("the private key is neither PEM nor JWK", "key_file", "give an RSA or P-384 private key")
    key_id = ""
    try:
        if text.startswith("{"):
            document = json.loads(text)
            key_id = str(document.get("kid") or "")
            key = jwt.PyJWK.from_dict({**document, "alg": "RS384" if document.get("kty") == "RSA" else "ES384"}).key
        else:
            key = load_pem_private_key(text.encode(), password=None)
    except (ValueError, TypeError, jwt.exceptions.PyJWTError):
        raise wrong from None
    if isinstance(key, RSAPrivateKey):
        return key, "RS384", key_id
    if isinstance(key, EllipticCurvePrivateKey) and isinstance(key.curve, SECP384R1):
        return key, "ES384", key_id
    raise wrong


def _endpoint(base: Base, config: ServerConfig, folder: Path) -> str:
    """The token endpoint: of the settings (any https host), else of SMART discovery (the server's own origin only)."""
    address = config.token_url or _discovered(base, config, folder)
    try:
        origin, _ = parse(address)
    except ValueError:
        raise InputError("the token endpoint is not an address", "token_url", "give an https address") from None
    if origin.scheme != "https" and not origin.is_loopback:
        raise InputError("the token endpoint is not https", "token_url", "give an https address")
    if not config.token_url and origin != base.origin:
        what = f"the server names a token endpoint on another host ({origin.host})"
        raise InputError(what, "SMART discovery", "set token_url if you trust it")
    return address


def _discovered(base: Base, config: ServerConfig, folder: Path) -> str:
    where = "SMART discovery"
    document = _json_of(base, config, folder, Request("GET", base.url(DISCOVERY), where))
    address = document.get("token_endpoint")
    if not isinstance(address, str):
        raise IncompleteError("it names no token endpoint", where, "set token_url")
    return address


def _json_of(base: Base, config: ServerConfig, folder: Path, request: Request) -> dict[str, Any]:
    """The JSON object of a small answer. Raises IncompleteError that shows neither address nor body.

    Each try makes its body anew: an endpoint refuses an assertion that it has seen before.
    """
    small = msgspec.structs.replace(config, max_page_bytes=LARGEST_ANSWER)
    client = HttpClient(base, small, Nobody(), folder, elsewhere=parse(request.url)[0])
    try:
        answer = client.send(
            replace(request, headers={"Accept": "application/json", **request.headers}, with_token=False)
        )
    except ServerError as error:
        remedy = REMEDY if error.status in (400, 401, 403) else error.remedy
        raise IncompleteError(error.what, request.where, remedy) from None
    finally:
        client.close()
    return json_object(answer.body, request.where)
