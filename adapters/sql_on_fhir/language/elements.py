"""What FHIR R4 declares about an element: its type, whether it repeats, the types of a choice, the targets of a reference.

`elements_r4.json` lists the element definitions of FHIR R4 (HL7, CC0) in short form: `Coding*` repeats,
`Reference(Patient|Group)` names targets, `value[x]` lists the types of a choice, `""` the type that is extended.
An element the table does not know is no error: SQL on FHIR then yields an empty collection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

TEXT_TYPES = frozenset(
    {
        *("string", "code", "id", "markdown", "uri", "url", "canonical", "oid", "uuid", "base64Binary", "xhtml"),
        *("System.String",),
    }
)
TEMPORAL_TYPES = frozenset({"date", "dateTime", "instant", "time", "System.Date", "System.DateTime", "System.Time"})
INTEGER_TYPES = frozenset({"integer", "positiveInt", "unsignedInt", "integer64", "System.Integer"})
NUMBER_TYPES = INTEGER_TYPES | {"decimal", "System.Decimal"}
BOOLEAN_TYPES = frozenset({"boolean", "System.Boolean"})
PRIMITIVE_TYPES = TEXT_TYPES | TEMPORAL_TYPES | NUMBER_TYPES | BOOLEAN_TYPES
PRIMITIVE_PARENTS = {
    **dict.fromkeys(("code", "id", "markdown"), "string"),
    **dict.fromkeys(("url", "canonical", "oid", "uuid"), "uri"),
    **dict.fromkeys(("positiveInt", "unsignedInt"), "integer"),
}
NOTATION = re.compile(r"(?P<type>\w+)(\((?P<targets>[^)]*)\))?(?P<many>\*)?")


@dataclass(frozen=True, slots=True)
class Element:
    """One JSON property: `key` in the JSON, `type` None where it is open (Resource)."""

    key: str
    type: str | None
    many: bool
    targets: tuple[str, ...] = ()


@cache
def _table() -> dict[str, dict[str, str | list[str]]]:
    text = (Path(__file__).parent / "elements_r4.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, dict[str, str | list[str]]])


def is_known(type_name: str | None) -> bool:
    """True for a complex or resource type of the table."""
    return type_name is not None and type_name in _table()


def is_resource(type_name: str) -> bool:
    """True for a resource type such as Patient."""
    return "Resource" in ancestry(type_name)[1:]


@cache
def ancestry(type_name: str) -> tuple[str, ...]:
    """The type and all it extends, itself first: `Age` -> (Age, Quantity, Element)."""
    types = [type_name]
    while types[-1]:
        name = types[-1]
        above = PRIMITIVE_PARENTS.get(name) or _table().get(name, {}).get("", "")
        if not isinstance(above, str) or not above:
            break
        types.append(above)
    return tuple(types)


@cache
def elements(type_name: str, name: str) -> tuple[Element, ...]:
    """The JSON properties that `name` means: one, several for a choice (`value`), none if unknown."""
    for owner in ancestry(type_name):
        definitions = _table().get(owner, {})
        if name in definitions and name:
            return (_element(name, str(definitions[name])),)
        if f"{name}[x]" in definitions:
            options = definitions[f"{name}[x]"]
            return tuple(_element(name + _suffix(option), option) for option in options)
    return ()


def choice_key(name: str, type_name: str) -> str:
    """`value`, `Quantity` -> `valueQuantity`."""
    return name + type_name[:1].upper() + type_name[1:]


@cache
def choice_suffixes() -> tuple[str, ...]:
    """The endings a choice element can have, from the widest choice, that of Extension."""
    return tuple(_suffix(option) for option in _table()["Extension"]["value[x]"])


def _suffix(notation: str) -> str:
    name = notation.partition("(")[0]
    return name[:1].upper() + name[1:]


def _element(key: str, notation: str) -> Element:
    match = NOTATION.fullmatch(notation)
    if match is None:
        raise ValueError(f"element notation {notation!r}")
    kind = match["type"]
    targets = tuple((match["targets"] or "").split("|")) if match["targets"] else ()
    return Element(key, None if kind == "Resource" else kind, bool(match["many"]), targets)
