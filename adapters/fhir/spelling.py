"""Codes and addresses of code systems as hospitals spell them -> as the code system writes them.

Only what has one reading is mended: the address of a system (https, a version after it, an OID), the point and the
case of ICD-10, the signs and the case of OPS. A blank, a slash at the end and any other code stay as they are.
Sources: HL7 Terminology (ICD-10 codes are written with the point), BfArM (OPS: 5-98c.1, lower case), FHIR R4
(Coding.system has no version; SNOMED CT editions are http://snomed.info/sct/EDITION/version/DATE).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

_ICD = re.compile(r"([A-Z][0-9][0-9A-Z])\.?([0-9A-Z]{1,4})?\.?[+*!†]?")
_OPS = re.compile(r"([0-9])-?([0-9]{1,2}[0-9A-Z])\.?([0-9A-Z]{0,3})", re.IGNORECASE)
_EDITION = re.compile(r"(https?://snomed\.info/sct)/[0-9]+(?:/version/[0-9]+)?")
_OID = re.compile(r"[0-2](?:\.[0-9]+){3,}")
_YEAR = re.compile(r"(.*/(?:icd-10-gm|ops|atc))/(?:19|20)[0-9]{2}", re.IGNORECASE)


class Spelling(NamedTuple):
    """A coding as the code system writes it, and whether that differs from what was written."""

    system: str
    code: str
    is_mended: bool


def respelled(system: str, code: str, aliases: Mapping[str, str]) -> Spelling:
    """The coding under the address and in the spelling of the code lists; unknown ones unchanged.

    aliases : other addresses of a system -> the address in the code lists
    """
    address = _address(system, aliases)
    known = aliases.get(address, address)
    written = _written(known, code)
    return Spelling(known, written, address != system or written != code or (known != system and _is_oid(system)))


def _is_oid(system: str) -> bool:
    return system.startswith("urn:oid:")


def _address(system: str, aliases: Mapping[str, str]) -> str:
    """An address without version, with the scheme that the code lists use."""
    plain = system.partition("|")[0]
    edition = _EDITION.fullmatch(plain) or _YEAR.fullmatch(plain)
    plain = edition[1] if edition else plain
    if _OID.fullmatch(plain):
        plain = f"urn:oid:{plain}"
    if plain in aliases:
        return plain
    scheme, mark, rest = plain.partition("://")
    other = f"{'http' if scheme == 'https' else 'https'}://{rest}"
    return other if mark and scheme in ("http", "https") and _is_known(other, aliases) else plain


def _is_known(address: str, aliases: Mapping[str, str]) -> bool:
    return address in aliases or address in aliases.values()


def _written(system: str, code: str) -> str:
    """The code with the point and the case of ICD-10 or OPS; codes of other systems and other forms unchanged."""
    if "/icd-10" in system or system.endswith("icd10"):
        match = _ICD.fullmatch(code.upper())
        return f"{match[1]}.{match[2]}" if match and match[2] else match[1] if match else code
    if system.endswith("/ops"):
        match = _OPS.fullmatch(code)
        if match is None:
            return code
        chapter, block, rest = (part.lower() for part in match.groups())
        return f"{chapter}-{block}.{rest}" if rest else f"{chapter}-{block}"
    return code
