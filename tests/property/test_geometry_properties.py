"""Whatever a partner writes, a footprint follows RFC 7946, holds what it should and does not change when read again."""

from __future__ import annotations

from itertools import pairwise

import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import Point, Polygon, shape

from builder.dataset import Coverage
from builder.geometry.boxes import box_parts, spans
from builder.geometry.footprint import Footprint, footprint
from builder.geometry.grid import grid_footprint
from builder.geometry.parts import geometry_of
from builder.geometry.paths import points, track

few = settings(max_examples=60, deadline=None)

POLICIES = st.sampled_from(["trust", "sort_lat", "sort_both", "eswn", "geometry_first"])
LONGITUDE = st.floats(-540, 540) | st.integers(-360, 360).map(float) | st.sampled_from([-180.0, 180.0, 0.0, 360.0])
LATITUDE = st.floats(-90, 90) | st.sampled_from([-90.0, 0.0, 90.0])
PLACE = st.tuples(LONGITUDE, LATITUDE)
BOX = st.tuples(LONGITUDE, LATITUDE, LONGITUDE, LATITUDE)
RING = st.lists(PLACE, min_size=1, max_size=12)
SMALL = st.floats(-20, 20)


def multi(kind: str, strategy: st.SearchStrategy) -> st.SearchStrategy:
    return st.builds(lambda coordinates: {"type": kind, "coordinates": coordinates}, strategy)


GEOMETRY = (
    multi("Point", PLACE)
    | multi("MultiPoint", RING)
    | multi("LineString", RING)
    | multi("Polygon", st.lists(RING, min_size=1, max_size=2))
    | multi("MultiPolygon", st.lists(st.lists(RING, min_size=1, max_size=2), min_size=1, max_size=3))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "geometries"]), inner | st.just("Polygon"))
    ),
    max_leaves=12,
)


def simple(geometry: dict) -> list[dict]:
    if geometry["type"] == "GeometryCollection":
        return [part for inner in geometry["geometries"] for part in simple(inner)]
    return [geometry]


def rings_of(geometry: dict) -> list[list]:
    coordinates = geometry["coordinates"]
    return {"Polygon": [coordinates], "MultiPolygon": coordinates}.get(geometry["type"], [])


def assert_follows_rfc_7946(made: Footprint) -> None:
    if made.geometry is None:
        assert made.bbox is None
        return
    west, south, east, north = made.bbox
    assert -180 <= west <= 180
    assert -180 <= east <= 180
    assert -90 <= south <= north <= 90
    for x, y in shapely.get_coordinates(shape(made.geometry)).tolist():
        assert -180 <= x <= 180
        assert south <= y <= north
        assert west <= x <= east if west <= east else (x >= west or x <= east)
        assert (round(x, 6), round(y, 6)) == (x, y)
    for part in simple(made.geometry):
        assert shape(part).is_valid
        for outer, *holes in rings_of(part):
            assert all(ring[0] == ring[-1] and len(ring) >= 4 for ring in (outer, *holes))
            assert Polygon(outer).exterior.is_ccw
            assert not any(Polygon(hole).exterior.is_ccw for hole in holes)
            edges = [abs(one[0] - other[0]) for one, other in pairwise(outer)]
            assert all(edge <= 180 or edge == 360 for edge in edges)


@few
@given(geometry=GEOMETRY, boxes=st.lists(BOX, max_size=2), policy=POLICIES)
def test_footprint_follows_rfc_7946_and_stays_as_it_is(geometry, boxes, policy) -> None:
    made = footprint(Coverage(geometry=geometry, boxes=tuple(boxes)), policy)
    assert_follows_rfc_7946(made)
    again = footprint(Coverage(geometry=made.geometry), policy)
    assert (again.geometry, again.bbox) == (made.geometry, made.bbox)


@few
@given(boxes=st.lists(BOX, min_size=1, max_size=3), policy=POLICIES, mean=st.none() | PLACE)
def test_boxes_follow_rfc_7946_and_stay_as_they_are(boxes, policy, mean) -> None:
    made = footprint(Coverage(boxes=tuple(boxes), mean_point=mean), policy)
    assert_follows_rfc_7946(made)
    again = footprint(Coverage(geometry=made.geometry), policy)
    assert (again.geometry, again.bbox) == (made.geometry, made.bbox)


@few
@given(box=BOX)
def test_trusted_box_is_the_same_in_every_convention_of_longitude(box) -> None:
    west, south, east, north = box
    width = east - west if east >= west else (east - west) % 360
    spanned = sum(right - left for left, right in spans(west, east))
    if (west, east) != (180.0, -180.0):
        assert abs(spanned - (360 if east - west >= 359.9 else width)) < 1e-6
    geometry = geometry_of(box_parts((west, min(south, north), east, max(south, north))))
    for share in (0.0, 0.3, 1.0):
        x = (west + share * width + 180) % 360 - 180
        near = [shape(geometry).distance(Point(place, (south + north) / 2)) for place in (x, x - 360, x + 360)]
        assert min(near) < 1e-5


@few
@given(geometry=JSON, boxes=st.lists(st.tuples(*[st.floats()] * 4), max_size=2), policy=POLICIES)
def test_no_input_breaks_it(geometry, boxes, policy) -> None:
    assert_follows_rfc_7946(footprint(Coverage(geometry=geometry, boxes=tuple(boxes)), policy))


@few
@given(x=st.tuples(SMALL, SMALL), y=st.tuples(SMALL, SMALL), code=st.sampled_from([3411, 3413, 3995, 6931, 3575, 3031]))
def test_polar_grids_follow_rfc_7946(x, y, code) -> None:
    ends = [(1e5 * min(axis), 1e5 * max(axis) + 1e4) for axis in (x, y)]
    geometry = grid_footprint(*ends, f"EPSG:{code}")
    made = footprint(Coverage(geometry=geometry))
    assert_follows_rfc_7946(made)
    assert made.geometry == geometry
    (west, east), (south, north) = ends
    if min(map(abs, (west, east, south, north))) > 1:
        inside = west < 0 < east and south < 0 < north
        assert shape(geometry).covers(Point(13, -90 if code == 3031 else 90)) == inside


@few
@given(places=st.lists(PLACE, max_size=30))
def test_tracks_and_points_follow_rfc_7946(places) -> None:
    for make in (track, points):
        geometry = make(places)
        assert (geometry is None) == (not places)
        if geometry:
            made = footprint(Coverage(geometry=geometry))
            assert_follows_rfc_7946(made)
            assert made.geometry == geometry
