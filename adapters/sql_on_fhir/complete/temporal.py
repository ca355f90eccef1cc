"""Dates and times as FHIR writes them. Partial values stay partial; a comparison that they cannot decide is None.

FHIRPath 2.0 §6.1.1 and §6.2: two values are compared component by component; if one ends before a
difference shows, or only one of them has a time zone, the result is empty (None here).
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

DATE_TIME = re.compile(
    r"(?P<year>\d{4})(-(?P<month>\d\d)(-(?P<day>\d\d))?)?"
    r"(T((?P<hour>\d\d)(:(?P<minute>\d\d)(:(?P<second>\d\d)(?P<fraction>\.\d+)?)?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?"
)
TIME = re.compile(r"(?P<hour>\d\d)(:(?P<minute>\d\d)(:(?P<second>\d\d)(?P<fraction>\.\d+)?)?)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """Year to second as far as stated, then the fraction; `zone` is the offset from UTC in minutes."""

    parts: tuple[int, ...]
    fraction: str
    zone: int | None
    is_time: bool


@lru_cache(maxsize=4096)
def parse_moment(text: str) -> Moment | None:
    """The components of a date, dateTime, instant or time; None if the text is none of them."""
    match = DATE_TIME.fullmatch(text)
    names: tuple[str, ...] = ("year", "month", "day", "hour", "minute", "second")
    is_time = match is None
    if match is None:
        match = TIME.fullmatch(text)
        names = names[3:]
    if match is None:
        return None
    parts = tuple(int(match[name]) for name in names if match[name] is not None)
    zone = None if is_time else zone_minutes(match["zone"])
    moment = Moment(parts, (match["fraction"] or ".")[1:].rstrip("0"), zone, is_time)
    return moment if _is_real(moment) else None


def zone_minutes(text: str | None) -> int | None:
    """`+02:00` -> 120; None without a zone."""
    if text is None:
        return None
    if text == "Z":
        return 0
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    return -minutes if text[0] == "-" else minutes


def _is_real(moment: Moment) -> bool:
    date = () if moment.is_time else moment.parts[:3]
    clock = moment.parts if moment.is_time else moment.parts[3:]
    if date and not 1 <= date[0] <= 9999:
        return False
    if len(date) > 1 and not 1 <= date[1] <= 12:
        return False
    if len(date) > 2 and not 1 <= date[2] <= calendar.monthrange(date[0], date[1])[1]:
        return False
    limits = (23, 59, 60)
    return all(part <= limit for part, limit in zip(clock, limits, strict=False))


def compare(left: str, right: str) -> int | None:
    """-1, 0 or 1 as `left` is before, equal to or after `right`; None if their precision does not decide it."""
    first, second = parse_moment(left), parse_moment(right)
    if first is None or second is None:
        return None if left != right else 0
    if first.is_time != second.is_time:
        return None
    return _compare(first, second)


def _compare(first: Moment, second: Moment) -> int | None:
    if first.zone is not None and second.zone is not None:
        first, second = _in_utc(first), _in_utc(second)
    elif (first.zone is None) != (second.zone is None) and first.parts[:3] == second.parts[:3]:
        return None
    for left, right in zip(first.parts, second.parts, strict=False):
        if left != right:
            return -1 if left < right else 1
    if len(first.parts) != len(second.parts):
        return None
    width = max(len(first.fraction), len(second.fraction))
    left_fraction, right_fraction = first.fraction.ljust(width, "0"), second.fraction.ljust(width, "0")
    return (left_fraction > right_fraction) - (left_fraction < right_fraction)


def _in_utc(moment: Moment) -> Moment:
    """Shift to UTC at the precision given; hours and minutes move even if seconds are missing."""
    if not moment.zone or len(moment.parts) < 5:
        return moment
    second = moment.parts[5] if len(moment.parts) > 5 else 0
    year, month, day, hour, minute = moment.parts[:5]
    base = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
    try:
        shifted = base - timedelta(minutes=moment.zone)
    except OverflowError:
        return moment
    parts = shifted.timetuple()[:5] + ((second,) if len(moment.parts) > 5 else ())
    return Moment(tuple(parts), moment.fraction, 0, False)


def low_boundary(text: str, kind: str) -> str | None:
    """The earliest moment a partial value can mean, to the millisecond (SQL on FHIR: experimental `lowBoundary`)."""
    return _boundary(text, kind, low=True)


def high_boundary(text: str, kind: str) -> str | None:
    """The latest moment a partial value can mean, to the millisecond."""
    return _boundary(text, kind, low=False)


def _boundary(text: str, kind: str, *, low: bool) -> str | None:
    moment = parse_moment(text)
    if moment is None:
        return None
    if moment.is_time:
        return _clock(moment.parts, moment.fraction, low=low)
    year = moment.parts[0]
    month = moment.parts[1] if len(moment.parts) > 1 else (1 if low else 12)
    last = calendar.monthrange(year, month)[1]
    day = moment.parts[2] if len(moment.parts) > 2 else (1 if low else last)
    date = f"{year:04d}-{month:02d}-{day:02d}"
    if kind in ("date", "System.Date"):
        return date
    # Without a zone the earliest instant of a day is at UTC+14, the latest at UTC-12.
    unknown_zone = "+14:00" if low else "-12:00"
    zone = unknown_zone if moment.zone is None else _zone_text(moment.zone)
    return f"{date}T{_clock(moment.parts[3:], moment.fraction, low=low)}{zone}"


def _zone_text(minutes: int) -> str:
    if minutes == 0:
        return "Z"
    sign = "+" if minutes > 0 else "-"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _clock(parts: tuple[int, ...], fraction: str, *, low: bool) -> str:
    ends = (0, 0, 0) if low else (23, 59, 59)
    hour, minute, second = (*parts, *ends[len(parts) :])
    rest = fraction.ljust(3, "0" if low else "9")[: max(3, len(fraction))]
    return f"{hour:02d}:{minute:02d}:{second:02d}.{rest}"
