"""What an expression in generated source gives: one value in a variable, or loops over many."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from adapters.sql_on_fhir.generated.shapes import Shape


@dataclass(frozen=True, slots=True)
class One:
    """At most one value, in a Python variable; None when absent unless `present`."""

    name: str
    type: str | None
    targets: tuple[str, ...] = ()
    shape: Shape | None = None
    present: bool = False
    is_root: bool = False


@dataclass(frozen=True, slots=True)
class Many:
    """Any number of values: `each(body)` writes the loops with the code that `body` writes for one value inside."""

    each: Callable[[Callable[[One], None]], None]
    type: str | None
    targets: tuple[str, ...] = ()
    loops: int = 1


Value = One | Many
