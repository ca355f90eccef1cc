"""Checks of the fields that a view reads: JSON type, primitive type, single or list.

The quick form is generated source that only decides whether all fields are valid; the slow form gives path and reason.
Fields that no view reads are not checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from adapters.sql_on_fhir.complete import primitives
from adapters.sql_on_fhir.generated.runtime import NUMBERS, Unusual, unusual, valid, valid_time_part
from adapters.sql_on_fhir.generated.shapes import Shape
from adapters.sql_on_fhir.generated.source import NotGeneratedError, Source
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.elements import Element

Fault = tuple[str, str]  # path, reason
Check = Callable[[Any], list[Fault]]
TROUBLE = (Unusual, AttributeError, TypeError)


def checker(kind: str, shape: Shape) -> Check:
    """The function `check(resource) -> [(path, reason), ...]` for what `shape` reads of resources of one type."""
    quick = _generate(shape)

    def check(resource: Any) -> list[Fault]:
        try:
            quick(resource)
        except TROUBLE:
            return list(_faults(resource, shape, kind))
        return []

    return check


def _generate(shape: Shape) -> Callable[[Any], None]:
    source = Source()
    try:
        _write(source, shape, "r")
        made: Callable[[Any], None] = source.function("def check(r):")
    except NotGeneratedError:
        return _always
    return made


def _always(_resource: Any) -> None:
    raise Unusual


def _write(source: Source, shape: Shape, owner: str) -> None:
    """Write code that raises where a property is not as FHIR declares it."""
    for key, child in shape.fields.items():
        element = child.element
        if element is None:
            continue
        value = source.set(f'{owner}.get("{key}")')
        with source.block(f"if {value} is not None:"):
            if not element.many:
                _write_item(source, child, element, value)
                continue
            _demand(source, f"type({value}) is not list or not {value}")
            item = source.fresh()
            with source.block(f"for {item} in {value}:"):
                _write_item(source, child, element, item)


def _demand(source: Source, fault: str) -> None:
    source.add(f"if {fault}: {source.refer(unusual, ('unusual',))}()")


def _write_item(source: Source, shape: Shape, element: Element, value: str) -> None:
    kind = element.type
    if kind in elements.BOOLEAN_TYPES:
        _demand(source, f"type({value}) is not bool")
    elif kind == "decimal":
        _demand(source, f"type({value}) not in {source.refer(NUMBERS, ('numbers',))}")
    elif kind in elements.INTEGER_TYPES:
        low, high = primitives.INTEGER_LIMITS[str(kind)]
        _demand(source, f"type({value}) is not int or not {low} <= {value} <= {high}")
    elif kind in ("dateTime", "instant"):
        _write_moment(source, kind, value)
    elif kind in elements.PRIMITIVE_TYPES:
        source.add(f"{source.refer(valid(str(kind)), ('valid', kind))}[{value}]")
    else:
        _demand(source, f"type({value}) is not dict or not {value}")
        _write(source, shape, value)


def _write_moment(source: Source, kind: str, value: str) -> None:
    """Check date and time apart: each repeats in the data, while the two together do not."""
    whole = source.refer(valid(kind), ("valid", kind))
    days = source.refer(valid("date"), ("valid", "date"))
    times = source.refer(valid_time_part(), ("valid time",))
    with source.block(f"if type({value}) is str and len({value}) > 10:"):
        source.add(f"{days}[{value}[:10]]; {times}[{value}[10:]]")
    source.add(f"else: {whole}[{value}]")


def _faults(owner: Any, shape: Shape, path: str) -> Iterator[Fault]:
    """The faults below one element, in the order of the shape."""
    for key, child in shape.fields.items():
        value = owner.get(key)
        if value is None or child.element is None:
            continue
        where = f"{path}.{key}"
        if not child.element.many:
            yield from _item_faults(value, child, child.element, where)
        elif not isinstance(value, list):
            yield where, "not a list"
        elif not value:
            yield where, "an empty list"
        else:
            for number, item in enumerate(value):
                if item is not None or child.element.type not in elements.PRIMITIVE_TYPES:
                    yield from _item_faults(item, child, child.element, f"{where}[{number}]")


def _item_faults(value: Any, shape: Shape, element: Element, path: str) -> Iterator[Fault]:
    kind = element.type or ""
    if kind not in elements.PRIMITIVE_TYPES:
        if not isinstance(value, dict):
            yield path, f"several values where one {kind} is declared" if isinstance(value, list) else "not an object"
        elif not value:
            yield path, "an empty object"
        else:
            yield from _faults(value, shape, path)
        return
    reason = _primitive_fault(value, kind)
    if reason is not None:
        yield path, reason


def _primitive_fault(value: Any, kind: str) -> str | None:
    if isinstance(value, list):
        return f"several values where one {kind} is declared"
    if kind in elements.BOOLEAN_TYPES:
        return None if isinstance(value, bool) else "not true or false"
    if kind in elements.NUMBER_TYPES:
        return _number_fault(value, kind)
    return primitives.fault(kind, value) if isinstance(value, str) else f"not a text ({kind})"


def _number_fault(value: Any, kind: str) -> str | None:
    if type(value) not in NUMBERS:
        return "not a number"
    if kind == "decimal":
        return None
    if not isinstance(value, int):
        return "not a whole number"
    low, high = primitives.INTEGER_LIMITS[kind]
    return None if low <= value <= high else f"outside the range of {kind}"
