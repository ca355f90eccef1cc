"""Keys that join tables: `getResourceKey()` of a resource equals `getReferenceKey()` of a reference to it.

A key is the text `Type/id`, since ids are unique within a type only. A contained resource has the key of its
container followed by `#id`. A reference that cannot be resolved alone becomes a text that can be joined later:
`Type?identifier=system|value` for logical and conditional references. A `urn:uuid:` names a resource by a
universally unique id; its type comes from the argument of getReferenceKey, from Reference.type, or from the
element's first permitted target, and a Bundle's fullUrl map, where there is one, has replaced it before.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

RELATIVE = re.compile(r"([A-Z][A-Za-z]{1,63})/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
ABSOLUTE = re.compile(r"(https?://[^?#\s]*?)/" + RELATIVE.pattern)
CONDITIONAL = re.compile(r"(?:https?://[^?#\s]*?/)?([A-Z][A-Za-z]{1,63})\?(?:.*&)?identifier(?::\w+)?=([^&]*).*")
UUID_URN = re.compile(r"urn:uuid:([A-Za-z0-9\-.]{1,64})")


def resource_key(resource: Any, container: Any = None) -> str | None:
    """`Type/id`, or `Type/id#part` for a resource contained in `container`; None without type or id."""
    if not isinstance(resource, Mapping):
        return None
    kind, identity = resource.get("resourceType"), resource.get("id")
    if not isinstance(kind, str) or not isinstance(identity, str) or not identity:
        return None
    if container is not None and container is not resource and _holds(container, resource):
        above = resource_key(container)
        return None if above is None else f"{above}#{identity}"
    return f"{kind}/{identity}"


def _holds(container: Any, part: Any) -> bool:
    contained = container.get("contained") if isinstance(container, Mapping) else None
    return isinstance(contained, list) and any(item is part for item in contained)


def reference_key(
    reference: Any,
    container: Any = None,
    wanted: str | None = None,
    targets: tuple[str, ...] = (),
    own_bases: tuple[str, ...] | None = None,
) -> str | None:
    """The key of what a Reference points to; None if it has no target, or its target is not of the type `wanted`.

    `own_bases` are the server bases whose absolute references count as own; with None every absolute
    reference does, since a view alone cannot know where its resources came from.
    """
    if not isinstance(reference, Mapping):
        return None
    literal = reference.get("reference")
    if isinstance(literal, str) and literal:
        return _literal_key(literal, reference, container, wanted, targets, own_bases)
    return _identifier_key(reference, wanted, targets)


def _literal_key(
    literal: str,
    reference: Mapping[str, Any],
    container: Any,
    wanted: str | None,
    targets: tuple[str, ...],
    own_bases: tuple[str, ...] | None,
) -> str | None:
    match = RELATIVE.fullmatch(literal)
    if match:
        return f"{match[1]}/{match[2]}" if wanted in (None, match[1]) else None
    if literal[0] == "#":
        return _contained_key(literal[1:], container, wanted)
    match = ABSOLUTE.fullmatch(literal)
    if match:
        if wanted not in (None, match[2]):
            return None
        own = own_bases is None or match[1].rstrip("/") in own_bases
        return f"{match[2]}/{match[3]}" if own else f"{match[1]}/{match[2]}/{match[3]}"
    match = UUID_URN.fullmatch(literal)
    if match:
        kind = _target_type(reference, wanted, targets)
        return None if kind is None else f"{kind}/{match[1]}" if kind else literal
    match = CONDITIONAL.fullmatch(literal)
    if match:
        return f"{match[1]}?identifier={unquote(match[2])}" if wanted in (None, match[1]) else None
    return literal if wanted is None else None


def _target_type(reference: Mapping[str, Any], wanted: str | None, targets: tuple[str, ...]) -> str | None:
    """The target type of a reference without one; empty if it is unknown, None if it is not the wanted type."""
    stated = reference.get("type")
    if isinstance(stated, str) and stated:
        name = stated.rpartition("/")[2]
        return name if wanted in (None, name) else None
    if wanted is not None:
        return wanted
    return targets[0] if targets and targets[0] != "Resource" else ""


def _contained_key(part: str, container: Any, wanted: str | None) -> str | None:
    above = resource_key(container)
    if above is None:
        return None
    if not part:  # "#" alone is the container itself
        return above if wanted in (None, container["resourceType"]) else None
    contained = container.get("contained")
    for item in contained if isinstance(contained, list) else ():
        if isinstance(item, Mapping) and item.get("id") == part:
            return f"{above}#{part}" if wanted in (None, item.get("resourceType")) else None
    return None


def _identifier_key(reference: Mapping[str, Any], wanted: str | None, targets: tuple[str, ...]) -> str | None:
    identifier = reference.get("identifier")
    if not isinstance(identifier, Mapping) or not isinstance(identifier.get("value"), str):
        return None
    kind = _target_type(reference, wanted, targets)
    if kind is None:
        return None
    system = identifier.get("system")
    prefix = f"{system}|" if isinstance(system, str) else ""
    return f"{kind}?identifier={prefix}{identifier['value']}"
