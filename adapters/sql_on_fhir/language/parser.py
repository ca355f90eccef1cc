"""FHIRPath text -> syntax tree.

The grammar is the one of FHIRPath 2.0 (normative), annex "ANTLR grammar"; precedence as in its section 6.8.
"""

from __future__ import annotations

from decimal import Decimal

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
    Token,
    TypeTest,
    Variable,
    height,
    tokenize,
    unescape,
)

MAX_DEPTH = 40
MAX_HEIGHT = 120
MAX_LENGTH = 20_000
BINDING = ("implies", "or xor", "and", "in contains", "= ~ != !~", "< > <= >=", "|", "is as", "+ - &", "* / div mod")
PRECEDENCE = {operator: level for level, operators in enumerate(BINDING) for operator in operators.split()}
CALENDAR = "year month week day hour minute second millisecond"
CALENDAR_UNITS = frozenset(unit + plural for unit in CALENDAR.split() for plural in ("", "s"))


def parse(text: str) -> Node:
    """The tree of one expression; raises ExpressionError with the offset of the fault."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(f"expression longer than {MAX_LENGTH} characters", MAX_LENGTH)
    return _Parser(text).whole()


class _Parser:
    """Recursive descent over the token list; one method a grammar rule."""

    def __init__(self, text: str) -> None:
        self.tokens = tokenize(text)
        self.next = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        """The next token."""
        return self.tokens[self.next]

    def whole(self) -> Node:
        """The expression of the whole text."""
        node = self.expression()
        if self.token.kind != "end":
            raise ExpressionError(f"unexpected {self.token.text!r}", self.token.position)
        if height(node) > MAX_HEIGHT:
            raise ExpressionError(f"more than {MAX_HEIGHT} steps on top of each other")
        return node

    def take(self) -> Token:
        """Consume and return the next token."""
        token = self.token
        self.next += 1
        return token

    def accept(self, text: str) -> bool:
        """Consume the next token if it is this symbol or name; True if it was."""
        if self.token.text == text and self.token.kind in ("symbol", "name"):
            self.next += 1
            return True
        return False

    def expect(self, text: str) -> None:
        """Consume this symbol or name. Raises ExpressionError for any other token."""
        if not self.accept(text):
            found = self.token.text or "end of expression"
            raise ExpressionError(f"expected {text!r}, found {found!r}", self.token.position)

    def expression(self) -> Node:
        """Any expression, alone, in brackets or as an argument."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", self.token.position)
        node = self.binary(0)
        self.depth -= 1
        return node

    def binary(self, lowest: int) -> Node:
        """Operands joined by operators that bind at least as tightly as `lowest`."""
        node = self.unary()
        while self.token.kind in ("symbol", "name"):
            level = PRECEDENCE.get(self.token.text, -1)
            if level < lowest:
                break
            operator = self.take()
            if operator.text in ("is", "as"):
                node = TypeTest(operator.position, operator.text, node, type_specifier(self.chain()))
            else:
                node = Binary(operator.position, operator.text, node, self.binary(level + 1))
        return node

    def unary(self) -> Node:
        """A chain, or one with a sign before it."""
        token = self.token
        if token.kind == "symbol" and token.text in "+-":
            self.next += 1
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise ExpressionError(f"nested deeper than {MAX_DEPTH} levels", token.position)
            node = signed(token, self.unary())
            self.depth -= 1
            return node
        return self.chain()

    def chain(self) -> Node:
        """A term followed by `.name`, `.function()` and `[index]` as often as they come."""
        node = self.term()
        while True:
            if self.accept("."):
                node = self.invocation(node)
            elif self.token.text == "[" and self.token.kind == "symbol":
                position = self.take().position
                node = Index(position, node, self.expression())
                self.expect("]")
            else:
                return node

    def term(self) -> Node:
        """The beginning of a chain: a literal, a name or call, a constant, an expression in brackets."""
        token = self.token
        if token.kind == "symbol" and token.text in ("(", "{", "%"):
            return self.bracket(self.take())
        if token.kind in ("name", "delimited", "variable"):
            if token.text in ("true", "false"):
                self.next += 1
                return Literal(token.position, token.text == "true", "Boolean")
            return self.invocation(None)
        return self.literal(self.take())

    def bracket(self, token: Token) -> Node:
        """A term that begins with `(`, `{` or `%`."""
        if token.text == "(":
            node = self.expression()
            self.expect(")")
            return node
        if token.text == "{":
            self.expect("}")
            return Literal(token.position, None, "Empty")
        name = self.take()
        if name.kind not in ("name", "delimited", "string"):
            raise ExpressionError("expected the name of a constant after '%'", name.position)
        return Constant(token.position, name.text if name.kind == "name" else unescape(name.text))

    def literal(self, token: Token) -> Node:
        """A string, number, date or time."""
        if token.kind == "string":
            return Literal(token.position, unescape(token.text), "String")
        if token.kind == "number":
            return self.number(token)
        if token.kind in ("date", "datetime", "time"):
            kind = {"date": "Date", "datetime": "DateTime", "time": "Time"}[token.kind]
            return Literal(token.position, token.text.lstrip("@").removeprefix("T").removesuffix("T"), kind)
        raise ExpressionError(f"unexpected {token.text or 'end of expression'!r}", token.position)

    def number(self, token: Token) -> Node:
        """A number, or with a unit after it a quantity."""
        decimal = "." in token.text
        if not decimal and len(token.text) > 18:
            raise ExpressionError("integer of more than 18 digits", token.position)
        value = Decimal(token.text) if decimal else int(token.text)
        unit = self.token
        if unit.kind == "string" or (unit.kind == "name" and unit.text in CALENDAR_UNITS):
            self.next += 1
            text = unescape(unit.text) if unit.kind == "string" else unit.text.removesuffix("s")
            return Literal(token.position, (Decimal(token.text), text), "Quantity")
        return Literal(token.position, value, "Decimal" if decimal else "Integer")

    def invocation(self, base: Node | None) -> Node:
        """A name, call or variable; `base` is what comes before the dot, None at the start."""
        token = self.take()
        if token.kind == "variable":
            if base is not None:
                raise ExpressionError(f"{token.text} cannot follow a dot", token.position)
            return Variable(token.position, token.text)
        if token.kind not in ("name", "delimited"):
            raise ExpressionError(f"expected a name, found {token.text or 'end of expression'!r}", token.position)
        name = token.text if token.kind == "name" else unescape(token.text)
        if self.accept("("):
            return Call(token.position, base, name, self.arguments())
        return Member(token.position, base, name)

    def arguments(self) -> tuple[Node, ...]:
        """The arguments of a call up to its closing bracket."""
        if self.accept(")"):
            return ()
        arguments = [self.expression()]
        while self.accept(","):
            arguments.append(self.expression())
        self.expect(")")
        return tuple(arguments)


def signed(sign: Token, operand: Node) -> Node:
    """`-1` is a number; before anything else the sign is an operation."""
    if isinstance(operand, Literal) and isinstance(operand.value, int | Decimal) and operand.kind != "Boolean":
        value = -operand.value if sign.text == "-" else operand.value
        return Literal(sign.position, value, operand.kind)
    return Sign(sign.position, sign.text, operand)


def type_specifier(node: Node) -> str:
    """`Patient`, `FHIR.Patient` or `System.String` as text, the FHIR prefix dropped."""
    if isinstance(node, Member) and node.base is None:
        return node.name
    if isinstance(node, Member) and isinstance(node.base, Member) and node.base.base is None:
        prefix = node.base.name
        if prefix == "FHIR":
            return node.name
        if prefix == "System":
            return f"System.{node.name}"
    raise ExpressionError("expected a type such as Patient, FHIR.string or System.String", node.position)
