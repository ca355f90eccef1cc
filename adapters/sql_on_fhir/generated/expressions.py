"""Syntax tree -> Python source that trusts the shape FHIR declares.

The code reads the structs of `shapes.py`: `a.b` becomes one attribute access, a repeating element a loop, `where`
an `if`. Data that FHIR does not allow, or that need a finding, raise Unusual; the complete form then evaluates the
whole resource.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from adapters.sql_on_fhir.complete import closures
from adapters.sql_on_fhir.complete.typed import Environment, Scope, Settings, Typed
from adapters.sql_on_fhir.generated.runtime import unusual
from adapters.sql_on_fhir.generated.shapes import Shape, attribute
from adapters.sql_on_fhir.generated.source import NotGeneratedError, Source
from adapters.sql_on_fhir.generated.values import Many, One, Value
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.elements import Element
from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.language.syntax import (
    Binary,
    Call,
    Constant,
    Index,
    Literal,
    Member,
    Node,
    TypeTest,
    Variable,
    uses_index,
)


class Expressions:
    """Writes the code of expressions into a Source."""

    def __init__(self, source: Source, settings: Settings) -> None:
        self.source = source
        self.settings = settings
        self.row_index = "0"

    # Reading elements

    def get(self, owner: One, element: Element) -> One:
        """The variable of a property of a value; it is read once a block."""
        key = (owner.name, element.key)
        field = self.source.known(key)
        if field is None:
            shape = owner.shape.child(element) if owner.shape is not None else None
            access = f"{owner.name}.{attribute(element.key)}"
            if not owner.present:
                access += f" if {owner.name} is not None else None"
            field = One(self.source.set(access), element.type, element.targets, shape)
            self.source.remember(key, field)
        return field

    def read(self, owner: One, element: Element) -> Value:
        """A property, with a loop where it repeats."""
        field = self.get(owner, element)
        if not element.many:
            return field

        def each(body: Callable[[One], None]) -> None:
            with self.source.block(f"if {field.name} is not None:"):
                item = self.source.fresh()
                with self.source.block(f"for {item} in {field.name}:"):
                    body(One(item, field.type, field.targets, field.shape, present=True))

        return Many(each, element.type, element.targets)

    def guard(self, condition: str) -> None:
        """Write code that leaves a resource to the complete form where the condition is true."""
        self.source.add(f"if {condition}: {self.source.refer(unusual, ('unusual',))}()")

    def over(self, value: Value, then: Callable[[One], Value], element: Element) -> Value:
        """Apply a step that reads `element` to every value."""
        if isinstance(value, One):
            return then(value)

        def each(body: Callable[[One], None]) -> None:
            value.each(lambda item: self.deliver(then(item), body))

        return Many(each, element.type, element.targets, value.loops + element.many)

    def deliver(self, value: Value, body: Callable[[One], None]) -> None:
        """Write `body` for each value that is present."""
        if isinstance(value, Many):
            value.each(body)
        elif value.present:
            body(value)
        else:
            with self.source.block(f"if {value.name} is not None:"):
                body(One(value.name, value.type, value.targets, value.shape, True, value.is_root))

    def step(self, base: Value, name: str) -> Value:
        """`base.name`, where FHIR declares just one element of that name."""
        declared = elements.elements(base.type, name) if base.type is not None else ()
        if len(declared) != 1 or declared[0].type is None or declared[0].key != name:
            raise NotGeneratedError(f"{name} is open")
        element = declared[0]
        return self.over(base, lambda owner: self.read(owner, element), element)

    def chosen(self, base: Value, name: str, type_name: str) -> Value:
        """`base.name.ofType(type_name)` of a choice element."""
        if base.type is None:
            raise NotGeneratedError("the owner's type is unknown")
        key = elements.choice_key(name, type_name)
        options = [option for option in elements.elements(base.type, name) if option.key == key]
        if not options or options[0].key == name:
            raise NotGeneratedError(f"{name} has no such type")
        return self.over(base, lambda owner: self.read(owner, options[0]), options[0])

    def collected(self, value: Value) -> str:
        """A variable that holds a list of all values."""
        if isinstance(value, One):
            if value.present:
                return self.source.set(f"[{value.name}]")
            return self.source.set(f"[{value.name}] if {value.name} is not None else []")
        items = self.source.set("[]")
        value.each(lambda item: self.source.add(f"{items}.append({item.name})"))
        return items

    def single(self, value: Value) -> One:
        """The only value; the code raises Unusual where there are several."""
        if isinstance(value, One):
            return value
        variable = self.source.set("None")

        def keep(item: str) -> None:
            self.guard(f"{variable} is not None")
            self.source.add(f"{variable} = {item}")

        return self.looped(value, keep, variable)

    def first(self, value: Value) -> Value:
        """The first value; None where there is no value."""
        if isinstance(value, One):
            return value
        variable = self.source.set("None")

        def keep(item: str) -> None:
            if value.loops == 1:
                self.source.add(f"{variable} = {item}")
                self.source.add("break")
            else:
                self.source.add(f"if {variable} is None: {variable} = {item}")

        return self.looped(value, keep, variable)

    def looped(self, value: Many, keep: Callable[[str], None], variable: str) -> One:
        """Write loops over all values in which `keep` may set `variable`; the variable as a value."""
        shapes: list[Shape | None] = []

        def body(item: One) -> None:
            shapes.append(item.shape)
            keep(item.name)

        value.each(body)
        return One(variable, value.type, value.targets, shapes[0])

    # Expressions

    def value(self, node: Node, this: One) -> Value:
        """Write the code of an expression; `this` holds `$this`. Uses a closure where no source can be written."""
        mark = self.source.mark()
        try:
            return self.inline(node, this)
        except NotGeneratedError:
            self.source.rewind(mark)
            return self.by_closure(node, this)

    def by_closure(self, node: Node, this: One) -> Value:
        """Call the closure of an expression. `$this` must be a primitive, since closures read no structs."""
        if this.type not in elements.PRIMITIVE_TYPES:
            raise NotGeneratedError("closures read dicts")
        if uses_index(node):
            raise NotGeneratedError("$index belongs to a loop outside")
        typed = self.closure(node, this)
        return self.run_closure(typed, f"[{this.name}]" if this.present else self.collected(this))

    def closure(self, node: Node, this: Value) -> Typed:
        """The closure of an expression that the generated form calls."""
        try:
            return closures.compile_function(node, Scope(this.type, this.targets), self.settings)
        except ExpressionError as fault:
            raise NotGeneratedError(fault.reason) from fault

    def run_closure(self, typed: Typed, focus: str) -> Many:
        """The values of a closure over a list."""
        name = self.source.refer(typed.run)
        make = self.source.refer(Environment, ("Environment",))
        items = self.source.set(f"{name}({focus}, {make}(None, {self.row_index}))")

        def each(body: Callable[[One], None]) -> None:
            item = self.source.fresh()
            with self.source.block(f"for {item} in {items}:"):
                body(One(item, typed.type, typed.targets, None, present=True))

        return Many(each, typed.type, typed.targets)

    def constant(self, value: Any, kind: str | None) -> One:
        """A constant, written into the source where its text is safe there."""
        if isinstance(value, bool | int | str):
            return One(
                repr(value) if isinstance(value, bool | int) else self.source.refer(value, (kind, value)),
                kind,
                present=True,
            )
        return One(self.source.refer(value), kind, present=True)

    def _literal(self, node: Literal, _this: One) -> Value:
        if node.kind in ("Quantity", "Empty"):
            raise NotGeneratedError(node.kind)
        return self.constant(node.value, f"System.{node.kind}")

    def _constant(self, node: Constant, _this: One) -> Value:
        if node.name in self.settings.constants:
            return self.constant(*self.settings.constants[node.name])
        if node.name == "rowIndex":
            return One(self.row_index, "System.Integer", present=True)
        raise NotGeneratedError(node.name)

    def _variable(self, node: Variable, this: One) -> Value:
        if node.name != "$this":
            raise NotGeneratedError(node.name)
        return this

    def base(self, node: Node | None, this: One) -> Value:
        """What a step starts from: the value of `node`; without one, the focus."""
        return this if node is None else self.inline(node, this)

    def inline(self, node: Node, this: One) -> Value:
        """As `value`, but raises NotGeneratedError where the expression as a whole would need a closure."""
        method = getattr(self, "_" + type(node).__name__.lower(), None)
        if method is None:
            raise NotGeneratedError(type(node).__name__)
        value: Value = method(node, this)
        return value

    def _member(self, node: Member, this: One) -> Value:
        if node.base is None and closures.names_the_focus(node.name, this.type):
            return this
        return self.step(self.base(node.base, this), node.name)

    def _index(self, node: Index, this: One) -> Value:
        if not isinstance(node.index, Literal) or not isinstance(node.index.value, int):
            raise NotGeneratedError("index")
        base = self.inline(node.base, this)
        number = node.index.value
        if isinstance(base, One):
            if number == 0:
                return base
            return One("None", base.type, base.targets, base.shape)
        items = self.source.set("[]")
        selected = self.looped(base, lambda item: self.source.add(f"{items}.append({item})"), items)
        return replace(selected, name=self.source.set(f"{items}[{number}] if len({items}) > {number} else None"))

    def _typetest(self, node: TypeTest, this: One) -> Value:
        if node.operator != "as":
            raise NotGeneratedError("is")
        return self.of_type(node.operand, node.type_name, this)

    def of_type(self, operand: Node | None, type_name: str, this: One) -> Value:
        """`operand.ofType(type)`: one property of a choice element; otherwise the declared type decides."""
        if isinstance(operand, Member):
            try:
                base = self.base(operand.base, this)
                return self.chosen(base, operand.name, type_name)
            except NotGeneratedError:
                pass
        value = self.base(operand, this)
        if value.type is not None and type_name in elements.ancestry(value.type):
            return value
        raise NotGeneratedError("type")

    def _binary(self, node: Binary, _this: One) -> Value:
        raise NotGeneratedError(node.operator)  # Generator writes these

    def _call(self, node: Call, _this: One) -> Value:
        raise NotGeneratedError(node.name)  # Generator writes these
