"""Whatever stands in a field, the tables are built or the resource is set aside; nothing raises, nothing is lost."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.tables.test_invariance import cohort
from tests.support.tables_support import build

ODD = (
    None, "", 0, -1, True, [], {}, "x", ["x"], [{}], {"value": 1}, "2017", "9999-12-31", "0001-01-01", "2017-02-30",
    "2017-03-01T10:00:00", 1e400, Decimal("1e500"), 10**30, float("nan"), -5.5, "Patient/b", "#", "\n", "\x00", [[1]],
)  # fmt: skip
Place = tuple[int, tuple[Any, ...]]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        yield (*path, key)
        yield from _places(member, (*path, key))


PLACES: list[Place] = [
    (number, path)
    for number, resource in enumerate(cohort())
    for path in _places(resource)
    if path[0] not in ("resourceType", "id")
]


def _put(resource: Any, path: tuple[Any, ...], value: Any) -> None:
    """Set the value at a path, where an earlier odd value has left the path in place."""
    for key in path[:-1]:
        if not _has(resource, key):
            return
        resource = resource[key]
    if isinstance(resource, dict) or _has(resource, path[-1]):
        resource[path[-1]] = copy.deepcopy(value)


def _has(value: Any, key: Any) -> bool:
    return key in value if isinstance(value, dict) else isinstance(value, list) and key in range(len(value))


@settings(max_examples=8)
@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(ODD)), min_size=16, max_size=32))
def test_odd_values_anywhere_are_counted_and_raise_nothing(odd: list[tuple[Place, Any]]) -> None:
    resources = cohort()
    for (number, path), value in odd:
        _put(resources[number], path, value)
    counts = build(resources).ledger.counts()
    assert counts["read"] == counts["used"] + counts["left_out"] + counts["quarantined"] == len(resources)
