"""What the tests of the view runner share: small views and resources."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from adapters.sql_on_fhir import CompiledView, compile_view
from adapters.sql_on_fhir.files.lines import LineReader


def view(resource: str, *select: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A ViewDefinition around its selects."""
    return {"resourceType": "ViewDefinition", "name": "tested", "resource": resource, "select": list(select), **more}


def columns(**paths: str) -> dict[str, Any]:
    """A select with columns of open type: name=path."""
    return {"column": [{"name": name, "path": path} for name, path in paths.items()]}


def typed(path: str, kind: str, **more: Any) -> dict[str, Any]:
    """A select with one column `x` of a declared type."""
    return {"column": [{"name": "x", "path": path, "type": kind, **more}]}


def values(resource: dict[str, Any], path: str, **more: Any) -> list[Any]:
    """The values of a FHIRPath expression on one resource, through a collection column."""
    select = {"column": [{"name": "x", "path": path, "collection": True}]}
    (row,) = compile_view(view(resource["resourceType"], select, **more)).rows([resource])
    found: list[Any] = row["x"]
    return found


def by_lines(compiled: CompiledView, resources: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """The rows of a view over NDJSON text of the resources, as the command line reads them."""
    encoder = msgspec.json.Encoder(decimal_format="number")
    reader = LineReader([compiled])
    reader.block(b"\n".join(encoder.encode(resource) for resource in resources))
    assert reader.tally.unreadable == []
    return reader.rows[0]


def decoded(text: str) -> Any:
    """JSON with decimals as Decimal."""
    return msgspec.json.Decoder(float_hook=Decimal).decode(text)
