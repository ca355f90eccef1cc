"""A resource whose JSON text goes to the views without being decoded."""

from __future__ import annotations

from typing import Any, NamedTuple

from adapters.errors import InputError
from adapters.fhir import strict_json


class RawResource(NamedTuple):
    """A resource as its JSON text; its references need no change, its id may differ from the key's.

    key : "Type/id"
    text : JSON that the first reading of the source accepted
    """

    key: str
    text: bytes

    def resource(self) -> dict[str, Any]:
        """The resource, with the id of its key. Raises InputError if the text is no longer valid."""
        kind, _, identifier = self.key.partition("/")
        try:
            resource: dict[str, Any] = strict_json.loads(self.text.decode())
        except ValueError:
            raise InputError("the source changed while it was read", kind, "pull again") from None
        resource["id"] = identifier
        return resource
