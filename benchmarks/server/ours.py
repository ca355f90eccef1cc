"""Fetches raw resources as a pull does, one line of JSON for each job: argv holds the base, standard input the jobs."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from adapters.fhir.selection import Selection
from adapters.settings import load_settings
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import parse_base
from adapters.sources.search.source import ServerSource


def fetch(base: str, job: dict) -> dict:
    """Seconds, and the keys of what came; spooling to disk and reading it back are within the clock."""
    config = ServerConfig(parallel=job["parallel"], count=job["count"], counts=job["counts"])
    selection = Selection(frozenset(job["patients"]))
    with tempfile.TemporaryDirectory() as spool:
        begun = time.perf_counter()
        source = ServerSource(
            parse_base(base), config, Path.cwd(), load_settings(), frozenset(job["types"]), selection, Path(spool),
            any_code=True,
        )  # fmt: skip
        keys = sorted({f"{read.resource['resourceType']}/{read.resource['id']}" for read in source.read()})
        return {"seconds": time.perf_counter() - begun, "keys": keys, "verified": source.manifest["verified"]}


for line in sys.stdin:
    print(json.dumps(fetch(sys.argv[1], json.loads(line))), flush=True)
