"""References in all their forms become "Type/id"; those by identifier or condition stay for a join by keys later.

Settled here: relative, absolute, versioned, `urn:uuid:` and other fullUrls (within their Bundle first), contained.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import Any

from adapters.fhir.references import references_in
from adapters.sources.base import Read

_LITERAL = re.compile(
    r"(?:(?P<base>https?://[^?#]+)/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[^/?#\s]+)(?:/_history/[^/?#\s]+)?"
)
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?identifier=(?:(?P<system>[^|&]*)\|)?(?P<value>[^|&]+)")
# Elements in which an unresolved reference loses data; others (practitioners, encounters) are not read at all.
NEEDED = frozenset(
    {"subject", "patient", "focus", "partOf", "medicationReference", "request", "valueReference", "other"}
)

# The same in the text of a resource, where a letter may be written as an escape and nothing needs to be decoded.
_IN_TEXT = re.compile(rb'"reference"\s*:\s*"([^"\\]*)"')
_ESCAPED_LETTER = re.compile(rb"\\u00[4-7]")
_NOWHERE = ("",)  # the servers of most resources: none is stated


def server_of(full_url: str | None, resource_type: str) -> str:
    """The server address in a fullUrl that ends in /Type/id, "" for any other."""
    match = _LITERAL.fullmatch(full_url) if full_url else None
    return match["base"] or "" if match and match["type"] == resource_type else ""


def hashed_id(*parts: str) -> str:
    """An id for a resource without one, of letters and digits that FHIR allows in ids."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def key_of(read: Read, content: bytes) -> str:
    """ "Type/id" of a record: its id, else its fullUrl's, else one made from its content."""
    kind = read.resource["resourceType"]
    identifier = read.resource.get("id")
    if isinstance(identifier, str) and identifier:
        return f"{kind}/{identifier}"
    if read.full_url:
        match = _LITERAL.fullmatch(read.full_url)
        return f"{kind}/{match['id'] if match else hashed_id(read.full_url)}"
    return f"{kind}/{hashed_id(content.hex())}"


@dataclass
class Directory:
    """All resources read, by the addresses under which references name them."""

    bases: dict[str, tuple[str, ...]] = field(default_factory=dict)  # key -> its servers, "" for none stated
    qualified: dict[tuple[str, str], str] = field(default_factory=dict)  # (key, server) -> key where servers collide
    _urls: dict[str, tuple[str, str, int | None]] = field(default_factory=dict)  # fullUrl -> key, server, Bundle
    _scoped: dict[tuple[int | None, str], tuple[str, str]] = field(default_factory=dict)
    _shared: set[str] = field(default_factory=set)  # fullUrls that mean different things in different Bundles

    def add(self, read: Read, key: str) -> str:
        """Note a record under its key and fullUrl; gives the server it came from."""
        if not read.full_url and key not in self.bases:
            self.bases[key] = _NOWHERE
            return ""
        base = server_of(read.full_url, read.resource["resourceType"])
        known_bases = self.bases.get(key, ())
        if base not in known_bases:
            self.bases[key] = (*known_bases, base)
        if read.full_url:
            known = self._urls.setdefault(read.full_url, (key, base, read.bundle))
            if known[0] != key:
                self._shared.add(read.full_url)
                self._scoped[(known[2], read.full_url)] = known[:2]
                self._scoped[(read.bundle, read.full_url)] = (key, base)
        return base

    def key(self, key: str, base: str) -> str:
        """The key under which the resource of that server is known after reading."""
        return self.qualified.get((key, base), key)

    def find(self, reference: str, base: str, bundle: int | None) -> str | None:
        """The key that a literal reference means, or None; `base` and `bundle` are those of the referring resource."""
        by_url = self._by_url(reference, bundle)
        if by_url is not None:
            return by_url
        match = _LITERAL.fullmatch(reference)
        if match is None:
            return None
        server = match["base"] if match["base"] is not None else base
        by_url = self._by_url(f"{server}/{match['type']}/{match['id']}", bundle) if server else None
        if by_url is not None:
            return by_url
        key = f"{match['type']}/{match['id']}"
        bases = self.bases.get(key)
        if bases is None or (server and server not in bases and "" not in bases):
            return None
        return self.key(key, server)

    def _by_url(self, url: str, bundle: int | None) -> str | None:
        if url in self._shared:
            entry = self._scoped.get((bundle, url))
        else:
            known = self._urls.get(url)
            entry = known[:2] if known else None
        return self.key(*entry) if entry else None


@dataclass(frozen=True)
class ReferenceResolver:
    """Rewrites the references of one resource; `types` are the resource types that are read at all."""

    directory: Directory
    types: frozenset[str]
    _as_they_are: dict[bytes, bool] = field(default_factory=dict)  # reference -> whether resolving leaves it unchanged

    def is_resolved(self, text: bytes) -> bool:
        """True if resolving this text, which is in no Bundle, would change nothing but perhaps its id."""
        if b'"contained"' in text or (b"\\u" in text and _ESCAPED_LETTER.search(text)):
            return False
        references = _IN_TEXT.findall(text)
        return len(references) == text.count(b'"reference"') and all(map(self._is_as_it_should_be, references))

    def _is_as_it_should_be(self, reference: bytes) -> bool:
        known = self._as_they_are.get(reference)
        if known is None:
            holder = {"reference": reference.decode()}
            self._rewrite(holder, {}, "", None, needed=True)
            known = holder == {"reference": reference.decode()}
            self._as_they_are[reference] = known
        return known

    def resolve(self, read: Read, key: str, base: str) -> tuple[list[dict[str, Any]], list[str]]:
        """The resource (id as in its key), its contained ones as separate resources, and the unresolved paths."""
        resource = read.resource
        resource["id"] = key.partition("/")[2]
        contained = resource.pop("contained", None) or []
        local: dict[str, str] = {"#": key}
        parts = []
        for part in contained if isinstance(contained, list) else ():
            if isinstance(part, dict) and isinstance(part.get("resourceType"), str):
                name = str(part.get("id", "")).removeprefix("#")
                part["id"] = hashed_id(key, name)
                local[f"#{name}"] = f"{part['resourceType']}/{part['id']}"
                parts.append(part)
        unresolved = []
        for whole in (resource, *parts):
            for path, holder in references_in(whole, whole["resourceType"]):
                needed = path.rpartition(".")[2] in NEEDED
                if not self._rewrite(holder, local, base, read.bundle, needed=needed):
                    unresolved.append(path)
        return [resource, *(part for part in parts if part["resourceType"] in self.types)], unresolved

    def _rewrite(
        self, holder: dict[str, Any], local: dict[str, str], base: str, bundle: int | None, *, needed: bool
    ) -> bool:
        """Resolve one reference in place; False if it should lead to a resource that was not read."""
        reference = holder["reference"]
        target = local.get(reference) or self.directory.find(reference, base, bundle)
        if target is not None:
            holder["reference"] = target
            return True
        conditional = _CONDITIONAL.fullmatch(reference)
        if conditional is not None:
            del holder["reference"]
            holder.setdefault("type", conditional["type"])
            system = {"system": conditional["system"]} if conditional["system"] else {}
            holder.setdefault("identifier", {**system, "value": conditional["value"]})
            return True
        literal = _LITERAL.fullmatch(reference)
        if literal is not None and literal["type"] not in self.types:
            return True
        del holder["reference"]  # so that nothing downstream takes another server's id for one of ours
        return "identifier" in holder or (literal is None and not needed)
