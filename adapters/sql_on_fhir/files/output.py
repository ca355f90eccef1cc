"""Write rows to a Parquet, CSV or NDJSON file for each view, or to standard output.

A file appears under its name only when it is complete.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, cast

from adapters.errors import InputError
from adapters.sql_on_fhir.compiled import CompiledView
from adapters.sql_on_fhir.files.texts import csv_header

if TYPE_CHECKING:
    from adapters.sql_on_fhir.files.parquet import ParquetFile

FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
FORMATS = ("parquet", "csv", "exact-csv", "ndjson")


class Output:
    """The file of one view; `with` closes it and removes it after a failure."""

    def __init__(self, view: CompiledView, path: Path | None, form: str) -> None:
        self.path = path
        self.partial = path.with_name(f".{path.name}.partial") if path is not None else None
        self.stream: IO[bytes] = self._open()
        self.parquet = self._parquet(view) if form == "parquet" else None
        if form in ("csv", "exact-csv"):
            self.stream.write(csv_header(view))

    def _open(self) -> IO[bytes]:
        if self.path is None or self.partial is None:
            return cast("IO[bytes]", sys.stdout.buffer)
        if self.path.exists() and not self.path.is_file():  # a device or a folder must not be replaced by a file
            raise InputError("not a regular file", str(self.path), "name another output with --out")
        try:
            self.partial.parent.mkdir(parents=True, exist_ok=True)
            return self.partial.open("wb")
        except OSError as fault:
            raise InputError("cannot write there", str(self.path), "name another output with --out") from fault

    def _parquet(self, view: CompiledView) -> ParquetFile:
        from adapters.sql_on_fhir.files.parquet import ParquetFile

        return ParquetFile(self.stream, view.arrow_schema)

    def write(self, chunks: Iterable[bytes]) -> None:
        """Append what a worker rendered."""
        for chunk in chunks:
            if self.parquet is None:
                self.stream.write(chunk)
            else:
                self.parquet.write(chunk)

    def __enter__(self) -> Output:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.parquet is not None:
            self.parquet.close(complete=fault is None)
        if self.partial is None or self.path is None:
            self.stream.flush()
            return
        self.stream.close()
        if fault is None:
            self.partial.replace(self.path)
        else:
            self.partial.unlink(missing_ok=True)


def destinations(views: list[CompiledView], out: Path | None, form: str) -> list[Path | None]:
    """The file of each view: `out` itself for one view, `out/<view>.<format>` for several."""
    if form not in FORMATS:
        raise InputError(f"unknown format {form!a}", "", f"choose one of {', '.join(FORMATS)}")
    if len(views) == 1 and (out is None or not out.is_dir()):
        if out is None and form == "parquet":
            raise InputError("Parquet cannot go to standard output", "", "name a file with --out")
        return [out]
    if out is None:
        raise InputError("several views need a folder to write to", "", "name one with --out")
    names = [view.name or f"view{number}" for number, view in enumerate(views)]
    for name in names:
        if not FILE_NAME.fullmatch(name):  # a view from elsewhere must not choose a place
            what = f"the name of a view cannot be that of a file: {name[:40]!a}"
            raise InputError(what, "ViewDefinition.name", "use letters, digits and _, as the specification asks")
    if len({name.casefold() for name in names}) < len(names):
        raise InputError("two views have the same name", "", "give each ViewDefinition its own name")
    suffix = form.removeprefix("exact-")
    return [out / f"{name}.{suffix}" for name in names]
