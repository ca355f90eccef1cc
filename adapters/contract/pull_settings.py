"""The settings that tables are pulled with, and whether tables on disk were pulled with those of today.

The sections belong to the adapters. They lie in the contract because they say what the tables mean: the analysis must
refuse tables that another cohort rule or another day 0 made. So a pull states its settings in the manifest, and whoever
opens the tables compares them with the settings file. `STATED` is the only list of both, so that neither forgets a key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from adapters.contract.hashing import file_hashes, short_hash
from adapters.contract.study_file import DEFAULT_PATH, StudyFile, read_study_file
from adapters.contract.typed_settings import SettingsError

OVERLAYS = {"codelists": ".csv", "units": ".csv", "views": ".json"}  # kind of overlay -> suffix of its files
# Setting -> its place in the manifest. Overlays are stated by the hashes of their files; the title shapes no table.
STATED: dict[str, tuple[str, ...]] = {
    "study.source_label": ("source_label",),
    "cohort.any_of": ("cohort_rule",),
    "time.zone": ("day_zero", "zone"),
    "time.day_zero": ("day_zero", "procedure"),
    "time.data_cutoff": ("day_zero", "data_cutoff"),
    "reading.merge_days": ("day_zero", "merge_days"),
    "reading.accepted_status": ("accepted_status",),
    "reading.decimal_separator": ("decimal_separator",),
    "consent.required": ("consent", "required"),
    "consent.provision_codes": ("consent", "provision_codes"),
}
RULE_OF_THE_CALL = "cohort_rule_of_call"  # in the manifest: whether --cohort named the rule, not the settings file


class StudySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the study is called."""

    title: str = ""
    source_label: str = ""


class Cohort(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Procedures (categories of the code list `procedures`) that put a patient into the tables; ("all",) takes everyone."""

    any_of: tuple[str, ...] = ("lu_psma", "sirt", "maa_workup")

    @property
    def everyone(self) -> bool:
        """Whether every patient is taken."""
        return self.any_of == ("all",)


class Time(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Instants become dates in `zone`; day 0 is the first completed procedure of the kind `day_zero`."""

    zone: str = "Europe/Berlin"
    day_zero: str = "lu_psma"
    data_cutoff: date | None = None


class Reading(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How resources become rows; overlays are folders of a hospital's own additions, empty for none.

    decimal_separator : of numbers in texts that have two readings, such as "1.000"; empty: such a text gives no number
    """

    decimal_separator: Literal["", ".", ","] = ""
    merge_days: Annotated[int, msgspec.Meta(ge=0)] = 1
    accepted_status: tuple[str, ...] = ("final", "amended", "corrected", "preliminary")
    codelists_overlay: str = ""
    units_overlay: str = ""
    views_overlay: str = ""


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether an active Consent with all of these provision codes is needed."""

    required: bool = False
    provision_codes: tuple[str, ...] = ()


class PullSettings(msgspec.Struct, frozen=True):
    """The adapters' sections of study.toml; `folder` is where the file lies: overlay folders are relative to it."""

    study: StudySection = StudySection()
    cohort: Cohort = Cohort()
    time: Time = Time()
    reading: Reading = Reading()
    consent: Consent = Consent()
    folder: Path = DEFAULT_PATH.parent

    def overlay(self, name: str) -> Path | None:
        """The overlay folder for "codelists", "units" or "views", or None. Raises SettingsError if it does not exist."""
        value = getattr(self.reading, f"{name}_overlay")
        if not value:
            return None
        path = self.folder / value
        if not path.is_dir():
            raise SettingsError(
                f"overlay folder {value!r} not found", f"study.toml: reading.{name}_overlay", "correct it"
            )
        return path

    def overlay_files(self, name: str) -> dict[str, Path]:
        """The files of an overlay by the names that the manifest gives them: numbers, since their own may identify."""
        folder = self.overlay(name)
        files = sorted(folder.glob(f"*{OVERLAYS[name]}")) if folder else []
        return {f"overlay/{name}/{number}": file for number, file in enumerate(files, start=1)}


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "study": StudySection, "cohort": Cohort, "time": Time, "reading": Reading, "consent": Consent
}  # fmt: skip


def pull_sections(file: StudyFile) -> dict[str, Any]:
    """The adapters' sections of a settings file and its folder, as fields of `PullSettings`. Raises SettingsError."""
    return {name: file.section(name, kind) for name, kind in SECTIONS.items()} | {"folder": file.path.resolve().parent}


def stated(settings: PullSettings) -> dict[str, Any]:
    """What the manifest says of the settings, as JSON values; its keys are the places of `STATED`."""
    manifest: dict[str, Any] = {}
    for setting, place in STATED.items():
        inner = manifest
        for name in place[:-1]:
            inner = inner.setdefault(name, {})
        inner[place[-1]] = _plain(settings, setting)
    return manifest


def require_settings_of_pull(manifest: Mapping[str, Any], path: str | Path | None = None) -> None:
    """Raises SettingsError that names the first setting in which study.toml differs from the pull of the tables.

    `path`: the settings file, else as `read_study_file`. What a manifest does not state is not compared: earlier versions
    stated less. A cohort rule that `--cohort` named belongs to the call, so it is not compared either.
    """
    file = read_study_file(path)
    settings = PullSettings(**pull_sections(file))
    for setting, now, pulled in _pairs(settings, manifest):
        if now != pulled:
            what = f"{setting} is {_words(now)}, but the tables were pulled with {_words(pulled)}"
            raise SettingsError(what, file.path.name, "pull again, or set it back")


def _pairs(settings: PullSettings, manifest: Mapping[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    """Setting, its value today, its value in the pull."""
    for setting, place in STATED.items():
        of_call = setting == "cohort.any_of" and manifest.get(RULE_OF_THE_CALL, False)
        found: Any = manifest
        for name in place:
            found = found.get(name, _UNSTATED) if isinstance(found, Mapping) else _UNSTATED
        if found is not _UNSTATED and not of_call:
            yield setting, _unordered(_plain(settings, setting)), _unordered(found)
    for kind in OVERLAYS if "hashes" in manifest else ():
        prefix = f"overlay/{kind}/"
        pulled = {name: value for name, value in manifest["hashes"].items() if name.startswith(prefix)}
        yield f"reading.{kind}_overlay", _hash(file_hashes(settings.overlay_files(kind))), _hash(pulled)


_UNSTATED = object()


def _plain(settings: PullSettings, setting: str) -> Any:
    section, key = setting.split(".")
    value = msgspec.to_builtins(getattr(getattr(settings, section), key))
    return list(value) if isinstance(value, tuple) else value  # as it comes back from JSON


def _unordered(value: Any) -> Any:
    return sorted(value) if isinstance(value, list) else value


def _hash(hashes: Mapping[str, str]) -> str:
    """Content of an overlay in words that a message can show."""
    return (
        f"files of hash {short_hash(value.encode() for _, value in sorted(hashes.items()))}" if hashes else "no files"
    )


def _words(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if value is not None else "not set"
