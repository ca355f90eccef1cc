"""Derive the table of FHIR R4 elements from the source of fhir.resources (R4B module).

Run as a program it rewrites `adapters/sql_on_fhir/language/elements_r4.json`; the tests compare the two.
Notation: `code` one value, `Coding*` many, `Reference(Patient|Group)` with its target types,
`""` the type it extends, `value[x]` the list of types a choice element may have.
"""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import fhir.resources.R4B as R4B

from tests.support.paths import REPOSITORY

TABLE = REPOSITORY / "adapters" / "sql_on_fhir" / "language" / "elements_r4.json"
ROOTS = {"FHIRAbstractModel", "FHIRResourceModel", "FHIRElementModel"}


def type_name(annotation: str) -> tuple[str, bool]:
    """`typing.List[fhirtypes.CodingType] | None` -> ("Coding", True)."""
    many = "List[" in annotation
    name = annotation.rpartition("fhirtypes.")[2].split("]")[0].split("|")[0].strip().removesuffix("Type")
    return name, many


def keywords(call: ast.Call) -> dict[str, ast.expr]:
    """The keyword arguments of a pydantic `Field(...)`, those in `json_schema_extra` included."""
    found: dict[str, ast.expr] = {}
    for keyword in call.keywords:
        if keyword.arg == "json_schema_extra" and isinstance(keyword.value, ast.Dict):
            pairs = zip(keyword.value.keys, keyword.value.values, strict=True)
            found |= {str(key.value): value for key, value in pairs if isinstance(key, ast.Constant)}
        elif keyword.arg:
            found[keyword.arg] = keyword.value
    return found


def literal(keys: dict[str, ast.expr], name: str) -> object:
    return ast.literal_eval(keys[name]) if name in keys else None


def fields(klass: ast.ClassDef, primitives: dict[str, str]) -> dict[str, object]:
    """The elements one class adds to the class it extends."""
    elements: dict[str, object] = {}
    for statement in klass.body:
        if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.value, ast.Call):
            continue
        keys = keywords(statement.value)
        name = str(literal(keys, "alias") or ast.unparse(statement.target))
        kind, many = type_name(ast.unparse(statement.annotation))
        if name.startswith("_") or kind in ("FHIRPrimitiveExtension", "") or name in ("fhir_comments", "resource_type"):
            continue
        kind = primitives.get(kind, kind)
        if targets := literal(keys, "enum_reference_types"):
            kind += "(" + "|".join(targets) + ")"  # type: ignore[arg-type]
        choice = literal(keys, "one_of_many")
        if choice:
            elements.setdefault(f"{choice}[x]", []).append(kind)  # type: ignore[attr-defined]
        else:
            elements[name] = kind + ("*" if many else "")
    return elements


def derive() -> dict[str, dict[str, object]]:
    """The whole table, types and elements in alphabetical order."""
    primitives = {"bool": "boolean"} | {
        name: name[0].lower() + name[1:]
        for name in [
            "Base64Binary",
            "Boolean",
            "Canonical",
            "Code",
            "Date",
            "DateTime",
            "Decimal",
            "Id",
            "Instant",
            "Integer",
            "Integer64",
            "Markdown",
            "Oid",
            "PositiveInt",
            "String",
            "Time",
            "UnsignedInt",
            "Uri",
            "Url",
            "Uuid",
            "Xhtml",
        ]
    }
    table: dict[str, dict[str, object]] = {}
    for source in sorted(Path(R4B.__path__[0]).glob("*.py")):
        for klass in ast.parse(source.read_text()).body:
            if not isinstance(klass, ast.ClassDef):
                continue
            bases = [ast.unparse(base).rpartition(".")[2] for base in klass.bases]
            if not bases or klass.name.startswith("FHIR"):
                continue
            elements = fields(klass, primitives)
            parent = {} if bases[0] in ROOTS else {"": bases[0]}
            table[klass.name] = parent | dict(sorted(elements.items()))
    return dict(sorted(table.items()))


def render(table: dict[str, dict[str, object]]) -> str:
    """One type a line, so that a change shows as a line."""
    lines = [f"{json.dumps(name)}: {json.dumps(elements)}" for name, elements in table.items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TABLE.write_text(render(derive()), encoding="utf-8")
    sys.stdout.write(f"{TABLE.name}: {TABLE.stat().st_size} bytes\n")
