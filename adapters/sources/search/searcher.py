"""One search, all its pages: a chain that ends without `next`, or an error that names the query.

Pages are followed as the server links them and never computed; a link seen before, one that leads elsewhere, an outcome
that says the answer is incomplete, or anything that is not a searchset Bundle ends the chain with an error. What other
resources the server adds (includes, outcomes) is kept apart from what was asked for.
"""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from adapters.errors import IncompleteError
from adapters.plain_text import visible
from adapters.sources.http.answers import Answer, ServerError, json_value, objects_in, only_objects
from adapters.sources.http.client import NO_ANSWER, HttpClient

EXPIRED = frozenset({404, 410})
REFUSES_POST = frozenset({404, 405, 415, 501})
FAILED = frozenset({"error", "fatal"})
INCOMPLETE_CODES = frozenset({"incomplete", "too-costly", "timeout"})  # of IssueType: the answer may lack something
INCOMPLETE_DETAILS = frozenset({"4119"})  # Epic: "may not contain the entire record"
STRICT = {"Prefer": "handling=strict"}  # a parameter that the server does not know is an error, not ignored
COUNT_RETRIED = frozenset({NO_ANSWER, 429, 503})  # other failures mean that the server does not count
ASK = "ask the server's operator"
URL_TOO_LONG = 414
LONGEST_URL = 6000  # common servers take 8 KB of request line and headers
_VALUES = re.compile(r"(?<!\\),")


class ExpiredError(IncompleteError):
    """The server has forgotten a page: the chain must start again."""


@dataclass(frozen=True, slots=True)
class Query:
    """A search: resource type, parameters, and the name that messages and the manifest use (no values in it)."""

    name: str
    type: str
    parameters: tuple[tuple[str, str], ...]

    def halves(self) -> tuple[Query, Query] | None:
        """Two searches that together find what this one finds: the longest list of values is parted; None if none is."""
        values = self._longest_list()
        if len(values) < 2:
            return None
        middle = len(values) // 2
        return self._with_list(values[:middle]), self._with_list(values[middle:])

    def reversed(self) -> Query:
        """The same search with every list of values the other way round."""
        lists = ((name, ",".join(_VALUES.split(value)[::-1])) for name, value in self.parameters)
        return replace(self, parameters=tuple(lists))

    def _longest_list(self) -> list[str]:
        return max((_VALUES.split(value) for _, value in self.parameters), key=len, default=[])

    def _with_list(self, values: list[str]) -> Query:
        """The search with these values in place of its longest list."""
        longest = ",".join(self._longest_list())
        parameters = tuple((name, ",".join(values) if value == longest else value) for name, value in self.parameters)
        return replace(self, parameters=parameters)


@dataclass
class ChainCounts:
    """What a chain saw: pages, entries asked for, others, outcome issues, tries again, the server's last `total`."""

    pages: int = 0
    entries: int = 0
    included: int = 0
    issues: int = 0
    retries: int = 0
    total: int | None = None


@dataclass
class Searcher:
    """Searches on one server. Turns to GET for good when the server refuses POST `_search`."""

    client: HttpClient
    count: int | None = None
    _get_only: threading.Event = field(default_factory=threading.Event)

    def chain(self, query: Query, counts: ChainCounts) -> Iterator[list[dict[str, Any]]]:
        """The matches of each page. Raises ExpiredError, or IncompleteError naming the query."""
        parameters = list(query.parameters)
        if self.count is not None:
            parameters.append(("_count", str(self.count)))
        answer = self._first(query, parameters)
        seen: set[bytes] = set()
        end = time.monotonic() + self.client.config.max_search_seconds
        while True:
            counts.pages += 1
            counts.retries += answer.retries
            bundle = bundle_of(answer, query.name)
            matches = _matches(bundle, query, counts)
            yield matches
            link = _next_link(bundle, query.name)
            if link is None:
                return
            url = self.client.base.resolve(link, answer.url, where=query.name, rewrite=self.client.config.rewrite_links)
            mark = hashlib.sha256(url.encode()).digest()
            if mark in seen:
                raise IncompleteError("paging does not end (a page links to one seen before)", query.name, ASK)
            if counts.pages >= self.client.config.page_limit:
                raise IncompleteError(
                    f"paging does not end ({counts.pages} pages)", query.name, "raise page_limit if so many are right"
                )
            if time.monotonic() > end:
                what = f"its pages take longer than max_search_seconds ({counts.pages} pages)"
                raise IncompleteError(what, query.name, "raise it, or lower chunk_size")
            seen.add(mark)
            answer = self._page(url, query.name)

    def total(self, query: Query) -> int | None:
        """What `_summary=count` says, or None where the server does not support it."""
        try:
            answer = self._first(query, [*query.parameters, ("_summary", "count")], retried=COUNT_RETRIED)
            bundle = bundle_of(answer, query.name)
        except IncompleteError:
            return None
        total = bundle.get("total")
        return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None

    def _first(self, query: Query, parameters: list[tuple[str, str]], **options: Any) -> Answer:
        base, where = self.client.base, f"POST {query.name}"
        if not self._get_only.is_set():
            try:
                url = base.url(f"{query.type}/_search")
                return self.client.post_form(url, parameters, where, headers=STRICT, **options)
            except ServerError as error:
                if error.status not in REFUSES_POST:
                    raise
        url = f"{base.url(query.type)}?{urlencode(parameters)}"
        if len(url) > LONGEST_URL:
            raise ServerError("the search is too long for GET", query.name, "lower chunk_size", URL_TOO_LONG)
        answer = self.client.get(url, f"GET {query.name}", headers=STRICT, **options)
        self._get_only.set()
        return answer

    def _page(self, url: str, name: str) -> Answer:
        try:
            return self.client.get(url, f"next page of {name}")
        except ServerError as error:
            if error.status in EXPIRED:
                raise ExpiredError(
                    "the server has forgotten the next page", name, "lower the load or try again"
                ) from None
            raise


