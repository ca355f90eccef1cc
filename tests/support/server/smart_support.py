"""A token endpoint as SMART Backend Services describes it, which checks every claim; and keys in both forms."""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Lock
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from werkzeug import Request, Response

from tests.support.server.fake_fhir import as_json

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP384R1())
LONGEST_SECONDS = 300


def pem(key: Any) -> str:
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(*form).decode()


def jwk(key: Any, algorithm: str) -> str:
    kind = jwt.algorithms.RSAAlgorithm if algorithm == "RS384" else jwt.algorithms.ECAlgorithm
    return json.dumps({**json.loads(kind.to_jwk(key)), "kid": "key-1"})


def private(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o600)
    return path.name


class TokenEndpoint:
    """Issues tokens after checking everything the specification asks of request and assertion.

    `uses` : how many requests a token is good for before the server calls it expired; None for all.
    """

    def __init__(self, public: Any, algorithm: str, lifetime: int = 300, uses: int | None = None) -> None:
        self.public, self.algorithm, self.lifetime, self.uses = public, algorithm, lifetime, uses
        self.url = ""
        self.seen: set[str] = set()
        self.issued: list[str] = []
        self.left: dict[str, int] = {}
        self._lock = Lock()

    def __call__(self, request: Request) -> Response:
        with self._lock:
            fault = self._fault(request)
            if fault:
                return as_json({"error": "invalid_client", "error_description": fault}, 400)
            token = f"token-{len(self.issued) + 1}"
            self.issued.append(token)
            self.left[f"Bearer {token}"] = self.uses if self.uses is not None else 10**9
            return as_json({"access_token": token, "token_type": "bearer", "expires_in": self.lifetime, "scope": "x"})

    def _fault(self, request: Request) -> str:
        if request.method != "POST" or "Authorization" in request.headers:
            return "the request"
        if request.content_type.partition(";")[0] != "application/x-www-form-urlencoded":
            return "the content type"
        form = request.form.to_dict()
        assertion = form.pop("client_assertion", "")
        if form != {
            "grant_type": "client_credentials",
            "scope": "system/*.read",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        }:
            return "the form"
        if jwt.get_unverified_header(assertion) != {"alg": self.algorithm, "typ": "JWT", "kid": "key-1"}:
            return "the header"
        return self._fault_of_claims(assertion)

    def _fault_of_claims(self, assertion: str) -> str:
        required = ["iss", "sub", "aud", "exp", "jti", "iat"]
        try:
            claims = jwt.decode(
                assertion, self.public, algorithms=[self.algorithm], audience=self.url, options={"require": required}
            )
        except jwt.PyJWTError as error:
            return type(error).__name__
        if not (claims["iss"] == claims["sub"] == "study" and claims["aud"] == self.url):
            return "issuer, subject or audience"
        if claims["exp"] - time.time() > LONGEST_SECONDS or claims["jti"] in self.seen:
            return "expiry or a used jti"
        self.seen.add(claims["jti"])
        return ""

    def accepts(self, header: str) -> bool:
        """Whether a token is known and not used up; each question is a use."""
        with self._lock:
            self.left[header] = self.left.get(header, 0) - 1
            return self.left[header] >= 0
