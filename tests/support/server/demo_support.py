"""The demo cohort on the scripted server, and tables made from files and servers to be compared."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd
from pytest_httpserver import HTTPServer

from adapters import load_tables
from adapters.contract import TABLES
from adapters.fhir.selection import Selection
from adapters.pull import Request, pull, types_read
from adapters.settings import load_settings
from adapters.sources import Question, ServerOptions, open_source
from tests.support.server.fake_fhir import Fake
from tests.support.server.hapi import ORDER, stored_lines

SETTINGS = load_settings()
CLINICAL = [name for name in TABLES if name != "findings"]


def numbers_kept(line: str) -> dict[str, Any]:
    """A resource whose numbers the scripted server writes with the digits they came with."""
    return json.loads(line, parse_float=lambda digits: f"@{digits}@")


def serve_demo(httpserver: HTTPServer, folder: Path) -> Fake:
    """Put the newest versions of the demo, a folder of NDJSON files, on the scripted server."""
    newest = {
        (kind, numbers_kept(line)["id"]): numbers_kept(line) for kind in ORDER for line in stored_lines(folder, kind)
    }
    server = Fake(list(newest.values()), page_size=500, types=ORDER, base=httpserver.url_for("/fhir"))
    httpserver.expect_request(re.compile("/fhir.*")).respond_with_handler(server)
    return server


def tables_of(spec: str, out: Path, **server: Any) -> dict[str, pd.DataFrame]:
    """The tables of a pull from files or, with the options of a server, from there."""
    selection = server.pop("selection", Selection())
    question = Question(SETTINGS, types_read(SETTINGS), selection)
    source = open_source(
        spec, question=question, options=ServerOptions(spool=out.parent / f"spool-{out.name}", **server)
    )
    pull(source, out, settings=SETTINGS, request=Request(selection))
    return dict(load_tables(out).items())


def assert_equal(found: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    """Row for row; findings may tell of the source itself."""
    for name in CLINICAL:
        pd.testing.assert_frame_equal(found[name], expected[name], obj=name)
