"""Addresses that may be asked: the server's own origin and base path, nothing else.

A paging, status or reference link is resolved against the request it came with and must then have the same scheme, host
and effective port as the base, and a path beneath the base path. Addresses are compared by their parts, never as text.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urljoin, urlsplit

from adapters.errors import IncompleteError, InputError

REASONS = ("unsafe characters", "not an http address", "user information", "host with unusual characters")
PORTS = {"http": 80, "https": 443}
# what a server may decode to a dot, a slash or an end of text, once or again: %2e, %252e ...
_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]|%(25)*(2e|5c|2f|00)", re.IGNORECASE)
_UPWARDS = re.compile(r"\.{1,2}(;|%(25)*3b|$)", re.IGNORECASE)  # a segment: servers cut off what follows the semicolon
_ABSOLUTE = re.compile(r"https?://[^/?#]+(?P<path>/[^?#]*/[^?#]+)", re.IGNORECASE)
_BY_TYPE = re.compile(r"[A-Z][A-Za-z]+\?")
_HOST = re.compile(r"[a-z0-9.\-]+|\[[0-9a-f:.]+\]")
_PORT = re.compile(r"(:[0-9]*)?")


class LinkError(IncompleteError):
    """A link of the server leads elsewhere or is not an address; the message shows its shape, not its text."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and effective port."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host}" + ("" if self.port == PORTS[self.scheme] else f":{self.port}")

    @property
    def is_loopback(self) -> bool:
        """Whether the host is this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False


@dataclass(frozen=True, slots=True)
class Base:
    """A FHIR base address: origin and path without trailing slash."""

    origin: Origin
    path: str
    text: str

    def url(self, relative: str = "") -> str:
        """Address of `relative` ("Observation/_search") beneath the base; empty for the base itself."""
        return f"{self.text}/{relative}" if relative else self.text

    @property
    def whole_origin(self) -> Base:
        """The same origin without a path: everything on it lies beneath."""
        return Base(self.origin, "", self.text[: len(self.text) - len(self.path)])

    def resolve(self, link: str, request_url: str, *, where: str = "paging", rewrite: bool = False) -> str:
        """The address that a `link` of an answer to `request_url` means. Raises LinkError when it may not be asked.

        Relative links count from the request, `/Type?...` also from the base. With `rewrite` (for servers behind a proxy
        that write their inner host) another origin is replaced by ours, path and query kept.
        """
        for candidate in self._candidates(link, request_url, rewrite):
            if self.holds(candidate):
                return candidate
        raise LinkError(
            f"the server sent a link that leads elsewhere ({_shape(link)})",
            where,
            "ask its operator; behind a proxy that writes inner host names use rewrite_links = true",
        )

    def relative(self, reference: str, *, rewrite: bool = False) -> str:
        """A literal reference to this server as `Type/id`; any other reference as it is.

        With `rewrite` one that has another origin but our base path is taken for ours.
        """
        match = _ABSOLUTE.fullmatch(reference)
        if match is None:
            return reference
        own = self.text[: len(self.text) - len(self.path)] + match["path"] if rewrite else reference
        return match["path"][len(self.path) + 1 :] if self.holds(own) else reference

    def holds(self, address: str) -> bool:
        """Whether an absolute address lies beneath this base."""
        try:
            origin, parts = parse(address)
        except ValueError:
            return False
        inside = (
            parts.path == self.path or parts.path.rstrip("/") == self.path or parts.path.startswith(self.path + "/")
        )
        return origin == self.origin and inside and not any(map(_UPWARDS.match, parts.path.split("/")))

    def _candidates(self, link: str, request_url: str, rewrite: bool) -> list[str]:
        if _UNSAFE.search(link.partition("?")[0]) or re.search(r"[\x00-\x20\x7f\\]", link) or "#" in link:
            return []
        host = self.origin.host
        if link.lower().startswith((host + "/", host + ":")) and "//" not in link.partition("?")[0]:
            return [f"{self.origin.scheme}://{link}"]  # written without a scheme
        by_type = [self.url(link)] if _BY_TYPE.match(link) else []  # "Observation?..." counts from the base
        try:
            candidates = [*by_type, urljoin(request_url, link)]
            parts = urlsplit(link)
        except ValueError:  # brackets that hold no address
            return []
        if link.startswith("/") and not link.startswith("//"):
            candidates.append(self.text + link)
        if rewrite and link.lower().startswith(("http://", "https://")):
            candidates.append(self.whole_origin.text + parts.path + (f"?{parts.query}" if parts.query else ""))
        return candidates


def parse(address: str) -> tuple[Origin, SplitResult]:
    """Origin and parts of an absolute http(s) address without user information. Raises ValueError otherwise."""
    path = address.partition("?")[0]
    if _UNSAFE.search(path) or "#" in address or re.search(r"[\x00-\x20\x7f\\]", address):
        raise ValueError(REASONS[0])
    parts = urlsplit(address)
    scheme, host = parts.scheme.lower(), parts.hostname or ""
    if scheme not in PORTS or not host or parts.username is not None or parts.password is not None:
        raise ValueError(REASONS[1])
    if "@" in parts.netloc:
        raise ValueError(REASONS[2])
    host = f"[{host}]" if ":" in host else host.lower()
    after_host = parts.netloc.lower().removeprefix(host)
    if not _HOST.fullmatch(host) or not _PORT.fullmatch(after_host) or (host[0] != "[" and not _has_short_labels(host)):
        raise ValueError(REASONS[3])
    port = parts.port if parts.port is not None else PORTS[scheme]
    return Origin(scheme, host, port), parts


def _has_short_labels(host: str) -> bool:
    """True if the name is one that can be looked up: labels of 1 to 63 characters, 253 in all."""
    return len(host) <= 253 and all(0 < len(label) <= 63 for label in host.removesuffix(".").split("."))


def parse_base(address: str) -> Base:
    """The base address a user named. Raises InputError: not an address, user information, query, http beyond this machine."""
    try:
        origin, parts = parse(address)
    except ValueError as error:
        raise InputError(
            f"not a FHIR base address ({_reason(error)})", "SOURCE", "give scheme, host and path, no user name"
        ) from None
    if parts.query:
        raise InputError("a FHIR base address has no query", "SOURCE", "leave out what follows the question mark")
    if origin.scheme != "https" and not origin.is_loopback:
        raise InputError("http without TLS is used on this machine only", "SOURCE", "give an https address")
    path = parts.path.rstrip("/")
    return Base(origin, path, f"{origin}{path}")


def _reason(error: ValueError) -> str:
    """Our own words for what is wrong; those of Python repeat a part of the address."""
    reason = str(error)
    return reason if reason in REASONS else "malformed"


def parse_origin(address: str, where: str) -> Origin:
    """The https origin (or one on this machine) that a user named. Raises InputError: no scheme, a path, http elsewhere."""
    try:
        origin, parts = parse(address)
    except ValueError:
        origin, parts = Origin("", "", 0), urlsplit("")
    if parts.path.strip("/") or parts.query or not (origin.scheme == "https" or origin.is_loopback):
        raise InputError("not an https origin", where, "give scheme and host, as in https://files.example.org")
    return origin


def _shape(link: str) -> str:
    """The kind of a link for messages. Its text is not shown: links carry identifiers."""
    if re.match(r"[a-zA-Z][a-zA-Z0-9+.\-]*:", link):
        return "absolute, another scheme, host, port or base path"
    if link.startswith("//"):
        return "scheme-relative"
    return "relative, outside the base path"
