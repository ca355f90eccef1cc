"""FHIRPath text to tree: precedence, literals, and faults that point at their place."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.sql_on_fhir.language.errors import ExpressionError
from adapters.sql_on_fhir.language.parser import MAX_DEPTH, MAX_HEIGHT, MAX_LENGTH, parse
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


def shown(node: Node | None) -> str:
    """A tree as text with every bracket written."""
    match node:
        case None:
            return ""
        case Literal():
            return repr(node.value) if not isinstance(node.value, Decimal) else str(node.value)
        case Member():
            return f"{shown(node.base)}.{node.name}" if node.base else node.name
        case Call():
            arguments = ", ".join(shown(argument) for argument in node.arguments)
            return f"{shown(node.base)}.{node.name}({arguments})" if node.base else f"{node.name}({arguments})"
        case Index():
            return f"{shown(node.base)}[{shown(node.index)}]"
        case Binary():
            return f"({shown(node.left)} {node.operator} {shown(node.right)})"
        case TypeTest():
            return f"({shown(node.operand)} {node.operator} {node.type_name})"
        case Sign():
            return f"({node.operator}{shown(node.operand)})"
        case Constant() | Variable():
            return node.name if isinstance(node, Variable) else f"%{node.name}"
    raise AssertionError(node)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("name.given.first()", "name.given.first()"),
        ("a or b and c", "(a or (b and c))"),
        ("a implies b or c", "(a implies (b or c))"),
        ("a = b and c != d", "((a = b) and (c != d))"),
        ("a + b * c - d", "((a + (b * c)) - d)"),
        ("a | b = c", "((a | b) = c)"),
        ("a < b = c > d", "((a < b) = (c > d))"),
        ("a in b and c contains d", "((a in b) and (c contains d))"),
        ("value is Quantity and x", "((value is Quantity) and x)"),
        ("value as FHIR.Quantity", "(value as Quantity)"),
        ("x is System.String", "(x is System.String)"),
        ("(a or b) and c", "((a or b) and c)"),
        ("name[0].given[1]", "name[0].given[1]"),
        ("-5", "-5"),
        ("-a", "(-a)"),
        ("-1 + 2", "(-1 + 2)"),
        ("7 div 2 mod 2", "((7 div 2) mod 2)"),
        ("1.50", "1.50"),
        ("where($this.use = 'official')", "where(($this.use = 'official'))"),
        ("%`us-core`.x", "%us-core.x"),
        ("`div`.`and`", "div.and"),
        ("a /* remark */ . b // end", "a.b"),
        ("'it\\'s \\u0041\\n'", '"it\'s A\\n"'),
        ("true and false", "(True and False)"),
        ("@2020-02", "'2020-02'"),
        ("@2020-02-03T10:00:00+02:00", "'2020-02-03T10:00:00+02:00'"),
        ("@T10:30", "'10:30'"),
        ("4 days", "(Decimal('4'), 'day')"),
        ("4.0 'mg'", "(Decimal('4.0'), 'mg')"),
    ],
)
def test_parse_binds_as_the_grammar_says(text: str, tree: str) -> None:
    assert shown(parse(text)) == tree


@pytest.mark.parametrize(
    ("text", "position", "word"),
    [
        ("", 0, "end of expression"),
        ("name.", 5, "expected a name"),
        ("name..given", 5, "expected a name"),
        ("name.where(use = 'x'", 20, "expected ')'"),
        ("@@", 0, "unexpected character"),
        ("name given", 5, "unexpected 'given'"),
        ("a = ", 4, "end of expression"),
        ("'open", 0, "unexpected character"),
        ("name[0", 6, "expected ']'"),
        ("a.$this", 2, "cannot follow a dot"),
        ("x is 5", 5, "expected a type"),
        ("% + 1", 2, "name of a constant"),
        ("1234567890123456789", 0, "18 digits"),
        ("a.b(1,)", 6, "unexpected ')'"),
        ("ä", 0, "unexpected character"),
    ],
)
def test_a_fault_names_its_position(text: str, position: int, word: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert caught.value.position == position
    assert word in caught.value.reason


@pytest.mark.parametrize("extra", [0, 1])
def test_nesting_has_a_limit(extra: int) -> None:
    text = "(" * (MAX_DEPTH - 1 + extra) + "a" + ")" * (MAX_DEPTH - 1 + extra)
    if extra == 0:
        assert shown(parse(text)) == "a"
    else:
        with pytest.raises(ExpressionError, match="nested deeper"):
            parse(text)


@pytest.mark.parametrize(
    "text", ["-" * 500 + "1", "a" + ".b" * (MAX_HEIGHT + 1), " and ".join("a" * 300), "x" * (MAX_LENGTH + 1)]
)
def test_long_chains_are_refused_not_crashed_on(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse(text)


@given(st.text(alphabet="ab.()[]'`=<>|&+-*/%$@0123456789 \\{},~!TZ:", max_size=40))
def test_any_text_parses_or_says_where_it_does_not(text: str) -> None:
    with suppress(ExpressionError):
        parse(text)
        return
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert 0 <= caught.value.position <= len(text)
