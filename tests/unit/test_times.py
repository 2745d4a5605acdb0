"""Times as partners write them; expected values from the recorded data's own notes, ISO 8601 and by hand."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder.crosswalks.times import parse_duration_end, parse_interval, parse_time, says_open

EARLY, LATE = datetime.min.replace(year=2), datetime.max.replace(year=9998)  # noqa: DTZ901 (hypothesis wants naive bounds)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2006-06-15", utc(2006, 6, 15), utc(2006, 6, 15, 23, 59, 59)),
        ("03.09.2010", utc(2010, 9, 3), utc(2010, 9, 3, 23, 59, 59)),
        ("15.5.2018", utc(2018, 5, 15), utc(2018, 5, 15, 23, 59, 59)),
        ("2019-4-1", utc(2019, 4, 1), utc(2019, 4, 1, 23, 59, 59)),
        ("2017-07", utc(2017, 7, 1), utc(2017, 7, 31, 23, 59, 59)),
        ("2016-02", utc(2016, 2, 1), utc(2016, 2, 29, 23, 59, 59)),
        ("2006", utc(2006, 1, 1), utc(2006, 12, 31, 23, 59, 59)),
        ("9999", utc(9999, 1, 1), utc(9999, 12, 31, 23, 59, 59)),
        ("20100131", utc(2010, 1, 31), utc(2010, 1, 31, 23, 59, 59)),
        ("2010-031", utc(2010, 1, 31), utc(2010, 1, 31, 23, 59, 59)),
        ("2010/01/31", utc(2010, 1, 31), utc(2010, 1, 31, 23, 59, 59)),
        ("2010-01-31Z", utc(2010, 1, 31), utc(2010, 1, 31, 23, 59, 59)),
        ("2010-01-01T21:49:19", utc(2010, 1, 1, 21, 49, 19), utc(2010, 1, 1, 21, 49, 19)),
        ("2010-01-01 21:49:19 UTC", utc(2010, 1, 1, 21, 49, 19), utc(2010, 1, 1, 21, 49, 19)),
        ("2010-01-01T21:49:19Z", utc(2010, 1, 1, 21, 49, 19), utc(2010, 1, 1, 21, 49, 19)),
        ("2010-01-01T21:49:19+02:00", utc(2010, 1, 1, 19, 49, 19), utc(2010, 1, 1, 19, 49, 19)),
        ("2010-01-01T21:49:19.5-0130", utc(2010, 1, 1, 23, 19, 19, 500000), utc(2010, 1, 1, 23, 19, 19, 500000)),
        ("20100101T214919Z", utc(2010, 1, 1, 21, 49, 19), utc(2010, 1, 1, 21, 49, 19)),
        ("2010-12-31T24:00:00", utc(2011, 1, 1), utc(2011, 1, 1)),
        ("2016-12-31T23:59:60Z", utc(2016, 12, 31, 23, 59, 59), utc(2016, 12, 31, 23, 59, 59)),
        ("2021-01-05T10:11:12.123456", utc(2021, 1, 5, 10, 11, 12, 123456), utc(2021, 1, 5, 10, 11, 12, 123456)),
    ],
)
def test_a_time_is_read_as_its_first_and_last_second(text, start, end):
    assert parse_time(f" {text}\n") == start
    assert parse_time(text, end=True) == end


@pytest.mark.parametrize(
    "text",
    [None, "", "now", "present", "2013-31-12", "2017-02-30", "2010-366", "0000", "10/11/2012", "a partir de 08/2019",
     "2010-01-01T25:00", "2010-01-01T24:01", "2010-01-01T10:00:61", "9999-12-31T24:00:00", "0001-01-01T00:00+14:00",
     "-P3D", "٢٠١٠-٠١-٠١", "2010-01-01T10:00:00+99:00"],
)  # fmt: skip
def test_what_names_no_instant_is_none(text):
    assert parse_time(text) is None
    assert parse_time(text, end=True) is None


@given(st.text() | st.from_regex(r"[0-9TZ:+. /-]{0,30}") | st.from_regex(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.{0,8}"))
def test_reading_a_time_never_fails(text):
    for value in (parse_time(text), parse_time(text, end=True), *parse_interval(text)):
        assert value is None or value.utcoffset() == timedelta(0)
    parse_duration_end(utc(2000, 1, 1), text)


@given(
    st.datetimes(
        min_value=EARLY,
        max_value=LATE,
        timezones=st.integers(-14 * 60, 14 * 60).map(lambda m: timezone(timedelta(minutes=m))),
    )
)
def test_iso_times_come_back_as_the_same_instant(moment):
    assert parse_time(moment.isoformat()) == moment
    assert parse_time(moment.isoformat(" ")) == moment


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2016-09-06T12:13:11/2017-10-15T15:51:13", (utc(2016, 9, 6, 12, 13, 11), utc(2017, 10, 15, 15, 51, 13))),
        ("2016-09-06/2017-10-15", (utc(2016, 9, 6), utc(2017, 10, 15, 23, 59, 59))),
        ("2016/..", (utc(2016, 1, 1), None)),
        ("../2016", (None, utc(2016, 12, 31, 23, 59, 59))),
        ("2010/2011", (utc(2010, 1, 1), utc(2011, 12, 31, 23, 59, 59))),
        ("2016-01-01/P3M", (utc(2016, 1, 1), utc(2016, 4, 1))),
        ("P1D/2016-01-02T00:00:00Z", (utc(2016, 1, 1), utc(2016, 1, 2))),
        ("2016", (utc(2016, 1, 1), utc(2016, 12, 31, 23, 59, 59))),
        ("2013-01-01/2013-31-12", (utc(2013, 1, 1), None)),
        ("", (None, None)),
    ],
)
def test_intervals(text, expected):
    assert parse_interval(text) == expected


@pytest.mark.parametrize(
    ("start", "duration", "end"),
    [
        (utc(2000, 1, 1), "14 days", utc(2000, 1, 15)),
        (utc(2000, 1, 31), "P1M", utc(2000, 2, 29)),
        (utc(2000, 1, 1), "P3M", utc(2000, 4, 1)),
        (utc(2000, 3, 31), "-P1M", utc(2000, 2, 29)),
        (utc(2000, 1, 4), "-P3D", utc(2000, 1, 1)),
        (utc(2000, 1, 1), "P1Y2M3DT4H5M6S", utc(2001, 3, 4, 4, 5, 6)),
        (utc(2000, 1, 1), "P2W", utc(2000, 1, 15)),
        (utc(2000, 1, 1), "6 hours", utc(2000, 1, 1, 6)),
        (utc(2000, 1, 1), "1.5 days", utc(2000, 1, 2, 12)),
        (utc(2000, 2, 29), "1 year", utc(2001, 2, 28)),
        (utc(2000, 1, 1), "0 months", utc(2000, 1, 1)),
        (utc(9999, 12, 5), "1 day", utc(9999, 12, 6)),
        (utc(2000, 1, 1), "P", None),
        (utc(2000, 1, 1), "P99999Y", None),
        (utc(2000, 1, 1), "P1.2.3D", None),
        (utc(2000, 1, 1), "soon", None),
        (utc(2000, 1, 1), None, None),
    ],
)
def test_durations(start, duration, end):
    assert parse_duration_end(start, duration) == end


def test_open_ends_are_told_from_unreadable_ones():
    assert all(says_open(text) for text in (None, "", " now ", "Present", "..", "ongoing"))
    assert not says_open("2013-31-12")
