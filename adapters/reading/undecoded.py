"""A resource that was never decoded on its way from the source to the views."""

from __future__ import annotations

from typing import Any, NamedTuple

from adapters.errors import InputError
from adapters.fhir import strict_json


class Undecoded(NamedTuple):
    """A resource as the text that was read; its references are settled as they stand, its id may differ from the key's.

    key : "Type/id"
    text : JSON that the first reading of the source found sound
    """

    key: str
    text: bytes

    def resource(self) -> dict[str, Any]:
        """The resource, with the id of its key. Raises InputError if the text is no longer sound."""
        kind, _, identifier = self.key.partition("/")
        try:
            resource: dict[str, Any] = strict_json.loads(self.text.decode())
        except ValueError:
            raise InputError("the source changed while it was read", kind, "pull again") from None
        resource["id"] = identifier
        return resource
