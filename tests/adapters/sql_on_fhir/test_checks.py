"""Checks of the fields a view reads, against fhir.resources as oracle."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B.observation import Observation
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from adapters.sql_on_fhir import compile_view
from adapters.sql_on_fhir.reads import leaves
from tests.support.sql_on_fhir.views import columns, view

CODE = "code.coding.where(system = 'http://loinc.org').code.first()"
CHECKED = compile_view(
    view(
        "Observation",
        columns(
            id="id",
            status="status",
            code=CODE,
            subject="subject.getReferenceKey(Patient)",
            effective="effective.ofType(dateTime)",
            issued="issued",
            value="value.ofType(Quantity).value",
            unit="value.ofType(Quantity).unit",
            truth="value.ofType(boolean)",
            whole="value.ofType(integer)",
            moment="value.ofType(time)",
        ),
        {"forEach": "component", **columns(part="code.text")},
    )
)
GOOD: dict[str, Any] = {
    "resourceType": "Observation",
    "id": "o1",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "2857-1"}]},
    "subject": {"reference": "Patient/1"},
    "effectiveDateTime": "2020-02-29",
    "issued": "2020-02-29T10:00:00Z",
    "valueQuantity": {"value": Decimal("0.10"), "unit": "ng/mL"},
    "component": [{"code": {"text": "x"}}],
}
# Values by JSON type; the oracle reads some JSON types as others, so those are tested by hand below.
PLACES: dict[tuple[Any, ...], st.SearchStrategy[Any]] = {
    ("id",): st.sampled_from(["a", "A-1.b", "", "a b", "ä", "x" * 64, "x" * 65, "a\n"]),
    ("status",): st.sampled_from(["final", "", " ", "a  b", "a b", " a", "a\u00a0b"]),
    ("code", "coding", 0, "code"): st.sampled_from(["x", "", "x ", "a b c", "a\tb"]),
    ("effectiveDateTime",): st.sampled_from(
        [
            "2020",
            "2020-02",
            "2020-02-30",
            "2020-13",
            "2020-02-29T10:00:00Z",
            "2020-02-29T25:00:00Z",
            "2020-02-29T10:00:00",
            "x",
            "",
        ]
    ),
    ("issued",): st.sampled_from(
        ["2020-02-29T10:00:00.123+02:00", "2020-02-29", "2019-02-29T10:00:00Z", "2020-02-29T10:00:61Z"]
    ),
    ("valueQuantity", "value"): st.sampled_from([0, 1.5, Decimal("0.10"), -3, True]),
    ("valueQuantity", "unit"): st.sampled_from(["mg", "", "µg"]),
    ("component",): st.sampled_from([[], {}, [{}], "x", 5, [[]]]),
    ("code",): st.sampled_from([[], "x", 5, {}, {"text": "x"}]),
    ("subject",): st.sampled_from([[], "Patient/1", {"reference": ""}, {"reference": "Patient/1"}]),
}


def placed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    resource = copy.deepcopy(GOOD)
    owner: Any = resource
    for key in path[:-1]:
        owner = owner[key]
    owner[path[-1]] = value
    return resource


def oracle(resource: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Where fhir.resources finds a fault."""
    try:
        Observation.model_validate(copy.deepcopy(resource))
    except ValidationError as error:
        return [found["loc"] for found in error.errors()]
    return []


@settings(max_examples=300)
@given(st.sampled_from(sorted(PLACES, key=str)).flatmap(lambda path: st.tuples(st.just(path), PLACES[path])))
def test_checks_find_what_fhir_resources_finds(case: tuple[tuple[Any, ...], Any]) -> None:
    path, value = case
    resource = placed(path, value)
    found = CHECKED.check(resource)
    if oracle(resource):
        assert found, "fhir.resources refuses it"
        assert all(where.startswith(f"Observation.{path[0]}") for where, _ in found)
    elif found:
        assert (path, value) in STRICTER, found


# FHIR R4, JSON: "Objects are never empty" and "an array can never be empty"; an id has "a length limit of 64
# characters"; a code has "no whitespace other than single spaces". fhir.resources may let these pass.
STRICTER: list[tuple[tuple[Any, ...], Any]] = [
    (("component",), []),
    (("component",), [{}]),
    (("code",), {}),
    (("id",), "x" * 65),
    (("subject",), {"reference": ""}),
    (("valueQuantity", "unit"), ""),
    (("status",), " "),
    (("status",), ""),
    (("id",), "a\n"),
    (("id",), ""),
    (("code", "coding", 0, "code"), ""),
    (("effectiveDateTime",), ""),
]


def test_a_good_resource_passes_both() -> None:
    assert CHECKED.check(GOOD) == []
    assert oracle(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value", "where", "reason"),
    [
        (("status",), 5, "Observation.status", "not a text (code)"),
        (("status",), ["final"], "Observation.status", "several values where one code is declared"),
        (
            ("effectiveDateTime",),
            "2020-02-30",
            "Observation.effectiveDateTime",
            "not a date of the calendar (dateTime)",
        ),
        (("valueQuantity", "value"), "0.10", "Observation.valueQuantity.value", "not a number"),
        (("valueQuantity", "value"), True, "Observation.valueQuantity.value", "not a number"),
        (("valueQuantity",), [1], "Observation.valueQuantity", "several values where one Quantity is declared"),
        (("code", "coding"), {"code": "x"}, "Observation.code.coding", "not a list"),
        (("code", "coding", 0), "x", "Observation.code.coding[0]", "not an object"),
        (("code", "coding", 0, "system"), "a b", "Observation.code.coding[0].system", "not a valid uri"),
        (("component", 0, "code", "text"), 5, "Observation.component[0].code.text", "not a text (string)"),
        (("valueBoolean",), "true", "Observation.valueBoolean", "not true or false"),
        (("valueInteger",), 5.0, "Observation.valueInteger", "not a whole number"),
        (("valueInteger",), 2**31, "Observation.valueInteger", "outside the range of integer"),
        (("valueTime",), "25:00:00", "Observation.valueTime", "not a valid time"),
        (("component",), [], "Observation.component", "an empty list"),
        (("component",), [None], "Observation.component[0]", "not an object"),
    ],
)
def test_a_fault_has_path_and_reason(path: tuple[Any, ...], value: Any, where: str, reason: str) -> None:
    assert CHECKED.check(placed(path, value)) == [(where, reason)]


def test_what_no_view_reads_costs_nobody() -> None:
    for key, value in (("bodySite", 5), ("interpretation", {}), ("nonsense", []), ("referenceRange", "x")):
        assert CHECKED.check({**GOOD, key: value}) == []


def test_another_type_has_nothing_to_check() -> None:
    assert CHECKED.check({"resourceType": "Patient", "id": 5}) == []
    assert CHECKED.check(None) == []


def test_all_faults_are_told() -> None:
    bad = placed(("status",), 5) | {"issued": "x", "component": [{"code": 1}, {"code": {"text": 2}}]}
    assert len(CHECKED.check(bad)) == 4


def test_the_paths_read_are_known() -> None:
    paths = {path for path, _ in leaves(CHECKED.read_shape, "Observation")}
    assert {
        "Observation.code.coding.system",
        "Observation.subject.identifier.value",
        "Observation.component.code.text",
    } <= paths
    assert "Observation.bodySite" not in paths
