"""What the generated functions call: caches of values seen, and the signal to use the complete form instead."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

import msgspec

from adapters.sql_on_fhir.complete import primitives, references

MEMORY = 50_000
NUMBERS = frozenset({int, float, Decimal})
UNSETTLED = object()


class Unusual(Exception):  # noqa: N818 - not an error: the complete form takes this resource
    """The resource does not have the shape that the generated form trusts, or a value does not fit."""


def unusual() -> NoReturn:
    """Raise Unusual; generated code calls it where a statement is needed."""
    raise Unusual


class Remembered(dict[str, Any]):
    """A cache of results by text, for texts that repeat; emptied when it holds MEMORY of them."""

    def __init__(self, find: Callable[[str], Any]) -> None:
        super().__init__()
        self.find = find

    def __missing__(self, text: str) -> Any:
        result = self.find(text)
        if len(self) >= MEMORY:
            self.clear()
        self[text] = result
        return result


def valid(kind: str) -> Remembered:
    """A cache of checks; raises Unusual for a text that is not a valid value of the type."""

    def check(text: str) -> bool:
        if not isinstance(text, str) or primitives.fault(kind, text) is not None:
            raise Unusual
        return True

    return Remembered(check)


def valid_time_part() -> Remembered:
    """As `valid`, for the part after the ten characters of the date in a dateTime or instant."""

    def check(text: str) -> bool:
        if not primitives.TIME_PART.fullmatch(text):
            raise Unusual
        return True

    return Remembered(check)


def reference_keys(wanted: str | None, own_bases: tuple[str, ...] | None) -> Remembered:
    """A cache of keys of relative and absolute references; UNSETTLED where the text alone gives no key."""

    def find(literal: str) -> Any:
        if not isinstance(literal, str):
            raise Unusual
        match = references.RELATIVE.fullmatch(literal)
        if match:
            return f"{match[1]}/{match[2]}" if wanted is None or wanted == match[1] else None
        if references.ABSOLUTE.fullmatch(literal):
            return references.reference_key({"reference": literal}, None, wanted, (), own_bases)
        return UNSETTLED

    return Remembered(find)


def settle(
    wanted: str | None, targets: tuple[str, ...], own_bases: tuple[str, ...] | None
) -> Callable[[Any], str | None]:
    """A function that gives the key of a Reference struct. Raises Unusual for a contained target: it needs the resource."""

    def key(reference: Any) -> str | None:
        if reference is None:
            return None
        plain = {key.removeprefix("f_"): value for key, value in msgspec.structs.asdict(reference).items()}
        if plain.get("reference") is not None and plain["reference"].startswith("#"):
            raise Unusual
        identifier = plain.get("identifier")
        if identifier is not None:
            plain["identifier"] = {"system": identifier.f_system, "value": identifier.f_value}
        return references.reference_key(plain, None, wanted, targets, own_bases)

    return key
