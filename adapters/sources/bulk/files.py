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
from adapters.sources.files.bundle import Place, Tally
from adapters.sources.files.compression import DAMAGED, unpacked
from adapters.sources.files.ndjson import read_lines
from adapters.sources.http.client import HttpClient, Nobody
from adapters.sources.http.origin import LinkError, parse, parse_origin
from adapters.sources.search.searcher import check_outcome
from adapters.sources.spool.spool import Spool, private_file
from adapters.sources.spool.tally import TemplateTally, now

NDJSON = {"Accept": "application/fhir+ndjson"}
FILES = "bulk output file"
PERMISSION = "--allow-output-origin"
OUTCOME = "OperationOutcome"


class SpoiltError(IncompleteError):
    """The export itself is at fault: its files will never be better, only another export can be."""

    def __init__(self, what: str, where: str, remedy: str = "export again") -> None:
        super().__init__(what, where, remedy)


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
    places = Counter((one.type, _place(one.url)) for one in dict.fromkeys(files))
    addresses = [one.url if places[one.type, _place(one.url)] > 1 else _place(one.url) for one in files]
    hashes = [hashlib.sha256(address.encode()).hexdigest()[:16] for address in addresses]
    return {f"{one.type} {digest}": one for one, digest in zip(files, hashes, strict=True)}


def _place(url: str) -> str:
    return url.partition("?")[0]


@dataclass
class BulkFiles:
    """Reads the files of one job. `wanted`: the resource types that are kept; `query`: what the manifest calls it."""

    client: HttpClient
    spool: Spool
    status_url: str
    wanted: frozenset[str]
    query: str
    _done: dict[str, dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self._done = self.spool.done()

    def kept(self, name: str, file: OutputFile, position: int) -> int:
        """Put the wanted resources of a file into the spool; gives their number. A finished file is not asked again.

        Raises SpoiltError: damaged, or not as many as the manifest says. Raises IncompleteError: not to be fetched.
        """
        finished = self.spool.resume(name, self._done)
        if finished is not None:
            return finished
        noted: dict[str, Any] = {}  # filled when the file has been read, which is before the spool writes it down
        resources = self._chosen(file, f"{FILES} {position}", noted)
        return self.spool.keep(name, f"export-{name.rpartition(' ')[2]}", resources, tally=noted)

    def outcomes(self, file: OutputFile) -> TemplateTally:
        """What an error file comes to. Raises SpoiltError when it tells of an error."""
        tally = TemplateTally()
        for resource in self._resources(file, FILES, tally):
            _outcome_noted(resource, FILES, tally)
        return tally

    def _chosen(self, file: OutputFile, where: str, noted: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """The wanted resources of a file. What else it holds is counted, and outcomes in it are heeded."""
        tally, ids, begun = TemplateTally(1, total=file.count, started=now()), set(), time.monotonic()
        read = 0
        for resource in self._resources(file, where, tally):
            read += 1
            if resource["resourceType"] not in self.wanted:
                tally.surplus += 1
                _outcome_noted(resource, where, tally)
                continue
            if not isinstance(resource.get("id"), str) or not resource["id"]:
                raise SpoiltError("a resource has no id", where)
            tally.entries += 1
            ids.add(hash((resource["resourceType"], resource["id"])))
            yield resource
        if file.count is not None and file.count != read:
            raise SpoiltError(f"a file of {file.count} resources holds {read}", where)
        tally.distinct_ids, tally.seconds, tally.ended = len(ids), time.monotonic() - begun, now()
        noted[self.query] = asdict(tally)

    def _resources(self, file: OutputFile, where: str, tally: TemplateTally) -> Iterator[dict[str, Any]]:
        """Resources of one file; a HAPI `Binary` answer is NDJSON too when asked for as such."""
        path = self.spool.folder / "download.part"
        with private_file(path) as sink:
            try:
                tally.retries += self._downloaded(file, sink)
                sink.seek(0)
                yield from _read(_bounded_lines(sink, self.client, where), where)
            finally:
                path.unlink()

    def _downloaded(self, file: OutputFile, sink: IO[bytes]) -> int:
        """Pour a file into the sink; gives how often it was tried again. Raises IncompleteError for another place."""
        client = self.client
        if not file.url:
            raise SpoiltError("an entry of the manifest has no address", FILES)
        try:
            url = client.base.resolve(file.url, self.status_url, where=FILES, rewrite=client.config.rewrite_links)
        except LinkError:
            return self._from_outside(file, sink)
        return client.send("GET", url, FILES, headers=NDJSON, with_token=file.with_token, sink=sink).retries

    def _from_outside(self, file: OutputFile, sink: IO[bytes]) -> int:
        """The same for a file that does not lie beneath the base address."""
        client, named = self.client, self.client.config.allow_output_origin
        try:
            origin = parse(file.url)[0]
        except ValueError:
            raise SpoiltError("an entry of the manifest is not an address", FILES) from None
        if not named or origin != parse_origin(named, PERMISSION):
            what = "the export's files lie on another origin"
            if origin == client.base.origin:
                what = "the export's files lie outside the server's base address"
            raise IncompleteError(what, FILES, f"name it with {PERMISSION} {origin} if you trust it")
        own = origin == client.base.origin
        outside = HttpClient(
            client.base.whole_origin, client.config, client.authorizer if own else Nobody(), client.folder,
            tally=client.tally, elsewhere=origin,
        )  # fmt: skip
        try:
            with_token = own and file.with_token
            return outside.send("GET", file.url, FILES, headers=NDJSON, with_token=with_token, sink=sink).retries
        finally:
            outside.close()


def _read(lines: Iterable[bytes], where: str) -> Iterator[dict[str, Any]]:
    try:
        for read in read_lines(lines, Place(where, where), Tally(), accept_unreadable=False):
            yield read.resource
    except InputError as error:
        raise SpoiltError(error.what, error.where) from None


def _outcome_noted(resource: dict[str, Any], where: str, tally: TemplateTally) -> None:
    if resource["resourceType"] != OUTCOME:
        return
    try:
        tally.outcome_issues += check_outcome(resource, where)
    except IncompleteError as error:
        raise SpoiltError(error.what, error.where) from None


def _bounded_lines(sink: IO[bytes], client: HttpClient, where: str) -> Iterator[bytes]:
    """Lines of a file, unpacked where it begins as gzip does. Raises SpoiltError when cut, IncompleteError beyond limits."""
    config, size, stream = client.config, 0, unpacked(sink)
    while True:
        try:
            line = stream.readline(config.max_page_bytes + 1)
        except DAMAGED:
            raise SpoiltError("the compressed file is cut off or damaged", where) from None
        if not line:
            return
        size += len(line)
        if len(line) > config.max_page_bytes:
            raise IncompleteError("one line is larger than max_page_bytes", where, "raise max_page_bytes")
        if size > config.max_file_bytes:
            raise IncompleteError("it is larger than max_file_bytes", where, "raise max_file_bytes")
        yield line
