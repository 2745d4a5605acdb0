"""Corrections and times from file names, against dates worked out by hand and names partners really use."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from builder.dataset import Coverage, Dataset, License, Trace
from builder.definitions.model import CollectionDefinition
from builder.overrides import apply_overrides, apply_time_from_name


def definition(**more):
    return CollectionDefinition.model_validate(
        {
            "id": "c",
            "title": "C",
            "description": "D",
            "partner": {"id": "p", "name": "P"},
            "source": {"type": "thredds", "url": "https://partner.example/thredds/catalog.xml"},
            **more,
        }
    )


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def test_an_override_sets_its_fields_and_says_where_it_stands():
    made = apply_overrides(
        Dataset("a/1", title="Old", keywords=("x",), trace={"title": Trace("t.xml", "dataset/@name", "thredds")}),
        definition(overrides=[{"match": "a/*", "set": {"license": "CC-BY-4.0", "title": "New", "start": "2019-05"}}]),
    )
    assert (made.title, made.license, made.coverage.start) == ("New", License("CC-BY-4.0"), utc(2019, 5, 1))
    assert made.keywords == ("x",)
    assert made.trace == {
        "title": Trace("definition", "overrides[0].set.title", "override"),
        "license": Trace("definition", "overrides[0].set.license", "override"),
        "coverage.start": Trace("definition", "overrides[0].set.start", "override"),
    }


def test_later_overrides_win_and_others_do_not_touch():
    overrides = [
        {"match": "*", "set": {"title": "first", "platform": "Polarstern"}},
        {"match": "A*", "set": {"title": "upper case only"}},
        {"match": "a[12]", "set": {"title": "last"}},
    ]
    made = apply_overrides(Dataset("a1"), definition(overrides=overrides))
    assert (made.title, made.platform) == ("last", "Polarstern")
    assert made.trace["title"].place == "overrides[2].set.title"
    assert apply_overrides(Dataset("b"), definition(overrides=overrides)).title == "first"


def test_null_takes_a_value_away():
    before = Dataset("a", doi="10.1/x", license=License("MIT"), keywords=("x",), coverage=Coverage(end=utc(2019, 1, 1)))
    values = {"doi": None, "license": None, "keywords": None, "end": None}
    made = apply_overrides(before, definition(overrides=[{"set": values}]))
    assert (made.doi, made.license, made.keywords, made.coverage.end) == (None, None, (), None)


def test_a_box_replaces_the_partners_place_whatever_the_bbox_policy():
    before = Dataset(
        "a",
        coverage=Coverage(geometry={"type": "Point", "coordinates": [0, 0]}, boxes=((1, 2, 3, 4),), mean_point=(2, 3)),
        trace={"coverage.boxes": Trace("x", "y", "z")},
    )
    crossing = definition(policies={"bbox": "eswn"}, overrides=[{"set": {"bbox": [170, 70, -170, 80]}}])
    made = apply_overrides(before, crossing)
    west, east = made.coverage.geometry["coordinates"]
    assert [min(x for x, _ in west[0]), max(x for x, _ in west[0])] == [170, 180]
    assert [min(x for x, _ in east[0]), max(x for x, _ in east[0])] == [-180, -170]
    assert (made.coverage.boxes, made.coverage.mean_point) == ((), None)
    assert set(made.trace) == {"coverage.geometry"}


@pytest.mark.parametrize(
    ("box", "kind"),
    [
        ((10, 70, 20, 80), "Polygon"),
        ((10, 70, 10, 70), "Point"),
        ((10, 70, 20, 70), "LineString"),
        ((10, 70, 10, 80), "LineString"),
        ((-180, 60, 180, 90), "Polygon"),
        ((170, 60, -170, 90), "MultiPolygon"),
    ],
)
def test_a_box_becomes_a_valid_geometry_of_its_area(box, kind):
    from shapely.geometry import shape

    made = apply_overrides(Dataset("a"), definition(overrides=[{"set": {"bbox": list(box)}}]))
    geometry = shape(made.coverage.geometry)
    west, south, east, north = box
    assert geometry.geom_type == kind
    assert geometry.is_valid
    assert geometry.area == pytest.approx(((east - west) % 360 or 360 * (east > west)) * (north - south))
    assert all(part.exterior.is_ccw for part in getattr(geometry, "geoms", [geometry]) if hasattr(part, "exterior"))


def test_status_access_and_level_can_be_set():
    made = apply_overrides(
        Dataset("a"),
        definition(overrides=[{"set": {"status": "withdrawn", "restricted": True, "level": "collection"}}]),
    )
    assert (made.status, made.access.restricted, made.level) == ("withdrawn", True, "collection")
    assert made.trace["access"].place == "overrides[0].set.restricted"


DAY = r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"


@pytest.mark.parametrize(
    ("pattern", "name", "start", "end"),
    [
        # names as MET Norway, OSI SAF, IMR and NASA (SeaWiFS) write them
        (DAY + r"1500\.nc$", "ice_conc_svalbard_201806011500.nc", utc(2018, 6, 1), utc(2018, 6, 1, 23, 59, 59)),
        (
            DAY + r"(?P<hour>\d\d)(?P<minute>\d\d)\.nc$",
            "ice_conc_nh_polstere-100_multi_202301141200.nc",
            utc(2023, 1, 14, 12),
            utc(2023, 1, 14, 12, 0, 59),
        ),
        (r"_CTD_(?P<year>\d{4})\.nc$", "58GT_CTD_2003.nc", utc(2003, 1, 1), utc(2003, 12, 31, 23, 59, 59)),
        (r"S(?P<year>\d{4})(?P<doy>\d{3})", "S2008001.L3m.nc", utc(2008, 1, 1), utc(2008, 1, 1, 23, 59, 59)),
        (r"S(?P<year>\d{4})(?P<doy>\d{3})", "S2008366.nc", utc(2008, 12, 31), utc(2008, 12, 31, 23, 59, 59)),
        (r"_(?P<year>\d{4})(?P<month>\d\d)", "x_202402.nc", utc(2024, 2, 1), utc(2024, 2, 29, 23, 59, 59)),
        (r"_(?P<year>\d{4})(?P<month>\d\d)", "x_202412.nc", utc(2024, 12, 1), utc(2024, 12, 31, 23, 59, 59)),
        (
            DAY + r"T(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)",
            "LIN-RS-01_2_RS41-GDP_001_20170303T120000_1-004-002.nc",
            utc(2017, 3, 3, 12),
            utc(2017, 3, 3, 12),
        ),
        (r"(?P<year>\d\d)(?P<month>\d\d)", "9902.nc", utc(1999, 2, 1), utc(1999, 2, 28, 23, 59, 59)),
        (r"(?P<year>\d\d)(?P<month>\d\d)", "6802.nc", utc(2068, 2, 1), utc(2068, 2, 29, 23, 59, 59)),
        (
            DAY + r"-(?P<end_year>\d{4})(?P<end_month>\d\d)(?P<end_day>\d\d)",
            "drift_20160415-20160417.nc",
            utc(2016, 4, 15),
            utc(2016, 4, 17, 23, 59, 59),
        ),
        (r"(?P<year>\d{4})-(?P<end_year>\d{4})", "1993-2004.nc", utc(1993, 1, 1), utc(2004, 12, 31, 23, 59, 59)),
        (
            DAY + r"_(?P<hour>\d\d)-(?P<end_hour>\d\d)",
            "a_20190501_06-09.nc",
            utc(2019, 5, 1, 6),
            utc(2019, 5, 1, 9, 59, 59),
        ),
        (
            r"(?P<year>\d{4})(?P<doy>\d{3})-(?P<end_doy>\d{3})",
            "2019001-008.nc",
            utc(2019, 1, 1),
            utc(2019, 1, 8, 23, 59, 59),
        ),
        (r"(?P<year>\d{4})(?P<month>\d\d)?", "2019.nc", utc(2019, 1, 1), utc(2019, 12, 31, 23, 59, 59)),
    ],
)
def test_the_name_tells_the_time_it_covers(pattern, name, start, end):
    made = apply_time_from_name(Dataset("a"), definition(policies={"time_from_name": pattern}), name)
    assert (made.coverage.start, made.coverage.end) == (start, end)
    assert made.trace["coverage.start"] == Trace("definition", f"policies.time_from_name on {name}", "time_from_name")
    assert made.findings == ()


@pytest.mark.parametrize(
    ("pattern", "name", "says"),
    [
        (DAY, "no-digits.nc", "does not match"),
        (DAY, "20191301.nc", "month must be in 1..12"),
        (DAY, "20190230.nc", "day is out of range"),
        (r"(?P<year>\d{4})(?P<doy>\d{3})", "2019366.nc", "has no day 366"),
        (r"(?P<year>\d{4})(?P<doy>\d{3})", "2019000.nc", "has no day 0"),
        (r"(?P<year>\d{4})_(?P<day>\d\d)", "2019_05.nc", "do not say when"),
        (r"(?P<year>\d{4})-(?P<end_year>\d{4})", "2004-1993.nc", "end is before its start"),
        (r"(?P<year>\d{4})", "0000.nc", "no such time"),
        (r"(?P<year>\d+)", "9" * 40 + ".nc", "no such time"),
        (r"(?P<year>\d+)", "9" * 5000 + ".nc", "tells no time"),
        (r"(?P<year>\d{4})(?P<month>\d+)", "2019" + "9" * 40 + ".nc", "no such time"),
        (r"(?P<year>\d{4})(?P<doy>\d{3})", "9999366.nc", "has no day 366"),
    ],
)
def test_a_name_without_a_time_is_a_finding(pattern, name, says):
    made = apply_time_from_name(Dataset("a"), definition(policies={"time_from_name": pattern}), name)
    assert made.coverage == Coverage()
    (finding,) = made.findings
    assert finding.code == "time.from-name"
    assert says in finding.message


def test_a_time_the_dataset_has_is_kept():
    before = Dataset("a", coverage=Coverage(start=utc(2000, 1, 1)))
    assert apply_time_from_name(before, definition(policies={"time_from_name": DAY}), "20190501.nc") == before
    assert apply_time_from_name(Dataset("a"), definition(), "20190501.nc") == Dataset("a")
