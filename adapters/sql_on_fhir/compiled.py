"""A compiled view: what `compile_view` returns."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import pyarrow as pa

# The two libraries of functions enter themselves into the table of functions.
from adapters.sql_on_fhir import columns, functions_collection, functions_value  # noqa: F401
from adapters.sql_on_fhir.definition import Column, read_view
from adapters.sql_on_fhir.errors import ExpressionError
from adapters.sql_on_fhir.fast_runtime import Unusual
from adapters.sql_on_fhir.fast_view import RunView, generate
from adapters.sql_on_fhir.shapes import Shape
from adapters.sql_on_fhir.source import NotFastError
from adapters.sql_on_fhir.tolerant import Tolerant

# A wrong shape shows as AttributeError or TypeError where the fast form meets it.
UNUSUAL = (Unusual, ExpressionError, AttributeError, TypeError)

logger = logging.getLogger(__name__)


class Finding(NamedTuple):
    """A value that does not fit: view, column (empty for a where or forEach), path and reason; never the value."""

    view: str
    column: str
    path: str
    reason: str


class ViewColumn(NamedTuple):
    """A column as it comes out: `type` is the declared FHIR type, or the one the path leads to, or None."""

    name: str
    type: str | None
    collection: bool


OnFinding = Callable[[str, str, str, str], None]


class CompiledView:
    """A view ready to run.

    Attributes
    ----------
    name, resource_type : from the ViewDefinition
    columns : tuple of ViewColumn (name, type, collection), in output order
    arrow_schema : pyarrow schema of the columns
    fallbacks : expressions that fhirpathpy evaluates because they are not compiled; empty as a rule
    findings : Counter of Finding, filled where no `on_finding` is given
    """

    def __init__(self, definition: Any, own_bases: tuple[str, ...] | None, fallback: bool) -> None:
        self.definition = definition
        self.view = read_view(definition)
        self.name = self.view.name
        self.resource_type = self.view.resource
        self.findings: Counter[Finding] = Counter()
        self._tolerant = Tolerant(self.view, own_bases, fallback, self._record)
        self.fallbacks = tuple(path.text for path in self._tolerant.fallbacks)
        self.columns = tuple(
            ViewColumn(column.name, self._tolerant.types[column.name], column.collection)
            for column in self.view.columns
        )
        self.names = tuple(column.name for column in self.columns)
        self.unusual = 0
        self._run = self._fast(None)
        self.shape = Shape()
        self.run_struct = self._fast(self.shape)
        self.arrow_schema = pa.schema([self._field(column) for column in self.view.columns])

    def _fast(self, shape: Shape | None) -> RunView | None:
        try:
            return generate(self.view, self._tolerant.settings, self._tolerant.types, shape)
        except NotFastError:
            return None

    def _field(self, column: Column) -> pa.Field:
        kind = self._tolerant.types[column.name]
        metadata = {"fhir_type": kind or ""}
        return pa.field(column.name, columns.arrow_type(kind, column.sql_type, column.collection), metadata=metadata)

    def rows(
        self, resources: Iterable[Mapping[str, Any]], on_finding: OnFinding | None = None
    ) -> Iterator[dict[str, Any]]:
        """The rows of all resources of the view's type, in order; others are passed over.

        A value that does not fit its declared type becomes None and a finding: `on_finding(view, column, path,
        reason)` is called, or without it the finding is counted in `findings` and logged once. Where a path gives
        several values though one is declared, or a `where` is not Boolean, ViewError is raised, unless
        `on_finding` is given: then that too is a finding.
        """
        names = self.names
        for resource in resources:
            for row in self.tuples(resource, on_finding):
                yield dict(zip(names, row, strict=True))

    def tuples(self, resource: Any, on_finding: OnFinding | None = None) -> list[tuple[Any, ...]]:
        """The rows of one resource as tuples in column order; none if it is of another type."""
        if not isinstance(resource, Mapping) or resource.get("resourceType") != self.resource_type:
            return []
        if self._run is not None:
            rows: list[tuple[Any, ...]] = []
            try:
                self._run(resource, rows.append)
            except UNUSUAL:
                self.unusual += 1
            else:
                return rows
        return self._tolerant.rows(resource, self._reporter(on_finding))

    def _reporter(self, on_finding: OnFinding | None) -> Any:
        if on_finding is None:
            return None
        return lambda column, path, reason: on_finding(self.name, column, path, reason)

    def _record(self, column: str, path: str, reason: str) -> None:
        """Count a finding nobody listens to, and say it once."""
        finding = Finding(self.name, column, path, reason)
        if finding not in self.findings:
            logger.warning("view %s, column %s, %r: %s", *finding)
        self.findings[finding] += 1
