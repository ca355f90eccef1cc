"""Views over files: NDJSON in, Parquet, CSV or NDJSON out, on all cores, in flat memory."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from adapters.errors import InputError
from adapters.sql_on_fhir.compiled import CompiledView
from adapters.sql_on_fhir.files.blocks import lines_of, pieces
from adapters.sql_on_fhir.files.output import Output, destinations
from adapters.sql_on_fhir.files.pool import Pool, Progressed, workers_for
from adapters.sql_on_fhir.files.worker import Job, Outcome, Worker

Progress = Callable[[int, int], None]
FILE_NAME = re.compile(r".+\.(ndjson|jsonl)(\.gz)?", re.IGNORECASE)


def run_views(  # noqa: PLR0913 - one keyword for each option of the command line
    views: Sequence[Mapping[str, Any]],
    paths: Iterable[Path | str],
    *,
    out: Path | str | None = None,
    format: str = "parquet",  # noqa: A002 - named as the option of the command line
    processes: int | None = None,
    progress: Progress | None = None,
    accept_unreadable: bool = False,
    own_bases: Sequence[str] | None = None,
    strict: bool = False,
) -> dict[str, Any]:
    """Run views over NDJSON files in one pass and write one file for each view.

    Parameters
    ----------
    views : ViewDefinitions as dicts
    paths : NDJSON files (plain or gzip) or folders of them
    out : file for one view, folder for several; None for standard output (one view, csv or ndjson)
    format : "parquet", "ndjson", "csv" (texts that begin like formulas get an apostrophe) or "exact-csv" (without)
    processes : worker processes; None for as many as there are cores if the input is worth it, 1 for none
    progress : called with bytes done and bytes in all
    accept_unreadable : count lines that cannot be read instead of stopping at the first
    own_bases : as for `compile_view`
    strict : several values where a column declares one, or a `where` that is not Boolean, are an error, not a finding

    Gives `lines`, `unreadable`, `resources` by type, `rows` by view, `findings` (view, column, path, reason, count).

    Raises
    ------
    InputError : a file is missing or damaged, a line is no resource, or there are none; nothing is left in `out`
    ViewError : a view is wrong or unsupported, or with `strict` the data break what it declares
    """
    files = _files(paths)
    job = Job(tuple(views), None if own_bases is None else tuple(own_bases), format, strict)
    worker = Worker(job)
    places = destinations(worker.views, None if out is None else Path(out), format)
    workers = processes or workers_for(files)
    outcomes = _alone(worker, files) if workers == 1 else Pool(job, workers).outcomes(files)
    counts = _Counts(worker.views, accept_unreadable)
    with ExitStack() as stack:
        outputs = [stack.enter_context(Output(*pair, format)) for pair in zip(worker.views, places, strict=True)]
        _write(outcomes, outputs, counts, files, progress)
    return counts.result()


def _write(
    outcomes: Iterable[Progressed],
    outputs: Sequence[Output],
    counts: _Counts,
    files: Sequence[Path],
    progress: Progress | None,
) -> None:
    """Write and count what the workers give. Raises InputError for an unreadable line, or if nothing was read."""
    total = sum(path.stat().st_size for path in files)
    for path, done, outcome in outcomes:
        counts.add(path, outcome)
        for output, chunks in zip(outputs, outcome.chunks, strict=True):
            output.write(chunks)
        if progress is not None:
            progress(counts.bytes_before + done, total)
    counts.require_resources(files)


def _files(paths: Iterable[Path | str]) -> list[Path]:
    """The files meant, those of a folder in order of their names."""
    files: list[Path] = []
    for path in map(Path, paths):
        if path.is_dir():
            inside = sorted(entry for entry in path.iterdir() if FILE_NAME.fullmatch(entry.name))
            if not inside:
                raise InputError("no .ndjson or .ndjson.gz file in this folder", str(path), "name the files")
            files += inside
        elif path.is_file():
            files.append(path)
        else:
            raise InputError("no such file or folder", str(path), "check the path")
    if not files:
        raise InputError("nothing to read", "", "name NDJSON files or a folder of them")
    return files


def _alone(worker: Worker, files: Sequence[Path]) -> Iterator[Progressed]:
    """All files in this process."""
    for path in files:
        for piece in pieces(path):
            for outcome in worker.stream(lines_of(piece)):
                yield path, piece.stop, outcome


class _Counts:
    """Sums over outcomes, with line numbers that run through each file."""

    def __init__(self, views: Sequence[CompiledView], accept_unreadable: bool) -> None:
        self.views = views
        self.accept_unreadable = accept_unreadable
        self.path: Path | None = None
        self.lines_before = 0
        self.bytes_before = 0
        self.lines = 0
        self.unreadable = 0
        self.rows = [0] * len(views)
        self.resources: Counter[str] = Counter()
        self.findings: Counter[tuple[str, ...]] = Counter()

    def add(self, path: Path, outcome: Outcome) -> None:
        """Add what one piece of a file gave. Raises InputError for an unreadable line, unless these are accepted."""
        if path != self.path:
            self.bytes_before += self.path.stat().st_size if self.path is not None else 0
            self.path, self.lines_before = path, 0
        if outcome.unreadable and not self.accept_unreadable:
            number, reason = outcome.unreadable[0]
            raise InputError(
                f"a line is no FHIR resource: {reason}",
                f"{path.name}:{self.lines_before + number}",
                "repair the file, or pass --accept-unreadable to count such lines",
            )
        self.unreadable += len(outcome.unreadable)
        self.lines_before += outcome.lines
        self.lines += outcome.lines
        self.rows = [before + now for before, now in zip(self.rows, outcome.rows, strict=True)]
        self.resources += outcome.resources
        self.findings += outcome.findings

    def require_resources(self, files: Sequence[Path]) -> None:
        """Raise InputError where not one resource was read."""
        if not self.resources:
            where = files[0].name if len(files) == 1 else f"{len(files)} files"
            raise InputError("no resources", where, "the source is empty: check what it should hold")

    def result(self) -> dict[str, Any]:
        """The counts as `run_views` gives them."""
        names = [view.name or f"view{number}" for number, view in enumerate(self.views)]
        keys = ("view", "column", "path", "reason", "count")
        return {
            "lines": self.lines,
            "resources": dict(sorted(self.resources.items())),
            "rows": dict(zip(names, self.rows, strict=True)),
            "unreadable": self.unreadable,
            "findings": [
                dict(zip(keys, (*finding, count), strict=True)) for finding, count in sorted(self.findings.items())
            ],
        }
