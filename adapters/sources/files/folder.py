"""The entries of a folder: data files, known other files, and entries that cannot be read. None is passed over in silence.

Known other files (`other_files.csv`) are counted in the manifest. An entry that is neither data nor known may hold data:
it is an error, or counted where the user asked to skip such files.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from adapters.errors import InputError
from adapters.fhir.r4 import RESOURCE_TYPES
from adapters.sources.files.compression import DAMAGED, decompressed

LINES = (".ndjson", ".jsonl")
DOCUMENT = (".json",)
OTHER_FILES = Path(__file__).with_name("other_files.csv")
SPARE = "unpack, complete or remove it, or pass --skip-unknown-files to count such files and go on"
HEAD_BYTES = 64 * 1024  # what is looked at to tell what a file holds
_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
_COPY_UNDER_WAY = re.compile(r"\..+\.(ndjson|jsonl|json)(\.gz)?\.[A-Za-z0-9]{6}")  # as rsync names it


@dataclass
class Listing:
    """What a folder holds.

    files : data files in the order of their names
    blank : data files without content; others give resources of the same types
    known : pattern of `other_files.csv` -> number of entries
    unread : entries that cannot be read, as (path within the folder, why)
    """

    files: list[Path] = field(default_factory=list)
    blank: list[Path] = field(default_factory=list)
    known: Counter[str] = field(default_factory=Counter)
    unread: list[tuple[Path, str]] = field(default_factory=list)


def plain_name(path: Path) -> str:
    """The name in lower case, without `.gz`."""
    return path.name.lower().removesuffix(".gz")


def is_lines(path: Path) -> bool:
    """True for the name of an NDJSON file."""
    return plain_name(path).endswith(LINES)


def is_data(path: Path) -> bool:
    """True for the name of a file that may hold resources."""
    return plain_name(path).endswith(LINES + DOCUMENT)


def list_folder(root: Path) -> Listing:
    """All entries of a folder and its subfolders. Raises InputError for a link that leads out of the folder."""
    listing = Listing()
    _list(root, root, listing)
    listing.files.sort()
    _part_blank_files(listing)
    return listing


def _list(folder: Path, root: Path, listing: Listing) -> None:
    try:
        entries = sorted(folder.iterdir())
    except OSError as error:
        listing.unread.append((folder.relative_to(root), f"a folder that cannot be opened ({error.strerror})"))
        return
    before = len(listing.files)
    for path in entries:
        pattern = known_pattern(path)
        if pattern is not None:
            listing.known[pattern] += 1
        elif path.is_symlink():
            _add(path, root, listing, _fault_of_link(path, root))
        elif path.is_dir():
            _list(path, root, listing)
        else:
            _add(path, root, listing, None if path.is_file() else "not a regular file")
    if is_data(folder) and folder != root and len(listing.files) == before:
        listing.unread.append((folder.relative_to(root), "a folder with the name of a data file and no data"))


def _add(path: Path, root: Path, listing: Listing, fault: str | None) -> None:
    if fault is None and not is_data(path):
        fault = "not a FHIR file"
    if fault is None:
        listing.files.append(path)
    else:
        listing.unread.append((path.relative_to(root), fault))


def _fault_of_link(path: Path, root: Path) -> str | None:
    """Why a link is not read, None if it leads to a file of the folder. Raises InputError if it leads out of it."""
    try:
        target = path.resolve(strict=True)
    except (OSError, RuntimeError):
        return "a link that leads nowhere"
    if not target.is_relative_to(root.resolve()):
        raise InputError("a link leads out of the folder", str(path.relative_to(root)), "copy the file into it")
    return None if target.is_file() else "a link to a folder"


def known_pattern(path: Path) -> str | None:
    """The pattern of `other_files.csv` that the name meets, None for data and unknown files."""
    name = path.name.lower()
    pattern = next((pattern for pattern in _patterns() if fnmatchcase(name, pattern.lower())), None)
    if pattern is None or _COPY_UNDER_WAY.fullmatch(path.name):
        return None
    holds_data = is_data(path) and not name.startswith(".") and _names_a_resource(path)
    return None if holds_data else pattern


@cache
def _patterns() -> tuple[str, ...]:
    with OTHER_FILES.open(encoding="utf-8", newline="") as file:
        return tuple(row["pattern"] for row in csv.DictReader(file))


def _names_a_resource(path: Path) -> bool:
    """True if the first JSON value of the file is a resource: then its name does not make it a file of another kind."""
    head = _head(path)
    try:
        value = json.loads(head.partition(b"\n")[0] if is_lines(path) else head)
    except (ValueError, RecursionError):
        return _TYPE.search(head) is not None and not is_lines(path)
    return isinstance(value, dict) and isinstance(value.get("resourceType"), str)


def _head(path: Path) -> bytes:
    """The first decompressed bytes of a regular file; empty if they cannot be read (reading it will say so)."""
    if not _is_regular(path):  # opening a FIFO would wait for a writer
        return b""
    try:
        with path.open("rb") as raw, decompressed(raw) as stream:
            return stream.read(HEAD_BYTES)
    except (OSError, *DAMAGED):
        return b""


def _is_regular(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, RuntimeError):  # a link to itself, before Python 3.13
        return False


def is_blank(path: Path) -> bool:
    """True if a file holds nothing, or white space only. Large files are not looked at."""
    try:
        if not _is_regular(path) or path.stat().st_size > HEAD_BYTES:
            return False
        with path.open("rb") as raw, decompressed(raw) as stream:
            return not stream.read(HEAD_BYTES + 1).removeprefix(b"\xef\xbb\xbf").strip()
    except (OSError, *DAMAGED):
        return False  # reading it will say what is wrong


def _part_blank_files(listing: Listing) -> None:
    """Take blank files out of the data; one whose types no other file gives may have lost its content."""
    blank = [path for path in listing.files if is_blank(path)]
    listing.files = [path for path in listing.files if path not in set(blank)]
    given = set().union(*(types_named(path) | types_in(path) for path in listing.files)) if blank else set()
    shapes = {_shape(path) for path in listing.files}
    for path in blank:
        named = types_named(path)
        if (named and named <= given) or (not named and _shape(path) in shapes):
            listing.blank.append(path)
        else:
            listing.unread.append((Path(path.name), "an empty file"))


def types_named(path: Path) -> set[str]:
    """Resource types in the name of a file."""
    return set(re.split(r"[^A-Za-z]+", path.name)) & RESOURCE_TYPES


def types_in(path: Path) -> set[str]:
    """Resource types in the first bytes of a file."""
    return {match.decode() for match in _TYPE.findall(_head(path))}


def _shape(path: Path) -> str:
    """The name without what numbers the parts of one export."""
    return re.sub(r"[0-9a-f]*[0-9][0-9a-f]*", "#", plain_name(path))


def stamp(path: Path) -> tuple[int, ...]:
    """What changes when a file is written: device, inode, size and time of the last change of its content."""
    state = path.stat()
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def stamp_of_open(descriptor: int) -> tuple[int, ...]:
    """As `stamp`, of an open file."""
    state = os.fstat(descriptor)
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns
