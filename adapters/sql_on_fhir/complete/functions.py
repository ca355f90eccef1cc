"""The functions of FHIRPath and SQL on FHIR: their names, numbers of arguments, and builders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from adapters.sql_on_fhir.complete.typed import Environment, Function, Scope, Settings, Typed, reader
from adapters.sql_on_fhir.complete.values import Quantity
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.elements import choice_key, is_known
from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.language.parser import type_specifier
from adapters.sql_on_fhir.language.syntax import Call, Literal, Node

SYSTEM_CONSTANTS = {
    "ucum": "http://unitsofmeasure.org",
    "sct": "http://snomed.info/sct",
    "loinc": "http://loinc.org",
}


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call as its builder sees it."""

    node: Call
    base: Typed
    scope: Scope
    settings: Settings
    compile: Callable[[Node, Scope], Typed]

    def criterion(self, number: int = 0) -> Typed:
        """An argument evaluated for each item of the base."""
        return self.compile(self.node.arguments[number], Scope(self.base.type, self.base.targets))

    def argument(self, number: int = 0) -> Typed:
        """An argument evaluated once, on the focus of the call."""
        return self.compile(self.node.arguments[number], self.scope)

    def type_argument(self, number: int = 0) -> str:
        """An argument that names a type, as `ofType(Quantity)` has."""
        return type_specifier(self.node.arguments[number])


Builder = Callable[[Invocation], Typed]


@dataclass(frozen=True, slots=True)
class Signature:
    """The number of arguments a function takes and what compiles it."""

    least: int
    most: int
    build: Builder


LIBRARY: dict[str, Signature] = {}
# Functions of FHIRPath that this library does not have, in the order in which the documentation lists them.
UNSUPPORTED_FUNCTIONS = (
    *("aggregate", "avg", "children", "coalesce", "convertsToDate", "convertsToDateTime", "convertsToQuantity"),
    *("convertsToTime", "decode", "descendants", "encode", "exp", "ln", "log", "max", "min", "now", "sum"),
    *("timeOfDay", "toDate", "toDateTime", "today", "toQuantity", "toTime", "trace", "type"),
)


def function(name: str, least: int = 0, most: int | None = None) -> Callable[[Builder], Builder]:
    """Register the builder of a function that takes `least` to `most` arguments."""

    def register(build: Builder) -> Builder:
        LIBRARY[name] = Signature(least, least if most is None else most, build)
        return build

    return register


def signature(node: Call) -> Signature:
    """The entry of the called function. Raises ExpressionError for a name or a number of arguments it does not have."""
    count = len(node.arguments)
    entry = LIBRARY.get(node.name)
    if entry is None:
        kind = "unsupported" if node.name in UNSUPPORTED_FUNCTIONS else "unknown"
        raise ExpressionError(f"{kind} function {node.name}()", node.position)
    if not entry.least <= count <= entry.most:
        wanted = str(entry.least) if entry.least == entry.most else f"{entry.least} to {entry.most}"
        raise ExpressionError(f"{node.name}() takes {wanted} arguments, {count} given", node.position)
    return entry


def literal_value(node: Literal) -> Any:
    """The value of a constant in the text; None for `{}`."""
    return Quantity(*node.value) if node.kind == "Quantity" else node.value  # type: ignore[misc]


def type_test(operator: str, base: Typed, type_name: str, position: int) -> Typed:
    """`is`, `as` and `ofType`; on a choice element the JSON property tells the type."""
    known = type_name.removeprefix("System.") if type_name.startswith("System.") else type_name
    if not is_known(known) and known not in elements.PRIMITIVE_TYPES and f"System.{known}" not in SYSTEM_TYPES:
        raise ExpressionError(f"unknown type {type_name}", position)
    chosen = _narrowed(base, type_name, position)
    if operator != "is":
        return chosen
    return Typed(lambda focus, env: _is(base.run(focus, env), chosen.run(focus, env)), "System.Boolean")


SYSTEM_TYPES = frozenset(
    f"System.{name}"
    for name in ("Boolean", "String", "Integer", "Decimal", "Date", "DateTime", "Time", "Quantity", "Any")
)


def _is(whole: list[Any], chosen: list[Any]) -> list[Any]:
    return [bool(chosen)] if whole else []


def _narrowed(base: Typed, type_name: str, position: int) -> Typed:
    """The items of `base` that have the type."""
    if base.choice is not None:
        owner, name = base.choice
        targets = next((option.targets for option in base.options if option.type == type_name), ())
        return Typed(reader(owner, choice_key(name, type_name)), type_name, targets)
    if base.type is not None:
        fits = type_name in elements.ancestry(base.type) or base.type == type_name
        if fits:
            return base.like(base.run)
        if base.type not in ("Resource", "DomainResource"):
            return Typed(lambda _focus, _env: [], type_name)
    if elements.is_resource(type_name):
        return Typed(_resources(base.run, type_name), type_name)
    raise ExpressionError("a type test is unsupported where FHIR does not declare the type of the items", position)


def _resources(items: Function, type_name: str) -> Function:
    def read(focus: list[Any], env: Environment) -> list[Any]:
        return [item for item in items(focus, env) if isinstance(item, dict) and item.get("resourceType") == type_name]

    return read
