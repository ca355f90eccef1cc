"""Rows of a view by closures over collections: the complete form, for data of any shape."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from adapters.sql_on_fhir.complete import columns
from adapters.sql_on_fhir.complete.closures import compile_function
from adapters.sql_on_fhir.complete.typed import Environment, Scope, Settings, Typed
from adapters.sql_on_fhir.language.definition import Column, Path, Select, View
from adapters.sql_on_fhir.language.errors import ExpressionError, ViewError
from adapters.sql_on_fhir.language.syntax import Constant

MAX_REPEAT_DEPTH = 64
Row = tuple[Any, ...]
Report = Callable[[str, str, str], None]  # column, path, reason


@dataclass(slots=True)
class Compiled:
    """An expression of the view and its function."""

    path: Path
    typed: Typed


class CompleteForm:
    """The selects and conditions of one view as closures. Raises ViewError for a view that is wrong or unsupported."""

    def __init__(self, view: View, own_bases: tuple[str, ...] | None, record: Report, *, strict: bool) -> None:
        self.view = view
        self.strict = strict
        self.record = record
        self.settings = Settings(view.resource, view.constants, own_bases)
        self.types: dict[str, str | None] = {}
        root = Scope(view.resource)
        self.where = [self.compile(path, root) for path in view.where]
        for compiled in self.where:
            self._check_boolean(compiled)
        self.select = _SelectRunner(self, view.root, root)

    def compile(self, path: Path, scope: Scope) -> Compiled:
        """The expression as a function. Raises ViewError."""
        try:
            return Compiled(path, compile_function(path.node, scope, self.settings))
        except ExpressionError as fault:
            raise self.fault(path, fault) from fault

    def fault(self, path: Path, fault: ExpressionError) -> ViewError:
        """The error of one expression, as one of the view."""
        return ViewError(
            fault.reason,
            view=self.view.name,
            element=path.element,
            expression=path.text,
            position=fault.position,
        )

    def _check_boolean(self, compiled: Compiled) -> None:
        kind = compiled.typed.type
        if kind is not None and kind not in ("boolean", "System.Boolean"):
            raise self.fault(compiled.path, ExpressionError(f"where needs true or false, not {kind}"))

    def rows(self, resource: Any, report: Report | None) -> list[Row]:
        """The rows of one resource of the view's type."""
        env = Environment(resource)
        if not all(self._holds(condition, env, report) for condition in self.where):
            return []
        return self.select.rows([resource], env, report)

    def _holds(self, condition: Compiled, env: Environment, report: Report | None) -> bool:
        results = self.evaluate(condition, [env.resource], env, "", report)
        if not results:
            return False
        if len(results) == 1 and isinstance(results[0], bool):
            return results[0]
        self.complain(condition.path, ExpressionError("where needs true or false"), "", report)
        return False

    def evaluate(
        self, compiled: Compiled, focus: list[Any], env: Environment, column: str, report: Report | None
    ) -> list[Any]:
        """The values of an expression; where it fails on these data, no values and a report (see `complain`)."""
        try:
            return compiled.typed.run(focus, env)
        except ExpressionError as fault:
            self.complain(compiled.path, fault, column, report)
            return []

    def complain(self, path: Path, fault: ExpressionError, column: str, report: Report | None) -> None:
        """Report a fault that the data cause. Raises ViewError where there is no listener or the view is strict."""
        if report is None or self.strict:
            raise self.fault(path, fault) from fault
        report(column, path.text, fault.reason)


class _SelectRunner:
    """One select: foci, then for each the join of its columns, nested selects and union."""

    def __init__(self, owner: CompleteForm, select: Select, scope: Scope) -> None:
        self.owner = owner
        self.iteration = select.iteration
        self.over = [owner.compile(path, scope) for path in select.over]
        inner = scope
        if self.over:
            typed = self.over[0].typed
            same = all(other.typed.type == typed.type for other in self.over)
            inner = Scope(typed.type if same else None, typed.targets)
        if self.iteration == "repeat":  # a repeat descends through its own results
            self.over = [owner.compile(path, Scope(None)) for path in select.over]
        self.columns = [_ColumnRunner(owner, column, inner) for column in select.columns]
        self.selects = [_SelectRunner(owner, sub, inner) for sub in select.selects]
        self.unions = [_SelectRunner(owner, sub, inner) for sub in select.unions]
        self.blank = tuple(
            0 if isinstance(column.path.node, Constant) and column.path.node.name == "rowIndex" else None
            for column in select.all_columns()
        )

    def rows(self, focus: list[Any], env: Environment, report: Report | None) -> list[Row]:
        """The rows of this select at a focus."""
        if self.iteration is None:
            return self.joined(focus, env, report)
        outer = env.row_index
        rows: list[Row] = []
        number = 0
        for number, item in enumerate(self.foci(focus, env, report), 1):
            env.row_index = number - 1
            rows += self.joined([item], env, report)
        env.row_index = outer
        if number == 0 and self.iteration == "forEachOrNull":
            return [self.blank]
        return rows

    def foci(self, focus: list[Any], env: Environment, report: Report | None) -> Iterator[Any]:
        """The items over which the select repeats."""
        if self.iteration == "repeat":
            return iter(self.descend(focus, env, report, 0))
        return iter(self.owner.evaluate(self.over[0], focus, env, "", report))

    def descend(self, focus: list[Any], env: Environment, report: Report | None, depth: int) -> list[Any]:
        """The items of a `repeat`, each followed by those below it."""
        if depth > MAX_REPEAT_DEPTH:
            self.owner.complain(self.over[0].path, ExpressionError("nested too deeply"), "", report)
            return []
        items: list[Any] = []
        for over in self.over:
            for item in self.owner.evaluate(over, focus, env, "", report):
                items.append(item)
                items += self.descend([item], env, report, depth + 1)
        return items

    def joined(self, focus: list[Any], env: Environment, report: Report | None) -> list[Row]:
        """The rows at one item: its columns with every combination of rows of the selects and unions in it."""
        own = tuple(column.value(focus, env, report) for column in self.columns)
        parts = [select.rows(focus, env, report) for select in self.selects]
        if self.unions:
            parts.append([row for union in self.unions for row in union.rows(focus, env, report)])
        if not parts:
            return [own]
        return [sum(combination, own) for combination in product(*parts)]


class _ColumnRunner:
    """One column: evaluates its path and fits the result to the declared type."""

    def __init__(self, owner: CompleteForm, column: Column, scope: Scope) -> None:
        self.owner = owner
        self.column = column
        self.compiled = owner.compile(column.path, scope)
        kind = column.type or columns.system_type(self.compiled.typed.type)
        owner.types.setdefault(column.name, kind)
        self.fit = columns.fitted(kind)

    def value(self, focus: list[Any], env: Environment, report: Report | None) -> Any:
        """The value of the column at a focus: a single value or None; a list where the column is a collection."""
        name = self.column.name
        values = self.owner.evaluate(self.compiled, focus, env, name, report)
        if self.column.collection:
            fitted = (self.fitted(item, report) for item in values)
            return [item for item in fitted if item is not None]
        if len(values) > 1:
            fault = ExpressionError(f"{len(values)} values where one is declared (collection is not true)")
            self.owner.complain(self.column.path, fault, name, report)
            return None
        return self.fitted(values[0], report) if values else None

    def fitted(self, value: Any, report: Report | None) -> Any:
        """The value in the column's type; None, and a finding, where it does not fit."""
        try:
            return self.fit(value)
        except columns.Misfit as misfit:
            (report or self.owner.record)(self.column.name, self.column.path.text, str(misfit))
            return None
