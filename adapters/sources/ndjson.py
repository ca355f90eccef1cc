"""NDJSON: one resource a line. Blank lines, CRLF and a byte order mark are fine; a line cut off at the end never is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from adapters.errors import InputError
from adapters.sources import Read, strict_json
from adapters.sources.bundle import Place, Tally, no_resource, opened

BOM = b"\xef\xbb\xbf"


def read_lines(lines: Iterable[bytes], place: Place, tally: Tally, *, accept_unreadable: bool) -> Iterator[Read]:
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
        where = place.at(f":{number}")
        cut, fault, value = None, None, None
        try:
            value = strict_json.loads(line.decode("utf-8"))
            fault = no_resource(value)
        except UnicodeDecodeError:
            cut = _unreadable("not UTF-8 text", where)
        except strict_json.JsonError as error:
            cut = _unreadable(f"not JSON: {error.reason}", where)
        if fault is not None or cut is not None:
            if not accept_unreadable:
                raise cut or _unreadable(str(fault), where)
            tally.unreadable += 1
            continue
        yield from opened(_as_resource(value), where, tally)
    if cut is not None:
        raise InputError("the last line is cut off", cut.where, "the file is truncated: copy or export it again")


def _as_resource(value: Any) -> dict[str, Any]:
    resource: dict[str, Any] = value
    return resource


def _unreadable(what: str, where: Place) -> InputError:
    remedy = "export the file again, or pass --accept-unreadable to count such lines and go on"
    return InputError(what, where.origin, remedy)
