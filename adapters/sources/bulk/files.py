"""The files of an export: where they may come from, streamed to disk within limits, read line by line in flat memory.

Beneath the base address the token goes along if the manifest asks for it. Anywhere else a file is fetched only from the one
origin that the user named: if that is the server's own, with the token if the manifest asks for it; if it is another,
without token and without client certificate.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import IO, Any

from adapters.errors import IncompleteError, InputError
from adapters.sources.files.bundle import FileCounts, Place
from adapters.sources.files.compression import DAMAGED, decompressed
from adapters.sources.files.ndjson import read_lines
from adapters.sources.http.client import HttpClient, Nobody, Request
from adapters.sources.http.origin import LinkError, parse, parse_origin
from adapters.sources.search.searcher import check_outcome
from adapters.sources.spool.counts import SearchCounts, now
from adapters.sources.spool.spool import Spool, private_file

NDJSON = {"Accept": "application/fhir+ndjson"}
FILES = "bulk output file"
PERMISSION = "--allow-output-origin"
OUTCOME = "OperationOutcome"


class DamagedExportError(IncompleteError):
    """The export is damaged. Its files cannot be read later either; only a new export can."""

    def __init__(self, what: str, where: str, remedy: str = "export again") -> None:
        super().__init__(what, where, remedy)


@dataclass(frozen=True)
class OutputFile:
    """One file of an export's manifest: address, type, stated number of resources, whether it needs the token."""

    url: str
    type: str
    count: int | None
    with_token: bool

    @classmethod
    def of(cls, entry: dict[str, Any], with_token: bool) -> OutputFile:
        """The file of a manifest entry; an unusable count becomes None."""
        url, kind, count = entry.get("url"), str(entry.get("type")), entry.get("count")
        usable = isinstance(count, int) and not isinstance(count, bool)
        return cls(
            url if isinstance(url, str) else "", kind if kind.isalpha() else "unknown", count if usable else None, with_token
        )  # fmt: skip


def by_part(files: Iterable[OutputFile]) -> dict[str, OutputFile]:
    """The files by the names of their parts in the spool: type, and a hash of the address.

    A second answer about the same job may give another order, and another signature in the query. So the query counts
    only where addresses differ in nothing else.
    """
    files = list(files)
    places = Counter((file.type, _place(file.url)) for file in dict.fromkeys(files))
    addresses = [file.url if places[file.type, _place(file.url)] > 1 else _place(file.url) for file in files]
    hashes = [hashlib.sha256(address.encode()).hexdigest()[:16] for address in addresses]
    return {f"{file.type} {digest}": file for file, digest in zip(files, hashes, strict=True)}


def _place(url: str) -> str:
    return url.partition("?")[0]


