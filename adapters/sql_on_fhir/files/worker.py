"""One piece of a file -> finished output of every view; what a worker process does."""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from adapters.sql_on_fhir.compiled import CompiledView, Finding, Row
from adapters.sql_on_fhir.files.blocks import Piece, lines_of
from adapters.sql_on_fhir.files.lines import LineReader
from adapters.sql_on_fhir.files.texts import csv_text, ndjson

ROWS = 50_000


@dataclass(frozen=True, slots=True)
class Job:
    """What all pieces of a run share: the views as JSON, how they are compiled, and the output format; see `run_views`."""

    definitions: tuple[Mapping[str, Any], ...]
    own_bases: tuple[str, ...] | None
    format: str
    strict: bool = False


@dataclass(slots=True)
class Outcome:
    """The output of one piece, a list of chunks for each view, and the tally."""

    chunks: list[list[bytes]]
    rows: list[int]
    lines: int = 0
    resources: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    findings: Counter[Finding] = field(default_factory=Counter)


class Worker:
    """Compiled views, ready for pieces."""

    def __init__(self, job: Job) -> None:
        self.format = job.format
        self.views = [CompiledView(definition, job.own_bases, strict=job.strict) for definition in job.definitions]

    def run(self, piece: Piece) -> Outcome:
        """All of a piece at once."""
        outcomes = list(self.stream(lines_of(piece)))
        return merged(outcomes)

    def stream(self, blocks: Iterator[bytes]) -> Iterator[Outcome]:
        """The output in parts of about ROWS rows, so that memory stays flat."""
        reader = LineReader(self.views)
        collecting = gc.isenabled()
        gc.disable()  # rows and structs hold no cycles; looking for some costs a tenth of the time
        try:
            for block in blocks:
                reader.block(block)
                if max(map(len, reader.rows), default=0) >= ROWS:
                    yield self._flush(reader)
        finally:
            if collecting:
                gc.enable()
        yield self._flush(reader)

    def _flush(self, reader: LineReader) -> Outcome:
        tally = reader.tally
        chunks = [
            [self._render(view, rows, reader.report(view))] if rows else []
            for view, rows in zip(self.views, reader.rows, strict=True)
        ]
        outcome = Outcome(
            chunks,
            [len(rows) for rows in reader.rows],
            tally.lines,
            Counter(tally.resources),
            list(tally.unreadable),
            Counter(tally.findings),
        )
        for rows in reader.rows:
            rows.clear()
        tally.lines = 0
        for part in (tally.resources, tally.unreadable, tally.findings):
            part.clear()
        return outcome

    def _render(self, view: CompiledView, rows: Sequence[Row], report: Callable[[str, str, str], None]) -> bytes:
        if self.format in ("csv", "exact-csv"):
            return csv_text(rows, exact=self.format == "exact-csv")
        if self.format == "ndjson":
            return ndjson(view, rows)
        from adapters.sql_on_fhir.files import arrow

        return arrow.ipc(arrow.record_batch(view, rows, report))


def merged(outcomes: Sequence[Outcome]) -> Outcome:
    """The outcomes of one piece as one; line numbers stay relative to the piece."""
    whole = Outcome([[] for _ in outcomes[0].chunks], [0] * len(outcomes[0].rows))
    for part in outcomes:
        whole.unreadable += [(whole.lines + number, reason) for number, reason in part.unreadable]
        whole.lines += part.lines
        whole.resources += part.resources
        whole.findings += part.findings
        for number, chunks in enumerate(part.chunks):
            whole.chunks[number] += chunks
            whole.rows[number] += part.rows[number]
    return whole


_worker: Worker | None = None


def prepare(job: Job) -> None:
    """Called once in every worker process."""
    global _worker
    gc.disable()
    if job.format == "parquet":
        from adapters.sql_on_fhir.files.arrow import leave_pandas_out

        leave_pandas_out()
    _worker = Worker(job)


def work(piece: Piece) -> Outcome:
    """Called in a worker process for each piece."""
    if _worker is None:
        raise RuntimeError("prepare() comes first")
    return _worker.run(piece)
