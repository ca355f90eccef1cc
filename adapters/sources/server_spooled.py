"""What both ways of reading a server share: fetched once, read from the spool, removed when the tables are written."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from adapters.progress import NOTE, Progress, silent
from adapters.reading.patients import Selection
from adapters.settings import Settings
from adapters.sources.base import Read
from adapters.sources.http_auth import authorizer
from adapters.sources.http_client import HttpClient
from adapters.sources.http_origin import Base
from adapters.sources.server_config import ServerConfig
from adapters.sources.server_spool import Spool, default_root
from adapters.sources.server_tally import now


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
    any_code: bool = False  # views of the user's own read what no code list names
    shown: Progress = silent
    kind: str = "server"
    label: str = "FHIR server"
    manifest: dict[str, Any] = field(default_factory=dict)
    unreadable: int = 0
    size_bytes: int | None = None
    _spool: Spool | None = None
    whose = "the server"  # in messages about a resource

    def read(self) -> Iterator[Read]:
        """All resource versions. Raises IncompleteError (exit 3) or InputError (exit 2)."""
        if self._spool is None:
            client = self.client()
            try:
                self._spool, facts = self._fetched(client)
            finally:
                client.close()
            self.manifest = facts | {
                "requests": client.tally["requests"],
                "retries": client.tally["retries"],
                "bytes": client.tally["bytes"],
                "ended": now(),
                "settings": self.config.describe(),
            }
        yield from self._spool.records(self.base, self.whose)

    def finished(self) -> None:
        """The tables are written: the raw resources go, or are put aside under a name that is shown."""
        if self._spool is not None and self.keep_raw:
            self.shown(f"raw resources are kept in {self._spool.put_aside()}", NOTE)
        elif self._spool is not None:
            self._spool.remove()

    def client(self) -> HttpClient:
        """A client that signs in as the settings say. Raises InputError."""
        sign_in = authorizer(self.base, self.config, self.folder, os.environ)
        return HttpClient(self.base, self.config, sign_in, self.folder)

    @abstractmethod
    def dry_run(self) -> list[str]:
        """What would be asked, as text; nothing is sent."""

    @abstractmethod
    def _fetched(self, client: HttpClient) -> tuple[Spool, dict[str, Any]]:
        """Everything in a spool, and what the manifest states about it."""
