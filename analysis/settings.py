"""The analysis settings of `study.toml`: limits, windows, horizons, families of tests, fixed before results."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent


class Study(Mapping[str, Any]):
    """Read-only sections of `study.toml`: `study["response"]["target_lesions_max"]`."""

    def __init__(self, sections: Mapping[str, Any]) -> None:
        self._sections = _frozen(sections)

    def __getitem__(self, section: str) -> Any:
        return self._sections[section]

    def __iter__(self):  # type: ignore[no-untyped-def]
        return iter(self._sections)

    def __len__(self) -> int:
        return len(self._sections)


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return MappingProxyType({key: _frozen(item) for key, item in value.items()})
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return value


def load_study(path: str | Path | None = None) -> Study:
    """Settings from `path`, else the file named in `STUDY_SETTINGS`, else the repository's `study.toml`."""
    chosen = Path(path or os.environ.get("STUDY_SETTINGS") or REPOSITORY / "study.toml")
    with chosen.open("rb") as file:
        return Study(tomllib.load(file))
