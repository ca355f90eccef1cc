"""The adapters' part of study.toml: cohort rule, time, reading, consent. A wrong key or type is an error that names it."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from adapters.contract import PROCEDURES
from adapters.contract.pull_settings import Cohort, Consent, PullSettings, Reading, StudySection, Time, pull_sections
from adapters.contract.study_file import read_study_file
from adapters.errors import InputError

__all__ = ["Cohort", "Consent", "Reading", "Settings", "StudySection", "Time", "check", "load_settings"]


class Settings(PullSettings, frozen=True):
    """All settings of a pull. `cohort_of_call`: the cohort rule was named in the call, not in study.toml."""

    cohort_of_call: bool = False


def load_settings(path: str | Path | None = None) -> Settings:
    """Settings from `path`, else the file named in STUDY_SETTINGS, else the repository's study.toml.

    Raises InputError naming the section and key that is wrong.
    """
    file = read_study_file(path)
    settings = Settings(**pull_sections(file))
    check(settings, file.path.name)
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
