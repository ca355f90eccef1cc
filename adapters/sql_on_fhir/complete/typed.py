"""The types that the compiled parts of an expression pass to each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from adapters.sql_on_fhir.language.elements import Element
from adapters.sql_on_fhir.language.errors import ExpressionError


@dataclass(slots=True)
class Environment:
    """What an expression can see beside its focus; `index` is `$index`, `row_index` is `%rowIndex`."""

    resource: Any
    row_index: int = 0
    index: int = 0


Function = Callable[[list[Any], Environment], list[Any]]


@dataclass(frozen=True, slots=True)
class Settings:
    """What applies to a whole view: its resource type, its constants (value, type) and the bases counted as own."""

    resource_type: str | None
    constants: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    own_bases: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What is known about the focus of an expression: its type and its reference targets."""

    type: str | None
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """A compiled expression: its function, the FHIR type of its items if known, and the options of a choice element."""

    run: Function
    type: str | None
    targets: tuple[str, ...] = ()
    choice: tuple[Function, str] | None = None
    options: tuple[Element, ...] = ()
    constant: bool = False

    def like(self, run: Function) -> Typed:
        """Another function over items of the same type."""
        return Typed(run, self.type, self.targets)


def reader(owner: Function, *keys: str) -> Function:
    """These properties of every item of `owner`, a list as its items, nulls left out."""

    def read(focus: list[Any], env: Environment) -> list[Any]:
        values: list[Any] = []
        for item in owner(focus, env):
            if not isinstance(item, dict):
                continue
            for key in keys:
                value = item.get(key)
                if isinstance(value, list):
                    values.extend(part for part in value if part is not None)
                elif value is not None:
                    values.append(value)
        return values

    return read


def single(values: list[Any], position: int) -> Any:
    """The only value, None if empty. Raises ExpressionError for several values."""
    if not values:
        return None
    if len(values) > 1:
        raise ExpressionError(f"one value expected here, found {len(values)}", position)
    return values[0]


def single_integer(values: list[Any], position: int) -> int | None:
    """As `single`, for a whole number."""
    value = single(values, position)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise ExpressionError("a whole number is expected here", position)


def single_text(values: list[Any], position: int) -> str | None:
    """As `single`, for text."""
    value = single(values, position)
    if value is None or isinstance(value, str):
        return value
    raise ExpressionError("text is expected here", position)


def truth(values: list[Any], position: int) -> bool | None:
    """FHIRPath's reading of a collection as Boolean: empty is unknown, one item of another type is true."""
    value = single(values, position)
    return value if value is None or isinstance(value, bool) else True
