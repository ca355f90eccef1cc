"""Pulls that end in the middle, and what a source says and gives when the next one goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug import Request, Response

from adapters.errors import IncompleteError
from adapters.progress import NOTE
from tests.support.server.fake_fhir import Fake, as_json, spool_files


def keys(source) -> set[str]:
    return {f"{read.resource['resourceType']}/{read.resource['id']}" for read in source.read()}


def searches(fake: Fake, kind: str) -> int:
    return fake.hits[f"{kind}/_search"]


def interrupted(fake: Fake, opened, at: str = "Observation", **options) -> None:
    """A pull that ended when it asked for this type about patients; what came before it is finished."""

    def refuse(_server: Fake, request: Request, _number: int) -> Response | None:
        refused = request.path.startswith(f"/fhir/{at}/") and "patient=" in request.get_data(as_text=True)
        return as_json({}, 403) if refused else None

    fake.before = refuse
    with pytest.raises(IncompleteError, match="parts are missing"):
        keys(opened(**{"counts": False, "parallel": 1, **options}))
    fake.before = None


def heard(source) -> list[str]:
    """The notes of a source while it is read to the end."""
    notes: list[str] = []
    source.shown = lambda stage, number: notes.append(stage) if number == NOTE else None
    keys(source)
    return notes


def spool_folder(root: Path) -> Path:
    return next(path.parent for path in spool_files(root / "spool") if path.name == "done.jsonl")
