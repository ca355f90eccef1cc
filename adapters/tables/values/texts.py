"""Numbers written as text, such as "<0.1 ng/mL" or "> 1.234,5": comparator, number, unit, or nothing at all.

Two signs may stand for the decimal point, and the same two for thousands. The form of the text decides: a zero before
the sign, two kinds of signs, a repeated sign, or other than three digits after it. Where two readings remain, the
decimal separator that is declared for the source decides; without one there is no number.
"""

from __future__ import annotations

import re

_DIGITS = r"[0-9]+(?:[.,'\u2019\u00a0\u202f\u2009][0-9]+)*"
_NUMBER = rf"[+-]?{_DIGITS}(?:[eE][+-]?[0-9]+)?"
_UNIT = r"(?:\s+(?P<apart>[^\s0-9]\S*)|(?P<joined>[A-Za-zµμ%]\S*))?"  # "5 /uL", "5ng/mL"; but "1/2" is no 1 of unit /2
_TEXT = re.compile(rf"\s*(?P<comparator><=|>=|=<|=>|<|>|≤|≥)?\s*(?P<number>{_NUMBER}){_UNIT}\s*")
_SIGNS = {"≤": "<=", "≥": ">=", "=<": "<=", "=>": ">="}
_GROUPS_ONLY = re.compile(r"['\u2019\u00a0\u202f\u2009]")
_PARTS = re.compile(r"([.,'\u2019\u00a0\u202f\u2009])")
_PATTERNS = re.compile(
    r"(?:gleason(?:[ -]score)?:?\s*)?([1-5])\s*\+\s*([1-5])(?:\s*=\s*([0-9]{1,2})[ab]?)?", re.IGNORECASE
)
_SCORE = re.compile(r"(?:gleason(?:[ -]score)?:?\s*)?([2-9]|10)[ab]?", re.IGNORECASE)


def read_text(text: str, decimal: str = "") -> tuple[str | None, float, str | None] | None:
    """Comparator, number and unit of a text; None where the text is anything else or can be read in two ways.

    decimal : "." or ",", the decimal separator declared for the source; "" if none is
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    number = read_number(match["number"], decimal)
    if number is None:
        return None
    comparator = match["comparator"]
    return _SIGNS.get(comparator or "", comparator), number, match["apart"] or match["joined"]


def read_number(text: str, decimal: str = "") -> float | None:
    """A number with or without separators; None where its form leaves two readings and no separator is declared."""
    if "e" in text.lower():  # scientific notation has no thousands in its mantissa
        plain = text.replace(",", ".")
        return float(plain) if plain.count(".") < 2 and not _GROUPS_ONLY.search(plain) else None
    sign = "-" if text.startswith("-") else ""
    parts = _PARTS.split(text.lstrip("+-"))
    digits, separators = parts[::2], parts[1::2]
    place = _decimal_place(digits, separators, decimal)
    if place is None:
        return None
    whole, fraction = digits[: place + 1], digits[place + 1 :]
    return float(f"{sign}{''.join(whole)}.{''.join(fraction) or '0'}")


def _decimal_place(digits: list[str], separators: list[str], decimal: str) -> int | None:
    """How many separators of thousands come before the decimal separator; None if the form has no single reading."""
    if not separators:
        return 0
    last, earlier = separators[-1], separators[:-1]
    grouped = _are_groups(digits)
    if len(set(separators)) > 1:  # two kinds: the last one is the decimal separator
        fits = len(set(earlier)) == 1 and last in ".," and _are_groups(digits[:-1])
        return len(earlier) if fits else None
    if earlier:  # one kind, repeated: thousands
        return len(separators) if grouped else None
    if last not in ".,":
        return 1 if grouped else None
    if not grouped:  # a zero before it, more than three digits before it, or not three after it
        return 0
    if not decimal:
        return None
    return 0 if last == decimal else 1


def _are_groups(digits: list[str]) -> bool:
    """True if the digits can be groups of thousands: 1 to 3 without a zero before them, then 3 each."""
    first, *others = digits
    return len(first) <= 3 and not first.startswith("0") and all(len(group) == 3 for group in others)


def read_gleason(text: str) -> float | None:
    """The score of "4+3", "4+3=7", "7b" or "Gleason 4+3"; None for other texts and for sums that do not fit."""
    match = _PATTERNS.fullmatch(text.strip())
    if match:
        total = int(match[1]) + int(match[2])
        return float(total) if match[3] in (None, str(total)) else None
    match = _SCORE.fullmatch(text.strip())
    return float(match[1]) if match else None
