"""The command `view`: any ViewDefinitions on any source. NDJSON is streamed; other sources go through a spool file."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from adapters.errors import InputError
from adapters.progress import Progress
from adapters.sources.base import Source
from adapters.sources.files.source import FileSource
from adapters.sql_on_fhir.files.pool import workers_for
from adapters.sql_on_fhir.files.stream import run_views

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def run_view_command(
    views: list[Path], source: Source, row_format: str, out: Path | None, progress: Progress, *, accept_unreadable: bool
) -> dict[str, Any]:
    """Run the views and write their rows. Raises InputError and ViewError.

    Gives the counts of `run_views`, and under `not_met` the resource types that a view asks for and the source lacks.
    """
    definitions = [_definition(path) for path in views]
    options: dict[str, Any] = {"out": out, "format": row_format, "progress": partial(progress, "bytes")}
    if isinstance(source, FileSource) and source.only_lines:
        options["progress"] = partial(_checked_progress, source, progress)
        return _run(definitions, source.files, accept_unreadable=accept_unreadable, **options)
    with tempfile.TemporaryDirectory() as folder:  # mode 0700
        spool = Path(folder) / "resources.ndjson"
        with spool.open("wb") as file:
            for number, resource in enumerate(_resources(source), start=1):
                file.write(_ENCODER.encode(resource) + b"\n")
                progress("reading", number)
        return _run(definitions, [spool], **options)


def _checked_progress(source: FileSource, progress: Progress, done: int, total: int) -> None:
    """Show progress; at the end, before the rows appear, raise InputError if a file was written to meanwhile."""
    progress("bytes", done, total)
    source.check_unchanged(listing=done >= total)


def _run(definitions: list[dict[str, Any]], files: list[Path], **options: Any) -> dict[str, Any]:
    if options["format"] == "parquet" and workers_for(files) == 1:
        from adapters.sql_on_fhir.files.arrow import leave_pandas_out

        leave_pandas_out()
    counts = run_views(definitions, files, strict=True, **options)
    not_met = {str(definition["resource"]) for definition in definitions} - set(counts["resources"])
    return counts | {"not_met": sorted(not_met)}


def summary(counts: dict[str, Any]) -> list[str]:
    """Lines about a run: rows of each view, missing types, unreadable lines, values that did not fit."""
    rows = ", ".join(f"{number} rows of {name}" for name, number in counts["rows"].items())
    lines = [f"{sum(counts['resources'].values())} resources read: {rows}"]
    lines += [f"the source holds no {kind}" for kind in counts["not_met"]]
    if counts["unreadable"]:
        lines.append(f"lines that cannot be read, left out: {counts['unreadable']}")
    for row in counts["findings"]:
        column = f", column {row['column']}" if row["column"] else ""
        lines.append(f"finding: view {row['view']}{column}, {row['path']!r}: {row['reason']} ({row['count']}×)")
    return lines


def types_of(views: list[Path]) -> frozenset[str]:
    """The resource types that the views read. Raises InputError."""
    return frozenset(str(_definition(path).get("resource", "")) for path in views) - {""}


def _definition(path: Path) -> dict[str, Any]:
    try:
        definition = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise InputError(f"the view cannot be read ({error.strerror})", str(path), "check the file") from None
    except ValueError:
        raise InputError("the view is not JSON", str(path), "correct the file") from None
    if not isinstance(definition, dict):
        raise InputError("the view is not a ViewDefinition", str(path), "give a ViewDefinition as JSON")
    return definition


def _resources(source: Source) -> Iterator[dict[str, Any]]:
    """All resources, with references by fullUrl made relative: outside their Bundle they would lead nowhere."""
    from adapters.fhir.references import references_in
    from adapters.reading.references import Directory, key_of
    from adapters.reading.version_resolution import digest

    directory = Directory()
    for read in source.read():
        directory.add(read, key_of(read, digest(read.resource)))
    for read in source.read():
        read.resource.setdefault("id", key_of(read, digest(read.resource)).partition("/")[2])
        for _, holder in references_in(read.resource, ""):
            if holder["reference"].startswith("urn:"):
                key = directory.find(holder["reference"], "", read.bundle)
                holder["reference"] = key or holder["reference"]
        yield read.resource
