"""What a server says it can: FHIR version and search parameters by type. What it does not say is not assumed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from adapters.errors import InputError
from adapters.fhir.r4 import is_r4
from adapters.plain_text import visible
from adapters.sources.http.answers import ServerError, json_object, objects_in
from adapters.sources.http.client import HttpClient


@dataclass(frozen=True, slots=True)
class Capability:
    """Search parameters by resource type; `known` is False where the server gives no CapabilityStatement."""

    known: bool
    software: str = ""
    parameters: dict[str, frozenset[str]] = field(default_factory=dict)
    operations: frozenset[str] = frozenset()

    def has_type(self, kind: str) -> bool:
        """Whether a type is served; unknown counts as served, the search will tell."""
        return not self.known or kind in self.parameters

    def supports(self, kind: str, parameter: str) -> bool:
        """Whether a search parameter is listed for a type."""
        return parameter in self.parameters.get(kind, frozenset())


def read_capability(client: HttpClient) -> Capability:
    """The CapabilityStatement. Raises InputError for another FHIR version, IncompleteError when the server is not there."""
    try:
        answer = client.get(client.base.url("metadata"), "GET metadata")
    except ServerError as error:
        if error.status in (403, 404, 405, 501):
            return Capability(known=False)
        raise
    statement = json_object(answer.body, "GET metadata", "check the base address and the sign-in")
    if statement.get("resourceType") != "CapabilityStatement":
        raise InputError("there is no FHIR server (no CapabilityStatement)", "GET metadata", "check the base address")
    version = str(statement.get("fhirVersion", ""))
    if not is_r4(version):
        raise InputError(
            f"FHIR {visible(version, 20) or 'of unknown version'} is not read", "GET metadata", "name an R4 base"
        )
    return _described(statement)


def _described(statement: dict[str, Any]) -> Capability:
    parameters: dict[str, frozenset[str]] = {}
    operations: set[str] = set()
    for rest in (part for part in objects_in(statement.get("rest")) if part.get("mode") != "client"):
        operations |= {str(op.get("name", "")).lstrip("$") for op in objects_in(rest.get("operation"))}
        for resource in objects_in(rest.get("resource")):
            names = {str(parameter.get("name")) for parameter in objects_in(resource.get("searchParam"))}
            parameters[str(resource.get("type"))] = frozenset(names)
            operations |= {str(op.get("name", "")).lstrip("$") for op in objects_in(resource.get("operation"))}
    software = statement.get("software") or {}
    name = f"{software.get('name', '')} {software.get('version', '')}".strip() if isinstance(software, dict) else ""
    return Capability(True, visible(name, 80), parameters, frozenset(operations))
