"""What conditions, times and areas of a search mean, row by row: CQL2's logic of three values, worked out by hand."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely

from builder.errors import UsageError
from builder.search import Client
from builder.search.area import box_area
from builder.search.conditions import holds, of_query
from builder.search.period import interval
from builder.search.scan import Question, scan, values_of
from builder.search.sorting import orders, sort

STAMP = pa.timestamp("us", "UTC")
DAY = datetime(2020, 1, 2, tzinfo=UTC)
ROWS = {
    "n": pa.array([1, 2, None, 3]),
    "x": pa.array([1000.0, None, 5.0, 0.5]),
    "text": pa.array(["50%", "500", None, "5_0"]),
    "path": pa.array(["a\\b", "a%b", None, "ab"]),
    "version": pa.array(["2.10", "007", None, "12e4"]),
    "ice": pa.array([True, False, None, True]),
    "when": pa.array([DAY, DAY - timedelta(days=1), None, DAY + timedelta(days=1)], STAMP),
}


def of(op, name, *values):
    return {"op": op, "args": [{"property": name}, *values]}


def answer(condition):
    return holds(condition, ROWS.__getitem__).to_pylist()


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"text": {"startsWith": "50%"}}, [True, False, None, False]),
        ({"text": {"contains": "_"}}, [False, False, None, True]),
        ({"path": {"contains": "\\"}}, [True, False, None, False]),
        (["n!=2"], [True, False, None, True]),
        (["x=1e3"], [True, None, False, False]),
        ({"n": {"gt": 2.5}}, [False, False, None, True]),
        (["version=2.10"], [True, False, None, False]),
        (["version=007"], [False, True, None, False]),
        (["version=12e4"], [False, False, None, True]),
        (["ice=true"], [True, False, None, True]),
        (["ice!=True"], [False, True, None, False]),
        (["ice=false"], [False, True, None, False]),
        (["when>=2020"], [True, True, None, True]),
        ({"n": {"in": [1.5, 3, 10**30]}}, [False, False, None, True]),
        ({"n": {"in": []}}, [False, False, None, False]),
        ({"n": {"lt": 10**30}}, [True, True, None, True]),
    ],
)
def test_a_query_holds_where_it_says(query, expected):
    (condition,) = of_query(query)
    assert answer(condition) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (of("between", "n", 2, 3), [False, True, None, True]),
        ({"op": "not", "args": [of("in", "n", [1])]}, [False, True, None, True]),
        (of(">", "when", {"date": "2020-01-01"}), [True, False, None, True]),
        ({"op": "and", "args": [of("=", "n", 1), of("=", "x", 0)]}, [False, False, False, False]),
        ({"op": "or", "args": [of("=", "n", 1), of("=", "x", 5)]}, [True, None, True, False]),
    ],
    ids=str,
)
def test_a_filter_holds_where_it_says(condition, expected):
    assert answer(condition) == expected


@pytest.mark.parametrize(
    "condition",
    [{"op": "and", "args": [True]}, {"op": "not", "args": ["n"]}, of("in", "n", 1), of("in", "text", "5_0")],
)
def test_what_is_no_condition_is_refused(condition):
    with pytest.raises(UsageError):
        answer(condition)


def test_a_function_of_a_property_is_refused_and_not_left_out():
    lower = {"op": "=", "args": [{"op": "casei", "args": [{"property": "text"}]}, "50%"]}
    with pytest.raises(UsageError, match="needs a property first"):
        answer(lower)
    with pytest.raises(UsageError, match="'property': 'path'"):
        answer(of("=", "text", {"property": "path"}))


def test_a_date_is_a_whole_day():
    assert interval(date(2020, 1, 2)) == interval("2020-01-02") == interval([date(2020, 1, 2), date(2020, 1, 2)])


@pytest.mark.parametrize(
    "asked", [{"limit": 0}, {"max_items": -1}, {"sortby": {"field": "title", "direction": "down"}}]
)
def test_what_is_no_number_of_items_and_no_direction_is_refused(tmp_path, asked):
    with pytest.raises(UsageError, match=r"no number of items|neither asc nor desc"):
        Client.open(str(tmp_path)).search(**asked)


def test_what_is_true_is_no_number():
    with pytest.raises(UsageError, match="cannot be compared"):
        answer(of("=", "n", True))


def test_a_time_is_an_interval_to_the_end_of_its_last_second():
    last = datetime(2019, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
    assert interval("2019") == (datetime(2019, 1, 1, tzinfo=UTC), last)
    assert interval("2019-05-01T10:00:00Z") == (datetime(2019, 5, 1, 10, tzinfo=UTC),) * 2
    noon = datetime(2019, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    assert interval(noon) == (datetime(2019, 5, 1, 10, tzinfo=UTC),) * 2


@pytest.mark.parametrize(
    ("sortby", "expected"),
    [
        ("-n", ["c", "b", "a", "d"]), ("n", ["b", "a", "c", "d"]), ({"field": "n", "direction": "desc"}, list("cbad")),
        ("+n,-properties.m", ["a", "b", "c", "d"]), ("-datetime", ["d", "a", "c", "b"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_lacks_a_property_comes_last_and_equals_by_name(sortby, expected):
    said = {
        "a": {"n": 1, "m": 2, "datetime": "2003"}, "c": {"n": 2, "start_datetime": "2002"},
        "b": {"n": 1, "m": 1, "datetime": "2001"}, "d": {"start_datetime": "2004"},
    }  # fmt: skip
    keys = orders(sortby)
    columns = [column for key in keys for column in key.columns]
    rows = [("z" if name == "a" else "y", name, tuple(map(row.get, columns))) for name, row in said.items()]
    assert [name for _, name in sort(rows, keys)] == expected


def test_heights_of_a_box_are_left_aside():
    assert box_area([-10, 60, -4000, 10, 70, 100]).shapes == box_area([-10, 60, 10, 70]).shapes


def test_a_property_within_a_property_is_found_where_there_is_one():
    table = pa.table({"s": [{"a": 1}, {"a": 2}], "t": ["x", "y"]})
    assert values_of(table, "properties.s.a").to_pylist() == [1, 2]
    for name in ("s.b", "t.a", "u", "s.a.b"):
        assert values_of(table, name).to_pylist() == [None, None]


@pytest.mark.parametrize("pole", [90, -90])
def test_a_pole_has_every_longitude(pole):
    south, north = sorted((pole, pole * 0.9))
    there = np.array([shapely.Point(100, pole), shapely.Point(100, pole * 0.99)])
    assert box_area((10, south, 20, north)).meets(there).tolist() == [True, False]


TIMES = ("datetime", "start_datetime", "end_datetime")
TABLE = {
    "within an interval": ("2010-06-01", "2010-01-01", "2010-12-31"),
    "at a moment": ("2012-06-01", None, None),
    "still going on": (None, "2015-01-01", "2016-01-01"),
    "at no known time": (None, None, None),
}


@pytest.mark.parametrize("size", [1, 9], ids=["each in a group of its own", "all in one group"])
def test_an_item_is_met_by_its_interval_before_its_moment(size):
    columns = {
        name: pa.array([row[place] and datetime.fromisoformat(row[place]) for row in TABLE.values()], STAMP)
        for place, name in enumerate(TIMES)
    }
    ongoing = [None, None, True, None]
    sink = io.BytesIO()
    pq.write_table(pa.table({"id": list(TABLE), **columns, "iaos:ongoing": ongoing}), sink, row_group_size=size)

    def met(when):
        found = scan(io.BytesIO(sink.getvalue()), Question(period=interval(when)))
        names = {name for table in found for name in table["id"].to_pylist()}
        assert "at no known time" in names
        return names - {"at no known time"}

    assert met("2010-01/2010-02") == met("2010-12") == {"within an interval"}
    assert met("2012-06-01") == {"at a moment"}
    assert met("2015/2015-02") == met("2020") == {"still going on"}
    assert met("1990/2009") == met("2013") == set()
    assert met("2011/..") == {"at a moment", "still going on"}
