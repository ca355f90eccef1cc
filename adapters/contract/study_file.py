"""study.toml as a file: where it lies, which sections it has, and how one of them is read.

The adapters read one half of the file, the analysis the other, each with a schema of its own. Both read the file here,
in the only package that both import, so that a section that neither half knows is an error in either.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from adapters.contract.typed_settings import SettingsError, required_keys, shown, typed, unknown

DEFAULT_PATH = Path(__file__).resolve().parents[2] / "study.toml"
PULL_SECTIONS = ("study", "cohort", "time", "reading", "consent")
ANALYSIS_SECTIONS = (
    "analysis", "analysis_set", "table_one", "balance", "eligibility", "subgroup", "therapy", "imaging", "response",
    "survival", "toxicity", "psa", "multiplicity",
)  # fmt: skip
SECTIONS = (*PULL_SECTIONS, *ANALYSIS_SECTIONS)
S = TypeVar("S", bound=msgspec.Struct)


@dataclass(frozen=True)
class StudyFile:
    """A settings file whose sections are all known; their keys are checked when a section is read."""

    path: Path
    document: Mapping[str, Any]

    def section(self, name: str, kind: type[S]) -> S:
        """The section `name` as `kind`; keys that are left out have the defaults of `kind`.

        Raises SettingsError for a missing section that needs keys, an unknown or missing key, a wrong type or range.
        """
        if name not in self.document and required_keys(kind):
            remedy = "add it; the study.toml of the repository shows how"
            raise SettingsError(f"the section [{name}] is missing", self.path.name, remedy)
        return typed(self.document.get(name, {}), kind, name, self.path.name)


def read_study_file(path: str | Path | None = None) -> StudyFile:
    """The settings in `path`, else in the file that STUDY_SETTINGS names, else in the repository's study.toml.

    Raises SettingsError for a file that cannot be read, is not TOML in UTF-8, or has an unknown section.
    """
    file = Path(path or os.environ.get("STUDY_SETTINGS") or DEFAULT_PATH)
    document = _document(file)
    for name, value in document.items():
        if name not in SECTIONS:
            what = f"[{name}] is not a section" if isinstance(value, dict) else f"{name} stands in no section"
            raise unknown(what if len(name) <= 40 else f"{shown(name)} is not a section", name, SECTIONS, file.name)
    return StudyFile(file, document)


def _document(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError("study settings cannot be read", file.name, f"check the file ({error.strerror})") from None
    except UnicodeDecodeError as error:
        what = f"study settings are not UTF-8 (byte {error.start + 1})"
        raise SettingsError(what, file.name, "save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"study settings are not TOML: {error}", file.name, "correct that line") from None
    except RecursionError:
        what = "study settings are not TOML that can be read: nested too deeply"
        raise SettingsError(what, file.name, "write the lists and tables as the repository's study.toml does") from None
