"""The element paths that a view reads, found from its expressions and FHIR's element definitions.

An element a view passes through counts as read with the JSON type FHIR gives it, an element it ends at with its
primitive type too. Elements of unknown type (inside contained resources, say) are not followed.
"""

from __future__ import annotations

from dataclasses import dataclass

from adapters.sql_on_fhir.complete.closures import names_the_focus
from adapters.sql_on_fhir.generated.shapes import Shape
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.definition import Select, View
from adapters.sql_on_fhir.language.elements import Element
from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.language.parser import type_specifier
from adapters.sql_on_fhir.language.syntax import (
    Binary,
    Call,
    Constant,
    Index,
    Member,
    Node,
    Sign,
    TypeTest,
    Variable,
    children,
)

KEEPING = frozenset({"where", "first", "last", "tail", "skip", "take", "single", "distinct", "exclude", "intersect"})


@dataclass(frozen=True, slots=True)
class Place:
    """A spot in the resource and the FHIR type found there."""

    shape: Shape
    type: str


Places = tuple[Place, ...]


def read_shape(view: View) -> Shape:
    """The tree of all properties that the view reads, from the resource down."""
    root = Shape()
    if elements.is_known(view.resource):
        start = (Place(root, view.resource),)
        reader = _Reads(start)
        for path in view.where:
            reader.of(path.node, start)
        reader.select(view.root, start)
    return root


class _Reads:
    """Follows expressions from places to places and notes every property on the way."""

    def __init__(self, root: Places) -> None:
        self.root = root

    def select(self, select: Select, focus: Places) -> None:
        """Note what a select and those in it read."""
        inner = focus
        if select.over:
            inner = tuple(place for path in select.over for place in self.of(path.node, focus))
        if select.iteration == "repeat":
            for path in select.over:
                self.of(path.node, inner)
        for column in select.columns:
            self.of(column.path.node, inner)
        for part in (*select.selects, *select.unions):
            self.select(part, inner)

    def of(self, node: Node | None, focus: Places) -> Places:
        """The places of an expression; every property on the way is noted as read."""
        if node is None:
            return focus
        if isinstance(node, Member):
            return self.member(node, focus)
        if isinstance(node, Index):
            self.of(node.index, focus)
            return self.of(node.base, focus)
        if isinstance(node, Call):
            return self.call(node, focus)
        if isinstance(node, TypeTest):
            return self.narrowed(node.operand, node.type_name, focus)
        if isinstance(node, Variable):
            return focus if node.name == "$this" else ()
        if isinstance(node, Constant):
            return self.root if node.name in ("resource", "rootResource", "context") else ()
        if isinstance(node, Binary | Sign):
            for child in children(node):
                self.of(child, focus)
        return ()

    def member(self, node: Member, focus: Places) -> Places:
        """The places of a name: the focus itself where the name is its type, else an element."""
        if node.base is None and any(names_the_focus(node.name, place.type) for place in focus):
            return focus
        return self.step(self.of(node.base, focus), node.name)

    def step(self, base: Places, name: str) -> Places:
        """The places of one element, noted as read."""
        return tuple(
            Place(place.shape.child(element), element.type)
            for place in base
            for element in elements.elements(place.type, name)
            if element.type is not None
        )

    def narrowed(self, operand: Node | None, type_name: str, focus: Places) -> Places:
        """`value.ofType(Quantity)` reads one property of the choice only."""
        if isinstance(operand, Member):
            places = []
            for place in self.of(operand.base, focus):
                options = elements.elements(place.type, operand.name)
                chosen = [option for option in options if len(options) == 1 or option.type == type_name]
                places += [Place(place.shape.child(option), type_name) for option in chosen]
            return tuple(places)
        return tuple(place for place in self.of(operand, focus) if type_name in elements.ancestry(place.type))

    def call(self, node: Call, focus: Places) -> Places:
        """The places of a function; what its base and arguments read is noted."""
        if node.name in ("ofType", "as", "is") and node.arguments:
            try:
                return self.narrowed(node.base, type_specifier(node.arguments[0]), focus)
            except ExpressionError:
                return ()
        base = self.of(node.base, focus)
        if node.name == "extension":
            extensions = self.step(base, "extension")
            self.step(extensions, "url")
            return extensions
        if node.name == "getResourceKey":
            self.step(base, "id")
        elif node.name == "getReferenceKey":
            self.reference(base)
        else:
            return self.applied(node, base, focus)
        return ()

    def reference(self, base: Places) -> None:
        """Note what a key made from a Reference is made of."""
        for name in ("reference", "type"):
            self.step(base, name)
        identifier = self.step(base, "identifier")
        for name in ("system", "value"):
            self.step(identifier, name)

    def applied(self, node: Call, base: Places, focus: Places) -> Places:
        """As `call`, for the functions that work on any items."""
        inside = base if node.name in ("where", "exists", "all", "select", "repeat", "iif") else focus
        results = [self.of(argument, inside) for argument in node.arguments]
        if node.name == "repeat" and results:
            again = results[0]
            for _ in range(2):
                again = self.of(node.arguments[0], again)
            return results[0] + again
        if node.name == "select" and results:
            return results[0]
        if node.name in ("iif", "union", "combine"):
            return base * (node.name != "iif") + tuple(place for result in results for place in result)
        return base if node.name in KEEPING else ()


def leaves(shape: Shape, path: str) -> list[tuple[str, Element]]:
    """All properties of a shape with their paths."""
    properties: list[tuple[str, Element]] = []
    for key, child in shape.fields.items():
        if child.element is not None:
            properties.append((f"{path}.{key}", child.element))
            properties += leaves(child, f"{path}.{key}")
    return properties
