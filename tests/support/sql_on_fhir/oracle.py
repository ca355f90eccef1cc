"""The rows of a view by fhirpathpy: slow, and independent of the compiled forms.

Every column is one expression from the resource down, `(forEach)[i].select(path)`, so that fhirpathpy keeps
track of types. The keys of SQL on FHIR are no part of FHIRPath and come from `references`, tested elsewhere.
"""

from __future__ import annotations

import copy
import re
from itertools import product
from typing import Any

import fhirpathpy
from fhirpathpy.models import models

from adapters.sql_on_fhir.complete import references
from adapters.sql_on_fhir.generated.shapes import Shape
from adapters.sql_on_fhir.language.definition import Column, Select, View

Row = tuple[Any, ...]
MODEL = models["r4"]


class Oracle:
    """One view; expressions are parsed once."""

    def __init__(self, view: View, shape: Shape) -> None:
        self.view = view
        self.shape = shape
        self.resource: dict[str, Any] = {}
        self.parsed: dict[str, Any] = {}
        self.table = {
            "getResourceKey": {"fn": lambda items: [references.resource_key(self.resource)]},
            "getReferenceKey": {"fn": self.reference_keys, "arity": {0: [], 1: ["String"]}},
        }

    def rows(self, resource: dict[str, Any]) -> list[Row]:
        self.resource = copy.deepcopy(resource)
        mark_targets(self.resource, self.shape)
        if not all(self.evaluate(path.text) == [True] for path in self.view.where):
            return []
        return self.select(self.view.root, "%resource", 0)

    def reference_keys(self, items: list[Any], wanted: str | None = None) -> list[str]:
        found = [
            references.reference_key(item, self.resource, wanted, tuple(item.get("_targets", ()))) for item in items
        ]
        return [key for key in found if key is not None]

    def evaluate(self, text: str) -> list[Any]:
        if text not in self.parsed:
            written = re.sub(r"getReferenceKey\((\w+)\)", r"getReferenceKey('\1')", text)
            self.parsed[text] = fhirpathpy.compile(written, MODEL, {"userInvocationTable": self.table})
        constants = {name: value for name, (value, _) in self.view.constants.items()}
        resource = copy.deepcopy(self.resource)
        return list(self.parsed[text](resource, constants | {"resource": resource}))

    def select(self, select: Select, focus: str, index: int) -> list[Row]:
        if select.iteration is None:
            return self.joined(select, focus, index)
        path = f"{focus}.select({select.over[0].text})"
        count = len(self.evaluate(path))
        rows = [row for number in range(count) for row in self.joined(select, f"({path})[{number}]", number)]
        if count == 0 and select.iteration == "forEachOrNull":
            return [tuple(0 if column.path.text == "%rowIndex" else None for column in select.all_columns())]
        return rows

    def joined(self, select: Select, focus: str, index: int) -> list[Row]:
        own = tuple(self.value(column, focus, index) for column in select.columns)
        parts = [self.select(part, focus, index) for part in select.selects]
        if select.unions:
            parts.append([row for part in select.unions for row in self.select(part, focus, index)])
        return [sum(combination, own) for combination in product(*parts)]

    def value(self, column: Column, focus: str, index: int) -> Any:
        text = column.path.text.replace("%rowIndex", str(index))
        found = [getattr(item, "asStr", item) for item in self.evaluate(f"{focus}.select({text})")]
        if column.collection:
            return found
        return MANY if len(found) > 1 else found[0] if found else None


MANY = "several values where one is declared"


def mark_targets(owner: Any, shape: Shape) -> None:
    """Write the permitted targets into each reference: fhirpathpy hands on the reference alone."""
    for key, child in shape.fields.items():
        found = owner.get(key)
        for item in found if isinstance(found, list) else [found]:
            if isinstance(item, dict):
                if child.element is not None and child.element.type == "Reference":
                    item["_targets"] = list(child.element.targets)
                mark_targets(item, child)
