"""NDJSON blocks -> rows of several views in one pass.

Every line is decoded to its end, also one of a type that no view reads. The quick way decodes a whole block into
structs of what the views read; a block that it cannot decode is read line by line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import InvalidOperation
from typing import Any

import msgspec

from adapters.sql_on_fhir.compiled import UNUSUAL, CompiledView, Finding, Row
from adapters.sql_on_fhir.generated.shapes import FULL, Shape, decoder
from adapters.sql_on_fhir.generated.view import RunView
from adapters.sql_on_fhir.language import elements

PEEK = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"')
# Not only malformed JSON: also a nesting too deep for msgspec and an exponent too large for Decimal.
BEYOND = (msgspec.DecodeError, RecursionError, InvalidOperation)
SPACE = b" \t\r"


class _Header(msgspec.Struct, gc=False):
    resourceType: str  # noqa: N815 - FHIR's name


HEADER = msgspec.json.Decoder(_Header)


@dataclass(slots=True)
class Tally:
    """Counts of lines, resources by type, unreadable lines and findings."""

    lines: int = 0
    resources: Counter[str] = field(default_factory=Counter)
    unreadable: list[tuple[int, str]] = field(default_factory=list)
    findings: Counter[Finding] = field(default_factory=Counter)


@dataclass(slots=True)
class _Group:
    """The views of one resource type: those over structs, decoded together, and those that need dicts."""

    decode: msgspec.json.Decoder[Any]
    runs: list[tuple[RunView, Callable[[Row], None]]]
    whole: list[int]
    all: list[int]


class LineReader:
    """Feeds blocks of lines to compiled views; `rows[i]` holds the rows of view i until they are taken."""

    def __init__(self, views: Iterable[CompiledView]) -> None:
        self.views = list(views)
        self.rows: list[list[Row]] = [[] for _ in self.views]
        self.tally = Tally()
        kinds = sorted({view.resource_type for view in self.views})
        self.groups = {kind: self._group(kind) for kind in kinds}

    def _group(self, kind: str) -> _Group:
        shape = Shape()
        runs, whole = [], []
        numbers = [number for number, view in enumerate(self.views) if view.resource_type == kind]
        for number in numbers:
            form = self.views[number].struct_form if elements.is_known(kind) else None
            if form is None:
                whole.append(number)
            else:
                shape.merge(form[1])
                runs.append((form[0], self.rows[number].append))
        return _Group(decoder(shape, kind), runs, whole, numbers)

    def report(self, view: CompiledView) -> Callable[[str, str, str], None]:
        """A sink for findings of one view."""
        findings, name = self.tally.findings, view.name

        def note(column: str, path: str, reason: str) -> None:
            findings[Finding(name, column, path, reason)] += 1

        return note

    def block(self, data: bytes) -> None:
        """Read whole lines; lines that cannot be read go to the tally with their number in the block."""
        if not self._quick(data):
            self._slow(data)

    def _quick(self, data: bytes) -> bool:
        """Decode the block at once: only if all its lines are of one type that views want."""
        match = PEEK.match(data)
        kind = match[1].decode() if match else ""
        group = self.groups.get(kind)
        if group is None or group.whole or not _is_utf8(data):
            return False
        try:
            records = group.decode.decode_lines(data)
        except BEYOND:
            return False
        lines = data.count(b"\n") + (not data.endswith(b"\n"))
        if len(records) != lines:
            return False
        self.tally.lines += lines
        self.tally.resources[kind] += lines
        self._run(group, records, data)
        return True

    def _run(self, group: _Group, records: list[Any], data: bytes) -> None:
        """All views over the structs; the complete form evaluates a resource that is not as expected."""
        unusual: list[int] = []
        if len(group.runs) == 1:
            run, append = group.runs[0]
            rows = self.rows[group.all[0]]
            for number, record in enumerate(records):
                mark = len(rows)
                try:
                    run(record, append)
                except UNUSUAL:
                    del rows[mark:]
                    unusual.append(number)
        else:
            unusual = [number for number, record in enumerate(records) if not self._all(group, record)]
        if unusual:
            lines = data.split(b"\n")
            before = self.tally.lines - len(records)
            for number in unusual:
                fault = self._whole(group, lines[number])
                if fault:
                    self.tally.unreadable.append((before + number + 1, fault))

    def _all(self, group: _Group, record: Any) -> bool:
        """True if every view accepted the struct; otherwise the rows of all views for it are removed."""
        marks = [len(self.rows[number]) for number in group.all]
        try:
            for run, append in group.runs:
                run(record, append)
        except UNUSUAL:
            for number, mark in zip(group.all, marks, strict=True):
                del self.rows[number][mark:]
            return False
        return True

    def _by_complete_form(self, numbers: list[int], line: bytes) -> None:
        resource = FULL.decode(line)
        for number in numbers:
            view = self.views[number]
            note = self.report(view)
            self.rows[number].extend(
                view.tuples(resource, lambda _, column, path, reason, note=note: note(column, path, reason))  # type: ignore[misc]
            )

    def _slow(self, data: bytes) -> None:
        for line in data.split(b"\n") if not data.endswith(b"\n") else data[:-1].split(b"\n"):
            self.tally.lines += 1
            if line.strip(SPACE):
                fault = self._line(line)
                if fault:
                    self.tally.unreadable.append((self.tally.lines, fault))

    def _line(self, line: bytes) -> str | None:
        """Read one line; returns its fault without its content, or None."""
        if not _is_utf8(line):
            return "not UTF-8"
        try:
            kind = HEADER.decode(line).resourceType
        except msgspec.ValidationError:
            return "no resource: resourceType is missing"
        except msgspec.DecodeError as fault:
            return f"not JSON ({json_fault(fault)})"
        except RecursionError:
            return "nested too deeply"
        self.tally.resources[kind] += 1
        group = self.groups.get(kind)
        return None if group is None else self._read(group, line)

    def _read(self, group: _Group, line: bytes) -> str | None:
        """A line of a type that views want: over structs if it is as expected."""
        if not group.whole:
            try:
                if self._all(group, group.decode.decode(line)):
                    return None
            except BEYOND:
                pass  # the complete form reports what is wrong
        return self._whole(group, line)

    def _whole(self, group: _Group, line: bytes) -> str | None:
        """Decode the whole resource and evaluate it by the complete form; returns a fault, or None."""
        try:
            self._by_complete_form(group.all, line)
        except RecursionError:
            return "nested too deeply"
        except InvalidOperation:
            return "a number beyond all decimals"
        return None


def _is_utf8(data: bytes) -> bool:
    if data.isascii():
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def json_fault(fault: msgspec.DecodeError) -> str:
    """msgspec's message on malformed JSON: a reason and an offset, without content."""
    return str(fault).removeprefix("JSON is malformed: ")
