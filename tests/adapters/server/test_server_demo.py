"""The demo cohort through the scripted server: by search and by export, in both dialects, equal to the files."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from fake_fhir import Fake
from hapi import ORDER, stored_lines

from adapters import load_tables
from adapters.contract import TABLES
from adapters.pull import pull, types_read
from adapters.settings import load_settings
from adapters.sources import open_source
from adapters.synthetic.demo import write_demo

SETTINGS = load_settings()


def numbers_kept(line: str) -> dict:
    """A resource whose numbers the scripted server writes with the digits they came with."""
    return json.loads(line, parse_float=lambda digits: f"@{digits}@")


@pytest.mark.parametrize("dialect", ["mcode", "mii"])
def test_the_server_gives_the_tables_of_the_files(dialect, httpserver, tmp_path: Path):
    write_demo(tmp_path / "files", dialect=dialect, format="ndjson")
    newest = {
        (kind, numbers_kept(line)["id"]): numbers_kept(line)
        for kind in ORDER
        for line in stored_lines(tmp_path / "files", kind)
    }
    server = Fake(list(newest.values()), page_size=500, types=ORDER, base=httpserver.url_for("/fhir"))
    httpserver.expect_request(re.compile("/fhir.*")).respond_with_handler(server)
    source = open_source(server.base, settings=SETTINGS, types=types_read(SETTINGS), spool=tmp_path / "spool")
    pull(source, tmp_path / "by-search", settings=SETTINGS)
    pull(open_source(str(tmp_path / "files")), tmp_path / "by-file", settings=SETTINGS)
    found, expected = load_tables(tmp_path / "by-search"), load_tables(tmp_path / "by-file")
    for name in TABLES:
        if name != "findings":
            pd.testing.assert_frame_equal(found[name], expected[name], obj=name)
