"""The source for an http(s) address: searches, or a bulk export."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from adapters.errors import InputError
from adapters.fhir.r4 import BY_REFERENCE
from adapters.fhir.selection import Selection
from adapters.progress import Progress, silent
from adapters.settings import Settings, load_settings
from adapters.sources.http.config import load_server_config
from adapters.sources.http.origin import parse_base
from adapters.sources.spool.source import SpooledSource
from adapters.sources.spool.spool import default_root


def open_server(
    spec: str,
    *,
    settings: Settings | None = None,
    types: frozenset[str] = frozenset(),
    server_config: str | Path | None = None,
    selection: Selection | None = None,
    spool: Path | None = None,
    keep_raw: bool = False,
    accept_drift: bool = False,
    bulk: str | None = None,
    any_code: bool = False,
    allow_output_origin: str | None = None,
    shown: Progress | None = None,
) -> SpooledSource:
    """The source for an http(s) base. Raises InputError: not an address, http beyond this machine, wrong settings."""
    base = parse_base(spec)
    config, folder = load_server_config(server_config)
    if allow_output_origin is not None:
        if bulk is None:
            raise InputError("is for the files of an export", "--allow-output-origin", "add --bulk")
        config = msgspec.structs.replace(config, allow_output_origin=allow_output_origin)
    if not types:
        raise InputError("no resource types are asked for", "views", "add views")
    question: dict[str, Any] = {
        "base": base, "config": config, "folder": folder, "settings": settings or load_settings(), "types": types,
        "selection": selection or Selection(), "spool_root": spool or default_root(), "keep_raw": keep_raw,
        "accept_drift": accept_drift, "any_code": any_code, "shown": shown or silent,
    }  # fmt: skip
    if bulk is None:
        from adapters.sources.search.source import ServerSource

        _check_types(types)
        return ServerSource(**question)
    from adapters.sources.bulk.source import BulkSource

    return BulkSource(**question, level=bulk)


def _check_types(types: frozenset[str]) -> None:
    """Raises InputError for types that no search by patient finds."""
    facts = json.loads((files("adapters.sources.search") / "searched_by_patient.json").read_text(encoding="utf-8"))
    others = sorted(types - set(facts["types"]) - BY_REFERENCE - {"Patient"})
    if others:
        what = f"{', '.join(others)} cannot be searched by patient, and a server is asked about patients only"
        raise InputError(what, "views", "export these as NDJSON and read the files")
