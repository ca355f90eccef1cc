"""Who asks: nobody, a bearer token, basic, OAuth2 client credentials, or SMART Backend Services with a private key.

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
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import jwt

from adapters.errors import IncompleteError, InputError
from adapters.sources.http_client import Authorizer, tls_context
from adapters.sources.http_origin import Base, parse
from adapters.sources.server_config import ServerConfig, private_text, secret

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ASSERTION_SECONDS = 240  # the specification allows five minutes
EARLY_SECONDS = 30.0
LARGEST_ANSWER = 2**20
TOKEN = "token endpoint"  # noqa: S105 - the place that messages name
DISCOVERY = ".well-known/smart-configuration"


class Nobody:
    """No Authorization header."""

    def header(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def renew(self) -> bool:
        """Nothing to renew."""
        return False


@dataclass(frozen=True)
class Fixed:
    """A header that stays: a bearer token or basic credentials."""

    value: str = field(repr=False)

    def header(self) -> Mapping[str, str]:
        """The header."""
        return {"Authorization": self.value}

    def renew(self) -> bool:
        """A given token cannot be renewed."""
        return False


@dataclass
class Grant:
    """A token from a token endpoint, shared by threads. `form` makes the body of each request anew."""

    endpoint: str
    config: ServerConfig
    folder: Path
    form: Any = field(repr=False)
    _token: str = field(default="", repr=False)
    _expires: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def header(self) -> Mapping[str, str]:
        """The header with a token that holds for a while yet. Raises IncompleteError when none is given."""
        with self._lock:
            if not self._token or time.monotonic() >= self._expires - EARLY_SECONDS:
                self._token, lifetime = self._fetch()
                self._expires = time.monotonic() + lifetime
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """Forget the token: the next header asks for a new one."""
        with self._lock:
            self._token = ""
        return True

    def _fetch(self) -> tuple[str, float]:
        body, headers = self.form(self.endpoint)
        answer = _bounded_post(self.endpoint, body, headers, self.config, self.folder)
        token, kind = answer.get("access_token"), str(answer.get("token_type", "")).lower()
        if not isinstance(token, str) or not token or kind != "bearer":
            raise IncompleteError("it gave no bearer token", TOKEN, "check client id, key and scope")
        lifetime = answer.get("expires_in", 300)
        lifetime = float(lifetime) if isinstance(lifetime, int | float) and lifetime > 0 else 300.0
        return token, max(lifetime, EARLY_SECONDS + 1)


def authorizer(base: Base, config: ServerConfig, folder: Path, environment: Mapping[str, str]) -> Authorizer:
    """What the settings ask for; "auto" is a bearer token where one is given and nobody otherwise. Raises InputError."""
    kind = config.auth
    if kind == "auto":
        kind = "bearer" if config.token_file or environment.get("FHIR_TOKEN", "").strip() else "none"
    if kind == "none":
        return Nobody()
    if kind == "bearer":
        return Fixed("Bearer " + _one_line(secret("FHIR_TOKEN", config.token_file, folder)))
    if kind == "basic":
        user = config.user or environment.get("FHIR_USER", "")
        pair = f"{user}:{secret('FHIR_PASSWORD', config.password_file, folder)}"
        return Fixed("Basic " + base64.b64encode(pair.encode()).decode())
    if not config.client_id:
        raise InputError("client_id is missing", "server settings", "add it")
    endpoint = _endpoint(base, config, folder)
    if kind == "client_credentials":
        return Grant(endpoint, config, folder, _client_secret_form(config, folder))
    return Grant(endpoint, config, folder, _assertion_form(config, folder))


def _one_line(token: str) -> str:
    if any(character.isspace() or not character.isprintable() for character in token):
        raise InputError("the token is more than one word", "FHIR_TOKEN", "give the token alone")
    return token


def _client_secret_form(config: ServerConfig, folder: Path) -> Any:
    value = secret("FHIR_CLIENT_SECRET", config.client_secret_file, folder)
    basic = base64.b64encode(f"{config.client_id}:{value}".encode()).decode()

    def form(_: str) -> tuple[dict[str, str], dict[str, str]]:
        return {"grant_type": "client_credentials", "scope": config.scope}, {"Authorization": f"Basic {basic}"}

    return form


def _assertion_form(config: ServerConfig, folder: Path) -> Any:
    key, algorithm, key_id = private_key(private_text(folder / config.key_file) if config.key_file else "")
    key_id = config.key_id or key_id

    def form(endpoint: str) -> tuple[dict[str, str], dict[str, str]]:
        now = int(time.time())
        claims = {"iss": config.client_id, "sub": config.client_id, "aud": endpoint, "jti": uuid.uuid4().hex}
        claims_in_time: dict[str, Any] = {**claims, "iat": now, "exp": now + ASSERTION_SECONDS}
        headers = {"kid": key_id} if key_id else None
        signed = jwt.encode(claims_in_time, key, algorithm=algorithm, headers=headers)
        body = {
            "grant_type": "client_credentials",
            "scope": config.scope,
            "client_assertion_type": ASSERTION,
            "client_assertion": signed,
        }
        return body, {}

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
            key_id = str(document.get("kid", ""))
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
    address = config.token_url or _discovered(base, config, folder)
    try:
        origin, _ = parse(address)
    except ValueError:
        raise InputError("the token endpoint is not an address", "token_url", "give an https address") from None
    if origin.scheme != "https" and not origin.is_loopback:
        raise InputError("the token endpoint is not https", "token_url", "give an https address")
    return address


def _discovered(base: Base, config: ServerConfig, folder: Path) -> str:
    with _client(config, folder) as client:
        document = _json_of(client, "GET", base.url(DISCOVERY), {}, {}, "SMART discovery")
    address = document.get("token_endpoint")
    if not isinstance(address, str):
        raise IncompleteError("it names no token endpoint", "SMART discovery", "set token_url")
    return address


def _bounded_post(
    endpoint: str, body: dict[str, str], headers: dict[str, str], config: ServerConfig, folder: Path
) -> dict[str, Any]:
    with _client(config, folder) as client:
        return _json_of(client, "POST", endpoint, body, headers, TOKEN)


def _client(config: ServerConfig, folder: Path) -> httpx2.Client:
    return httpx2.Client(
        verify=tls_context(config, folder), follow_redirects=False, timeout=httpx2.Timeout(config.timeout_seconds)
    )


def _json_of(
    client: httpx2.Client, method: str, url: str, body: dict[str, str], headers: dict[str, str], where: str
) -> dict[str, Any]:
    """A JSON object of a small answer with status 200. Raises IncompleteError that shows neither address nor body."""
    try:
        with client.stream(
            method, url, data=body or None, headers={"Accept": "application/json", **headers}
        ) as response:
            status, text = response.status_code, b""
            for piece in response.iter_bytes():
                text += piece
                if len(text) > LARGEST_ANSWER:
                    raise IncompleteError("its answer is too large", where, "ask the server's operator")
    except httpx2.TransportError as error:
        raise IncompleteError(f"connection failed ({type(error).__name__})", where, "check the network") from None
    if status != 200:
        raise IncompleteError(f"it answered {status}", where, "check client id, key and scope")
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise IncompleteError("its answer is not a JSON object", where, "ask the server's operator")
    return document
