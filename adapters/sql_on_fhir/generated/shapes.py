"""The part of a resource that views read, as msgspec structs: decoding keeps that part and skips the rest.

JSON that is skipped is still checked to be JSON. A value of another JSON type than the element's makes decoding
fail with msgspec.ValidationError; the caller then uses the complete form.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import msgspec

from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.elements import Element


@dataclass(slots=True)
class Shape:
    """The properties read of one element; leaves have none."""

    element: Element | None = None
    fields: dict[str, Shape] = field(default_factory=dict)

    def child(self, element: Element) -> Shape:
        """The shape of a property, made when first read."""
        return self.fields.setdefault(element.key, Shape(element))

    def merge(self, other: Shape) -> None:
        """Read also what `other` reads."""
        for key, shape in other.fields.items():
            self.fields.setdefault(key, Shape(shape.element)).merge(shape)

    def struct(self, name: str, resource_type: str = "") -> type[msgspec.Struct]:
        """The struct type; every property is optional and None when absent, but for the type of a resource."""
        parts: list[Any] = [("resourceType", Literal[resource_type])] if resource_type else []
        parts += [
            (attribute(key), shape.annotation(f"{name}_{key}") | None, None) for key, shape in self.fields.items()
        ]
        rename = {attribute(key): key for key in self.fields}
        return msgspec.defstruct(name, parts, rename=rename, gc=False)

    def annotation(self, name: str) -> Any:
        """The Python type of the property, a list where it repeats; `name` names the struct of a complex one."""
        element = self.element
        if element is None:
            return Any
        kind = self._item(element.type, name)
        return list[kind] if element.many else kind  # type: ignore[valid-type]

    def _item(self, kind: str | None, name: str) -> Any:
        if kind in elements.BOOLEAN_TYPES:
            return bool
        if kind in elements.INTEGER_TYPES:
            return int
        if kind in elements.TEXT_TYPES or kind in elements.TEMPORAL_TYPES:
            return str
        if kind == "decimal" or kind is None:
            return Any  # a union of the JSON types would read numbers as float
        return self.struct(name)


def attribute(key: str) -> str:
    """The Python name of a JSON property (`class` is no name in Python)."""
    return f"f_{key}"


def decoder(shape: Shape, resource_type: str) -> msgspec.json.Decoder[Any]:
    """A decoder to the struct of a shape, decimals exact, that takes resources of one type only."""
    return msgspec.json.Decoder(shape.struct(resource_type, resource_type), float_hook=Decimal)


FULL = msgspec.json.Decoder(float_hook=Decimal)
