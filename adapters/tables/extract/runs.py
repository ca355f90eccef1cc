"""The views of one resource type over its resources, decoded together into structs of what the views read.

A resource that is not as expected goes alone, as a dict, and what is wrong with it is noted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from adapters.reading.raw_resource import RawResource
from adapters.sql_on_fhir import CompiledView
from adapters.sql_on_fhir.compiled import UNUSUAL, Row
from adapters.sql_on_fhir.files.lines import BEYOND
from adapters.sql_on_fhir.generated.shapes import Shape, decoder
from adapters.sql_on_fhir.generated.view import RunView
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.elements import Element

TOGETHER = 64  # resources decoded at once: more would leave the processor's cache
ID = Element("id", "id", False)
Note = Callable[[str, CompiledView, str, str, str], None]  # key of the resource, view, column, path, reason


class Runs:
    """Runs `views`, all of the resource type `kind`; `rows[i]` are those of view i, in the order of the resources."""

    def __init__(self, kind: str, views: Sequence[CompiledView], note: Note) -> None:
        self.kind = kind
        self.views = views
        self.rows: list[list[Row]] = [[] for _ in views]
        self._note = note
        self._waiting: list[RawResource] = []
        self._structs = self._over_structs()

    def _over_structs(self) -> tuple[msgspec.json.Decoder[Any], list[tuple[RunView, list[Row]]]] | None:
        """One decoder for what all views read, and the views over its structs; None where a view needs more."""
        shape = Shape()
        shape.child(ID)
        runs = []
        for view, rows in zip(self.views, self.rows, strict=True):
            form = view.struct_form if elements.is_known(self.kind) else None
            if form is None:
                return None
            shape.merge(form[1])
            runs.append((form[0], rows))
        return decoder(shape, self.kind), runs

    def add(self, resource: Mapping[str, Any] | RawResource, key: str) -> None:
        """Take one more resource; rows may come later, see `finish`."""
        if isinstance(resource, RawResource):
            self._waiting.append(resource)
            if len(self._waiting) == TOGETHER:
                self.finish()
        else:
            self.finish()
            self._alone(resource, key)

    def taken(self, view: CompiledView) -> list[Row]:
        """The rows of a view, which are not kept here."""
        number = self.views.index(view)
        rows, self.rows[number] = self.rows[number], []
        return rows

    def finish(self) -> None:
        """Run the views over the resources that wait."""
        waiting, self._waiting = self._waiting, []
        if self._structs is None:
            records = None
        else:
            decode, runs = self._structs
            records = _decoded(decode, waiting)
        for number, raw in enumerate(waiting):
            if records is None or not self._quickly(records[number], raw.key, runs):
                self._alone(raw.resource(), raw.key)

    def _quickly(self, record: Any, key: str, runs: list[tuple[RunView, list[Row]]]) -> bool:
        """True if the struct has the id of its key and every view took it; if not, its rows are removed."""
        if key != f"{self.kind}/{record.f_id}":
            return False
        marks = [len(rows) for rows in self.rows]
        try:
            for run, rows in runs:
                run(record, rows.append)
        except UNUSUAL:
            for rows, mark in zip(self.rows, marks, strict=True):
                del rows[mark:]
            return False
        return True

    def _alone(self, resource: Mapping[str, Any], key: str) -> None:
        def note(_name: str, column: str, path: str, reason: str) -> None:
            self._note(key, view, column, path, reason)

        for view, rows in zip(self.views, self.rows, strict=True):
            rows += view.tuples(resource, note)


def _decoded(decode: msgspec.json.Decoder[Any], waiting: Sequence[RawResource]) -> list[Any] | None:
    """A struct for each resource; None where any of them does not fit."""
    try:
        records = decode.decode_lines(b"\n".join([raw.text for raw in waiting]))
    except BEYOND:
        return None
    return records if len(records) == len(waiting) else None
