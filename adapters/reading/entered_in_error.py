"""References to resources that were entered in error: what was derived from them is void, the rest gets a finding."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from adapters.fhir import strict_json
from adapters.fhir.references import references_in
from adapters.reading.references import Directory, server_of
from adapters.sources.base import Line, Read

IN_ERROR = "entered-in-error"
# A measurement derived from an error, and a drug that is named by one, say nothing; a plan or a visit may be wrong alone.
_VOID = frozenset({"Observation.derivedFrom", "Observation.partOf", "Observation.specimen"})
_VOID_ENDS = (".medicationReference",)
_IN_TEXT = re.compile(rb'"reference"\s*:\s*"([^"\\]*)"')


def is_void(path: str) -> bool:
    """True if a resource with such a reference to an error must not feed a table."""
    return path in _VOID or path.endswith(_VOID_ENDS)


@dataclass
class EnteredInError:
    """The keys and addresses of all resources, of any type, whose status is entered-in-error."""

    _keys: set[str] = field(default_factory=set)
    _known: dict[bytes, bool] = field(default_factory=dict)  # reference in the text of a line -> leads to an error

    def add(self, key: str) -> None:
        """Add a resource that is read, by its key."""
        self._keys.add(key)

    def add_unread(self, read: Read) -> None:
        """Add a resource of a type that no view reads, such as Specimen or Encounter, if it was entered in error."""
        if read.resource.get("status") == IN_ERROR:
            self._keys.add(f"{read.resource['resourceType']}/{read.resource.get('id')}")
            if read.full_url:
                self._keys.add(read.full_url)

    def path_to_error(self, record: Read | Line, directory: Directory) -> str:
        """The path of the first reference that leads to an error, void ones first; "" if there is none."""
        if not self._keys:
            return ""
        if isinstance(record, Line):
            if record.text.count(b'"reference"') < 2:  # the patient alone
                return ""
            if not any(self._is_known_error(text, directory) for text in _IN_TEXT.findall(record.text)):
                return ""
            record = Read(strict_json.loads(record.text.decode()), "", "")
        resource = record.resource
        base = server_of(record.full_url, resource["resourceType"])
        paths = [
            path
            for path, holder in references_in(resource, resource["resourceType"])
            if self._is_error(holder["reference"], base, record.bundle, directory)
        ]
        return min(paths, key=lambda path: (not is_void(path), path), default="")

    def _is_error(self, reference: str, base: str, bundle: int | None, directory: Directory) -> bool:
        if reference in self._keys:
            return True
        without_version = reference.partition("/_history/")[0]
        return without_version in self._keys or directory.find(reference, base, bundle) in self._keys

    def _is_known_error(self, reference: bytes, directory: Directory) -> bool:
        known = self._known.get(reference)
        if known is None:
            known = self._known[reference] = self._is_error(reference.decode(), "", None, directory)
        return known
