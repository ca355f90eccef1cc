"""The functions and logic of FHIRPath as source; other functions are called as closures on lists of values."""

from __future__ import annotations

from collections.abc import Callable

from adapters.sql_on_fhir.complete import functions, operators, values
from adapters.sql_on_fhir.complete.typed import Scope, Typed
from adapters.sql_on_fhir.generated.expressions import Expressions
from adapters.sql_on_fhir.generated.runtime import UNSETTLED, reference_keys, settle
from adapters.sql_on_fhir.generated.source import NotGeneratedError
from adapters.sql_on_fhir.generated.values import Many, One, Value
from adapters.sql_on_fhir.language import elements
from adapters.sql_on_fhir.language.elements import Element
from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.language.parser import type_specifier
from adapters.sql_on_fhir.language.syntax import Binary, Call, Literal, Member, Node

BOOLEAN = "System.Boolean"
Condition = tuple[str, str]  # Python conditions for "is true" and for "is false"; neither holds for empty


class Generator(Expressions):
    """Expressions with functions and logic."""

    def _binary(self, node: Binary, this: One) -> Value:
        if node.operator in ("=", "!=", "<", ">", "<=", ">=", "and", "or"):
            return self.verdict(self.condition(node, this))
        if node.operator in ("+", "-", "*", "/", "div", "mod", "&"):
            return self.operation(node, this)
        raise NotGeneratedError(node.operator)

    def operation(self, node: Binary, this: One) -> Value:
        """Arithmetic: the closure of the operator on the collected operands."""
        left, right = self.inline(node.left, this), self.inline(node.right, this)
        first, second = self.collected(left), self.collected(right)
        operand_types = (
            Typed(lambda focus, _env: focus[0], left.type),
            Typed(lambda focus, _env: focus[1], right.type),
        )
        try:
            typed = operators.binary(node, *operand_types)
        except ExpressionError as fault:
            raise NotGeneratedError(fault.reason) from fault
        return self.run_closure(typed, f"[{first}, {second}]")

    def verdict(self, condition: Condition) -> One:
        """True, False or None as a value."""
        true, false = condition
        present = false == f"not {true}"
        text = f"bool({true})" if present else f"True if {true} else (False if {false} else None)"
        return One(self.source.set(text), BOOLEAN, present=present)

    def condition(self, node: Node, this: One) -> Condition:
        """Python conditions for "is true" and "is false" of an expression."""
        if isinstance(node, Binary):
            if node.operator == "=":
                return self.equality(node, this)
            if node.operator == "!=":
                true, false = self.equality(node, this)
                return false, true
            if node.operator in ("<", ">", "<=", ">="):
                return self.order(node, this)
            if node.operator in ("and", "or"):
                return self.connected(node, this)
        if isinstance(node, Call) and node.name == "not" and not node.arguments and node.base is not None:
            true, false = self.condition(node.base, this)
            return false, true
        if (
            isinstance(node, Call)
            and node.name in ("exists", "empty")
            and len(node.arguments) <= (node.name == "exists")
        ):
            exists = self.exists(node, this)
            return (exists, f"not {exists}") if node.name == "exists" else (f"not {exists}", exists)
        return self.boolean(self.value(node, this))

    def equality(self, node: Binary, this: One) -> tuple[str, str]:
        """Python conditions for "is true" and "is false" of `left = right`."""
        left, right = self.value(node.left, this), self.value(node.right, this)
        moments = left.type in elements.TEMPORAL_TYPES or right.type in elements.TEMPORAL_TYPES
        plain = left.type in elements.TEXT_TYPES and right.type in elements.TEXT_TYPES
        if plain and isinstance(left, One) and isinstance(right, One):
            return self._equal_texts(left, right)
        compare = self.source.refer(operators.equal_collections, ("equal_collections",))
        verdict = self.source.set(f"{compare}({self.collected(left)}, {self.collected(right)}, {moments})")
        return f"{verdict} is True", f"{verdict} is False"

    def _equal_texts(self, left: One, right: One) -> tuple[str, str]:
        absent = [side.name for side in (left, right) if not side.present]
        there = "".join(f" and {name} is not None" for name in absent)
        both = there if len(absent) == 2 else ""  # nothing absent equals what is present
        return f"({left.name} == {right.name}{both})", f"({left.name} != {right.name}{there})"

    def order(self, node: Binary, this: One) -> tuple[str, str]:
        """As `equality`, for `<`, `>`, `<=`, `>=`."""
        left, right = self.single(self.value(node.left, this)), self.single(self.value(node.right, this))
        moments = left.type in elements.TEMPORAL_TYPES or right.type in elements.TEMPORAL_TYPES
        compare = self.source.refer(values.order, ("order",))
        there = "".join(f" and {side.name} is not None" for side in (left, right) if not side.present)
        call = f"{compare}({left.name}, {right.name}, {moments})"
        sign = self.source.set(f"{call} if True{there} else None" if there else call)
        holds = f"{sign} is not None and {sign} {node.operator} 0"
        return f"({holds})", f"({sign} is not None and not {sign} {node.operator} 0)"

    def boolean(self, value: Value) -> Condition:
        """Python conditions for "is true" and "is false" of a Boolean value."""
        single = self.single(value)
        if single.type not in elements.BOOLEAN_TYPES:
            raise NotGeneratedError("no Boolean")
        return f"({single.name} is True)", f"({single.name} is False)"

    def connected(self, node: Binary, this: One) -> Condition:
        """Python conditions for "is true" and "is false" of `and` and `or`."""
        left, right = self.condition(node.left, this), self.condition(node.right, this)
        other = "or" if node.operator == "and" else "and"
        return f"({left[0]} {node.operator} {right[0]})", f"({left[1]} {other} {right[1]})"

    def exists(self, node: Call, this: One) -> str:
        """A variable that is True where the base has a value (that meets the criterion)."""
        if isinstance(node.base, Member) and not node.arguments:
            choice = self.choice_exists(node.base, this)
            if choice is not None:
                return choice
        value = self.base(node.base, this)
        if node.arguments:
            value = self.filtered(value, node.arguments[0])
        if isinstance(value, One):
            return "True" if value.present else self.source.set(f"{value.name} is not None")
        variable = self.source.set("False")

        def note(_item: One) -> None:
            self.source.add(f"{variable} = True")
            if value.loops == 1:
                self.source.add("break")

        value.each(note)
        return variable

    def choice_exists(self, node: Member, this: One) -> str | None:
        """`value.exists()` where value is a choice: any of its properties."""
        base = self.base(node.base, this)
        options = elements.elements(base.type, node.name) if base.type is not None else ()
        if len(options) < 2 or not isinstance(base, One):
            return None
        names = [self.get(base, option) for option in options]
        return self.source.set(" or ".join(f"{field.name} is not None" for field in names))

    def filtered(self, value: Value, criterion: Node) -> Value:
        """The values for which the criterion is true."""

        def each(body: Callable[[One], None]) -> None:
            def test(item: One) -> None:
                true, _ = self.condition(criterion, item)
                with self.source.block(f"if {true}:"):
                    self.source.add("pass")
                    body(item)

            self.deliver(value, test)

        mark = self.source.mark()
        each(lambda _item: None)  # a criterion that cannot be written must show now, not when the values are used
        self.source.rewind(mark)
        if isinstance(value, Many):
            return Many(each, value.type, value.targets, value.loops)
        return Many(each, value.type, value.targets, 2)  # no loop to break out of

    def _call(self, node: Call, this: One) -> Value:
        functions.signature(node)
        write = INLINE.get(node.name, Generator.applied)
        return write(self, node, this)

    def where(self, node: Call, this: One) -> Value:
        """`where(criterion)`."""
        return self.filtered(self.base(node.base, this), node.arguments[0])

    def first_item(self, node: Call, this: One) -> Value:
        """`first()`."""
        return self.first(self.base(node.base, this))

    def boolean_call(self, node: Call, this: One) -> Value:
        """`exists()`, `empty()` and `not()`, which `condition` writes."""
        return self.verdict(self.condition(node, this))

    def type_call(self, node: Call, this: One) -> Value:
        """`ofType(Type)` and `as(Type)`."""
        return self.of_type(node.base, type_specifier(node.arguments[0]), this)

    def extension(self, node: Call, this: One) -> Value:
        """`extension(url)` with a constant url, on an element that is no primitive."""
        url = node.arguments[0]
        if not isinstance(url, Literal) or not isinstance(url.value, str):
            raise NotGeneratedError("url")
        base = self.base(node.base, this)
        if base.type is None or base.type in elements.PRIMITIVE_TYPES:
            raise NotGeneratedError("an extension of a primitive")
        wanted = self.constant(url.value, "System.String").name
        options = self.step(base, "extension")

        def each(body: Callable[[One], None]) -> None:
            def test(item: One) -> None:
                field = self.step(item, "url")
                assert isinstance(field, One)  # noqa: S101 - Extension.url does not repeat
                with self.source.block(f"if {field.name} == {wanted}:"):
                    body(item)

            self.deliver(options, test)

        return Many(each, "Extension", (), options.loops if isinstance(options, Many) else 2)

    def resource_key_call(self, node: Call, this: One) -> Value:
        """`getResourceKey()` of the resource that the view is about."""
        base = self.base(node.base, this)
        if not isinstance(base, One) or not base.is_root or base.type is None:
            raise NotGeneratedError("not the resource itself")
        identity = self.step(base, "id")
        assert isinstance(identity, One)  # noqa: S101 - Resource.id does not repeat
        prefix = self.source.refer(f"{base.type}/", ("key", base.type))
        return One(self.source.set(f"{prefix} + {identity.name} if {identity.name} else None"), "System.String")

    def reference_key_call(self, node: Call, this: One) -> Value:
        """`getReferenceKey(Type)`."""
        wanted = type_specifier(node.arguments[0]) if node.arguments else None
        base = self.base(node.base, this)
        if base.type != "Reference":
            raise NotGeneratedError("not a reference")
        element = Element("reference", "string", False)
        return self.over(base, lambda owner: self.reference_key(owner, wanted, base.targets), element)

    def reference_key(self, owner: One, wanted: str | None, targets: tuple[str, ...]) -> One:
        """The key of one Reference; UNSETTLED ones are looked at as a whole."""
        literal = self.get(owner, Element("reference", "string", False)).name
        bases = self.settings.own_bases
        memory = self.source.refer(reference_keys(wanted, bases), ("keys", wanted, bases))
        if owner.shape is not None:
            owner.shape.child(Element("type", "uri", False))
            identifier = owner.shape.child(Element("identifier", "Identifier", False))
            for key in ("system", "value"):
                identifier.child(Element(key, "string", False))
        other = self.source.refer(settle(wanted, targets, bases), ("settle", wanted, targets, bases))
        unsettled = self.source.refer(UNSETTLED, ("unsettled",))
        key = self.source.set(f"{memory}[{literal}] if {literal} is not None else {unsettled}")
        self.source.add(f"if {key} is {unsettled}: {key} = {other}({owner.name})")
        return One(key, "System.String")

    def applied(self, node: Call, this: One) -> Value:
        """A function as closure on the collected values of its base; its arguments must be constants."""
        base = self.base(node.base, this)
        if base.type not in elements.PRIMITIVE_TYPES:
            raise NotGeneratedError("closures read dicts")
        if not all(isinstance(argument, Literal) for argument in node.arguments):
            raise NotGeneratedError("an argument is not constant")
        whole = Typed(lambda focus, _env: focus, base.type, base.targets)
        entry = functions.signature(node)
        try:
            typed = entry.build(functions.Invocation(node, whole, Scope(None), self.settings, self._compile_constant))
        except ExpressionError as fault:
            raise NotGeneratedError(fault.reason) from fault
        return self.run_closure(typed, self.collected(base))

    def _compile_constant(self, node: Node, scope: Scope) -> Typed:
        from adapters.sql_on_fhir.complete.closures import compile_function

        return compile_function(node, scope, self.settings)


# The functions that are written as source; all others are called as closures.
INLINE: dict[str, Callable[[Generator, Call, One], Value]] = {
    "where": Generator.where,
    "first": Generator.first_item,
    "exists": Generator.boolean_call,
    "empty": Generator.boolean_call,
    "not": Generator.boolean_call,
    "ofType": Generator.type_call,
    "as": Generator.type_call,
    "extension": Generator.extension,
    "getResourceKey": Generator.resource_key_call,
    "getReferenceKey": Generator.reference_key_call,
}
