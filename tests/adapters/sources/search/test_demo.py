"""The demo cohort through the scripted server, in both dialects, open and behind SMART Backend Services."""

from __future__ import annotations

import logging
import math
from pathlib import Path

import pytest
from werkzeug import Request, Response

from tests.support.server.demo_support import assert_equal, serve_demo, tables_of
from tests.support.server.fake_fhir import Fake
from tests.support.server.smart_support import EC_KEY, RSA_KEY, TokenEndpoint, jwk, pem, private

USES = 12  # of a token before it has expired: it does so many times in the middle of a pull


@pytest.fixture(autouse=True)
def quiet_server(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "werkzeug")


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_the_server_gives_the_tables_of_the_files(dialect, demo_in, httpserver, tmp_path: Path):
    demo = demo_in(dialect, "ndjson")
    server = serve_demo(httpserver, demo.fhir)
    assert_equal(tables_of(server.base, tmp_path / "by-search"), demo.frames())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("dialect", "key", "algorithm", "text"),
    [("mcode", RSA_KEY, "RS384", pem(RSA_KEY)), ("mii", EC_KEY, "ES384", jwk(EC_KEY, "ES384"))],
)
def test_smart_backend_services_give_the_same_though_tokens_expire(
    dialect, key, algorithm, text, demo_in, httpserver, tmp_path: Path
):
    demo = demo_in(dialect, "ndjson")
    server = serve_demo(httpserver, demo.fhir)
    issuer = TokenEndpoint(key.public_key(), algorithm, uses=USES)
    issuer.url = httpserver.url_for("/auth/token")
    httpserver.expect_request("/auth/token").respond_with_handler(issuer)
    refused = []

    def guard(_server: Fake, request: Request, _number: int) -> Response | None:
        if issuer.accepts(request.headers.get("Authorization", "")):
            return None
        refused.append(request.path)
        return Response("", 401)

    server.before = guard
    private(tmp_path / "key", text)
    config = tmp_path / "server.toml"
    config.write_text(
        f'auth = "smart"\nclient_id = "study"\nkey_file = "key"\nkey_id = "key-1"\ntoken_url = "{issuer.url}"\n'
    )
    found = tables_of(server.base, tmp_path / "by-search", server_config=config)
    assert_equal(found, demo.frames())
    assert refused, "a token expired in the middle"
    accepted = len(server.requests) - len(refused)
    assert len(issuer.issued) == len(issuer.seen) == math.ceil(accepted / USES), "no token is thrown away unused"
