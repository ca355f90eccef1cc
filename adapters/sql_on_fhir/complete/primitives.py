"""The rules for FHIR R4's primitive types (FHIR R4, datatypes §2.24.0.1): what is wrong with a value, in words."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

INTEGER_LIMITS = {
    "integer": (-(2**31), 2**31 - 1),
    "unsignedInt": (0, 2**31 - 1),
    "positiveInt": (1, 2**31 - 1),
    "integer64": (-(2**63), 2**63 - 1),
    "System.Integer": (-(2**63), 2**63 - 1),
}
ZONE = r"(Z|[+-]((0\d|1[0-3]):[0-5]\d|14:00))"
CLOCK = r"([01]\d|2[0-3]):[0-5]\d:([0-5]\d|60)(\.\d{1,9})?"
YEAR = r"(?!0000)\d{4}"
TIME_PART = re.compile(rf"T{CLOCK}{ZONE}")
PATTERNS = {
    "date": re.compile(rf"{YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?"),
    "dateTime": re.compile(rf"{YEAR}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])(T{CLOCK}{ZONE})?)?)?"),
    "instant": re.compile(rf"{YEAR}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T{CLOCK}{ZONE}"),
    "time": re.compile(CLOCK),
    "id": re.compile(r"[A-Za-z0-9\-.]{1,64}"),
    "code": re.compile(r"[^\s]+(\s[^\s]+)*"),
    "uri": re.compile(r"\S*"),
    "oid": re.compile(r"urn:oid:[0-2](\.(0|[1-9]\d*))+"),
    "uuid": re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
    "base64Binary": re.compile(r"(\s*([0-9a-zA-Z+/=]{4}\s*)+)?"),  # the specification's, in linear time,
}
PATTERNS |= dict.fromkeys(("url", "canonical"), PATTERNS["uri"])
PATTERNS |= {
    f"System.{name}": PATTERNS[kind] for name, kind in (("Date", "date"), ("DateTime", "dateTime"), ("Time", "time"))
}
SYSTEM_NAMES = {"System.Date": "date", "System.DateTime": "dateTime", "System.Time": "time"}


@lru_cache(maxsize=8192)
def fault(kind: str, text: str) -> str | None:
    """Why a text is not valid for a textual or temporal type; None if it is valid."""
    name = SYSTEM_NAMES.get(kind, kind)
    pattern = PATTERNS.get(kind)
    if pattern is not None and not pattern.fullmatch(text):
        return f"not a valid {name}"
    if name in ("date", "dateTime", "instant") and len(text) >= 10 and not _is_day(text[:10]):
        return f"not a date of the calendar ({name})"
    if pattern is None and not text.strip():
        return f"an empty {name}"
    return None


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def json_text(value: Any) -> str:
    """Canonical JSON of a complex value, decimals with all their digits."""
    return _ENCODER.encode(value).decode()


def _encode(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else list(value)


_ENCODER = msgspec.json.Encoder(enc_hook=_encode, decimal_format="number", order="deterministic")
