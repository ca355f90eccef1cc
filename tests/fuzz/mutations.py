"""Random damage to JSON values, FHIRPath texts and bytes; everything follows from the given random.Random."""

from __future__ import annotations

import copy
import random
from decimal import Decimal
from typing import Any

SCRAPS: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        Decimal("1.5"),
        10**30,
        "",
        " ",
        "x",
        "\u0000",
        "2020-02-30",
        "1970",
        "\U0001f600",
        "Patient/1",
    ),
    *([], {}, [[]], [{}], [None], {"a": {"b": [1]}}, ["x", "y"], {"reference": "#"}, {"resourceType": 5}),
    *(Decimal("0.10"), Decimal("1E+400"), Decimal("-0.0"), "urn:uuid:x", "#part", "Observation/r1/_history/2"),
)
PIECES = (
    *(
        "name",
        "code",
        "coding",
        "value",
        "id",
        "component",
        "$this",
        "$index",
        "%rowIndex",
        "%x",
        "%resource",
        "Patient",
    ),
    *(
        ".",
        "(",
        ")",
        "[",
        "]",
        "{}",
        ",",
        "'x'",
        "'",
        "`",
        "0",
        "1",
        "-1",
        "1.50",
        "4 days",
        "@2020-01",
        "@T10:30",
        "true",
    ),
    *(
        " and ",
        " or ",
        " xor ",
        " implies ",
        " = ",
        " != ",
        " ~ ",
        " < ",
        " >= ",
        " + ",
        " - ",
        " * ",
        " / ",
        " div ",
        " mod ",
    ),
    *(
        " | ",
        " & ",
        " in ",
        " contains ",
        " is ",
        " as ",
        ".where(",
        ".exists()",
        ".empty()",
        ".first()",
        ".last()",
        ".not()",
    ),
    *(
        ".ofType(Quantity)",
        ".ofType(string)",
        ".ofType(nonsense)",
        ".extension('u')",
        ".join(',')",
        ".count()",
        ".select(",
    ),
    *(
        ".repeat(",
        ".all(",
        ".single()",
        ".skip(1)",
        ".iif(true, 1)",
        ".toString()",
        ".toInteger()",
        ".toDecimal()",
        ".abs()",
    ),
    *(
        ".getResourceKey()",
        ".getReferenceKey()",
        ".getReferenceKey(Patient)",
        ".lowBoundary()",
        ".highBoundary()",
        ".round(2)",
    ),
    *(
        ".substring(1)",
        ".matches('(')",
        ".replaceMatches('a', '$1')",
        ".distinct()",
        ".combine(",
        ".union(",
        ".power(99)",
    ),
    *(
        ".nonsense()",
        ".ceiling()",
        ".sqrt()",
        ".startsWith('a')",
        ".length()",
        ".convertsToInteger()",
        ".hasValue()",
        "é",
        "@@",
    ),
)


def mutated(value: Any, chance: random.Random, times: int = 1) -> Any:
    """A copy of a JSON value with `times` places replaced, removed, doubled or wrapped."""
    found = copy.deepcopy(value)
    for _ in range(times):
        places = list(_places(found))
        if not places:
            return chance.choice(SCRAPS)
        owner, key = chance.choice(places)
        _damage(owner, key, chance)
    return found


def _places(value: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        owner = waiting.pop()
        entries = owner.items() if isinstance(owner, dict) else enumerate(owner)
        for key, inner in entries:
            found.append((owner, key))
            if isinstance(inner, dict | list):
                waiting.append(inner)
    return found


def _damage(owner: Any, key: Any, chance: random.Random) -> None:
    way = chance.randrange(6)
    if way == 0:
        del owner[key]
    elif way == 1:
        owner[key] = [copy.deepcopy(owner[key]), copy.deepcopy(owner[key])]
    elif way == 2 and isinstance(owner[key], list) and owner[key]:
        owner[key] = owner[key][0]
    elif way == 3 and isinstance(owner[key], str):
        owner[key] = text(owner[key], chance)
    else:
        owner[key] = copy.deepcopy(chance.choice(SCRAPS))


def text(value: str, chance: random.Random) -> str:
    """A text with a piece of FHIRPath put in, characters cut out, or a part doubled."""
    at = chance.randint(0, len(value))
    to = min(len(value), at + chance.randint(0, 6))
    way = chance.randrange(4)
    if way == 0:
        return value[:at] + value[to:]
    if way == 1:
        return value[:to] + value[at:]
    return value[:at] + chance.choice(PIECES) + value[at if way == 2 else to :]


def expression(chance: random.Random) -> str:
    """Pieces of FHIRPath in a row."""
    return "".join(chance.choice(PIECES) for _ in range(chance.randint(1, 7)))


def raw(value: bytes, chance: random.Random) -> bytes:
    """Bytes with some changed, cut or inserted."""
    at = chance.randint(0, len(value))
    to = min(len(value), at + chance.randint(0, 20))
    scrap = chance.choice(
        (b"", b"\n", b"\xff", b"\\u0000", b"}", b"[" * 50, b'"', b"1E+99999999999999999999", b"\xef\xbb\xbf")
    )
    return value[:at] + scrap + value[to if chance.random() < 0.7 else at :]
