"""Who asks: each way of signing in, against endpoints that check every claim; no secret in any message or log."""

from __future__ import annotations

import base64
import json
import logging
import re
import time
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from adapters.errors import AdapterError, IncompleteError, InputError
from adapters.sources.http.auth import Grant, private_key
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import parse_base
from tests.support.server.fake_fhir import Fake, as_json
from tests.support.server.smart_support import EC_KEY, RSA_KEY, TokenEndpoint, jwk, pem, private

SECRET = "s3cret-value"
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def guard(fake: Fake, accepted: Callable[[str], bool]) -> list[str]:
    """Answer 401 unless the Authorization header is accepted; returns the headers seen."""
    seen: list[str] = []

    def before(_server: Fake, request: Request, _number: int) -> Response | None:
        if request.path.endswith("smart-configuration"):
            return None
        seen.append(request.headers.get("Authorization", ""))
        return None if accepted(seen[-1]) else Response("", 401)

    fake.before = before
    return seen


@pytest.fixture
def endpoint(httpserver: HTTPServer, fake: Fake) -> Callable[..., TokenEndpoint]:
    def make(public: Any, algorithm: str, lifetime: int = 300) -> TokenEndpoint:
        issuer = TokenEndpoint(public, algorithm, lifetime)
        issuer.url = httpserver.url_for("/auth/token")
        httpserver.expect_request("/auth/token").respond_with_handler(issuer)
        return issuer

    return make


@pytest.mark.parametrize(
    ("key", "algorithm", "text"),
    [(RSA_KEY, "RS384", pem(RSA_KEY)), (EC_KEY, "ES384", pem(EC_KEY)), (RSA_KEY, "RS384", jwk(RSA_KEY, "RS384")),
     (EC_KEY, "ES384", jwk(EC_KEY, "ES384"))],
    ids=["RSA PEM", "P-384 PEM", "RSA JWK", "P-384 JWK"],
)  # fmt: skip
def test_smart_backend_services(key, algorithm, text, fake, opened, endpoint, tmp_path):
    issuer = endpoint(key.public_key(), algorithm)
    seen = guard(fake, lambda header: header.startswith("Bearer token-"))
    source = opened(
        auth="smart", client_id="study", key_file=private(tmp_path / "key", text), key_id="key-1", token_url=issuer.url
    )
    assert len(list(source.read())) == 15
    assert issuer.issued == ["token-1"]
    assert set(seen) == {"Bearer token-1"}


def test_the_token_endpoint_is_discovered_on_the_server_itself(fake, opened, endpoint, tmp_path, httpserver):
    issuer = endpoint(RSA_KEY.public_key(), "RS384")
    key_file = private(tmp_path / "key", pem(RSA_KEY))
    fake.before = lambda server, request, number: (
        as_json({"token_endpoint": issuer.url}) if request.path.endswith("smart-configuration") else None
    )
    assert len(list(opened(auth="smart", client_id="study", key_file=key_file, key_id="key-1").read())) == 15


@pytest.mark.parametrize("claim", ["iss", "sub", "aud", "exp", "jti", "kid", "key"])
def test_the_endpoint_of_these_tests_refuses_each_wrong_claim(claim, fake, opened, endpoint, tmp_path, monkeypatch):
    issuer = endpoint((OTHER_KEY if claim == "key" else RSA_KEY).public_key(), "RS384")
    sign = jwt.encode

    def wrong(claims: dict[str, Any], key: Any, **options: Any) -> str:
        if claim == "kid":
            options["headers"] = {"kid": "another"}
        elif claim != "key":
            claims[claim] = {"exp": claims["exp"] + 300, "jti": "always"}.get(claim, "another")
        return sign(claims, key, **options)

    monkeypatch.setattr("adapters.sources.http.auth.jwt.encode", wrong)
    issuer.seen.add("always")
    options = {"auth": "smart", "client_id": "study", "key_id": "key-1", "token_url": issuer.url}
    with pytest.raises(IncompleteError, match="token endpoint: the server answered 400"):
        list(opened(**options, key_file=private(tmp_path / "key", pem(RSA_KEY))).read())
    assert issuer.issued == []


