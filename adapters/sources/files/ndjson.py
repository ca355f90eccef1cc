"""NDJSON: one resource a line. Blank lines, CRLF and a byte order mark are allowed; a last line cut off is an error."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from adapters.errors import InputError
from adapters.fhir import strict_json
from adapters.sources.base import Line, Read
from adapters.sources.files.bundle import FileCounts, Place, no_resource, opened

BOM = b"\xef\xbb\xbf"
_FIRST_TYPE = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]+)"')


def read_lines(lines: Iterable[bytes], place: Place, counts: FileCounts, *, accept_unreadable: bool) -> Iterator[Read]:
    """The resources of an NDJSON file.

    Raises InputError at the first line that is no resource; with `accept_unreadable` such lines are counted instead,
    but a last line that does not parse remains an error, since it shows that the file was cut off.
    """
    cut: InputError | None = None
    for number, line in enumerate(lines, start=1):
        if number == 1:
            line = line.removeprefix(BOM)
        if not line.strip():
            continue
        origin = f"{place.origin}:{number}"
        cut, fault = None, None
        value: Any = None
        try:
            value = strict_json.loads(line.decode("utf-8"))
            fault = no_resource(value)
        except UnicodeDecodeError:
            cut = _unreadable("not UTF-8 text", origin)
        except strict_json.JsonError as error:
            cut = _unreadable(f"not JSON: {error.reason}", origin)
        if fault is not None or cut is not None:
            if not accept_unreadable:
                raise cut or _unreadable(str(fault), origin)
            counts.unreadable += 1
        elif value["resourceType"] == "Bundle":
            yield from opened(value, Place(origin, place.file), counts)
        else:
            yield Read(value, origin, place.file)
    if cut is not None:
        raise InputError("the last line is cut off", cut.where, "the file is truncated: copy or export it again")


def reread_lines(lines: Iterable[bytes], place: Place, counts: FileCounts) -> Iterator[Read | Line]:
    """The records of a file that `read_lines` read without a fault. A line that names its type first is not decoded."""
    beginning, kind = b"?", ""  # how the line before began, as most do; at first what no resource begins with
    for line in lines:
        if not line.startswith(beginning):
            match = _FIRST_TYPE.match(line)
            if match is None or match[1] == b"Bundle":
                yield from read_lines((line,), place, counts, accept_unreadable=False)
                continue
            beginning, kind = match[0], match[1].decode()
        yield Line(kind, line)


def _unreadable(what: str, origin: str) -> InputError:
    remedy = "export the file again, or pass --accept-unreadable to count such lines and go on"
    return InputError(what, origin, remedy)
