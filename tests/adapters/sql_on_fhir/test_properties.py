"""Any resource within the R4 shape gives the same rows as fhirpathpy, whichever form of the view runs."""

from __future__ import annotations

import copy
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.sql_on_fhir import CompiledView, compile_view
from tests.support.paths import REPOSITORY
from tests.support.sql_on_fhir.oracle import MANY, Oracle
from tests.support.sql_on_fhir.resources_strategy import resources
from tests.support.sql_on_fhir.views import by_lines

VIEWS = sorted((REPOSITORY / "adapters" / "views").glob("*.json"))
NAMES = [path.stem for path in VIEWS]


def load(path: Any) -> CompiledView:
    return compile_view(json.loads(path.read_text()))


def silent(view: str, column: str, path: str, reason: str) -> None:
    """A listener that takes every finding."""


@pytest.mark.parametrize("path", VIEWS, ids=NAMES)
def test_every_view_of_the_study_runs_compiled_in_both_forms(path: Any) -> None:
    compiled = load(path)
    assert compiled.struct_form is not None, "no form over lines"


@pytest.mark.parametrize("path", VIEWS, ids=NAMES)
def test_rows_are_those_of_fhirpathpy(path: Any) -> None:
    compiled = load(path)
    oracle = Oracle(compiled.view, compiled.read_shape)

    @settings(max_examples=10)
    @given(resources(compiled.view, compiled.read_shape))
    def check(resource: dict[str, Any]) -> None:
        expected = oracle.rows(resource)
        found = compiled.tuples(resource, silent)
        assert len(found) == len(expected)
        for row, wanted in zip(found, expected, strict=True):
            for name, value, other in zip(compiled.names, row, wanted, strict=True):
                assert value == (None if other == MANY else other), name

    check()


@pytest.mark.parametrize("path", VIEWS, ids=NAMES)
def test_all_forms_agree_and_nothing_is_changed(path: Any) -> None:
    compiled = load(path)

    @settings(max_examples=20)
    @given(st.lists(resources(compiled.view, compiled.read_shape), max_size=4))
    def check(found: list[dict[str, Any]]) -> None:
        before = copy.deepcopy(found)
        tuples = [row for resource in found for row in compiled.tuples(resource, silent)]
        named = [tuple(row.values()) for row in compiled.rows(found, silent)]
        slow = [row for resource in found for row in compiled.complete_rows(resource, silent)]
        lines = by_lines(compiled, found)
        assert found == before
        assert named == tuples
        assert slow == tuples
        assert sorted(map(repr, lines)) == sorted(map(repr, tuples))
        mixed = list(found)
        random.Random(7).shuffle(mixed)
        assert sorted(map(repr, by_lines(compiled, mixed))) == sorted(map(repr, tuples))

    check()


@pytest.mark.parametrize("path", VIEWS, ids=NAMES)
def test_resources_within_the_shape_pass_the_checks(path: Any) -> None:
    compiled = load(path)

    @settings(max_examples=20)
    @given(resources(compiled.view, compiled.read_shape))
    def check(resource: dict[str, Any]) -> None:
        assert compiled.check(resource) == []

    check()
