"""The adapters' part of study.toml: cohort rule, time, reading, consent. A wrong key or type is an error that names it."""

from __future__ import annotations

import os
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from adapters.contract import PROCEDURES
from adapters.errors import InputError

DEFAULT_PATH = Path(__file__).resolve().parents[1] / "study.toml"


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
    """How resources become rows; overlays are folders of a hospital's own additions, empty for none."""

    merge_days: Annotated[int, msgspec.Meta(ge=0)] = 1
    accepted_status: tuple[str, ...] = ("final", "amended", "corrected", "preliminary")
    codelists_overlay: str = ""
    units_overlay: str = ""
    views_overlay: str = ""


class Consent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether an active Consent with all of these provision codes is needed."""

    required: bool = False
    provision_codes: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True):
    """All settings of a pull.

    `folder` is where study.toml lies; overlay folders are relative to it.
    """

    study: StudySection = StudySection()
    cohort: Cohort = Cohort()
    time: Time = Time()
    reading: Reading = Reading()
    consent: Consent = Consent()
    folder: Path = DEFAULT_PATH.parent

    def overlay(self, name: str) -> Path | None:
        """The overlay folder for "codelists", "units" or "views", or None. Raises InputError if it does not exist."""
        value = getattr(self.reading, f"{name}_overlay")
        if not value:
            return None
        path = self.folder / value
        if not path.is_dir():
            raise InputError(f"overlay folder {value!r} not found", f"study.toml: reading.{name}_overlay", "correct it")
        return path


SECTIONS = {"study": StudySection, "cohort": Cohort, "time": Time, "reading": Reading, "consent": Consent}


def load_settings(path: str | Path | None = None) -> Settings:
    """Settings from `path`, else the file named in STUDY_SETTINGS, else the repository's study.toml.

    Raises InputError naming the section and key that is wrong.
    """
    file = Path(path or os.environ.get("STUDY_SETTINGS") or DEFAULT_PATH)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError("study settings cannot be read", file.name, f"check the file ({error.strerror})") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"study settings are not TOML: {error}", file.name, "correct that line") from None
    sections = {}
    for name, kind in SECTIONS.items():
        try:
            sections[name] = msgspec.convert(document.get(name, {}), kind)
        except msgspec.ValidationError as error:
            raise InputError(f"study settings: {error}", f"{file.name} [{name}]", "correct that key") from None
    settings = Settings(**sections, folder=file.resolve().parent)
    check(settings, file.name)
    return settings


def check(settings: Settings, where: str) -> None:
    """Raises InputError naming the key whose value is well-formed but means nothing."""
    if not settings.cohort.any_of:
        raise InputError("cohort.any_of is empty", where, 'name procedures, or ["all"]')
    named = {"cohort.any_of": settings.cohort.any_of, "time.day_zero": (settings.time.day_zero,)}
    for key, names in named.items():
        unknown = sorted(set(names) - set(PROCEDURES)) if names != ("all",) or key != "cohort.any_of" else []
        if unknown:
            raise InputError(f"{key} names no procedure: {unknown[0]!r}", where, f"choose of {', '.join(PROCEDURES)}")
    if settings.consent.required and not settings.consent.provision_codes:
        raise InputError("consent.provision_codes is empty", where, "name the provision codes that allow the use")
    try:
        ZoneInfo(settings.time.zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise InputError("time.zone is not a time zone", where, 'use a name such as "Europe/Berlin"') from None
