"""Fetches raw resources with FHIR-PYrate, in its own environment: argv holds the base, standard input the jobs.

`trade_rows_for_bundles` is its documented way to ask about a list of patients: one search a row.
"""

from __future__ import annotations

import json
import sys
import time

import pandas as pd
from fhir_pyrate import Pirate


def fetch(base: str, job: dict) -> dict:
    """Seconds, and the keys of what came."""
    begun = time.perf_counter()
    count = {"_count": job["count"]} if job["count"] else {}
    size = job["patients_a_row"]
    ids = job["patients"]
    rows = pd.DataFrame({"patient": [",".join(ids[start : start + size]) for start in range(0, len(ids), size)]})
    keys = set()
    with Pirate(base, auth=None, num_processes=job["parallel"]) as pirate:
        for kind in job["types"]:
            single = kind == "Patient"  # it reads those by id, one by one
            frame = pd.DataFrame({"patient": ids}) if single else rows
            constraint = {"_id": "patient"} if single else {"patient": "patient"}
            for bundle in pirate.trade_rows_for_bundles(frame, kind, constraint, {} if single else dict(count)):
                keys |= {f"{one.resource.resourceType}/{one.resource.id}" for one in bundle.entry or ()}
    return {"seconds": time.perf_counter() - begun, "keys": sorted(keys)}


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(fetch(sys.argv[1], json.loads(line))), flush=True)
