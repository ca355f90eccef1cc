"""The source for an http(s) address: searches, or a bulk export."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import msgspec

from adapters.errors import InputError
from adapters.fhir.r4 import BY_REFERENCE
from adapters.fhir.selection import Selection
from adapters.progress import Progress, silent
from adapters.sources.http.config import load_server_config
from adapters.sources.http.origin import parse_base
from adapters.sources.question import Question, ServerOptions
from adapters.sources.spool.source import SpooledSource
from adapters.sources.spool.spool import default_root


def open_server(spec: str, question: Question, options: ServerOptions, shown: Progress = silent) -> SpooledSource:
    """The source for an http(s) base. Raises InputError: not an address, http beyond this machine, wrong settings."""
    base = parse_base(spec)
    config, folder = load_server_config(options.server_config)
    if options.allow_output_origin is not None:
        if options.bulk is None:
            raise InputError("is for the files of an export", "--allow-output-origin", "add --bulk")
        config = msgspec.structs.replace(config, allow_output_origin=options.allow_output_origin)
    if not question.types:
        raise InputError("no resource types are asked for", "views", "add views")
    common: dict[str, Any] = {
        "base": base, "config": config, "folder": folder, "settings": question.settings, "types": question.types,
        "selection": question.selection or Selection(), "spool_root": options.spool or default_root(),
        "keep_raw": options.keep_raw, "accept_drift": options.accept_drift, "any_code": question.any_code, "shown": shown,
    }  # fmt: skip
    if options.bulk is None:
        from adapters.sources.search.source import ServerSource

        _check_types(question.types)
        return ServerSource(**common)
    from adapters.sources.bulk.source import BulkSource

    return BulkSource(**common, level=options.bulk)


def _check_types(types: frozenset[str]) -> None:
    """Raises InputError for types that no search by patient finds."""
    facts = json.loads((files("adapters.sources.search") / "searched_by_patient.json").read_text(encoding="utf-8"))
    others = sorted(types - set(facts["types"]) - BY_REFERENCE - {"Patient"})
    if others:
        what = f"{', '.join(others)} cannot be searched by patient, and a server is asked about patients only"
        raise InputError(what, "views", "export these as NDJSON and read the files")
