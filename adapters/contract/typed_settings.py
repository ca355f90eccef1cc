"""Plain data from a settings file -> typed sections; the first fault is an error of one line.

msgspec checks values. The keys are checked here, because msgspec names neither the nearest known key nor the key of a
table inside a table ("$[...]").
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, Literal, TypeVar, get_args, get_origin

import msgspec

from adapters.errors import InputError

SHOWN_MAX = 40  # characters of a wrong value or name that a message repeats
T = TypeVar("T")


class SettingsError(InputError):
    """The study's settings are wrong, or are not those of the tables (exit code 2)."""


def typed(value: Any, kind: type[T], path: str, where: str) -> T:
    """`value` (of tomllib: dict, list, str, int, float, bool, date) as `kind`, a frozen msgspec Struct with Structs inside.

    `path` is the name of the section, `where` the file. Raises SettingsError that names both, the key and the remedy.
    """
    converted: T = _converted(value, kind, path, f"{where} [{path}]")
    return converted


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant; None where none is near."""
    return next(iter(get_close_matches(name, list(known), n=1, cutoff=0.6)), None)


def shown(value: object) -> str:
    """A wrong value or name as a message repeats it: quoted, and cut where it is long."""
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."


def unknown(what: str, name: str, known: Iterable[str], where: str) -> SettingsError:
    """The error for a name that is not known: `what` says so; the remedy is the nearest name, else the whole list."""
    names = list(known)
    near = nearest(name, names)
    return SettingsError(what, where, f"write {near}" if near else f"choose of {', '.join(names)}")


def required_keys(kind: type[msgspec.Struct]) -> list[str]:
    """The keys of a section that have no default."""
    return [field.name for field in msgspec.structs.fields(kind) if field.required]


def _converted(value: Any, kind: Any, path: str, where: str) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return _struct(value, kind, path, where)
    if get_origin(kind) in (dict, Mapping):
        items = _table(value, path, where).items()
        return {key: _converted(item, get_args(kind)[1], f'{path}."{key}"', where) for key, item in items}
    return _leaf(value, kind, path, where)


def _struct(value: Any, kind: type[msgspec.Struct], path: str, where: str) -> msgspec.Struct:
    given = _table(value, path, where)
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key in given:
        if key not in fields:
            raise unknown(f"{path}.{_cut(key)} is not a setting", key, fields, where)
    for key in required_keys(kind):
        if key not in given:
            raise SettingsError(f"{path}.{key} is missing", where, "add it; the study.toml of the repository shows how")
    values = {key: _converted(item, fields[key], f"{path}.{key}", where) for key, item in given.items()}
    try:
        return kind(**values)
    except ValueError as error:  # from __post_init__: the message begins with the key that contradicts another
        raise SettingsError(f"{path}.{error}", where, "correct that value") from None


def _table(value: Any, path: str, where: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise SettingsError(f"{path} is {shown(value)}, not a section of settings", where, f"write [{path}]")
    return value


def _leaf(value: Any, kind: Any, path: str, where: str) -> Any:
    if not _is_finite(value):
        raise SettingsError(f"{path} is {shown(value)}: not a finite number", where, "write a number")
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        reason, _, inner = str(error).replace("`", "").partition(" - at $")
        words = [str(word) for word in get_args(kind)] if get_origin(kind) is Literal else []
        if words:
            raise unknown(f"{path} is {shown(value)}, not one of its words", str(value), words, where) from None
        what = f"{path}{inner} is {shown(value)}: {reason[:1].lower()}{reason[1:]}"
        raise SettingsError(what, where, "correct that value") from None


def _is_finite(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(map(_is_finite, value))
    return not isinstance(value, float) or math.isfinite(value)


def _cut(name: str) -> str:
    return name if len(name) <= SHOWN_MAX else name[: SHOWN_MAX - 3] + "..."
