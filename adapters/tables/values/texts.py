"""Numbers written as text, such as "<0.1 ng/mL" or "> 1500": comparator, number, unit, or nothing at all."""

from __future__ import annotations

import re

_NUMBER = r"[+-]?[0-9]+(?:[.,][0-9]+)?(?:[eE][+-]?[0-9]+)?"
_UNIT = r"(?:\s+(?P<apart>[^\s0-9]\S*)|(?P<joined>[A-Za-zµμ%]\S*))?"  # "5 /uL", "5ng/mL"; but "1/2" is no 1 of unit /2
_TEXT = re.compile(rf"\s*(?P<comparator><=|>=|<|>|≤|≥)?\s*(?P<number>{_NUMBER}){_UNIT}\s*")
_GROUPED = re.compile(r"[0-9]{1,3},[0-9]{3}")  # 1,234 is one thousand to some and one and a bit to others
_SIGNS = {"≤": "<=", "≥": ">="}


def read_text(text: str) -> tuple[str | None, float, str | None] | None:
    """Comparator, number and unit of a text; None where the text is anything else or can be read in two ways.

    A decimal comma is a decimal point, unless exactly three digits follow it.
    """
    match = _TEXT.fullmatch(text)
    if match is None:
        return None
    number = match["number"]
    if _GROUPED.fullmatch(number.lstrip("+-")):
        return None
    comparator = match["comparator"]
    return _SIGNS.get(comparator or "", comparator), float(number.replace(",", ".")), match["apart"] or match["joined"]
