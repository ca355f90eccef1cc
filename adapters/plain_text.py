"""Text from elsewhere made safe for a terminal and a log: one line, no control characters, not too long."""

from __future__ import annotations

import unicodedata

LONGEST = 2000
# control, format (direction of writing, zero width), surrogate, private and unassigned characters; line separators
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(text: str, longest: int = LONGEST) -> str:
    """The text on one line with unseen characters as escapes (`\\x1b`), cut at `longest` characters."""
    line = " ".join(text[: longest + 1].split())
    if not (line.isascii() and line.isprintable()):
        line = "".join(_escaped(character) for character in line)
    return line if len(line) <= longest and len(text) <= longest else line[: longest - 1] + "…"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSEEN:
        return character
    return character.encode("unicode_escape").decode("ascii")