def test_a_token_endpoint_that_stumbles_is_asked_again_with_a_new_assertion(
    fake, opened, endpoint, tmp_path, httpserver
):
    issuer = endpoint(RSA_KEY.public_key(), "RS384")
    answered = []

    def stumbling(request: Request) -> Response:
        answered.append(issuer(request))
        return Response("", 503) if len(answered) == 1 else answered[-1]

    httpserver.clear_all_handlers()
    httpserver.expect_request(re.compile("/fhir.*")).respond_with_handler(fake)
    httpserver.expect_request("/auth/token").respond_with_handler(stumbling)
    options = {"auth": "smart", "client_id": "study", "key_id": "key-1", "token_url": issuer.url}
    assert len(list(opened(**options, key_file=private(tmp_path / "key", pem(RSA_KEY))).read())) == 15
    assert len(issuer.seen) == 2


def test_a_discovered_endpoint_on_another_host_is_refused_and_named(fake, opened, tmp_path):
    fake.before = lambda server, request, number: as_json({"token_endpoint": "https://token.example.org/token"})
    with pytest.raises(InputError, match=r"another host \(token\.example\.org\); set token_url"):
        list(opened(auth="smart", client_id="study", key_file=private(tmp_path / "key", jwk(RSA_KEY, "RS384"))).read())


def test_a_discovered_endpoint_without_tls_is_refused(fake, opened, tmp_path):
    fake.before = lambda server, request, number: as_json({"token_endpoint": "http://token.example.org/token"})
    with pytest.raises(InputError, match="not https"):
        list(opened(auth="smart", client_id="study", key_file=private(tmp_path / "key", jwk(RSA_KEY, "RS384"))).read())


def test_a_token_that_expires_is_renewed_before_it_does(fake, opened, endpoint, tmp_path, monkeypatch):
    issuer = endpoint(RSA_KEY.public_key(), "RS384", lifetime=60)
    clock = [0.0]
    moving = SimpleNamespace(monotonic=lambda: clock.__setitem__(0, clock[0] + 5) or clock[0], time=time.time)
    monkeypatch.setattr("adapters.sources.http.auth.time", moving)  # only there: deadlines go by the real clock
    guard(fake, lambda header: header.startswith("Bearer token-"))
    options = {"auth": "smart", "client_id": "study", "key_id": "key-1", "token_url": issuer.url}
    assert len(list(opened(**options, key_file=private(tmp_path / "key", pem(RSA_KEY))).read())) == 15
    assert len(issuer.issued) > 1


def test_a_token_refused_once_is_renewed_and_refused_again_is_an_error(fake, opened, endpoint, tmp_path):
    issuer = endpoint(RSA_KEY.public_key(), "RS384")
    options = {"auth": "smart", "client_id": "study", "key_id": "key-1", "token_url": issuer.url}
    options["key_file"] = private(tmp_path / "key", pem(RSA_KEY))
    guard(fake, lambda header: header != "Bearer token-1")
    assert len(list(opened(**options).read())) == 15
    guard(fake, lambda header: False)
    with pytest.raises(IncompleteError, match=r"GET metadata: the server answered 401; give a valid token"):
        list(opened(**options).read())


def test_client_credentials(fake, opened, httpserver, monkeypatch):
    monkeypatch.setenv("FHIR_CLIENT_SECRET", SECRET)
    basic = "Basic " + base64.b64encode(f"study:{SECRET}".encode()).decode()

    def issue(request: Request) -> Response:
        assert request.headers["Authorization"] == basic
        assert request.form["grant_type"] == "client_credentials"
        return as_json({"access_token": "abc", "token_type": "Bearer"})

    httpserver.expect_request("/token").respond_with_handler(issue)
    guard(fake, lambda header: header == "Bearer abc")
    source = opened(auth="client_credentials", client_id="study", token_url=httpserver.url_for("/token"))
    assert len(list(source.read())) == 15


def test_basic(fake, opened, monkeypatch):
    monkeypatch.setenv("FHIR_PASSWORD", SECRET)
    guard(fake, lambda header: base64.b64decode(header.removeprefix("Basic ")).decode() == f"me:{SECRET}")
    assert len(list(opened(auth="basic", user="me").read())) == 15


def test_bearer_from_the_environment_or_a_private_file(fake, opened, monkeypatch, tmp_path):
    guard(fake, lambda header: header == f"Bearer {SECRET}")
    monkeypatch.setenv("FHIR_TOKEN", SECRET)
    assert len(list(opened().read())) == 15
    monkeypatch.delenv("FHIR_TOKEN")
    assert len(list(opened(auth="bearer", token_file=private(tmp_path / "token", SECRET)).read())) == 15


