"""A wrong view is refused with its name, the element, the expression and the position; nothing else comes out."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from adapters.errors import InputError
from adapters.sql_on_fhir import UNSUPPORTED_FUNCTIONS, ViewError, compile_view
from adapters.sql_on_fhir.language.definition import MAX_SELECT_DEPTH
from tests.support.sql_on_fhir.views import columns, typed, view

PATIENT = {"resourceType": "Patient", "id": "p1", "name": [{"given": ["A", "B"]}, {"given": ["C"]}], "active": True}


@pytest.mark.parametrize(
    ("path", "position", "words"),
    [
        ("name.nonsense()", 5, "unknown function nonsense()"),
        ("name.first(1)", 5, "first() takes 0 arguments, 1 given"),
        ("name.where()", 5, "where() takes 1 arguments, 0 given"),
        ("id.substring(1, 2, 3)", 3, "substring() takes 1 to 2 arguments, 3 given"),
        ("name.where(use = %missing)", 17, "undefined constant %missing"),
        ("name.ofType(Nonsense)", 5, "unknown type Nonsense"),
        ("name.ofType(5)", 12, "expected a type"),
        ("managingOrganization.getReferenceKey(string)", 21, "needs a resource type"),
        ("name.", 5, "expected a name"),
        ("name is Nonsense", 5, "unknown type Nonsense"),
    ],
)
def test_a_fault_in_an_expression_is_located(path: str, position: int, words: str) -> None:
    with pytest.raises(ViewError) as caught:
        compile_view(view("Patient", columns(x=path)))
    error = caught.value
    assert words in error.reason
    assert (error.view, error.element, error.expression) == ("tested", "select[0].column[0].path", path)
    assert error.position == position
    assert str(error) == f"view tested, select[0].column[0].path, {path!r} at {position}: {error.reason}"


def looped() -> dict[str, Any]:
    """A view that is part of itself, as only a program can make it."""
    select: dict[str, Any] = {"column": [{"name": "x", "path": "id"}]}
    select["select"] = [select]
    return view("Patient", select)


def deep(levels: int) -> dict[str, Any]:
    select: dict[str, Any] = columns(x="id")
    for _ in range(levels - 1):
        select = {"select": [select]}
    return view("Patient", select)


@pytest.mark.parametrize(
    ("definition", "element", "words"),
    [
        ({}, "resource", "missing"),
        ([], "", "JSON object"),
        (None, "", "JSON object"),
        ({"resourceType": "Patient"}, "resourceType", "not a ViewDefinition"),
        (view("Patient"), "select", "at least one select"),
        (view("Patient") | {"select": {}}, "select", "must be a list"),
        (view("Patient") | {"select": [5]}, "select[0]", "must be an object"),
        (view("patient", columns(x="id")), "resource", "no type name"),
        (view("Patient", {}), "select[0]", "needs column, select or unionAll"),
        (
            view("Patient", columns(x="id"), columns(x="id")),
            "select[1].column[0].path",
            "is also at select[0].column[0].path",
        ),
        (view("Patient", {"column": [{"path": "id"}]}), "select[0].column[0].name", "needs a name"),
        (view("Patient", {"column": [{"name": "1x", "path": "id"}]}), "select[0].column[0].name", "needs a name"),
        (view("Patient", {"column": [{"name": "x"}]}), "select[0].column[0].path", "FHIRPath expression is expected"),
        (view("Patient", {"column": [{"name": "x", "path": 5}]}), "select[0].column[0].path", "is expected"),
        (view("Patient", typed("id", "nonsense")), "select[0].column[0].type", "unknown type 'nonsense'"),
        (view("Patient", typed("id", "id", collection="yes")), "select[0].column[0].collection", "true or false"),
        (view("Patient", {"forEach": 1}), "select[0].forEach", "is expected"),
        (view("Patient", {"repeat": "item", **columns(x="id")}), "select[0].repeat", "list of expressions"),
        (view("Patient", {"forEach": "name", "repeat": ["x"], **columns(x="id")}), "select[0]", "only one of"),
        (
            view("Patient", {"unionAll": [columns(a="id"), columns(b="id")]}),
            "select[0].unionAll[1]",
            "differ in columns",
        ),
        (
            view("Patient", {"unionAll": [columns(a="id", b="id"), columns(b="id", a="id")]}),
            "select[0].unionAll[1]",
            "differ",
        ),
        (view("Patient", columns(x="id"), constant=[{"name": "c"}]), "constant[0]", "exactly one value[x]"),
        (
            view("Patient", columns(x="id"), constant=[{"name": "c", "valueString": "a", "valueCode": "b"}]),
            "constant[0]",
            "one",
        ),
        (
            view("Patient", columns(x="id"), constant=[{"name": "c", "valueCoding": {}}]),
            "constant[0].valueCoding",
            "primitive",
        ),
        (view("Patient", columns(x="id"), constant=[{"name": "c", "valueString": "a"}] * 2), "constant[1]", "twice"),
        (
            view("Patient", columns(x="id"), where=[{"path": "name.family"}]),
            "where[0].path",
            "true or false, not string",
        ),
        (looped(), "", "is one part of itself?"),
        (deep(MAX_SELECT_DEPTH + 1), "", "nested deeper"),
    ],
)
def test_a_wrong_view_is_refused_with_the_element(definition: Any, element: str, words: str) -> None:
    with pytest.raises(ViewError) as caught:
        compile_view(definition)
    assert words in caught.value.reason
    assert caught.value.element.startswith(element)
    assert "\n" not in str(caught.value)


def test_the_deepest_view_allowed_still_runs() -> None:
    assert list(compile_view(deep(MAX_SELECT_DEPTH)).rows([PATIENT])) == [{"x": "p1"}]


def test_many_values_where_one_is_declared_is_an_error_without_listener() -> None:
    compiled = compile_view(view("Patient", columns(id="id"), typed("name.given", "string")))
    with pytest.raises(ViewError, match="3 values where one is declared") as caught:
        list(compiled.rows([PATIENT]))
    assert caught.value.element == "select[1].column[0].path"
    assert caught.value.expression == "name.given"


def test_many_values_where_one_is_declared_is_a_finding_with_listener() -> None:
    compiled = compile_view(view("Patient", columns(id="id"), typed("name.given", "string")))
    found: list[tuple[str, ...]] = []
    rows = list(compiled.rows([PATIENT], lambda *finding: found.append(finding)))
    assert rows == [{"id": "p1", "x": None}]
    assert found == [("tested", "x", "name.given", "3 values where one is declared (collection is not true)")]


@pytest.mark.parametrize("path", ["name.given", "name.given < 'x'", "name.given.upper()", "name.given and true"])
def test_several_values_where_fhirpath_takes_one_is_an_error(path: str) -> None:
    compiled = compile_view(view("Patient", columns(x=path)))
    with pytest.raises(ViewError):
        list(compiled.rows([PATIENT]))


def test_where_that_is_not_boolean_for_a_resource_is_an_error() -> None:
    compiled = compile_view(view("Patient", columns(x="id"), where=[{"path": "iif(active, 'yes', true)"}]))
    with pytest.raises(ViewError, match="where needs true or false"):
        list(compiled.rows([PATIENT]))


@pytest.mark.parametrize(
    ("path", "reason", "position"),
    [
        ("name.given.aggregate($total & $this, '')", "unsupported function aggregate()", 11),
        ("name.given.children().count()", "unsupported function children()", 11),
        ("active.type().name", "unsupported function type()", 7),
        ("name.given.first().toDateTime()", "unsupported function toDateTime()", 19),
        ("name.given.where($total)", "$total is unsupported, as aggregate() is", 17),
        ("birthDate + 1 year", "arithmetic with dates is unsupported", 10),
        ("birthDate.lowBoundary(4)", "lowBoundary() with a precision is unsupported", 10),
        (
            "(name | telecom).ofType(HumanName)",
            "a type test is unsupported where FHIR does not declare the type of the items",
            17,
        ),
    ],
)
def test_what_is_fhirpath_but_unsupported_is_an_error_that_names_it(path: str, reason: str, position: int) -> None:
    with pytest.raises(ViewError) as caught:
        compile_view(view("Patient", columns(x=path)))
    assert (caught.value.reason, caught.value.expression, caught.value.position) == (reason, path, position)


@pytest.mark.parametrize("name", UNSUPPORTED_FUNCTIONS)
@pytest.mark.parametrize("arguments", ["", "1", "1, 2"])
def test_every_unsupported_function_is_named(name: str, arguments: str) -> None:
    with pytest.raises(ViewError, match=rf"unsupported function {name}\(\)"):
        compile_view(view("Patient", columns(x=f"name.given.{name}({arguments})")))


def test_a_view_error_is_an_input_error_and_crosses_processes() -> None:
    error = ViewError("wrong", view="v", element="e", expression="x", position=3)
    again = pickle.loads(pickle.dumps(error))
    assert issubclass(ViewError, InputError)
    assert again.exit_code == 2
    assert (str(again), again.position) == ("view v, e, 'x' at 3: wrong", 3)
