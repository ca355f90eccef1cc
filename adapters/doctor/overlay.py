"""Codes that no list maps as code lists to be filled in: one CSV for each list, to be used as an overlay folder.

The column `means` is empty, so the files change nothing until it is filled in. Texts may name persons: the files are
readable by their owner alone, and the repository takes none.
"""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable
from pathlib import Path

from adapters.doctor.gaps import UNITS, Gap
from adapters.errors import InputError
from adapters.fhir.codelists import HEADER, allowed_words
from adapters.plain_text import visible
from adapters.tables.study_ids import REPOSITORY

FEWEST_PATIENTS = 3  # a text of fewer patients is not shown
WORDS = "README.txt"
_MODE = 0o600


def unmapped_csv(gaps: Iterable[Gap]) -> str:
    """All codes, and the texts of three patients or more, as CSV: the columns of a code list, the list, and counts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((*HEADER, "list", "patients", "outside_cohort"))
    writer.writerows((*_row(gap), gap.code_list, gap.patients, gap.outside) for gap in gaps if is_shown(gap))
    return text.getvalue()


def is_shown(gap: Gap) -> bool:
    """False for texts of fewer than three patients."""
    return not gap.is_text or gap.patients >= FEWEST_PATIENTS


def write_overlay(gaps: Iterable[Gap], folder: Path) -> list[Path]:
    """Write a CSV for each code list with all its codes and texts, and the words that may stand in `means`.

    Raises InputError if the folder lies inside the repository, or holds one of the files already.
    """
    if folder.resolve().is_relative_to(REPOSITORY):
        raise InputError("the overlay lies inside the repository", "--write-overlay", "name a folder outside of it")
    by_list: dict[str, list[Gap]] = {}
    for gap in gaps:
        if gap.code_list == UNITS:
            continue  # a unit needs a factor: named in the report, filled in by hand
        by_list.setdefault(gap.code_list, []).append(gap)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = []
    for name, own in by_list.items():
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(map(_row, own))
        files.append(_write(folder / f"{name}.csv", text.getvalue()))
    words = "".join(f"{name}.csv: means is one of {', '.join(allowed_words(name))}\n" for name in by_list)
    return [*files, _write(folder / WORDS, words)] if files else []


def _row(gap: Gap) -> tuple[str, str, str, str, str]:
    return _cell(gap.system), _cell(gap.code), _cell(gap.display), "", f"{gap.resources} in the source"


def _write(path: Path, text: str) -> Path:
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except FileExistsError:
        raise InputError(f"{path.name} is there already", "--write-overlay", "name a new folder") from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def _cell(text: str) -> str:
    """The text on one line; a leading quote keeps a spreadsheet from running it as a formula."""
    line = visible(text, 200)
    return f"'{line}" if line[:1] in ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20") else line