@dataclass
class BulkFiles:
    """Reads the files of one job. `wanted`: resource types to store; `query`: name of the job in the manifest."""

    client: HttpClient
    spool: Spool
    status_url: str
    wanted: frozenset[str]
    query: str
    _done: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._done = self.spool.done()

    def store(self, name: str, file: OutputFile, position: int) -> int:
        """Store the wanted resources of a file in the spool; gives their number. A finished file is not asked again.

        Raises DamagedExportError: damaged, or not as many as the manifest says. Raises IncompleteError: not to be fetched.
        """
        finished = self.spool.resume(name, self._done)
        if finished is not None:
            return finished
        noted: dict[str, Any] = {}  # filled when the file has been read, which is before the spool writes it down
        resources = self._chosen(file, f"{FILES} {position}", noted)
        return self.spool.keep(name, f"export-{name.rpartition(' ')[2]}", resources, counts=noted)

    def outcomes(self, file: OutputFile) -> SearchCounts:
        """Counts of an error file. Raises DamagedExportError if it states an error."""
        counts = SearchCounts()
        for resource in self._resources(file, FILES, counts):
            _outcome_noted(resource, FILES, counts)
        return counts

    def _chosen(self, file: OutputFile, where: str, noted: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The wanted resources of a file. Others are counted; an outcome that states an error raises DamagedExportError."""
        counts, ids, begun = SearchCounts(1, total=file.count, started=now()), set(), time.monotonic()
        read = 0
        for resource in self._resources(file, where, counts):
            read += 1
            if resource["resourceType"] not in self.wanted:
                counts.surplus += 1
                _outcome_noted(resource, where, counts)
                continue
            if not isinstance(resource.get("id"), str) or not resource["id"]:
                raise DamagedExportError("a resource has no id", where)
            counts.entries += 1
            ids.add(hash((resource["resourceType"], resource["id"])))
            yield resource
        if file.count is not None and file.count != read:
            raise DamagedExportError(f"a file of {file.count} resources holds {read}", where)
        counts.distinct_ids, counts.seconds, counts.ended = len(ids), time.monotonic() - begun, now()
        noted[self.query] = asdict(counts)

    def _resources(self, file: OutputFile, where: str, counts: SearchCounts) -> Iterator[dict[str, Any]]:
        """Resources of one file; a HAPI `Binary` answer is NDJSON too when asked for as such."""
        path = self.spool.folder / "download.part"
        with private_file(path) as sink:
            try:
                counts.retries += self._downloaded(file, sink)
                sink.seek(0)
                yield from _read(_bounded_lines(sink, self.client, where), where)
            finally:
                path.unlink()

    def _downloaded(self, file: OutputFile, sink: IO[bytes]) -> int:
        """Download a file into the sink; gives the number of retries. Raises IncompleteError for another origin."""
        client = self.client
        if not file.url:
            raise DamagedExportError("an entry of the manifest has no address", FILES)
        try:
            url = client.base.resolve(file.url, self.status_url, where=FILES, rewrite=client.config.rewrite_links)
        except LinkError:
            return self._from_outside(file, sink)
        return client.send(Request("GET", url, FILES, NDJSON, with_token=file.with_token, sink=sink)).retries

    def _from_outside(self, file: OutputFile, sink: IO[bytes]) -> int:
        """The same for a file that does not lie beneath the base address."""
        client, named = self.client, self.client.config.allow_output_origin
        try:
            origin = parse(file.url)[0]
        except ValueError:
            raise DamagedExportError("an entry of the manifest is not an address", FILES) from None
        if not named or origin != parse_origin(named, PERMISSION):
            what = "the export's files lie on another origin"
            if origin == client.base.origin:
                what = "the export's files lie outside the server's base address"
            raise IncompleteError(what, FILES, f"name it with {PERMISSION} {origin} if you trust it")
        own = origin == client.base.origin
        outside = HttpClient(
            client.base.whole_origin, client.config, client.authorizer if own else Nobody(), client.folder,
            counts=client.counts, elsewhere=origin,
        )  # fmt: skip
        try:
            with_token = own and file.with_token
            return outside.send(Request("GET", file.url, FILES, NDJSON, with_token=with_token, sink=sink)).retries
        finally:
            outside.close()


def _read(lines: Iterable[bytes], where: str) -> Iterator[dict[str, Any]]:
    try:
        for read in read_lines(lines, Place(where, where), FileCounts(), accept_unreadable=False):
            yield read.resource
    except InputError as error:
        raise DamagedExportError(error.what, error.where) from None


def _outcome_noted(resource: dict[str, Any], where: str, counts: SearchCounts) -> None:
    if resource["resourceType"] != OUTCOME:
        return
    try:
        counts.outcome_issues += check_outcome(resource, where)
    except IncompleteError as error:
        raise DamagedExportError(error.what, error.where) from None


def _bounded_lines(sink: IO[bytes], client: HttpClient, where: str) -> Iterator[bytes]:
    """Decompressed lines of a file. Raises DamagedExportError when cut, IncompleteError beyond limits."""
    config, size, stream = client.config, 0, decompressed(sink)
    while True:
        try:
            line = stream.readline(config.max_page_bytes + 1)
        except DAMAGED:
            raise DamagedExportError("the compressed file is cut off or damaged", where) from None
        if not line:
            return
        size += len(line)
        if len(line) > config.max_page_bytes:
            raise IncompleteError("one line is larger than max_page_bytes", where, "raise max_page_bytes")
        if size > config.max_file_bytes:
            raise IncompleteError("it is larger than max_file_bytes", where, "raise max_file_bytes")
        yield line
