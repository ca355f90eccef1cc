"""Answers of a server: status, headers, body, the wait that it asks for, and the errors made from them.

Messages carry the status, the kind of issue from FHIR's closed list, and the query template: never the server's own
words, which may hold names or numbers of patients.
"""

from __future__ import annotations

import email.utils
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from adapters.errors import IncompleteError
from adapters.fhir import strict_json

TIMED_OUT = 408  # also stands for a request that we gave up waiting for
# FHIR R4 value set issue-type: the only words of an OperationOutcome that are shown
ISSUE_TYPES = frozenset(
    [
        "invalid",
        "structure",
        "required",
        "value",
        "invariant",
        "security",
        "login",
        "unknown",
        "expired",
        "forbidden",
        "suppressed",
        "processing",
        "not-supported",
        "duplicate",
        "multiple-matches",
        "not-found",
        "deleted",
        "too-long",
        "code-invalid",
        "extension",
        "too-costly",
        "business-rule",
        "conflict",
        "transient",
        "lock-error",
        "no-store",
        "exception",
        "timeout",
        "incomplete",
        "throttled",
        "informational",
    ]
)
REMEDIES = {
    400: "its operator can say which search parameter it refuses",
    401: "give a valid token",
    403: "the account lacks the right to read this",
    404: "check the base address",
    410: "the page has expired",
    414: "lower chunk_size",
    431: "lower chunk_size",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (lower-case names) and decoded body; `retries` says how often it was asked for again."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str
    retries: int = 0


class ServerError(IncompleteError):
    """An answer that is not what was asked for; `status` is 0 where there was none."""

    def __init__(self, what: str, where: str, remedy: str, status: int = 0) -> None:
        super().__init__(what, where, remedy)
        self.status = status


def refusal(answer: Answer, where: str) -> ServerError:
    """The error for a status of 300 or more, with the kind of issue where the server names one."""
    status = answer.status
    if status < 400:
        return ServerError(f"the server redirects ({status})", where, "give the address it redirects to", status)
    kind = _issue_type(answer.body)
    what = f"the server answered {status}" + (f" ({kind})" if kind else "")
    return ServerError(what, where, REMEDIES.get(status, "ask the server's operator"), status)


def json_object(body: bytes, where: str, remedy: str = "ask the server's operator") -> dict[str, Any]:
    """The JSON object that a body holds. Raises IncompleteError, without any of its text, if it holds none."""
    document = json_value(body)
    if not isinstance(document, dict):
        raise IncompleteError("the answer is not a JSON object", where, remedy)
    return document


def json_value(body: bytes) -> Any:
    """The JSON value that a body holds, None if it is not JSON or null."""
    try:
        return strict_json.loads(body.decode("utf-8-sig"))
    except (strict_json.JsonError, UnicodeDecodeError):
        return None


def objects_in(value: Any) -> list[dict[str, Any]]:
    """The JSON objects in a list; empty if the value is not a list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def only_objects(value: Any) -> list[dict[str, Any]] | None:
    """The value if it is a list of JSON objects and nothing else, None otherwise."""
    return value if isinstance(value, list) and all(isinstance(item, dict) for item in value) else None


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Seconds that `Retry-After` (seconds or a date) or `x-ms-retry-after-ms` ask for; None if absent or unreadable."""
    if "x-ms-retry-after-ms" in headers:
        return _number(headers["x-ms-retry-after-ms"], 1000)
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    seconds = _number(value, 1)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):  # no date, or one beyond those that this machine counts
        return None


def _number(text: str, divisor: float) -> float | None:
    try:
        value = float(text) / divisor
    except ValueError:
        return None
    return value if 0 <= value < float("inf") else None


def _issue_type(body: bytes) -> str:
    """The code of the first issue of an OperationOutcome, "" where there is none or it is not of FHIR's list."""
    if not body.lstrip().startswith(b"{"):
        return ""
    try:
        issues = json_object(body, "").get("issue")
    except IncompleteError:
        return ""
    first = issues[0] if isinstance(issues, list) and issues else None
    code = first.get("code") if isinstance(first, dict) else None
    return code if isinstance(code, str) and code in ISSUE_TYPES else ""
