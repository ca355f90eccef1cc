"""Syntax tree -> Python function over collections.

Every function takes the focus (a list, FHIRPath's `$this`) and the environment and returns a list. It makes no
assumption about the shape of the data: a single value where FHIR declares a list, or the reverse, is accepted.
This is the complete form; `generated/` turns the common part of it into source that trusts the shape.
"""

from __future__ import annotations

from typing import Any

from adapters.sql_on_fhir.complete import functions, operators
from adapters.sql_on_fhir.complete.typed import Environment, Function, Scope, Settings, Typed, reader, single_integer
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.language.syntax import (
    Binary,
    Call,
    Constant,
    Index,
    Literal,
    Member,
    Node,
    Sign,
    TypeTest,
    Variable,
)


def compile_function(node: Node, scope: Scope, settings: Settings) -> Typed:
    """The function for one expression. Raises ExpressionError for what is wrong or unsupported."""
    return _Compiler(settings).compile(node, scope)


class _Compiler:
    """One method for each kind of node; all return a Typed."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    def compile(self, node: Node, scope: Scope) -> Typed:
        method = getattr(self, "_" + type(node).__name__.lower())
        compiled: Typed = method(node, scope)
        return compiled

    def _literal(self, node: Literal, _scope: Scope) -> Typed:
        value = functions.literal_value(node)
        result = [] if value is None else [value]
        return Typed(lambda _focus, _env: result, f"System.{node.kind}", constant=True)

    def _variable(self, node: Variable, scope: Scope) -> Typed:
        if node.name == "$this":
            return Typed(lambda focus, _env: focus, scope.type, scope.targets)
        if node.name == "$index":
            return Typed(lambda _focus, env: [env.index], "System.Integer")
        raise ExpressionError("$total is unsupported, as aggregate() is", node.position)

    def _constant(self, node: Constant, _scope: Scope) -> Typed:
        if node.name in self.settings.constants:
            value, kind = self.settings.constants[node.name]
            result = [value]
            return Typed(lambda _focus, _env: result, kind, constant=True)
        if node.name == "rowIndex":
            return Typed(lambda _focus, env: [env.row_index], "System.Integer")
        if node.name in ("resource", "rootResource", "context"):
            return Typed(lambda _focus, env: [env.resource], self.settings.resource_type)
        if node.name in functions.SYSTEM_CONSTANTS:
            text = [functions.SYSTEM_CONSTANTS[node.name]]
            return Typed(lambda _focus, _env: text, "System.String", constant=True)
        raise ExpressionError(f"undefined constant %{node.name}", node.position)

    def _base(self, base: Node | None, scope: Scope) -> Typed:
        if base is None:
            return Typed(lambda focus, _env: focus, scope.type, scope.targets)
        return self.compile(base, scope)

    def _member(self, node: Member, scope: Scope) -> Typed:
        if node.base is None and names_the_focus(node.name, scope.type):
            return Typed(lambda focus, _env: focus, scope.type)
        base = self._base(node.base, scope)
        return step(base, node.name)

    def _index(self, node: Index, scope: Scope) -> Typed:
        base = self.compile(node.base, scope)
        index = self.compile(node.index, scope)
        position = node.position

        def item(focus: list[Any], env: Environment) -> list[Any]:
            number = single_integer(index.run(focus, env), position)
            values = base.run(focus, env)
            return [values[number]] if number is not None and 0 <= number < len(values) else []

        return base.like(item)

    def _sign(self, node: Sign, scope: Scope) -> Typed:
        operand = self.compile(node.operand, scope)
        return operators.sign(node, operand)

    def _binary(self, node: Binary, scope: Scope) -> Typed:
        left, right = self.compile(node.left, scope), self.compile(node.right, scope)
        return operators.binary(node, left, right)

    def _typetest(self, node: TypeTest, scope: Scope) -> Typed:
        base = self.compile(node.operand, scope)
        return functions.type_test(node.operator, base, node.type_name, node.position)

    def _call(self, node: Call, scope: Scope) -> Typed:
        signature = functions.signature(node)
        if node.name == "extension" and node.base is not None:
            sibling = self._primitive_sibling(node.base, scope)
            base = sibling if sibling is not None else self._base(node.base, scope)
        else:
            base = self._base(node.base, scope)
        call = functions.Invocation(node, base, scope, self.settings, self.compile)
        return signature.build(call)

    def _primitive_sibling(self, base: Node, scope: Scope) -> Typed | None:
        """`birthDate.extension(...)` reads `_birthDate`, where FHIR's JSON keeps a primitive's extensions."""
        if not isinstance(base, Member):
            return None
        owner, element = self._base(base.base, scope), self.compile(base, scope)
        if element.type not in elements.PRIMITIVE_TYPES:
            return None
        return Typed(reader(owner.run, "_" + base.name), "Element")


def names_the_focus(name: str, focus_type: str | None) -> bool:
    """True for `Patient` in `Patient.name` where the focus is a Patient."""
    return focus_type is not None and name[:1].isupper() and name in elements.ancestry(focus_type)


def step(base: Typed, name: str) -> Typed:
    """`base.name`: one property, the properties of a choice, or for an unknown type whatever is there."""
    declared = elements.elements(base.type, name) if base.type is not None else ()
    if not declared and elements.is_known(base.type):
        # Also an element of a later FHIR version, or one of an extension of the format: read it unchanged.
        return Typed(reader(base.run, name), None, choice=(base.run, name))
    if not declared:
        return Typed(_open_reader(name, base.run), None, choice=(base.run, name))
    if len(declared) == 1 and declared[0].key == name:
        return Typed(reader(base.run, name), declared[0].type, declared[0].targets)
    keys = (element.key for element in declared)
    return Typed(reader(base.run, *keys), None, choice=(base.run, name), options=declared)


def _open_reader(name: str, owner: Function) -> Function:
    keys = (name, *(elements.choice_key(name, suffix) for suffix in elements.choice_suffixes()))
    return reader(owner, *keys)
