"""Numbers in texts and dates of every precision: what is read, and what is refused rather than guessed."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.tables.values.texts import read_text
from adapters.tables.values.times import read_moment, read_moments

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<0.1", ("<", 0.1, None)),
        ("< 0,1 ng/mL", ("<", 0.1, "ng/mL")),
        (">=1500", (">=", 1500.0, None)),
        ("≤ 4", ("<=", 4.0, None)),
        ("12.5", (None, 12.5, None)),
        (" 7 U/L ", (None, 7.0, "U/L")),
        ("1.2e3", (None, 1200.0, None)),
        ("-3", (None, -3.0, None)),
        ("1234,5", (None, 1234.5, None)),
        ("0,25", (None, 0.25, None)),
        ("1.234,5", (None, 1234.5, None)),  # two kinds of separators leave one reading
    ],
)
def test_read_text(text: str, expected: tuple[str | None, float, str | None]) -> None:
    assert read_text(text) == expected


@pytest.mark.parametrize(
    "text", ["", "negative", "1,234", "12-15", "1/2", "3+", "<", "ca. 5", "5 to 6", "1.234", "12 13", "<>5", "٣"]
)
def test_what_can_be_read_in_two_ways_or_not_at_all_is_no_number(text: str) -> None:
    assert read_text(text) is None


@given(st.floats(min_value=0, max_value=1e6, allow_nan=False), st.sampled_from(["", "<", "<=", ">=", ">"]))
def test_a_printed_number_is_read_back(value: float, comparator: str) -> None:
    assert read_text(f"{comparator} {value!r}", ".") == (comparator or None, value, None)


def days(text: str, zone: ZoneInfo = BERLIN) -> tuple[date, date]:
    first, last, *_ = read_moment(text, zone)
    return date.fromordinal(int(first)), date.fromordinal(int(last))


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2016", date(2016, 1, 1), date(2016, 12, 31)),
        ("2016-02", date(2016, 2, 1), date(2016, 2, 29)),
        ("2017-02", date(2017, 2, 1), date(2017, 2, 28)),
        ("2016-02-29", date(2016, 2, 29), date(2016, 2, 29)),
        ("2017-03-05T23:30:00Z", date(2017, 3, 6), date(2017, 3, 6)),
        ("2017-03-05T22:59:59Z", date(2017, 3, 5), date(2017, 3, 5)),
        ("2017-07-05T22:30:00Z", date(2017, 7, 6), date(2017, 7, 6)),
        ("2017-03-05T00:20:00+01:00", date(2017, 3, 5), date(2017, 3, 5)),
        ("2017-03-05T20:00:00-05:00", date(2017, 3, 6), date(2017, 3, 6)),
        ("2017-03-05T08:00:00.123456789Z", date(2017, 3, 5), date(2017, 3, 5)),
        ("2016-12-31T23:59:60Z", date(2017, 1, 1), date(2017, 1, 1)),
        ("2017-03-05T08:00:00+0100", date(2017, 3, 5), date(2017, 3, 5)),
        ("2017-03-05T23:30", date(2017, 3, 5), date(2017, 3, 5)),
    ],
)
def test_days_of_a_moment(text: str, first: date, last: date) -> None:
    assert days(text) == (first, last)


def test_the_zone_of_the_study_decides_the_date() -> None:
    assert days("2017-03-05T23:30:00Z", ZoneInfo("UTC")) == (date(2017, 3, 5), date(2017, 3, 5))


@pytest.mark.parametrize(
    "text",
    ["2017-13", "2017-02-30", "2017-3-5", "20170305", "05.03.2017", "yesterday", "", "2017-03-05T25:00:00Z", "0000", "17",
     "2017-03-05 08:00", "9999-12-31T23:59:59-23:00"],
)  # fmt: skip
def test_what_is_no_date_is_invalid(text: str) -> None:
    first, last, at, _, invalid = read_moment(text, BERLIN)
    assert invalid
    assert first != first and last != last and at != at  # noqa: PT018  all missing


def test_a_moment_without_zone_is_local_and_marked() -> None:
    first, _, at, zoneless, invalid = read_moment("2017-03-05T00:10:00", BERLIN)
    assert (date.fromordinal(int(first)), zoneless, invalid) == (date(2017, 3, 5), True, False)
    assert at == datetime(2017, 3, 5, 0, 10, tzinfo=BERLIN).timestamp()


def test_a_date_has_no_moment_and_a_missing_text_no_date() -> None:
    found = read_moments(pd.Series(["2017-03-05", None], index=[7, 3], dtype=object), BERLIN)
    assert found["at"].isna().all()
    assert found.loc[3, ["first", "last"]].isna().all()
    assert not found["invalid"].any()


@given(st.dates(min_value=date(1901, 1, 1), max_value=date(2099, 12, 31)))
def test_every_date_is_its_own_first_and_last_day(day: date) -> None:
    assert days(day.isoformat()) == (day, day)
    first, last = days(day.isoformat()[:7])
    assert first <= day <= last
    assert (first.day, (last - first).days >= 27) == (1, True)
