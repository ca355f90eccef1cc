"""A whole view as one Python function: loops for forEach and unionAll, a tuple appended for every row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from adapters.sql_on_fhir.complete import columns, primitives
from adapters.sql_on_fhir.complete.typed import Settings
from adapters.sql_on_fhir.generated.functions import Generator
from adapters.sql_on_fhir.generated.runtime import NUMBERS, valid, valid_time_part
from adapters.sql_on_fhir.generated.shapes import Shape
from adapters.sql_on_fhir.generated.source import NotGeneratedError, Source
from adapters.sql_on_fhir.generated.values import Many, One, Value
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.definition import Column, Select, View
from adapters.sql_on_fhir.language.syntax import Constant, Node, children

RunView = Callable[[Any, Callable[[Any], None]], None]
Continue = Callable[[], None]


def generate(
    view: View, settings: Settings, types: dict[str, str | None], shape: Shape, *, named: bool = False
) -> RunView:
    """The function `run(struct, append)`; the properties that the struct must have are noted in `shape`.

    Rows are tuples in column order, or dicts if `named`. Raises NotGeneratedError.
    """
    return _ViewWriter(view, settings, types, shape, named).function()


class _ViewWriter:
    """Writes the selects of one view."""

    def __init__(self, view: View, settings: Settings, types: dict[str, str | None], shape: Shape, named: bool) -> None:
        self.view = view
        self.named = named
        self.types = types
        self.source = Source()
        self.generator = Generator(self.source, settings)
        self.root = One("r", view.resource, shape=shape, present=True, is_root=True)
        self.variables: dict[str, str] = {}

    def function(self) -> RunView:
        """The whole view as one function."""
        if not elements.is_known(self.view.resource):
            raise NotGeneratedError("unknown resource type")
        for path in self.view.where:
            true, _ = self.generator.condition(path.node, self.root)
            self.source.add(f"if not {true}: return")
        self.select(self.view.root, self.root, self.emit, last=True)
        made: RunView = self.source.function("def run(r, append):")
        return made

    def emit(self) -> None:
        """Append a row made of the variables of all columns."""
        names = [self.variables[column.name] for column in self.view.columns]
        if self.named:
            pairs = zip(self.view.columns, names, strict=True)
            self.source.add("append({" + ", ".join(f'"{column.name}": {name}' for column, name in pairs) + "})")
        else:
            self.source.add(f"append(({', '.join(names)},))")

    def select(self, select: Select, this: One, then: Continue, *, last: bool) -> None:
        """Write a select; `then` writes what follows for each of its rows, at no cost if `last`."""
        if select.iteration is None:
            self.body(select, this, then, last=last)
        elif select.iteration == "forEach":
            self.loop(select, self.generator.value(select.over[0].node, this), then, last=last)
        elif select.iteration == "repeat":
            raise NotGeneratedError("repeat")
        elif last:
            self.loop_or_null(select, this, then)
        else:
            self.gathered(select, lambda add: self.loop_or_null(select, this, add), then)

    def loop(self, select: Select, value: Value, then: Continue, *, last: bool) -> None:
        """Write a select once for each of its items."""
        outer = self.generator.row_index
        counter = self.source.set("-1") if numbers_rows(select) else None

        def body(item: One) -> None:
            if counter is not None:
                self.source.add(f"{counter} += 1")
                self.generator.row_index = counter
            if item.type is None:
                raise NotGeneratedError("open type")
            self.body(select, item, then, last=last)

        self.generator.deliver(value, body)
        self.generator.row_index = outer

    def loop_or_null(self, select: Select, this: One, then: Continue) -> None:
        """forEachOrNull: the rows of the foci, or one row of nulls where there is none."""
        some = self.source.set("False")
        value = self.generator.value(select.over[0].node, this)
        noted = Many(lambda body: self.generator.deliver(value, lambda item: self.note(some, item, body)), value.type)
        self.loop(select, noted, then, last=True)
        with self.source.block(f"if not {some}:"):
            for column in select.all_columns():
                self.variables[column.name] = "0" if is_row_index(column.path.node) else "None"
            then()

    def note(self, some: str, item: One, body: Callable[[One], None]) -> None:
        self.source.add(f"{some} = True")
        body(item)

    def gathered(self, select: Select, write: Callable[[Continue], None], then: Continue) -> None:
        """Collect the rows of a select in a list first, so that what follows is written once."""
        rows = self.source.set("[]")
        names = [column.name for column in select.all_columns()]

        def add() -> None:
            self.source.add(f"{rows}.append(({', '.join(self.variables[name] for name in names)},))")

        write(add)
        fresh = [self.source.fresh() for _ in names]
        with self.source.block(f"for {', '.join(fresh)}, in {rows}:"):
            self.variables.update(zip(names, fresh, strict=True))
            then()

    def body(self, select: Select, this: One, then: Continue, *, last: bool) -> None:
        """Columns, then nested selects one inside the other, then the union."""
        for column in select.columns:
            self.variables[column.name] = self.column(column, this)
        self.nested(list(select.selects), select, this, then, last=last)

    def nested(self, rest: list[Select], select: Select, this: One, then: Continue, *, last: bool) -> None:
        """Write the selects inside, one within the other, then the union."""
        if rest:
            follows = len(rest) > 1 or bool(select.unions)
            self.select(
                rest[0],
                this,
                lambda: self.nested(rest[1:], select, this, then, last=last),
                last=last and not follows,
            )
        elif not select.unions:
            then()
        elif last or len(select.unions) == 1:
            self.branches(select, this, then, last=last)
        else:
            self.gathered(select.unions[0], lambda add: self.branches(select, this, add, last=True), then)

    def branches(self, select: Select, this: One, then: Continue, *, last: bool) -> None:
        for branch in select.unions:
            self.select(branch, this, then, last=last)

    # Columns

    def column(self, column: Column, this: One) -> str:
        """A variable with the column's value, fitted to its type."""
        value = self.generator.value(column.path.node, this)
        kind = self.types[column.name]
        if column.collection:
            return self.collection(value, kind)
        single = self.generator.single(value)
        return self.fitted(single, kind)

    def collection(self, value: Value, kind: str | None) -> str:
        """Write a list of all values that fit."""
        items = self.source.set("[]")
        self.generator.deliver(value, lambda item: self.source.add(f"{items}.append({self.fitted(item, kind)})"))
        return items

    def fitted(self, value: One, kind: str | None) -> str:
        """The variable of a value after the check of its type; constants need none."""
        name = value.name
        if kind is None:
            return name
        if name in self.source.names or name in ("True", "False", "None") or name.lstrip("-").isdigit():
            return self.fitted_constant(value, kind)
        there = "" if value.present else f"{name} is not None and "
        trusted = value.shape is not None
        if kind in elements.BOOLEAN_TYPES:
            self.demand(
                there, f"type({name}) is not bool", value.type in elements.BOOLEAN_TYPES and (trusted or value.present)
            )
        elif kind == "decimal":
            numbers = self.source.refer(NUMBERS, ("numbers",))
            self.generator.guard(f"{there}type({name}) not in {numbers}")
        elif kind in elements.INTEGER_TYPES:
            low, high = primitives.INTEGER_LIMITS[kind]
            self.generator.guard(f"{there}(type({name}) is not int or not {low} <= {name} <= {high})")
        elif kind in elements.TEMPORAL_TYPES:
            self.temporal(name, there, kind)
        elif kind in elements.TEXT_TYPES:
            is_text = value.type in elements.TEXT_TYPES or value.type in elements.TEMPORAL_TYPES
            self.demand(there, f"type({name}) is not str", is_text and (trusted or value.type == "System.String"))
        else:
            raise NotGeneratedError("a complex column needs the whole element")
        return name

    def demand(self, there: str, fault: str, certain: bool) -> None:
        if not certain:
            self.generator.guard(there + fault)

    def temporal(self, name: str, there: str, kind: str) -> None:
        """Check date and time apart: each repeats in the data, while the two together do not."""
        whole = self.source.refer(valid(kind), ("valid", kind))
        otherwise = "if"
        if kind in ("dateTime", "instant"):
            days = self.source.refer(valid("date"), ("valid", "date"))
            times = self.source.refer(valid_time_part(), ("valid time",))
            self.generator.guard(f"{there}type({name}) is not str")
            with self.source.block(f"if {there}len({name}) > 10:"):
                self.source.add(f"{days}[{name}[:10]]; {times}[{name}[10:]]")
            otherwise = "elif"
        self.source.add(f"{otherwise} {there.removesuffix(' and ') or 'True'}: {whole}[{name}]")

    def fitted_constant(self, value: One, kind: str) -> str:
        """A literal in the path, converted now; where it does not fit, the complete form reports it."""
        if value.name == "None":
            return value.name
        held = self.source.names.get(value.name)
        if held is None:
            held = {"True": True, "False": False}.get(value.name)
            held = int(value.name) if held is None else held
        try:
            return self.source.refer(columns.fitted(kind)(held))
        except columns.Misfit as misfit:
            raise NotGeneratedError(str(misfit)) from misfit


def is_row_index(node: Node) -> bool:
    """True for `%rowIndex` alone."""
    return isinstance(node, Constant) and node.name == "rowIndex"


def numbers_rows(select: Select) -> bool:
    """True if a path of the select or below uses `%rowIndex`."""
    paths = [path.node for path in select.over] + [column.path.node for column in select.columns]
    if any(_uses_row_index(node) for node in paths):
        return True
    return any(numbers_rows(part) for part in (*select.selects, *select.unions))


def _uses_row_index(node: Node) -> bool:
    return is_row_index(node) or any(_uses_row_index(child) for child in children(node))
