"""The foci of `repeat`: everything reached by its paths, again and again, parents before children."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from adapters.sql_on_fhir.errors import ExpressionError
from adapters.sql_on_fhir.typed import Environment, Function


def descend(steps: Sequence[Function], focus: Any, limit: int) -> list[Any]:
    """The items below one item, depth first; ExpressionError if they are nested deeper than `limit`."""
    if limit < 0:
        raise ExpressionError("nested too deeply")
    found: list[Any] = []
    for step in steps:
        for item in step([focus], Environment(None)):
            found.append(item)
            found += descend(steps, item, limit - 1)
    return found
