"""Regular expressions of views, by an engine whose time grows with the text alone.

Views come from elsewhere and texts from patients: an engine that tries one way after another takes for ever on some pairs
of them, such as `^(a+)+$` and forty letters a. RE2 does not, at a price: no lookaround, no backreference, no more than
1000 repetitions. `\\d`, `\\w`, `\\s` and `\\b` know ASCII only, as in Java and JavaScript; `\\p{L}` is any letter.
FHIRPath leaves the dialect open (https://hl7.org/fhirpath/#matchesregex--string--boolean).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import re2

MEMORY_BYTES = 8 << 20  # of one expression
_GROUP = re.compile(r"\$(\d)")


class PatternError(ValueError):
    """A text is no regular expression, or one that RE2 does not know."""


def matches(text: str, pattern: str) -> bool:
    """True if the pattern occurs in the text; a dot is any character. Raises PatternError."""
    return _compiled(pattern, dot_is_any=True).search(text) is not None


def matches_full(text: str, pattern: str) -> bool:
    """True if the whole text meets the pattern; a dot is any character. Raises PatternError."""
    return _compiled(pattern, dot_is_any=True).fullmatch(text) is not None


def replace_matches(text: str, pattern: str, replacement: str) -> str:
    """The text with each match replaced; `$1` stands for the first group. Raises PatternError."""
    try:
        replaced: str = _compiled(pattern, dot_is_any=False).sub(_GROUP.sub(r"\\g<\1>", replacement), text)
    except (re2.error, re.error, IndexError) as error:
        raise PatternError("the replacement names a group that is not there") from error
    return replaced


@lru_cache(maxsize=256)
def _compiled(pattern: str, *, dot_is_any: bool) -> Any:
    options = re2.Options()
    options.dot_nl, options.log_errors, options.max_mem = dot_is_any, False, MEMORY_BYTES
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise PatternError(
            "no regular expression, or one with lookaround, backreference or many repetitions"
        ) from error
