"""Hypothesis: resources within the R4 shape, dense in what a view reads."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from adapters.sql_on_fhir.generated.shapes import Shape
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.definition import Select, View
from adapters.sql_on_fhir.language.syntax import Literal, Node, children

DATES = ("1970", "1970-06", "2020-02-29", "2019-12-31")
DATE_TIMES = (*DATES, "2020-02-29T23:59:59Z", "2019-12-31T08:30:00+01:00", "2021-01-01T00:00:00.125-05:00")
INSTANTS = ("2015-02-07T13:28:17.239+02:00", "2020-02-29T23:59:59Z")
CODES = ("final", "a-code", "B", "x y")
TEXTS = ("one", "two", "Zwölf µmol", " padded ", "<0.1")
REFERENCES = (
    "Patient/p1",
    "Patient/p1/_history/3",
    "Group/g1",
    "https://example.org/fhir/Patient/p2",
    "urn:uuid:0b2f6a3c-8f5e-4f0a-9d0e-0123456789ab",
    "#part",
    "Patient?identifier=https://example.org/ids|7",
)
NUMBERS = ("0.10", "0", "-3", "1.50", "100", "0.000001", "12345678901234.5678")


def literals(view: View) -> list[str]:
    """The texts in a view's expressions: values that its criteria look for."""

    def texts(node: Node) -> Iterator[str]:
        if isinstance(node, Literal) and isinstance(node.value, str):
            yield node.value
        for child in children(node):
            yield from texts(child)

    def of(select: Select) -> Iterator[str]:
        for path in (*select.over, *(column.path for column in select.columns)):
            yield from texts(path.node)
        for part in (*select.selects, *select.unions):
            yield from of(part)

    found = [text for path in view.where for text in texts(path.node)] + list(of(view.root))
    return sorted(set(found))


def primitive(kind: str, known: list[str]) -> st.SearchStrategy[Any]:
    """Values of a primitive type, those a view looks for among them."""
    if kind in elements.BOOLEAN_TYPES:
        return st.booleans()
    if kind in elements.INTEGER_TYPES:
        return st.integers(1, 5)
    pools: dict[str, tuple[str, ...]] = {
        "date": DATES,
        "dateTime": DATE_TIMES,
        "instant": INSTANTS,
        "time": ("12:34:00", "08:00:00.5"),
        "id": ("i1", "A-2.b"),
        "string": TEXTS,
        "markdown": TEXTS,
    }
    if kind == "decimal":
        return st.sampled_from(NUMBERS).map(lambda text: int(text) if "." not in text else Decimal(text))
    if kind in ("uri", "url", "canonical", "code"):
        fit = [text for text in known if " " not in text]
        return st.sampled_from([*fit, *CODES[:3]])
    return st.sampled_from(pools.get(kind, CODES))


def element(shape: Shape, kind: str, known: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with any of the properties that the shape knows."""
    parts: dict[str, st.SearchStrategy[Any]] = {}
    choices: dict[str, list[str]] = {}
    for key, child in shape.fields.items():
        declared = child.element
        if declared is None or declared.type is None:
            continue
        if kind == "Reference" and key == "reference":
            item: st.SearchStrategy[Any] = st.sampled_from(REFERENCES)
        elif declared.type in elements.PRIMITIVE_TYPES:
            item = primitive(declared.type, known)
        else:
            item = element(child, declared.type, known)
        parts[key] = st.lists(item, min_size=1, max_size=3) if declared.many else item
        name = key.removesuffix(declared.type[0].upper() + declared.type[1:])
        if name != key and not elements.elements(kind, key):
            choices.setdefault(name, []).append(key)
    required = {"url": parts.pop("url")} if kind == "Extension" else {}  # the one element FHIR demands there
    objects = st.fixed_dictionaries(required, optional=parts)
    return objects.map(lambda found: _one_of_each(found, choices) or {"id": "e"})


def _one_of_each(found: dict[str, Any], choices: dict[str, list[str]]) -> dict[str, Any]:
    """Keep one property of each choice element: FHIR allows no more."""
    for keys in choices.values():
        for extra in [key for key in keys if key in found][1:]:
            del found[extra]
    return found


def resources(view: View, shape: Shape) -> st.SearchStrategy[dict[str, Any]]:
    """Resources of the view's type, with one contained Patient."""
    part = {"resourceType": "Patient", "id": "part"}
    base = {"resourceType": view.resource, "id": "r1", "contained": [part]}
    return element(shape, view.resource, literals(view)).map(lambda found: {**found, **base})
