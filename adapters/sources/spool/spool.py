"""Downloaded resources on disk until the tables are written, so that an interrupted pull can be resumed.

One folder per server and question, outside the repository, readable by its owner only. A part of a pull (one type for one
chunk of patients, or one file of an export) is a file that is renamed into place when it is complete and then entered in
`done.jsonl`; parts that are not entered there are fetched again. The folder is locked while a pull works in it.
"""

from __future__ import annotations

import json
import os
import shutil
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import IO, Any

import msgspec

from adapters.errors import IncompleteError, InputError
from adapters.fhir import strict_json
from adapters.sources.base import Read
from adapters.sources.http.origin import Base
from adapters.sources.spool.counts import now
from adapters.sources.spool.lock import lock_folder

ENCODER = msgspec.json.Encoder(decimal_format="number")  # 0.10 stays 0.10
REPOSITORY = Path(__file__).resolve().parents[3]
DONE = "done.jsonl"


def default_root() -> Path:
    """Where spools lie: STUDY_SPOOL, else the user's state folder."""
    chosen = os.environ.get("STUDY_SPOOL")
    state = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(chosen) if chosen else Path(state) / "radionuclide-study"


def private_file(path: Path) -> IO[bytes]:
    """A new file, for reading and writing, that only its owner can read."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b")


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

    def done(self) -> dict[str, dict[str, Any]]:
        """Entries of `done.jsonl` by name of the part."""
        file = self.folder / DONE
        if not file.exists():
            return {}
        parts = {}
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue  # the line being written when the process was ended
            if (self.folder / entry["file"]).exists():
                parts[entry["part"]] = entry
        return parts

    def resume(self, part: str, done: dict[str, dict[str, Any]]) -> int | None:
        """Use a part that an interrupted pull finished; gives its number of resources, None if it is not finished."""
        if part not in done:
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
        written = 0
        with private_file(unfinished) as file:
            for resource in resources:
                file.write(ENCODER.encode(resource) + b"\n")
                written += 1
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
        self._note({"part": part, "file": target.name, "resources": written, **facts})
        return written

    def read(self, entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The resources of a finished part. Raises IncompleteError when the file is not what was written."""
        number = 0
        try:
            with (self.folder / entry["file"]).open(encoding="utf-8") as lines:
                for line in lines:
                    yield strict_json.loads(line)
                    number += 1
        except (FileNotFoundError, strict_json.JsonError, UnicodeDecodeError):
            number = -1
        if number != entry["resources"]:
            raise IncompleteError("a part of what was fetched is gone or damaged", "spool", "pull again")

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

    def recall(self, name: str) -> Any:
        """A value stored before, or None."""
        file = self.folder / f"{name}.json"
        try:
            return json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None

    def clear(self) -> None:
        """Remove everything in the folder and start anew; it stays locked."""
        self.parts.clear()
        self.resumed = 0
        for path in self.folder.iterdir():
            path.unlink()

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
