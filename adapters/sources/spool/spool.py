"""Downloaded resources on disk until the tables are written, so that an interrupted pull can be resumed.

One folder per server and question, outside the repository, readable by its owner only. A part of a pull (one type for one
chunk of patients, or one file of an export) is a file that is renamed into place when it is complete and then entered in
`done.jsonl`; parts that are not entered there are fetched again. The folder is locked while a pull works in it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Annotated, Any, TypeVar

import msgspec

from adapters.errors import IncompleteError, InputError
from adapters.fhir import strict_json
from adapters.sources.base import Read
from adapters.sources.http.origin import Base
from adapters.sources.spool.counts import SearchCounts, now
from adapters.sources.spool.lock import lock_folder

ENCODER = msgspec.json.Encoder(decimal_format="number")  # 0.10 stays 0.10
REPOSITORY = Path(__file__).resolve().parents[3]
DONE = "done.jsonl"
Value = TypeVar("Value")


def default_root() -> Path:
    """Where spools lie: STUDY_SPOOL, else the user's state folder."""
    chosen = os.environ.get("STUDY_SPOOL")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(chosen) if chosen else Path(state) / "radionuclide-study"


def private_file(path: Path) -> IO[bytes]:
    """A new file, for reading and writing, that only its owner can read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")


class Entry(msgspec.Struct):
    """A line of `done.jsonl`: a finished part."""

    part: str
    file: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]+\.ndjson$")]
    resources: Annotated[int, msgspec.Meta(ge=0)]
    sha256: str
    verified: bool = False
    not_asked_for: int | None = None
    counts: dict[str, SearchCounts] = {}


def _entry(line: bytes) -> dict[str, Any] | None:
    """The entry of a line; None if it was cut off by the end of a process, or damaged."""
    try:
        entry: dict[str, Any] = msgspec.to_builtins(msgspec.json.decode(line, type=Entry))
    except (RecursionError, msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return entry


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


@dataclass
class Spool:
    """The folder of one question to one server, locked until it is released, removed or put aside.

    parts : entries of the parts of this pull, fetched now or by an interrupted pull; no other file is read
    resumed : number of parts that an interrupted pull had finished

    Raises InputError: within the repository, or another pull is at work in it.
    """

    folder: Path
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    resumed: int = 0

    def __post_init__(self) -> None:
        resolved = self.folder.resolve()
        if REPOSITORY in (resolved, *resolved.parents):
            raise InputError("raw resources are never kept in the repository", "STUDY_SPOOL", "name another folder")
        self.release = weakref.finalize(self, os.close, lock_folder(self.folder))  # once, however often it is called
        self.folder.chmod(0o700)
        self._lock = Lock()
        for path in self.folder.iterdir():
            if path.is_symlink() or not path.is_file():  # nothing that a pull writes
                _remove(path)

    def done(self) -> dict[str, dict[str, Any]]:
        """Entries of `done.jsonl` by name of the part."""
        try:
            lines = (self.folder / DONE).read_bytes().splitlines()
        except OSError:
            return {}
        entries = filter(None, map(_entry, lines))
        return {entry["part"]: entry for entry in entries if (self.folder / entry["file"]).exists()}

    def resume(self, part: str, done: dict[str, dict[str, Any]]) -> int | None:
        """Use a part that an interrupted pull finished; gives its number of resources, None if it is not finished."""
        if part not in done or not self._is_whole(done[part]):
            return None
        self.parts[part] = done[part]
        self.resumed += 1
        return int(done[part]["resources"])

    def forget(self, kind: str) -> None:
        """Remove the finished parts of a resource type, so that they are fetched again."""
        for part, entry in self.done().items():
            if part.partition(" ")[0] == kind:
                (self.folder / entry["file"]).unlink()

    def keep(self, part: str, number: str, resources: Iterable[dict[str, Any]], **facts: Any) -> int:
        """Write the resources of a part, all or none, and enter it as finished; gives their number.

        number : makes the file's name; it holds no id
        """
        target = self.folder / f"{number}.ndjson"
        unfinished = target.with_suffix(".part")
        written, digest = 0, hashlib.sha256()
        with private_file(unfinished) as file:
            for resource in resources:
                line = ENCODER.encode(resource) + b"\n"
                file.write(line)
                digest.update(line)
                written += 1
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        self._note({"part": part, "file": target.name, "resources": written, "sha256": digest.hexdigest(), **facts})
        return written

    def read(self, entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The resources of a finished part.

        Raises IncompleteError if the file is not what was written; it is removed, so that the next pull fetches it again.
        """
        digest, path = hashlib.sha256(), self.folder / entry["file"]
        try:
            with path.open("rb") as lines:
                for line in lines:
                    digest.update(line)
                    yield strict_json.loads(line.decode())
        except (OSError, strict_json.JsonError, UnicodeDecodeError):
            digest = hashlib.sha256(b"damaged")
        if digest.hexdigest() != entry["sha256"]:
            path.unlink(missing_ok=True)
            what = f"a part of what was fetched is gone or damaged ({path.name})"
            raise IncompleteError(what, str(self.folder), "pull again: it will be fetched anew")

    def _is_whole(self, entry: dict[str, Any]) -> bool:
        """True if the file of a part is what was written."""
        try:
            with (self.folder / entry["file"]).open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() == entry["sha256"]
        except OSError:
            return False

    def records(self, base: Base, whose: str) -> Iterator[Read]:
        """All resources of this pull as a source gives them; origins name the type and a running number.

        whose : "the server". Raises IncompleteError when a part is gone or damaged.
        """
        for part, entry in sorted(self.parts.items()):
            kind = part.partition(" ")[0]
            for line, resource in enumerate(self.read(entry), start=1):
                address = base.url(f"{resource['resourceType']}/{resource['id']}")
                yield Read(resource, f"{kind} of {whose}, resource {line}", kind, address)

    def remember(self, name: str, value: Any) -> None:
        """Store a small JSON value with the spool."""
        part = self.folder / f"{name}.part"
        with private_file(part) as file:
            file.write(json.dumps(value).encode())
        part.replace(self.folder / f"{name}.json")

    def recall(self, name: str, kind: type[Value]) -> Value | None:
        """A value stored before, None if there is none of this type."""
        try:
            return msgspec.json.decode((self.folder / f"{name}.json").read_bytes(), type=kind)
        except (OSError, RecursionError, msgspec.MsgspecError):
            return None

    def has(self, name: str) -> bool:
        """True if a value of this name was stored, whatever became of it."""
        return (self.folder / f"{name}.json").exists()

    def clear(self) -> None:
        """Remove everything in the folder and start anew; it stays locked."""
        self.parts.clear()
        self.resumed = 0
        for path in self.folder.iterdir():
            _remove(path)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.release()

    def put_aside(self) -> Path:
        """Rename the folder, so that the next pull does not resume it. Gives the new name."""
        aside = self.folder.with_name(f"{self.folder.name}-{now().replace(':', '')}")
        self.folder.replace(aside)
        self.release()
        return aside

    def _note(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self.parts[entry["part"]] = entry
            descriptor = os.open(self.folder / DONE, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            with os.fdopen(descriptor, "a", encoding="utf-8") as lines:
                lines.write("\n" + json.dumps(entry) + "\n")  # the line before may have been cut
                lines.flush()
                os.fsync(lines.fileno())