def test_a_secret_that_others_can_read_is_refused(opened, tmp_path):
    private(tmp_path / "token", SECRET)
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(InputError, match="others can read") as caught:
        list(opened(auth="bearer", token_file="token").read())
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"auth": "bearer"}, "FHIR_TOKEN"),
        ({"auth": "basic"}, "FHIR_PASSWORD"),
        ({"auth": "smart"}, "client_id"),
        ({"auth": "smart", "client_id": "study", "token_url": "https://x.example/t"}, "private key"),
        ({"auth": "smart", "client_id": "study", "key_file": "key"}, "no key id; set key_id"),
        (
            {"auth": "smart", "client_id": "study", "key_file": "key", "key_id": "x", "token_url": "none"},
            "token endpoint",
        ),
        ({"auth": "bearer", "token_file": "missing"}, "cannot be read"),
    ],
)
def test_what_is_missing_is_named_and_nothing_is_asked(options, message, opened, monkeypatch, tmp_path, fake):
    private(tmp_path / "key", pem(RSA_KEY))
    for name in ("FHIR_TOKEN", "FHIR_PASSWORD", "FHIR_CLIENT_SECRET"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(InputError, match=message):
        list(opened(**options).read())
    assert not fake.hits


@pytest.mark.parametrize("token", ["two words", "two\nlines", "gehörtes", "\u200b", "tab\tbed"])
def test_a_token_that_no_header_can_carry_is_refused_without_showing_it(token, opened, monkeypatch, fake):
    monkeypatch.setenv("FHIR_TOKEN", token)
    with pytest.raises(InputError, match="not one word of ASCII characters") as caught:
        list(opened().read())
    assert token not in str(caught.value)
    assert not fake.hits


def test_a_secret_file_that_is_no_text_is_refused(opened, tmp_path):
    (tmp_path / "token").write_bytes(b"\xff\xfe")
    (tmp_path / "token").chmod(0o600)
    with pytest.raises(InputError, match="token: a secret is not text"):
        list(opened(auth="bearer", token_file="token").read())


def test_a_token_that_another_thread_has_renewed_is_not_thrown_away(tmp_path):
    """Two threads were refused with the first token; the first of them has fetched the second when the other renews."""
    issued = (f"token-{number}" for number in count(1))
    base = parse_base("https://fhir.example.org/r4")
    grant = Grant(base, "", ServerConfig(), tmp_path, dict)
    grant._fetch = lambda: (next(issued), 300.0)
    refused = grant.header()
    assert grant.renew(refused)
    renewed = grant.header()
    assert grant.renew(refused)
    assert grant.header() == renewed == {"Authorization": "Bearer token-2"}
    assert grant.renew(renewed)
    assert grant.header() == {"Authorization": "Bearer token-3"}


@pytest.mark.parametrize(
    "text", ["", "nonsense", "{}", pem(ec.generate_private_key(ec.SECP256R1())), '{"kty": "oct", "k": "c2VjcmV0"}']
)
def test_keys_of_another_kind_are_refused_without_showing_them(text):
    with pytest.raises(InputError, match="neither PEM nor JWK") as caught:
        private_key(text)
    assert "c2VjcmV0" not in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (as_json({"error": "invalid_client"}, 400), "answered 400"),
        (as_json({"access_token": "", "token_type": "bearer"}), "no bearer token"),
        (as_json({"access_token": "x", "token_type": "mac"}), "no bearer token"),
        (as_json({"access_token": "zwei Wörter", "token_type": "bearer"}), "no bearer token"),
        (as_json([1]), "not a JSON object"),
        (Response("<html>"), "not a JSON object"),
        (Response("", 302, {"Location": "https://trap.example"}), "redirects"),
        (Response(b" " * (2**20 + 1)), "larger than"),
    ],
)
def test_a_token_endpoint_that_gives_none_is_an_error(answer, message, opened, httpserver, monkeypatch):
    monkeypatch.setenv("FHIR_CLIENT_SECRET", SECRET)
    httpserver.expect_request("/token").respond_with_response(answer)
    with pytest.raises(IncompleteError, match=message):
        list(opened(auth="client_credentials", client_id="study", token_url=httpserver.url_for("/token")).read())


def test_secrets_and_patients_are_in_no_message_log_or_representation(fake, opened, monkeypatch, caplog, capsys):
    monkeypatch.setenv("FHIR_TOKEN", SECRET)
    caplog.set_level(logging.DEBUG)
    source = opened()
    list(source.read())
    fake.before = lambda server, request, number: Response("", 500)
    with pytest.raises(AdapterError) as caught:
        list(opened().read())
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("werkzeug")]
    told = " ".join([repr(source), str(caught.value), json.dumps(source.manifest), *ours, *capsys.readouterr()])
    assert SECRET not in told
    assert not re.search(r"Patient/[ab]|m-a", told)
