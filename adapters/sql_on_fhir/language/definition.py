"""ViewDefinition (JSON, SQL on FHIR 2.0 or 3.0 ballot) -> checked structure.

Every error names the element that is wrong; this module reads no data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.errors import ExpressionError, ViewError
from adapters.sql_on_fhir.language.parser import parse
from adapters.sql_on_fhir.language.syntax import Node

RESOURCE_TYPES = ("ViewDefinition", "https://sql-on-fhir.org/ig/StructureDefinition/ViewDefinition")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
RESOURCE_NAME = re.compile(r"[A-Z][A-Za-z]{1,63}")
MAX_SELECT_DEPTH = 16
MAX_SELECTS = 500
ITERATIONS = ("forEach", "forEachOrNull", "repeat")


@dataclass(frozen=True, slots=True)
class Path:
    """An expression and its element in the view."""

    text: str
    element: str
    node: Node


@dataclass(frozen=True, slots=True)
class Column:
    """One column as declared; `type` is None where the view leaves it open, `sql_type` comes from the tag `ansi/type`."""

    name: str
    path: Path
    type: str | None
    collection: bool
    sql_type: str | None = None


@dataclass(frozen=True, slots=True)
class Select:
    """One select: what it iterates over, its own columns, nested selects (joined) and branches (united)."""

    element: str
    iteration: str | None
    over: tuple[Path, ...]
    columns: tuple[Column, ...]
    selects: tuple[Select, ...]
    unions: tuple[Select, ...]

    def all_columns(self) -> Iterator[Column]:
        """The columns in output order: own, those of nested selects, those of the (first) union branch."""
        yield from self.columns
        for select in self.selects:
            yield from select.all_columns()
        if self.unions:
            yield from self.unions[0].all_columns()


@dataclass(frozen=True, slots=True)
class View:
    """A checked ViewDefinition; `root` is the select that joins the view's selects."""

    name: str
    resource: str
    constants: Mapping[str, tuple[Any, str]]
    where: tuple[Path, ...]
    root: Select

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of a row, in order."""
        return tuple(self.root.all_columns())


def read_view(definition: Any) -> View:
    """Check a ViewDefinition given as dict; raises ViewError."""
    return _Reader(definition).view()


class _Reader:
    """Reads one definition; every error carries the view's name."""

    def __init__(self, definition: Any) -> None:
        self.definition = definition
        name = definition.get("name") if isinstance(definition, Mapping) else None
        self.name = name if isinstance(name, str) else ""
        self.selects = 0

    def fault(self, reason: str, element: str, expression: str = "", position: int | None = None) -> ViewError:
        return ViewError(reason, view=self.name, element=element, expression=expression, position=position)

    def view(self) -> View:
        """The whole definition."""
        definition = self.definition
        if not isinstance(definition, Mapping):
            raise self.fault("a ViewDefinition is a JSON object", "")
        if definition.get("resourceType", "ViewDefinition") not in RESOURCE_TYPES:
            raise self.fault("is not a ViewDefinition", "resourceType")
        resource = definition.get("resource")
        if not isinstance(resource, str) or not RESOURCE_NAME.fullmatch(resource):
            raise self.fault("the resource type to read is missing or no type name", "resource")
        constants = self.constants(definition.get("constant", []))
        where = tuple(self.path(entry, "path", name) for name, entry in self.items(definition, "where", ""))
        selects = tuple(self.select(entry, name, 1) for name, entry in self.items(definition, "select", ""))
        if not selects:
            raise self.fault("a view needs at least one select", "select")
        root = Select("", None, (), (), selects, ())
        self.check_names(root)
        return View(self.name, resource, constants, where, root)

    def items(self, owner: Mapping[str, Any], key: str, within: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """The objects of a list with the name of each, `select[2]`."""
        prefix = f"{within}.{key}" if within else key
        entries = owner.get(key, [])
        if not isinstance(entries, list):
            raise self.fault("must be a list", prefix)
        for number, entry in enumerate(entries):
            element = f"{prefix}[{number}]"
            if not isinstance(entry, Mapping):
                raise self.fault("must be an object", element)
            yield element, entry

    def constants(self, entries: Any) -> dict[str, tuple[Any, str]]:
        """Value and type of each constant, by name."""
        constants: dict[str, tuple[Any, str]] = {}
        for element, entry in self.items({"constant": entries}, "constant", ""):
            name = entry.get("name")
            if not isinstance(name, str) or not NAME.fullmatch(name):
                raise self.fault("a constant needs a name of letters, digits and _", f"{element}.name")
            if name in constants:
                raise self.fault(f"constant {name} is defined twice", element)
            constants[name] = self.constant_value(entry, element)
        return constants

    def constant_value(self, entry: Mapping[str, Any], element: str) -> tuple[Any, str]:
        """Value and type of one constant: its only `value[x]`."""
        keys = [key for key in entry if key.startswith("value") and len(key) > 5]
        if len(keys) != 1:
            raise self.fault("a constant has exactly one value[x]", element)
        suffix = keys[0][5:]
        kind = suffix[0].lower() + suffix[1:]
        value = entry[keys[0]]
        if kind not in elements.PRIMITIVE_TYPES or isinstance(value, dict | list) or value is None:
            raise self.fault("the value of a constant is a primitive", f"{element}.{keys[0]}")
        return value, kind

    def path(self, owner: Mapping[str, Any], key: str, within: str) -> Path:
        return self.expression(owner.get(key), f"{within}.{key}")

    def expression(self, text: Any, element: str) -> Path:
        """A FHIRPath text, parsed."""
        if not isinstance(text, str) or not text.strip():
            raise self.fault("a FHIRPath expression is expected", element)
        try:
            return Path(text, element, parse(text))
        except ExpressionError as fault:
            raise self.fault(fault.reason, element, text, fault.position) from fault

    def select(self, entry: Mapping[str, Any], element: str, depth: int) -> Select:
        """One select with those nested in it."""
        self.selects += 1
        if depth > MAX_SELECT_DEPTH or self.selects > MAX_SELECTS:
            raise self.fault(
                f"selects nested deeper than {MAX_SELECT_DEPTH} or more than {MAX_SELECTS} in all: is one part of itself?",
                shortened_element(element),
            )
        iteration, over = self.iteration(entry, element)
        columns = tuple(self.column(column, name) for name, column in self.items(entry, "column", element))
        selects = tuple(self.select(sub, name, depth + 1) for name, sub in self.items(entry, "select", element))
        unions = tuple(self.select(sub, name, depth + 1) for name, sub in self.items(entry, "unionAll", element))
        if not columns and not selects and not unions:
            raise self.fault("a select needs column, select or unionAll", element)
        self.check_union(unions)
        return Select(element, iteration, over, columns, selects, unions)

    def iteration(self, entry: Mapping[str, Any], element: str) -> tuple[str | None, tuple[Path, ...]]:
        """What a select repeats over: `forEach`, `forEachOrNull` or `repeat`, and its paths; None without."""
        given = [key for key in ITERATIONS if key in entry]
        if len(given) > 1:
            raise self.fault(f"only one of {', '.join(given)} is allowed", element)
        if not given:
            return None, ()
        if given[0] != "repeat":
            return given[0], (self.path(entry, given[0], element),)
        texts = entry["repeat"]
        if not isinstance(texts, list) or not texts:
            raise self.fault("repeat is a list of expressions", f"{element}.repeat")
        paths = (self.expression(text, f"{element}.repeat[{number}]") for number, text in enumerate(texts))
        return "repeat", tuple(paths)

    def column(self, entry: Mapping[str, Any], element: str) -> Column:
        """One column."""
        name = entry.get("name")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise self.fault("a column needs a name of letters, digits and _", f"{element}.name")
        path = self.path(entry, "path", element)
        collection = entry.get("collection", False)
        if not isinstance(collection, bool):
            raise self.fault("collection is true or false", f"{element}.collection")
        return Column(name, path, self.column_type(entry, element), collection, self.sql_type(entry, element))

    def column_type(self, entry: Mapping[str, Any], element: str) -> str | None:
        """The FHIR type a column declares, None without one."""
        kind = entry.get("type")
        if kind is None:
            return None
        if not isinstance(kind, str):
            raise self.fault("type is the name of a FHIR type", f"{element}.type")
        name = kind.removeprefix("http://hl7.org/fhir/StructureDefinition/").removeprefix("FHIR.")
        if name not in elements.PRIMITIVE_TYPES and not elements.is_known(name):
            raise self.fault(f"unknown type {kind[:60]!r}", f"{element}.type")
        return name

    def sql_type(self, entry: Mapping[str, Any], element: str) -> str | None:
        """The SQL type that the tag `ansi/type` gives a column, None without one."""
        for name, tag in self.items(entry, "tag", element):
            if tag.get("name") == "ansi/type":
                if not isinstance(tag.get("value"), str):
                    raise self.fault("ansi/type names an SQL type", name)
                return str(tag["value"])
        return None

    def check_union(self, unions: tuple[Select, ...]) -> None:
        """The selects of a unionAll must have the same columns in the same order."""
        if not unions:
            return
        first = [column.name for column in unions[0].all_columns()]
        for branch in unions[1:]:
            names = [column.name for column in branch.all_columns()]
            if names != first:
                raise self.fault(f"branches differ in columns: {first} and {names}", branch.element)

    def check_names(self, root: Select) -> None:
        """No two columns of a view share a name."""
        seen: dict[str, str] = {}
        for column in root.all_columns():
            if column.name in seen:
                raise self.fault(f"column {column.name} is also at {seen[column.name]}", column.path.element)
            seen[column.name] = column.path.element


def shortened_element(element: str) -> str:
    """The beginning of the name of an element so deep that it fills the screen."""
    return element if len(element) <= 120 else element[:119] + "…"
