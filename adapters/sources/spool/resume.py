"""Which interrupted pull is gone on with: of the same question, by the same account, begun not long ago, not finished.

A pull that had fetched everything is never gone on with, whatever became of its tables: the server is asked anew, so
that what was corrected there in between counts. Consents are always asked for anew, for they are withdrawn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jwt

from adapters.progress import NOTE, Progress
from adapters.sources.http.config import ServerConfig, secret
from adapters.sources.spool.spool import Spool
from adapters.sources.spool.tally import now

CLAIMS = ("iss", "sub", "client_id", "azp", "scope")  # of a token: who may read what


def account(config: ServerConfig, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """Who signs in, and for what, as far as that can be told without a secret: another account may see less or more."""
    kind = config.signs_in_by(environment)
    known: Mapping[str, Sequence[str]] = {
        "bearer": _claims(secret("FHIR_TOKEN", config.token_file, folder)) if kind == "bearer" else (),
        "basic": (config.user or environment.get("FHIR_USER", ""),),
        "client_credentials": (config.client_id, config.scope, config.token_url),
        "smart": (config.client_id, config.scope, config.token_url),
    }
    return [kind, config.client_cert, *known.get(kind, ())]


def _claims(token: str) -> list[str]:
    """What a token says about its account, where it is a JWT; others tell nothing."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.exceptions.InvalidTokenError:
        return []
    return [f"{name} {claims[name]}" for name in CLAIMS if name in claims]


def opened_spool(root: Path, question: Sequence[Any], config: ServerConfig, shown: Progress) -> Spool:
    """The spool of a question, with what an interrupted pull left, or empty. Raises InputError while another is at it."""
    spool = Spool(root / hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16])
    started = spool.recall("started")
    if spool.recall("complete"):
        spool.clear()
    elif started is not None and _hours_since(started) > config.resume_hours:
        shown("the interrupted pull is too old to be resumed: starting over", NOTE)
        abandoned = spool.recall("status")
        spool.clear()
        spool.remember("abandoned", abandoned)  # the export that it waited for, to be removed from the server
    spool.forget("Consent")
    finished = len(spool.done())
    if finished:
        shown(f"going on with the pull begun at {started}: {finished} parts are there", NOTE)
    if spool.recall("started") is None:
        spool.remember("started", now())
    return spool


def chunks_of(spool: Spool, patients: Sequence[str], accept_drift: bool, shown: Progress) -> list[list[str]]:
    """The chunks of an interrupted pull as they were; none, and the spool emptied, where they are of another cohort."""
    chunks: list[list[str]] = spool.recall("chunks") or []
    if chunks and not accept_drift and {one for chunk in chunks for one in chunk} != set(patients):
        shown("the cohort changed since the interrupted pull: starting over", NOTE)
        spool.clear()
        spool.remember("started", now())
        return []
    return chunks


def _hours_since(started: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(started)) / timedelta(hours=1)
