"""The nodes of a FHIRPath syntax tree and the tokens of its text.

Every node and token keeps the offset of its first character, so that an error can point at it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from adapters.sql_on_fhir.language.errors import ExpressionError


@dataclass(frozen=True, slots=True)
class Node:
    """What all nodes share: the offset in the expression."""

    position: int


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A constant: `value` in Python, `kind` as FHIRPath system type (`Quantity` values are (number, unit))."""

    value: object
    kind: str


@dataclass(frozen=True, slots=True)
class Member(Node):
    """`base.name`; without base the element is taken from the current focus."""

    base: Node | None
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """`base.name(arguments)`."""

    base: Node | None
    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Index(Node):
    """`base[index]`."""

    base: Node
    index: Node


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """`$this`, `$index`, `$total`."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """`%name`."""

    name: str


@dataclass(frozen=True, slots=True)
class Binary(Node):
    """`left operator right`."""

    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Sign(Node):
    """Unary `+` or `-`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class TypeTest(Node):
    """`operand is Type`, `operand as Type`."""

    operator: str
    operand: Node
    type_name: str


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text: the name of its group in `TOKENS`, the text, and where it starts (0 is the beginning)."""

    kind: str
    text: str
    position: int


TOKENS = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<time>@T\d\d(:\d\d(:\d\d(\.\d+)?)?)?)
  | (?P<datetime>@\d{4}(-\d\d(-\d\d)?)?T(\d\d(:\d\d(:\d\d(\.\d+)?)?)?(Z|[+-]\d\d:\d\d)?)?)
  | (?P<date>@\d{4}(-\d\d(-\d\d)?)?)
  | (?P<number>\d+(\.\d+)?)
  | (?P<string>'(?:\\.|[^'\\])*')
  | (?P<delimited>`(?:\\.|[^`\\])*`)
  | (?P<variable>\$(this|index|total)\b)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<symbol>!=|!~|<=|>=|[-+*/&|=~<>().,\[\]{}%])
    """,
    re.VERBOSE | re.DOTALL,
)
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}
ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


def tokenize(text: str) -> list[Token]:
    """All tokens but space and comments, with an `end` token as the last."""
    tokens = []
    offset = 0
    while offset < len(text):
        match = TOKENS.match(text, offset)
        if match is None:
            raise ExpressionError(f"unexpected character {text[offset]!a}", offset)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), offset))
        offset = match.end()
    tokens.append(Token("end", "", len(text)))
    return tokens


def unescape(quoted: str) -> str:
    """The text between the quotes of a string or delimited identifier, escapes resolved."""

    def character(match: re.Match[str]) -> str:
        code = match.group(1)
        return chr(int(code[1:], 16)) if len(code) == 5 else ESCAPES.get(code, code)

    return ESCAPE.sub(character, quoted[1:-1])


def children(node: Node) -> Iterator[Node]:
    """The nodes directly below."""
    for name in ("base", "index", "left", "right", "operand"):
        child = getattr(node, name, None)
        if isinstance(child, Node):
            yield child
    if isinstance(node, Call):
        yield from node.arguments


def height(root: Node) -> int:
    """The number of nodes on the longest way down, found without recursion."""
    highest = 0
    waiting = [(root, 1)]
    while waiting:
        node, level = waiting.pop()
        highest = max(highest, level)
        waiting.extend((child, level + 1) for child in children(node))
    return highest


LOOPING = frozenset({"where", "exists", "all", "select"})


def uses_index(node: Node) -> bool:
    """True if `$index` of a loop around the expression is meant, not that of a loop inside it."""
    if isinstance(node, Variable):
        return node.name == "$index"
    if isinstance(node, Call) and node.name in LOOPING:
        return node.base is not None and uses_index(node.base)
    return any(uses_index(child) for child in children(node))
