"""Strict JSON for FHIR: decimals keep their digits, and faults that parsers usually accept are errors.

Refused: duplicate keys (the last would win silently), NaN and Infinity, integers beyond what Python converts, nesting
deeper than any resource, lone surrogates (they could be written nowhere). Errors give a position, never content.

msgspec decodes what can be shown to have lost nothing by it; the decoder that finds the fault takes the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

MAX_DEPTH = 100
MAX_FLOAT_DIGITS = 300
MAX_DIGITS = 4300  # beyond this Python refuses to convert, and so do we
_BLANK = re.compile(r"[ \t\r\n]*")
_FIRST_TYPE = re.compile(r'\s*\{\s*"resourceType"\s*:\s*"Bundle"')


class JsonError(ValueError):
    """Text that is not JSON as FHIR needs it; `position` counts characters from 0, None where unknown."""

    def __init__(self, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.position = position


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonError("an object has the same key twice")
    return members


def _constant(name: str) -> Any:
    raise JsonError(f"{name} is not a JSON number")


def _integer(text: str) -> int | Decimal:
    """An int, or a Decimal where no float could hold it: that converts to infinity instead of failing."""
    return int(text) if len(text) < MAX_FLOAT_DIGITS or len(text) > MAX_DIGITS else Decimal(text)


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=Decimal, parse_int=_integer, parse_constant=_constant
)


def _decode(text: str, start: int) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, start)
    except JsonError:
        raise
    except json.JSONDecodeError as error:
        raise JsonError(error.msg[:1].lower() + error.msg[1:], error.pos) from None
    except RecursionError:
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels") from None
    except (ValueError, ArithmeticError):
        raise JsonError("a number has too many digits") from None
    _check_depth_and_text(value, text, start, end)
    return value, end


def _check_depth_and_text(value: Any, text: str, start: int, end: int) -> None:
    if text.count("{", start, end) + text.count("[", start, end) > MAX_DEPTH and _deeper(value, MAX_DEPTH):
        raise JsonError(f"nested deeper than {MAX_DEPTH} levels")
    if text.find("\\ud", start, end) >= 0 or text.find("\\uD", start, end) >= 0:
        try:
            json.dumps(value, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError:
            raise JsonError("half a character (a lone surrogate)") from None


def _deeper(value: Any, levels: int) -> bool:
    if isinstance(value, dict):
        return levels == 0 or any(_deeper(member, levels - 1) for member in value.values())
    if isinstance(value, list):
        return levels == 0 or any(_deeper(member, levels - 1) for member in value)
    return False


def _skip(text: str, position: int) -> int:
    match = _BLANK.match(text, position)
    return match.end() if match else position


_QUICK = msgspec.json.Decoder(float_hook=Decimal)
_AS_READ = msgspec.json.Encoder(decimal_format="number")
_ALL_DIGITS_0 = bytes.maketrans(b"123456789", b"0" * 9)  # finds any number of so many digits without looking at each
_LONG_NUMBER = b"0" * MAX_FLOAT_DIGITS
_DOUBTS = (msgspec.MsgspecError, RecursionError, ArithmeticError, UnicodeError)


def loads(text: str) -> Any:
    """The value of a whole JSON text, decimals as Decimal. Raises JsonError."""
    try:
        value = _QUICK.decode(text)
        if _is_faithful(value, text):
            return value
    except _DOUBTS:
        pass  # the strict decoder says what is wrong, if anything is
    return _strict(text)


def _is_faithful(value: Any, text: str) -> bool:
    """True if the value, written again, equals the text: then no key came twice and no digit is lost."""
    read = text.encode()
    if _is_too_deep(value, read) or _LONG_NUMBER in read.translate(_ALL_DIGITS_0):
        return False
    written = _AS_READ.encode(value)
    return written == read.strip() or written == msgspec.json.format(read, indent=-1)


def _is_too_deep(value: Any, read: bytes) -> bool:
    return read.count(b"{") + read.count(b"[") > MAX_DEPTH and _deeper(value, MAX_DEPTH)


def _strict(text: str) -> Any:
    value, end = _decode(text, _skip(text, 0))
    end = _skip(text, end)
    if end != len(text):
        raise JsonError("something follows the end of the JSON value", end)
    return value


def is_bundle(text: str) -> bool:
    """Whether the text begins as a Bundle does, so that its entries can be read one at a time."""
    return _FIRST_TYPE.match(text) is not None


def stream_object(text: str, each: str) -> Iterator[tuple[str, Any]]:
    """The members of a JSON object in order; the array `each` is given element by element as (each, element).

    So a Bundle is never in memory as objects all at once. Raises JsonError, also for a key given twice.
    """
    position = _expect(text, _skip(text, 0), "{")
    seen: set[str] = set()
    while not (text.startswith("}", position) and not seen):
        key, position = _decode(text, position)
        if not isinstance(key, str):
            raise JsonError("expecting a property name", position)
        if key in seen:
            raise JsonError("an object has the same key twice", position)
        seen.add(key)
        position = _expect(text, _skip(text, position), ":")
        if key == each and text.startswith("[", position):
            for element, end in _elements(text, position):
                position = end
                if element is not _END:
                    yield key, element
        else:
            value, position = _decode(text, position)
            yield key, value
        position = _skip(text, position)
        if text.startswith("}", position):
            break
        position = _expect(text, position, ",")
    position = _skip(text, _expect(text, position, "}"))
    if position != len(text):
        raise JsonError("something follows the end of the JSON value", position)


_END = object()


def _elements(text: str, position: int) -> Iterator[tuple[Any, int]]:
    """Each element with the position after it, then `_END` with the position after the bracket."""
    position = _expect(text, position, "[")
    while not text.startswith("]", position):
        value, position = _decode(text, position)
        yield value, position
        position = _skip(text, position)
        if text.startswith("]", position):
            break
        position = _expect(text, position, ",")
        if text.startswith("]", position):
            raise JsonError("expecting value", position)
    yield _END, position + 1


def _expect(text: str, position: int, sign: str) -> int:
    if not text.startswith(sign, position):
        raise JsonError(f"expecting '{sign}'", position)
    return _skip(text, position + 1)
