"""Files and folders as a source: which files are read, how they are opened, and their labels in the manifest."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, Any, TypeVar

from adapters.errors import InputError
from adapters.fhir.r4 import RESOURCE_TYPES
from adapters.sources.base import Line, Read
from adapters.sources.files.bundle import FileCounts, Place, read_document
from adapters.sources.files.compression import DAMAGED, decompressed
from adapters.sources.files.ndjson import read_lines, reread_lines

LINES = (".ndjson", ".jsonl")
DOCUMENT = (".json",)
NOT_RESOURCES = {"log.ndjson", "manifest.json"}  # what export tools write about themselves beside the data
_SAFE_WORDS = {"bundle", "demo", "export", "data", "patients", "resources"}
AnyRead = TypeVar("AnyRead", Read, Read | Line)


def _plain_name(path: Path) -> str:
    name = path.name.lower()
    return name.removesuffix(".gz")


def _is_lines(path: Path) -> bool:
    return _plain_name(path).endswith(LINES)


def safe_label(path: Path, number: int) -> str:
    """A name for the manifest. File names may hold names or numbers of patients, so only known words are kept."""
    words = re.split(r"[._\-]", path.name)
    extensions = {"ndjson", "jsonl", "json", "gz"}
    known = all(w in RESOURCE_TYPES or w in _SAFE_WORDS or w in extensions for w in words)
    kind = "ndjson" if _is_lines(path) else "json"
    return path.name if known else f"file-{number:04d}.{kind}"


class FileSource:
    """A Bundle or resource file, an NDJSON file, or a folder of them (subfolders too, hidden ones not)."""

    def __init__(self, path: Path, *, accept_unreadable: bool = False) -> None:
        self._root = path
        self._accept_unreadable = accept_unreadable
        self.files = _files(path)
        self.size_bytes: int | None = sum(file.stat().st_size for file in self.files)
        self.unreadable = 0
        lines = sum(map(_is_lines, self.files))
        self.only_lines = lines == len(self.files)
        if path.is_dir():
            self.kind = "folder"
            self.label = "NDJSON folder" if self.only_lines else "folder of FHIR files"
        else:
            self.kind, self.label = ("ndjson", "NDJSON file") if lines else ("bundle", "Bundle file")
        self.manifest: dict[str, Any] = {"files": len(self.files)}

    def finished(self) -> None:
        """Nothing to release."""

    def dry_run(self) -> list[str]:
        """The files that a pull would read, by the labels of the manifest."""
        return [f"read {safe_label(file, number)}" for number, file in enumerate(self.files, start=1)]

    def read(self) -> Iterator[Read]:
        """All resource versions, file by file in the order of their names. Raises InputError."""
        counts = FileCounts()
        yield from self._read_files(counts, partial(read_lines, accept_unreadable=self._accept_unreadable))
        self.unreadable = counts.unreadable
        self.manifest |= {
            "entries_without_resource": counts.entries_without_resource,
            "pages_with_next": counts.pages_with_next,
        }

    def read_again(self) -> Iterator[Read | Line]:
        """As `read`, after it has ended without an error. Resources on a line of their own are not decoded."""
        if self.unreadable:
            yield from self.read()
        else:
            yield from self._read_files(FileCounts(), reread_lines)

    def _read_files(self, counts: FileCounts, read: Callable[..., Iterator[AnyRead]]) -> Iterator[Read | AnyRead]:
        for number, file in enumerate(self.files, start=1):
            shown = str(file.relative_to(self._root)) if self._root.is_dir() else file.name
            yield from self._read_file(file, Place(shown, safe_label(file, number)), counts, read)

    def _read_file(
        self, file: Path, place: Place, counts: FileCounts, read: Callable[..., Iterator[AnyRead]]
    ) -> Iterator[Read | AnyRead]:
        try:
            with _open(file) as stream:
                if _is_lines(file):
                    yield from read(stream, place, counts)
                else:
                    yield from read_document(stream.read(), place, counts)
        except DAMAGED:
            raise InputError("the compressed file is cut off or damaged", place.origin, "copy it again") from None
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", place.origin, "check the file") from None


@contextmanager
def _open(file: Path) -> Iterator[IO[bytes]]:
    """The decompressed bytes of a file."""
    with file.open("rb") as raw, decompressed(raw) as stream:
        yield stream


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        if not path.is_file():
            raise InputError("not a regular file", str(path), "name a file or a folder")
        return [path]
    root = path.resolve()
    files = []
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(path)
        if any(part.startswith(".") for part in relative.parts) or file.name in NOT_RESOURCES:
            continue
        if _plain_name(file).endswith(LINES + DOCUMENT) and file.is_file():
            if not file.resolve().is_relative_to(root):
                raise InputError("a link leads out of the folder", str(relative), "copy the file into it")
            files.append(file)
    if not files:
        raise InputError("no FHIR files", str(path), "put .json, .ndjson or .jsonl files (or .gz) into the folder")
    return files
