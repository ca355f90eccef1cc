"""Files and folders as a source: which files are read, how they are opened, and their labels in the manifest."""

from __future__ import annotations

import re
from collections import Counter
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
from adapters.sources.files.folder import SPARE, is_lines, list_folder, stamp, stamp_of_open
from adapters.sources.files.limits import document_within, lines_within
from adapters.sources.files.ndjson import read_lines, reread_lines

_SAFE_WORDS = {"bundle", "demo", "export", "data", "patients", "resources"}
AnyRead = TypeVar("AnyRead", Read, Read | Line)


def safe_label(path: Path, number: int) -> str:
    """A name for the manifest. File names may hold names or numbers of patients, so only known words are kept."""
    words = re.split(r"[._\-]", path.name)
    extensions = {"ndjson", "jsonl", "json", "gz"}
    known = all(w in RESOURCE_TYPES or w in _SAFE_WORDS or w in extensions for w in words)
    kind = "ndjson" if is_lines(path) else "json"
    return path.name if known else f"file-{number:04d}.{kind}"


class FileSource:
    """A Bundle or resource file, an NDJSON file, or a folder of them (subfolders too, hidden ones not)."""

    def __init__(self, path: Path, *, accept_unreadable: bool = False, skip_unknown_files: bool = False) -> None:
        self.name = str(path)
        self._root = path
        self._accept_unreadable = accept_unreadable
        self.manifest: dict[str, Any] = {}
        self.files = self._listed(skip_unknown_files) if path.is_dir() else [_regular(path)]
        self._stamps = {file: stamp(file) for file in self.files}
        self.size_bytes: int | None = sum(file.stat().st_size for file in self.files)
        self.unreadable = 0
        lines = sum(map(is_lines, self.files))
        self.only_lines = lines == len(self.files)
        if path.is_dir():
            self.kind = "folder"
            self.label = "NDJSON folder" if self.only_lines else "folder of FHIR files"
        else:
            self.kind, self.label = ("ndjson", "NDJSON file") if lines else ("bundle", "Bundle file")
        self.manifest |= {"files": len(self.files)}

    def _listed(self, skip_unknown_files: bool) -> list[Path]:
        """The data files of the folder; other entries go to the manifest. Raises InputError for what cannot be read."""
        listing = list_folder(self._root)
        if listing.unread and not skip_unknown_files:
            path, why = listing.unread[0]
            more = f" (and {len(listing.unread) - 1} more)" if len(listing.unread) > 1 else ""
            raise InputError(f"{why}{more}", str(self._root / path), SPARE)
        if not listing.files:
            raise InputError("no FHIR files", self.name, "put .json, .ndjson or .jsonl files (or .gz) into the folder")
        noted = {
            "other_files": dict(sorted(listing.known.items())),
            "empty_files": len(listing.blank),
            "skipped_files": dict(sorted(Counter(why.partition(" (")[0] for _, why in listing.unread).items())),
        }
        self.manifest |= {name: value for name, value in noted.items() if value}
        return listing.files

    def check_unchanged(self, *, listing: bool = True) -> None:
        """Raises InputError if files were written or removed, or with `listing` added, since the source was opened."""
        files = list_folder(self._root).files if listing and self._root.is_dir() else self.files
        for file in {*files, *self.files}:
            if not file.is_file() or self._stamps.get(file) != stamp(file):
                raise _changed(self._shown(file))

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
            yield from self._read_file(file, Place(self._shown(file), safe_label(file, number)), counts, read)
        self.check_unchanged()

    def _shown(self, file: Path) -> str:
        return str(file.relative_to(self._root)) if self._root.is_dir() else file.name

    def _read_file(
        self, file: Path, place: Place, counts: FileCounts, read: Callable[..., Iterator[AnyRead]]
    ) -> Iterator[Read | AnyRead]:
        try:
            with self._opened(file, place) as stream:
                size_bytes = file.stat().st_size
                if is_lines(file):
                    yield from read(lines_within(stream, size_bytes, place), place, counts)
                else:
                    yield from read_document(document_within(stream, size_bytes, place), place, counts)
        except MemoryError:
            what = "it does not fit into the memory of this machine"
            raise InputError(what, place.origin, "give it in parts, or as NDJSON, which is read line by line") from None
        except DAMAGED:
            raise InputError("the compressed file is cut off or damaged", place.origin, "copy it again") from None
        except OSError as error:
            raise InputError(f"cannot be read ({error.strerror})", place.origin, "check the file") from None

    @contextmanager
    def _opened(self, file: Path, place: Place) -> Iterator[IO[bytes]]:
        """The decompressed bytes of a file. Raises InputError if it was written to since the source was opened."""
        with file.open("rb") as raw, decompressed(raw) as stream:
            if stamp_of_open(raw.fileno()) != self._stamps[file]:
                raise _changed(place.origin)
            yield stream
            if stamp_of_open(raw.fileno()) != self._stamps[file]:
                raise _changed(place.origin)


def _changed(where: str) -> InputError:
    return InputError("the source changed while it was read", where, "pull again when nothing writes to it")


def _regular(path: Path) -> Path:
    if not path.is_file():
        raise InputError("not a regular file", str(path), "name a file or a folder")
    return path