def bundle_of(answer: Answer, where: str) -> dict[str, Any]:
    """The Bundle of an answer. Raises IncompleteError: not FHIR JSON, an outcome instead, or no Bundle."""
    if answer.status == 204 or not answer.body.strip():
        raise IncompleteError("the server gave an empty answer", where, ASK)
    document = json_value(answer.body)
    if document is None:
        named = visible(answer.headers.get("content-type", "no content type").partition(";")[0].strip(), 40)
        raise IncompleteError(f"the server's answer is not FHIR JSON ({named})", where, "is this a FHIR base?")
    kind = document.get("resourceType") if isinstance(document, dict) else None
    if kind == "OperationOutcome":
        raise IncompleteError("the server gave an OperationOutcome instead of a Bundle", where, ASK)
    if kind != "Bundle":
        raise IncompleteError("the server's answer is no Bundle", where, "is this a FHIR base?")
    if document.get("type", "searchset") != "searchset":
        raise IncompleteError("the server's answer is a Bundle, but not of a search", where, "is this a FHIR base?")
    bundle: dict[str, Any] = document
    return bundle


def _matches(bundle: dict[str, Any], query: Query, counts: ChainCounts) -> list[dict[str, Any]]:
    total = bundle.get("total")
    if isinstance(total, int) and not isinstance(total, bool):
        counts.total = total
    matches, entries = [], bundle.get("entry")
    for entry in entries if isinstance(entries, list) else () if entries is None else (entries,):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            raise IncompleteError("an entry holds no resource", query.name, ASK)
        search = entry.get("search")
        mode = search.get("mode") if isinstance(search, dict) else None
        if resource.get("resourceType") == "OperationOutcome":
            counts.issues += check_outcome(resource, query.name)
        elif resource.get("resourceType") != query.type or mode == "include":
            counts.included += 1
        elif not isinstance(resource.get("id"), str) or not resource["id"]:
            raise IncompleteError("a resource has no id", query.name, ASK)
        else:
            matches.append(resource)
    counts.entries += len(matches)
    return matches


def check_outcome(outcome: dict[str, Any], where: str) -> int:
    """Number of issues. Raises IncompleteError when one is an error or says that something may be missing."""
    issues = _objects(outcome, "issue", where)
    for issue in issues:
        details = {
            str(coding.get("code"))
            for concept in objects_in([issue.get("details")])
            for coding in objects_in(concept.get("coding"))
        }
        if issue.get("severity") in FAILED or issue.get("code") in INCOMPLETE_CODES or details & INCOMPLETE_DETAILS:
            raise IncompleteError("the server says that its answer is not complete", where, ASK)
    return len(issues)


def _next_link(bundle: dict[str, Any], where: str) -> str | None:
    links = [link for link in _objects(bundle, "link", where) if link.get("relation") == "next"]
    if not links:
        return None
    url = links[0].get("url")
    if len(links) > 1 or not isinstance(url, str) or not url:
        raise IncompleteError("the link to the next page is not one address", where, ASK)
    return url


def _objects(holder: dict[str, Any], name: str, where: str) -> list[dict[str, Any]]:
    """The objects in a list; what is malformed may hide a next page or an error, so it is one."""
    objects = only_objects([] if holder.get(name) is None else holder[name])
    if objects is None:
        raise IncompleteError(f"{holder['resourceType']}.{name} is not a list of objects", where, ASK)
    return objects
