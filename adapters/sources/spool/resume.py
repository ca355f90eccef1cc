"""Which interrupted pull may be resumed: same question, same account, begun within `resume_hours`, not complete.

A pull that had fetched everything is never resumed, whatever became of its tables: the server is asked again, so that
later corrections count. Consents are always fetched again, for they can be withdrawn.
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
from adapters.sources.spool.counts import now
from adapters.sources.spool.spool import Spool

CLAIMS = ("iss", "sub", "client_id", "azp", "scope")  # of a token: who may read what


def account(config: ServerConfig, folder: Path, environment: Mapping[str, str]) -> list[str]:
    """The account that signs in, without secrets. Another account may see less or more."""
    kind = config.signs_in_by(environment)
    known: Mapping[str, Sequence[str]] = {
        "bearer": _claims(secret("FHIR_TOKEN", config.token_file, folder)) if kind == "bearer" else (),
        "basic": (config.user or environment.get("FHIR_USER", ""),),
        "client_credentials": (config.client_id, config.scope, config.token_url),
        "smart": (config.client_id, config.scope, config.token_url),
    }
    return [kind, config.client_cert, *known.get(kind, ())]


def _claims(token: str) -> list[str]:
    """Claims of a token that name its account; empty if it is not a JWT."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.exceptions.InvalidTokenError:
        return []
    return [f"{name} {claims[name]}" for name in CLAIMS if name in claims]


def opened_spool(root: Path, question: Sequence[Any], config: ServerConfig, shown: Progress) -> Spool:
    """The spool of a question, empty or of an interrupted pull. Raises InputError while another pull uses it."""
    spool = Spool(root / hashlib.sha256(json.dumps(question).encode()).hexdigest()[:16])
    started = spool.recall("started", datetime)
    if spool.has("complete") or started is None:  # new, complete, or of unknown age
        spool.clear()
    elif _hours_since(started) > config.resume_hours:
        shown("the interrupted pull is too old to be resumed: starting over", NOTE)
        abandoned = spool.recall("status", str)
        spool.clear()
        spool.remember("abandoned", abandoned)  # the export that it waited for, to be removed from the server
    spool.forget("Consent")
    finished = len(spool.done())
    if finished and started is not None:
        shown(f"going on with the pull begun at {started.isoformat()}: {finished} parts are there", NOTE)
    if not spool.has("started"):
        spool.remember("started", now())
    return spool


def chunks_of(spool: Spool, patients: Sequence[str], accept_drift: bool, shown: Progress) -> list[list[str]]:
    """The chunks of an interrupted pull. If its cohort differs, the spool is emptied and there are none."""
    chunks = spool.recall("chunks", list[list[str]]) or []
    if chunks and not accept_drift and {patient for chunk in chunks for patient in chunk} != set(patients):
        shown("the cohort changed since the interrupted pull: starting over", NOTE)
        spool.clear()
        spool.remember("started", now())
        return []
    return chunks


def _hours_since(started: datetime) -> float:
    aware = started if started.tzinfo else started.replace(tzinfo=UTC)
    return (datetime.now(UTC) - aware) / timedelta(hours=1)
