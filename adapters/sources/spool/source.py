"""Base of the server sources: fetch once, read from the spool, remove it when the tables are written."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.fhir.r4 import BY_REFERENCE
from adapters.fhir.selection import Selection
from adapters.progress import NOTE, Progress, silent
from adapters.settings import Settings
from adapters.sources.base import Read
from adapters.sources.http.auth import authorizer
from adapters.sources.http.client import HttpClient
from adapters.sources.http.config import ServerConfig
from adapters.sources.http.origin import Base
from adapters.sources.spool.counts import now
from adapters.sources.spool.resume import account, opened_spool
from adapters.sources.spool.spool import Spool, default_root

REFERRING = frozenset({"MedicationAdministration", "MedicationDispense", "MedicationRequest", "MedicationStatement"})


@dataclass
class SpooledSource(ABC):
    """Resources of one server, fetched at the first `read` and read again from the spool after that."""

    base: Base
    config: ServerConfig
    folder: Path  # what file names in the settings are relative to
    settings: Settings
    types: frozenset[str]
    selection: Selection = field(default_factory=Selection)
    spool_root: Path = field(default_factory=default_root)
    keep_raw: bool = False
    accept_drift: bool = False
    any_code: bool = False  # also resources that no code list names, for views of the user's own
    shown: Progress = silent
    kind: str = "server"
    label: str = "FHIR server"
    manifest: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0
    size_bytes: int | None = None
    _spool: Spool | None = None  # once it is complete
    _at_work: Spool | None = None
    whose = "the server"  # in messages about a resource

    @property
    def name(self) -> str:
        """The base address."""
        return self.base.text

    def read(self) -> Iterator[Read]:
        """All resource versions. Raises IncompleteError (exit 3) or InputError (exit 2)."""
        if self._spool is None:
            self._spool = self._complete_spool()
        yield from self._spool.records(self.base, self.whose)

    def finished(self) -> None:
        """Remove the spool of a complete pull, or rename it with `keep_raw`. An incomplete one stays for the next pull."""
        if self._spool is not None and self.keep_raw:
            self.shown(f"raw resources are kept in {self._spool.put_aside()}", NOTE)
        elif self._spool is not None:
            self._spool.remove()

    def _complete_spool(self) -> Spool:
        """Fetch everything and fill the manifest. An incomplete spool is left for the next pull."""
        client = self.client()
        complete = False
        try:
            spool, facts = self._fetched(client)
            spool.remember("complete", True)
            complete = True
        finally:
            client.close()
            if not complete and self._at_work is not None:
                self._at_work.release()
        self.manifest = facts | {
            "requests": client.counts["requests"],
            "retries": client.counts["retries"],
            "bytes": client.counts["bytes"],
            "ended": now(),
            "settings": self.config.describe(),
        }
        if not facts["verified"]:
            self.shown(
                "not all of it is checked against the server's counts: the manifest says `verified: false`", NOTE
            )
        return spool

    def _opened_spool(self, *asked: Any) -> Spool:
        """The spool of this question by this account. Raises InputError while another pull is at it."""
        who = account(self.config, self.folder, os.environ)
        question = [self.kind, self.base.text, sorted(self.types), who, *asked]
        self._at_work = opened_spool(self.spool_root, question, self.config, self.shown)
        return self._at_work

    @property
    def types_by_patient(self) -> set[str]:
        """The types that are searched by patient: those that views read, and those that lead to what they read.

        Consent where it is required; what refers to Medications where a view of the user's own reads these alone.
        """
        wanted = set(self.types) | {"Patient"} | ({"Consent"} if self.settings.consent.required else set())
        if self.any_code and self.types & BY_REFERENCE:
            wanted |= REFERRING
        return wanted - BY_REFERENCE

    def client(self) -> HttpClient:
        """A client that signs in as the settings say. Raises InputError."""
        sign_in = authorizer(self.base, self.config, self.folder, os.environ)
        return HttpClient(self.base, self.config, sign_in, self.folder)

    @abstractmethod
    def dry_run(self) -> list[str]:
        """The requests of a pull as text; nothing is sent."""

    @abstractmethod
    def _fetched(self, client: HttpClient) -> tuple[Spool, dict[str, Any]]:
        """Fetch everything. Gives the complete spool and facts for the manifest."""
