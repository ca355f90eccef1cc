"""Files of a hospital's own rules: what stands in an overlay folder has an effect, or is an error that names it."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from pathlib import Path

from adapters.errors import InputError

# What an editor, a spreadsheet or a file manager leaves beside the files, and what explains them.
BYSTANDERS = (".", "~$", "README", "Thumbs.db", "desktop.ini")


def overlay_files(folder: Path, suffix: str, meant: Callable[[str], str | None]) -> list[Path]:
    """The files of an overlay folder in the order of their names.

    `meant` gives the name that a file name stands for: itself where it is known, another that is near, None where none
    is. Raises InputError for a file that would have no effect.
    """
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(BYSTANDERS)]
    for path in files:
        name = meant(path.name)
        if name != path.name or path.is_dir():
            what = "a folder is no rule file" if path.is_dir() else "a file of this name has no effect here"
            remedy = (
                f"name it {name}" if name not in (None, path.name) else f"move it away: only known *{suffix} are read"
            )
            raise InputError(what, f"{folder.name}/{path.name}", remedy)
    return files


def csv_rows(
    path: Path, header: tuple[str, ...], optional: tuple[str, ...] = ()
) -> Iterator[tuple[int, dict[str, str]]]:
    """Number of the line and the columns of each row of a rule file; what is left out at the end of a row is empty.

    Columns of `optional` may follow those of `header`. Raises InputError for another header, and for a file that is not
    CSV in UTF-8.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, restval="")
            given = tuple(reader.fieldnames or ())
            if given[: len(header)] != header or not set(given[len(header) :]) <= set(optional):
                raise InputError("columns are not " + ",".join(header), path.name, "write that line first")
            for row in reader:
                yield reader.line_num, {name: row.get(name) or "" for name in (*header, *optional)}
    except UnicodeDecodeError:
        raise InputError("is not UTF-8", path.name, 'save it as "CSV UTF-8", not as plain CSV') from None
    except csv.Error as error:
        raise InputError(f"is not CSV ({error})", path.name, "correct that line") from None
