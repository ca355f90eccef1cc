"""FHIR dates of any precision -> earliest and latest day, and the moment that orders events within a day."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

_PARTIAL = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?")
# FHIR knows no hour 24, which some versions of Python read.
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2})T((?:[01]\d|2[0-3]):\d{2})(?::(\d{2}))?(?:\.(\d{1,9}))?(Z|[+-]\d{2}:?\d{2})?")
COLUMNS = ("first", "last", "at", "zoneless", "invalid")
Moment = tuple[float, float, float, bool, bool]
_NAN = float("nan")
_INVALID: Moment = (_NAN, _NAN, _NAN, False, True)


def read_moment(text: str, zone: ZoneInfo) -> Moment:
    """First and last possible day (proleptic ordinals), seconds since 1970 (NaN without a time), zoneless, invalid.

    A moment with a zone becomes the date in `zone`; one without a zone is taken as local to `zone` and marked.
    """
    try:
        match = _PARTIAL.fullmatch(text)
        if match:
            return _partial(*(int(part) if part else None for part in match.groups()))
        match = _MOMENT.fullmatch(text)
        return _moment(match, zone) if match else _INVALID
    except (ValueError, OverflowError):
        return _INVALID


def _partial(year: int | None, month: int | None, day: int | None) -> Moment:
    if year is None:
        return _INVALID
    if day is not None and month is not None:
        first = last = date(year, month, day)
    elif month is not None:
        first, last = date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])
    else:
        first, last = date(year, 1, 1), date(year, 12, 31)
    return first.toordinal(), last.toordinal(), _NAN, False, False


def _moment(match: re.Match[str], zone: ZoneInfo) -> Moment:
    day, clock, seconds, fraction, offset = match.groups()
    seconds = "59" if seconds == "60" else seconds or "00"  # a leap second is the end of its minute
    shift = "+00:00" if offset == "Z" else offset or ""
    micro = (fraction or "0")[:6].ljust(6, "0")
    moment = datetime.fromisoformat(f"{day}T{clock}:{seconds}.{micro}{shift}")
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=zone)
    ordinal = moment.astimezone(zone).date().toordinal()
    at = (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
    return ordinal, ordinal, at, offset is None, False


def read_moments(texts: pd.Series, zone: ZoneInfo) -> pd.DataFrame:
    """`read_moment` of each text, same index; a missing text gives missing days and no fault."""
    numbers, different = pd.factorize(texts)  # -1, which takes the last, for what is missing
    blank: Moment = (_NAN, _NAN, _NAN, False, False)
    read = [*(read_moment(str(text), zone) for text in different), blank]
    moments = np.array(read, dtype=float)[numbers]
    return pd.DataFrame(moments, texts.index, list(COLUMNS)).astype({"zoneless": bool, "invalid": bool})


def when(frame: pd.DataFrame, zone: ZoneInfo, starts: Iterable[str], end: str | None = None) -> pd.DataFrame:
    """When an event began: the first filled column of `starts`; with only an end, only the latest day is known.

    Adds nothing to `frame`; returns first, last, at, zoneless, invalid with its index.
    """
    text = pd.Series(np.nan, index=frame.index, dtype=object)
    for name in starts:
        text = text.where(text.notna(), frame[name])
    moments = read_moments(text, zone)
    if end is not None:
        ended = read_moments(frame[end], zone)
        moments["invalid"] |= ended["invalid"]
        only_end = text.isna() & frame[end].notna()
        moments.loc[only_end, "last"] = ended.loc[only_end, "last"]
    return moments
