"""The references of a resource to others."""

from __future__ import annotations

from typing import Any

_NO_REFERENCES = frozenset({"meta", "text", "coding", "valueQuantity"})  # datatypes that hold none


_CONTAINERS = frozenset({dict, list})


def references_in(resource: Any, path: str) -> list[tuple[str, dict[str, Any]]]:
    """Every Reference in a resource, with its path of element names."""
    references = []
    waiting = [(resource, path)]
    while waiting:
        node, at = waiting.pop()
        if type(node) is list:
            waiting += [(member, at) for member in node if type(member) is dict]
            continue
        if type(node.get("reference")) is str:
            references.append((at, node))
        for name, member in node.items():
            if type(member) in _CONTAINERS and name not in _NO_REFERENCES:
                waiting.append((member, f"{at}.{name}"))
    return references
