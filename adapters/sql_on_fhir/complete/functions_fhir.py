"""Functions that know FHIR: extensions, the keys of SQL on FHIR, the boundaries of partial values."""

from __future__ import annotations

from typing import Any

from adapters.sql_on_fhir.complete import references, temporal, values
from adapters.sql_on_fhir.complete.functions import Invocation, function
from adapters.sql_on_fhir.complete.functions_collection import plain
from adapters.sql_on_fhir.complete.typed import Environment, Typed, single, single_text
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.errors import ExpressionError


@function("extension", 1)
def _extension(call: Invocation) -> Typed:
    run, url, position = call.base.run, call.argument().run, call.node.position

    def find(focus: list[Any], env: Environment) -> list[Any]:
        wanted = single_text(url(focus, env), position)
        return [
            extension
            for item in run(focus, env)
            for extension in _extensions(item)
            if wanted is not None and isinstance(extension, dict) and extension.get("url") == wanted
        ]

    return Typed(find, "Extension")


def _extensions(item: Any) -> list[Any]:
    extensions = item.get("extension") if isinstance(item, dict) else None
    return extensions if isinstance(extensions, list) else []


@function("getResourceKey")
def _resource_key(call: Invocation) -> Typed:
    run = call.base.run

    def keys(focus: list[Any], env: Environment) -> list[Any]:
        candidates = (references.resource_key(item, env.resource) for item in run(focus, env))
        return [key for key in candidates if key is not None]

    return Typed(keys, "System.String")


@function("getReferenceKey", 0, 1)
def _reference_key(call: Invocation) -> Typed:
    run, targets, own_bases = call.base.run, call.base.targets, call.settings.own_bases
    wanted = call.type_argument() if call.node.arguments else None
    if wanted is not None and not elements.is_resource(wanted):
        raise ExpressionError(f"getReferenceKey() needs a resource type, not {wanted}", call.node.position)

    def keys(focus: list[Any], env: Environment) -> list[Any]:
        candidates = (
            references.reference_key(item, env.resource, wanted, targets, own_bases) for item in run(focus, env)
        )
        return [key for key in candidates if key is not None]

    return Typed(keys, "System.String")


@function("lowBoundary", 0, 1)
@function("highBoundary", 0, 1)
def _boundary(call: Invocation) -> Typed:
    if call.node.arguments:
        raise ExpressionError(f"{call.node.name}() with a precision is unsupported", call.node.position)
    position, low = call.node.position, call.node.name == "lowBoundary"
    kind = call.base.type or "dateTime"
    moment = temporal.low_boundary if low else temporal.high_boundary

    def bound(items: list[Any]) -> list[Any]:
        value = single(items, position)
        if isinstance(value, str):
            boundary: Any = moment(value, kind)
        else:
            boundary = values.decimal_boundary(value, low=low) if values.is_number(value) else None
        return [] if boundary is None else [boundary]

    return plain(call, bound)
