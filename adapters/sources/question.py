"""What a server is asked for, and how: the arguments of a server source."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `view` on files reads no settings and must start fast
    from adapters.fhir.selection import Selection
    from adapters.settings import Settings


@dataclass(frozen=True)
class Question:
    """What is asked.

    types : resource types that the views read
    selection : patients or Group instead of the cohort rule of the settings; None for the rule
    any_code : also resources that no code list names, for views of the user's own
    """

    settings: Settings
    types: frozenset[str]
    selection: Selection | None = None
    any_code: bool = False


@dataclass(frozen=True)
class ServerOptions:
    """How it is asked; each field but `spool` is an option of the command line.

    server_config : TOML file of `ServerConfig`
    bulk : level of an export ("system", "patient", "group/ID"); None for searches
    keep_raw : keep the resources after the pull
    accept_drift : resume an interrupted pull although the cohort has changed
    allow_output_origin : one more https origin that may give the files of an export
    spool : folder for what is fetched; None for the user's state folder
    """

    server_config: Path | None = None
    bulk: str | None = None
    keep_raw: bool = False
    accept_drift: bool = False
    allow_output_origin: str | None = None
    spool: Path | None = None

    def given(self) -> list[str]:
        """Names of the options that differ from their defaults."""
        return [item.name for item in fields(self) if getattr(self, item.name) != item.default]
