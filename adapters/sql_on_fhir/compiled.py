"""A compiled view: what `compile_view` returns."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from adapters.sql_on_fhir.checks import Check, checker

# The three libraries of functions enter themselves into the table of functions.
from adapters.sql_on_fhir.complete import functions_collection, functions_fhir, functions_value  # noqa: F401
from adapters.sql_on_fhir.complete.rows import CompleteForm, Report
from adapters.sql_on_fhir.generated.runtime import Unusual
from adapters.sql_on_fhir.generated.shapes import Shape
from adapters.sql_on_fhir.generated.source import NotGeneratedError
from adapters.sql_on_fhir.generated.view import RunView, generate
from adapters.sql_on_fhir.language.definition import read_view
from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.reads import read_shape

if TYPE_CHECKING:
    import pyarrow as pa

logger = logging.getLogger(__name__)
# A wrong shape shows as ValidationError when a dict becomes a struct, or as AttributeError or TypeError afterwards.
UNUSUAL = (Unusual, ExpressionError, AttributeError, TypeError, msgspec.ValidationError)
OnFinding = Callable[[str, str, str, str], None]
Row = tuple[Any, ...]


class Finding(NamedTuple):
    """A value that does not fit its column. `column` is empty for a where or forEach; the value itself is not stored."""

    view: str
    column: str
    path: str
    reason: str


class ViewColumn(NamedTuple):
    """A column of the rows: `type` is the declared FHIR type, else the type of the path, else None."""

    name: str
    type: str | None
    collection: bool


class CompiledView:
    """A view ready to run.

    Attributes
    ----------
    name, resource_type : from the ViewDefinition
    columns : tuple of ViewColumn (name, type, collection), in output order
    arrow_schema : pyarrow schema of the columns
    findings : Counter of Finding, filled where no `on_finding` is given
    unusual : number of resources that the complete form had to evaluate
    """

    def __init__(self, definition: Any, own_bases: tuple[str, ...] | None, *, strict: bool = False) -> None:
        self.definition = definition
        self.own_bases = own_bases
        self.view = read_view(definition)
        self.name = self.view.name
        self.resource_type = self.view.resource
        self.findings: Counter[Finding] = Counter()
        self.unusual = 0
        self._complete = CompleteForm(self.view, own_bases, self._record, strict=strict)
        types = self._complete.types
        self.columns = tuple(
            ViewColumn(column.name, types[column.name], column.collection) for column in self.view.columns
        )
        self.names = tuple(column.name for column in self.columns)

    @cached_property
    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema of the columns; pyarrow is loaded only when it is asked for."""
        from adapters.sql_on_fhir.arrow_types import schema

        return schema(self.view, self._complete.types)

    def rows(
        self, resources: Iterable[Mapping[str, Any]], on_finding: OnFinding | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of all resources of the view's type, in order; other resources are skipped.

        A value that does not fit its declared type becomes None and a finding: `on_finding(view, column, path,
        reason)` is called, or without it the finding is counted in `findings` and logged once. Where a path gives
        several values though one is declared, or a `where` is not Boolean, ViewError is raised, unless
        `on_finding` is given: then that too is a finding.
        """
        run, wanted = self._run_named, self.resource_type
        report = self._reporter(on_finding)
        rows: list[dict[str, Any]] = []
        for resource in resources:
            if not isinstance(resource, dict) or resource.get("resourceType") != wanted:
                continue
            try:
                run(resource, rows.append)
            except UNUSUAL:
                rows = self._named(self._unusual(resource, report))
            yield from rows
            rows.clear()

    def tuples(self, resource: Any, on_finding: OnFinding | None = None) -> list[Row]:
        """The rows of one resource as tuples in column order; none if it is of another type."""
        if not isinstance(resource, dict) or resource.get("resourceType") != self.resource_type:
            return []
        rows: list[Row] = []
        try:
            self._run(resource, rows.append)
        except UNUSUAL:
            return self._unusual(resource, self._reporter(on_finding))
        return rows

    def complete_rows(self, resource: Any, on_finding: OnFinding | None = None) -> list[Row]:
        """As `tuples`, by the complete form alone: slow; tests compare the two forms."""
        if not isinstance(resource, dict) or resource.get("resourceType") != self.resource_type:
            return []
        return self._complete.rows(resource, self._reporter(on_finding))

    def check(self, resource: Any) -> list[tuple[str, str]]:
        """The invalid fields among those that this view reads, as (path, reason); never the value.

        Empty for a valid resource, and for one of another type.
        """
        if not isinstance(resource, dict) or resource.get("resourceType") != self.resource_type:
            return []
        return self._check(resource)

    @cached_property
    def _check(self) -> Check:
        return checker(self.resource_type, self.read_shape)

    @cached_property
    def read_shape(self) -> Shape:
        """The tree of properties that the view reads."""
        return read_shape(self.view)

    def _unusual(self, resource: dict[str, Any], report: Report | None) -> list[Row]:
        self.unusual += 1
        return self._complete.rows(resource, report)

    def _named(self, rows: list[Row]) -> list[dict[str, Any]]:
        return [dict(zip(self.names, row, strict=True)) for row in rows]

    @cached_property
    def _run(self) -> RunView:
        return self._over_dicts(named=False)

    @cached_property
    def _run_named(self) -> RunView:
        return self._over_dicts(named=True)

    @cached_property
    def struct_form(self) -> tuple[RunView, Shape] | None:
        """The function over structs and the shape they need; None where the view reads open elements."""
        return self._over_structs(named=False)

    def _over_structs(self, *, named: bool) -> tuple[RunView, Shape] | None:
        shape = Shape()
        try:
            return generate(self.view, self._complete.settings, self._complete.types, shape, named=named), shape
        except NotGeneratedError:
            return None

    def _over_dicts(self, *, named: bool) -> RunView:
        """The generated form for dicts: what the view reads of a resource becomes a struct first."""
        form = self._over_structs(named=named)
        if form is None:
            return _always_unusual
        run, shape = form
        struct = shape.struct(self.resource_type, self.resource_type)
        return lambda resource, append: run(msgspec.convert(resource, struct), append)

    def _reporter(self, on_finding: OnFinding | None) -> Report | None:
        if on_finding is None:
            return None
        return lambda column, path, reason: on_finding(self.name, column, path, reason)

    def _record(self, column: str, path: str, reason: str) -> None:
        """Count a finding that has no listener, and log it the first time."""
        finding = Finding(self.name, column, path, reason)
        if finding not in self.findings:
            logger.warning("view %s, column %s, %r: %s", *finding)
        self.findings[finding] += 1


def _always_unusual(_resource: Any, _append: Callable[[Any], None]) -> None:
    """Replaces the generated form of a view that has none: every resource goes to the complete form."""
    raise Unusual
