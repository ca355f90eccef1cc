"""A misbehaving server on loopback, and sources that read it."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
import stamina
from pytest_httpserver import HTTPServer
from typer.testing import CliRunner, Result

from adapters.__main__ import app
from adapters.settings import load_settings
from adapters.sources.bulk.source import BulkSource
from adapters.sources.http import client
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import parse_base
from adapters.sources.search.source import ServerSource
from adapters.sources.spool.source import SpooledSource
from tests.support.server.bulk_support import Export
from tests.support.server.fake_fhir import TYPES, Fake


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    stamina.set_testing(True, attempts=3)
    yield
    stamina.set_testing(False)


@cache
def trust_store() -> ssl.SSLContext:
    """The certificates that this machine trusts."""
    return httpx2.create_ssl_context()


@pytest.fixture(autouse=True)
def trust_store_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most servers of these tests speak plain HTTP, and reading the certificates takes longer than a pull from them."""
    read = client.tls_context

    def shared(*arguments: Any, **options: Any) -> Any:
        context = read(*arguments, **options)
        return trust_store() if context is True else context

    monkeypatch.setattr(client, "tls_context", shared)


@pytest.fixture
def fake(httpserver: HTTPServer) -> Fake:
    import re

    server = Fake(base=httpserver.url_for("/fhir"))
    httpserver.expect_request(re.compile("/fhir.*")).respond_with_handler(server)
    return server


@pytest.fixture
def opened(fake: Fake, tmp_path: Path) -> Callable[..., Any]:
    def make(base: str | None = None, source: type[SpooledSource] = ServerSource, **options: Any) -> Any:
        given = {
            name: options.pop(name)
            for name in ("accept_drift", "keep_raw", "selection", "settings", "level", "sleep", "clock", "any_code")
            if name in options
        }
        config = ServerConfig(**{"timeout_seconds": 1.0, "chunk_size": 2, "parallel": 2, "page_limit": 100, **options})
        settings = given.pop("settings", None) or load_settings()
        return source(
            parse_base(base or fake.base), config, tmp_path, settings, TYPES, spool_root=tmp_path / "spool", **given
        )

    return make


@pytest.fixture
def export(fake: Fake) -> Export:
    return Export(fake)


@pytest.fixture
def bulk(opened: Callable[..., Any], export: Export) -> Callable[..., BulkSource]:
    """A source that reads the export; its clock moves by what it waits."""

    def make(level: str = "system", **options: Any) -> BulkSource:
        return opened(
            source=BulkSource, level=level, sleep=export.waited.append, clock=lambda: sum(export.waited), **options
        )

    return make


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """The command line in this process; what it fetches lies in the test's folder."""
    monkeypatch.setenv("STUDY_SPOOL", str(tmp_path / "spool"))

    def invoke(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return invoke
