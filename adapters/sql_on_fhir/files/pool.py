"""The worker processes of one run: pieces of files out, their outcomes back in the order of the input."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from pathlib import Path

from adapters.sql_on_fhir.files.blocks import Piece, pieces
from adapters.sql_on_fhir.files.worker import Job, Outcome, prepare, work

WORTH_PROCESSES = 48 << 20  # bytes of input below which starting processes costs more than it saves
AHEAD = 4  # pieces under way for each process: enough that none waits while a row group is written
Progressed = tuple[Path, int, Outcome]  # file, bytes of it done, outcome


def workers_for(files: Sequence[Path]) -> int:
    """As many processes as there are cores if the input is worth it, else 1."""
    if sum(path.stat().st_size for path in files) < WORTH_PROCESSES:
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Pool:
    """Worker processes that load their libraries as soon as this is made, while the caller loads its own."""

    def __init__(self, job: Job, workers: int) -> None:
        self.job = job
        self.workers = workers
        self.context = _context(job.format)

    def outcomes(self, files: Iterable[Path]) -> Iterator[Progressed]:
        """Work on all files, few pieces under way at a time, so that memory stays flat."""
        window: deque[tuple[Piece, Future[Outcome]]] = deque()
        executor = ProcessPoolExecutor(self.workers, self.context, initializer=prepare, initargs=(self.job,))
        try:
            for path in files:
                for piece in pieces(path):
                    window.append((piece, executor.submit(work, piece)))
                    if len(window) >= AHEAD * self.workers:
                        yield _taken(window)
            while window:
                yield _taken(window)
        finally:
            executor.shutdown(wait=True, cancel_futures=True)


def _context(row_format: str) -> BaseContext:
    """How processes start: forked from a server that has loaded what they need, where the system can do that."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    modules = ["worker", "arrow"] if row_format == "parquet" else ["worker"]
    context.set_forkserver_preload([f"adapters.sql_on_fhir.{module}" for module in modules])
    forkserver.ensure_running()
    return context


def _taken(window: deque[tuple[Piece, Future[Outcome]]]) -> Progressed:
    piece, future = window.popleft()
    return piece.path, piece.stop, future.result()
