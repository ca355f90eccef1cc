"""The files of an export: where they may come from, streamed to disk within limits, read line by line in flat memory.

The token goes to the server's own origin only, and only if the manifest asks for it. Another https origin must be named
by the user and gets neither token nor client certificate.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec

from adapters.errors import IncompleteError
from adapters.sources import strict_json
from adapters.sources.http_client import HttpClient, Nobody
from adapters.sources.http_origin import parse
from adapters.sources.server_spool import Spool, private_file

NDJSON = {"Accept": "application/fhir+ndjson"}
FILES = "bulk output file"
GZIP_MAGIC = b"\x1f\x8b"
BOM = "\ufeff".encode()


@dataclass(frozen=True)
class OutputFile:
    """One entry of a manifest: address, type, how many resources it is said to hold, whether it asks for the token."""

    url: str
    type: str
    count: int | None
    with_token: bool

    @classmethod
    def of(cls, entry: dict[str, Any], with_token: bool) -> OutputFile:
        """The entry as it stands in the manifest; an unusable count is none."""
        count = entry.get("count")
        usable = isinstance(count, int) and not isinstance(count, bool)
        return cls(str(entry.get("url", "")), str(entry.get("type", "unknown")), count if usable else None, with_token)


@dataclass
class BulkFiles:
    """Reads the files of one job. `wanted`: the resource types that are kept."""

    client: HttpClient
    spool: Spool
    status_url: str
    wanted: frozenset[str]
    _done: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._done = self.spool.done()

    def kept(self, file: OutputFile, position: int) -> int:
        """Put the wanted resources of a file into the spool; gives their number. A finished file is not asked again.

        Raises IncompleteError: not to be fetched, damaged, or not as many as the manifest says.
        """
        name = f"{file.type if file.type.isalpha() else 'unknown'} {position}"
        finished = self.spool.resume(name, self._done)
        if finished is not None:
            return finished
        read = 0

        def chosen() -> Iterator[dict[str, Any]]:
            nonlocal read
            for resource in self._lines(file, position):
                read += 1
                if resource["resourceType"] in self.wanted:
                    if not isinstance(resource.get("id"), str) or not resource["id"]:
                        raise IncompleteError("a resource has no id", f"{FILES} {position}", "export again")
                    yield resource
            if file.count is not None and file.count != read:
                what = f"a file of {file.count} resources holds {read}"
                raise IncompleteError(what, f"{FILES} {position}", "export again")

        return self.spool.keep(name, f"export-{position:05d}", chosen())

    def outcomes(self, file: OutputFile) -> Iterator[dict[str, Any]]:
        """The OperationOutcomes of an error file."""
        for resource in self._lines(file, 0):
            if resource["resourceType"] == "OperationOutcome":
                yield resource

    def _lines(self, file: OutputFile, position: int) -> Iterator[dict[str, Any]]:
        """Resources of one file; a HAPI `Binary` answer is NDJSON too when asked for as such."""
        url, own = self._address(file.url)
        path = self.spool.folder / "download.part"
        with private_file(path) as sink:
            if own:
                self.client.send("GET", url, FILES, headers=NDJSON, with_token=file.with_token, sink=sink)
            else:
                self._from_outside(url, sink)
            sink.seek(0)
            try:
                yield from self._resources(sink, f"{FILES} {position}" if position else FILES)
            finally:
                path.unlink()

    def _resources(self, sink: IO[bytes], where: str) -> Iterator[dict[str, Any]]:
        magic = sink.read(len(GZIP_MAGIC))
        sink.seek(0)
        lines = _bounded_lines(sink, magic == GZIP_MAGIC, self.client, where)
        for number, line in enumerate(lines, start=1):
            place = f"{where}, line {number}"
            try:
                text = line.removeprefix(BOM).decode()
                resource = strict_json.loads(text) if text.strip() else None
            except UnicodeDecodeError:
                raise IncompleteError("it is not UTF-8 text", where, "export again") from None
            except strict_json.JsonError:
                raise IncompleteError("a line is not JSON", place, "export again") from None
            if resource is None and not text.strip():
                continue
            if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
                raise IncompleteError("a line is no resource", place, "export again")
            yield resource

    def _address(self, url: str) -> tuple[str, bool]:
        """The file's address and whether it lies on the server itself. Raises IncompleteError for another origin."""
        base, config = self.client.base, self.client.config
        try:
            return base.resolve(url, self.status_url, where=FILES, rewrite=config.rewrite_links), True
        except IncompleteError:
            allowed = config.allow_output_origin
            if not allowed or not _same_origin(url, allowed):
                what = "the export's files lie on another origin"
                raise IncompleteError(what, FILES, "name it with --allow-output-origin if you trust it") from None
            return url, False

    def _from_outside(self, url: str, sink: Any) -> None:
        config = msgspec.structs.replace(self.client.config, client_cert="", client_key="")
        outside = HttpClient(self.client.base, config, Nobody(), self.client.folder, tally=self.client.tally)
        try:
            outside.send("GET", url, FILES, headers=NDJSON, with_token=False, sink=sink)
        finally:
            outside.close()


def _bounded_lines(sink: IO[bytes], packed: bool, client: HttpClient, where: str) -> Iterator[bytes]:
    """Lines of a file, unpacked where it begins as gzip does. Raises IncompleteError beyond the limits, or when cut."""
    config, size = client.config, 0
    stream: Any = gzip.GzipFile(fileobj=sink, mode="rb") if packed else sink
    while True:
        try:
            line = stream.readline(config.max_page_bytes + 1)
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise IncompleteError("the compressed file is cut off or damaged", where, "export again") from None
        if not line:
            return
        size += len(line)
        if len(line) > config.max_page_bytes:
            raise IncompleteError("one line is larger than max_page_bytes", where, "raise max_page_bytes")
        if size > config.max_file_bytes:
            raise IncompleteError("it is larger than max_file_bytes", where, "raise max_file_bytes")
        yield line


def _same_origin(url: str, allowed: str) -> bool:
    try:
        origin, named = parse(url)[0], parse(allowed)[0]
    except ValueError:
        return False
    return origin == named and (origin.scheme == "https" or origin.is_loopback)
