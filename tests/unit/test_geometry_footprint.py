"""Footprints of boxes and outlines as partners write them; expectations from RFC 7946 and the records named."""

from __future__ import annotations

import math
from functools import reduce

import pytest
from shapely.geometry import MultiPolygon, Point, Polygon, shape

from builder.dataset import Coverage
from builder.geometry.footprint import footprint


def of_box(*box: float, policy: str = "trust", mean: tuple[float, float] | None = None):
    return footprint(Coverage(boxes=(box,), mean_point=mean), policy, where="a record")


def of(geometry, *boxes, policy="geometry_first"):
    return footprint(Coverage(geometry=geometry, boxes=boxes), policy)


def codes(made) -> list[str]:
    return [finding.code for finding in made.findings]


def polygon(*places: tuple[float, float]) -> dict:
    return {"type": "Polygon", "coordinates": [[*map(list, places), list(places[0])]]}


def test_nothing_said_is_nowhere() -> None:
    made = footprint(Coverage())
    assert (made.geometry, made.bbox, made.findings) == (None, None, ())


def test_plain_box() -> None:
    made = of_box(10, 70, 20, 80)
    assert made.geometry == polygon((10.0, 70.0), (20.0, 70.0), (20.0, 80.0), (10.0, 80.0))
    assert (made.bbox, made.findings) == ([10, 70, 20, 80], ())
    assert of_box(-180, 60, 180, 90).geometry == polygon((-180.0, 60.0), (180.0, 60.0), (180.0, 90.0), (-180.0, 90.0))


def test_crossing_box_is_cut_and_its_bbox_has_west_above_east() -> None:
    made = of_box(170, 60, -160, 75)
    assert made.bbox == [170, 60, -160, 75]
    assert made.geometry["type"] == "MultiPolygon"
    assert [shape({"type": "Polygon", "coordinates": part}).bounds for part in made.geometry["coordinates"]] == [
        (170, 60, 180, 75),
        (-180, 60, -160, 75),
    ]


@pytest.mark.parametrize(
    ("box", "policy", "bbox"),
    [
        # PANGAEA 901709, a true crossing
        ((29.93, 79.8, -116.18, 89.96), "trust", [29.93, 79.8, -116.18, 89.96]),
        # CIOOS, swapped (recorded packages named in the provenance)
        ((-59.47181, 68.627269, -63.354197, 67.753343), "sort_both", [-63.354197, 67.753343, -59.47181, 68.627269]),
        ((-44.356485, 90.0, -63.424128, 43.050837), "sort_both", [-63.424128, 43.050837, -44.356485, 90.0]),
        ((-71.0, 62.5, -42.0, 41.0), "sort_lat", [-71.0, 41.0, -42.0, 62.5]),
        ((-180.0, 90.0, 180.0, -90.0), "sort_both", [-180, -90, 180, 90]),
        # CIOOS, longitudes beyond 180
        ((187.63391, 45.3843, 204.3435, 51.905), "trust", [-172.36609, 45.3843, -155.6565, 51.905]),
        ((-190.0, 30.0, -120.0, 65.0), "trust", [170.0, 30.0, -120.0, 65.0]),
        ((-190.0, -90.0, 190.0, 90.0), "trust", [-180, -90, 180, 90]),
        # DAMOCLES MM2: east, south, west, north
        ((180, 78, -180, 89), "eswn", [-180, 78, 180, 89]),
        ((14, 80.6, 13, 80.8), "eswn", [13, 80.6, 14, 80.8]),
        ((179.956298828125, 45.24, -179.994598388672, 89.9), "eswn", [-180, 45.24, 180, 89.9]),
        # the same family written west, south, east, north
        ((-17.0, 77.0, 12.0, 83.0), "eswn", [-17.0, 77.0, 12.0, 83.0]),
        ((-180.0, 58.0, 180.0, 83.0), "eswn", [-180, 58.0, 180, 83.0]),
        # longitudes 0..360
        ((0, 60, 360, 90), "trust", [-180, 60, 180, 90]),
        ((0, 60, 359.95, 90), "trust", [-180, 60, 180, 90]),
        ((180, 60, 360, 90), "trust", [-180, 60, 0, 90]),
        ((170, 60, 190, 70), "trust", [170, 60, -170, 70]),
        ((350, 60, 10, 70), "trust", [-10, 60, 10, 70]),
        ((190, 60, 190, 70), "trust", [-170, 60, -170, 70]),
        ((-190, 60, -180, 70), "trust", [170, 60, 180, 70]),
        # sides that rounding moved: beyond the pole, and west above east by a hair
        ((10, 70, 20, 90.00009), "trust", [10, 70, 20, 90]),
        ((10.05, 70, 10, 80), "trust", [10, 70, 10.05, 80]),
    ],
)
def test_boxes_of_partners(box, policy, bbox) -> None:
    assert of_box(*box, policy=policy).bbox == pytest.approx(bbox, abs=2e-6, rel=0)


def test_mean_point_tells_a_crossing_from_a_swap() -> None:
    assert of_box(29.93, 79.8, -116.18, 89.96, policy="geometry_first", mean=(137.28, 85)).bbox[0] == 29.93
    swapped = of_box(-44.4, 43, -63.4, 60, policy="geometry_first", mean=(-50, 50))
    assert swapped.bbox == [-63.4, 43, -44.4, 60]
    assert codes(swapped) == ["geometry.box-west-east"]


def test_without_a_mean_point_only_a_narrow_crossing_is_believed() -> None:
    assert of_box(170, 60, -160, 75, policy="geometry_first").bbox == [170, 60, -160, 75]
    assert of_box(90, 60, -90, 75, policy="geometry_first").bbox == [90, 60, -90, 75]
    made = of_box(-44.4, 43, -63.4, 60, policy="geometry_first")
    assert made.geometry is None
    assert "policies.bbox" in made.findings[0].hint


def test_trusted_box_is_doubted_when_its_mean_point_lies_outside() -> None:
    assert codes(of_box(10, 70, 20, 80, mean=(15, 75))) == []
    assert codes(of_box(10, 70, 20, 80, mean=(20.00005, 75))) == []
    assert codes(of_box(10, 70, 20, 80, mean=(25, 75))) == ["geometry.box-mean-outside"]
    assert codes(of_box(10, 70, 20, 80, mean=(15, 81))) == ["geometry.box-mean-outside"]
    assert codes(of_box(-44.4, 43, -63.4, 60, mean=(-50, 50))) == ["geometry.box-mean-outside"]


def test_south_above_north_is_put_right_and_said() -> None:
    made = of_box(10, 80, 20, 70)
    assert (made.bbox, codes(made)) == ([10, 70, 20, 80], ["geometry.box-south-above-north"])
    assert codes(of_box(10, 80, 20, 70, policy="sort_lat")) == []
    assert codes(footprint(Coverage(boxes=((10, 80, 20, 70),) * 2), "trust")) == ["geometry.box-south-above-north"]


@pytest.mark.parametrize(
    "box",
    [(-123.6, 47.4, 123.4, 166.89188), (1000, 0, 1001, 1), (math.nan, 0, 1, 1), (0, 0, math.inf, 1)],
)
def test_impossible_box_is_left_out_with_a_finding(box) -> None:
    made = of_box(*box)
    assert made.geometry is None
    assert made.bbox is None
    assert codes(made) == ["geometry.box-out-of-range"]


def test_box_without_area_is_a_point_or_a_line() -> None:
    assert of_box(-105.06, 69.11, -105.06, 69.11).geometry == {"type": "Point", "coordinates": [-105.06, 69.11]}
    assert of_box(10, 70, 10, 80).geometry == {"type": "LineString", "coordinates": [[10, 70], [10, 80]]}
    wide = of_box(-170, 80, 170, 80)
    assert wide.bbox == [-170, 80, 170, 80]
    assert of(wide.geometry).geometry == wide.geometry


def test_both_poles_are_two_polygons() -> None:
    made = footprint(Coverage(boxes=((-180, 55, 180, 90), (-180, -90, 180, -55))), "trust")
    assert made.geometry["type"] == "MultiPolygon"
    assert made.bbox == [-180, -90, 180, 90]
    assert not shape(made.geometry).covers(Point(0, 0))


def test_geometry_goes_before_the_box() -> None:
    made = of({"type": "Point", "coordinates": [5, 60]}, (0, 0, 1, 1))
    assert (made.geometry["coordinates"], made.bbox) == ([5.0, 60.0], [5, 60, 5, 60])


def test_impossible_geometry_falls_back_to_the_box() -> None:
    bad = polygon((0, 0), (1, 0), (1, 166.89))
    boxed, alone = of(bad, (0, 0, 1, 1)), of(bad)
    assert (boxed.bbox, alone.geometry) == ([0, 0, 1, 1], None)
    for made, said in ((boxed, "its box is used"), (alone, "the place is unknown")):
        assert [(finding.code, finding.message.rpartition("; ")[2]) for finding in made.findings] == [
            ("geometry.unusable", said)
        ]


@pytest.mark.parametrize(
    "geometry",
    [
        [],
        {},
        {"type": "Polygon"},
        {"type": "Polygon", "coordinates": None},
        {"type": "Polygon", "coordinates": []},
        {"type": "Polygon", "coordinates": [[]]},
        {"type": "Polygon", "coordinates": [1, 2]},
        {"type": "Point", "coordinates": [True, 5]},
        {"type": "Point", "coordinates": ["here", 5]},
        {"type": "Point", "coordinates": [5]},
        {"type": "Point", "coordinates": [math.nan, 5]},
        {"type": "Point", "coordinates": [10**400, 5]},
        {"type": "Circle", "coordinates": [5, 5]},
        {"type": ["Point"], "coordinates": [5, 5]},
        {"type": "GeometryCollection", "geometries": "none"},
        {"type": "GeometryCollection", "geometries": [{"type": "GeometryCollection", "geometries": [None]}]},
        reduce(
            lambda inner, _: {"type": "GeometryCollection", "geometries": [inner]},
            range(6),
            {"type": "Point", "coordinates": [5, 5]},
        ),
    ],
)
def test_hostile_geometry_is_a_finding(geometry) -> None:
    assert codes(of(geometry)) == ["geometry.unusable"]


def test_rectangle_is_what_it_says_whatever_its_winding() -> None:
    clockwise = polygon((-170, 60), (-170, 80), (170, 80), (170, 60))
    assert of(clockwise).bbox == [-170, 60, 170, 80]
    crossing = of(clockwise, (170, 60, -170, 80), policy="trust")
    assert crossing.bbox == [170, 60, -170, 80]
    circle = polygon((-179.98, 60), (-179.98, 80), (179.98, 80), (179.98, 60))
    assert of(circle, (170, 60, -170, 80), policy="trust").bbox == [-180, 60, 180, 80]


def test_outline_across_the_antimeridian_is_cut() -> None:
    made = of(polygon((170, 60), (-170, 62), (-175, 70), (172, 68)))
    assert made.geometry["type"] == "MultiPolygon"
    assert made.bbox == [170, 60, -170, 70]


def test_outline_in_longitudes_to_360_is_the_same_as_in_180() -> None:
    one = of(polygon((170, 60), (-170, 62), (-175, 70), (172, 68)))
    other = of(polygon((170, 60), (190, 62), (185, 70), (172, 68)))
    assert shape(one.geometry).symmetric_difference(shape(other.geometry)).area < 1e-6


def test_ring_around_the_pole_holds_the_pole() -> None:
    made = of(polygon((-135, 80), (-45, 80), (45, 80), (135, 80)))
    assert made.bbox == [-180, 80, 180, 90]
    assert shape(made.geometry).covers(Point(77, 90))
    south = of(polygon((135, -80), (45, -80), (-45, -80), (-135, -80)))
    assert south.bbox == [-180, -90, 180, -80]
    west = shape(of(polygon((-110, 68), (178, 56), (112, 72), (39, 66), (-34, 84))).geometry)
    assert (west.covers(Point(0, 89)), west.covers(Point(0, 50))) == (True, False)
    beyond = shape(of(polygon((350, 80), (80, 80), (170, 80), (260, 80))).geometry)
    assert all(beyond.covers(Point(longitude, 85)) for longitude in range(-180, 181, 5))


def test_seam_of_a_map_is_no_step_across_it() -> None:
    places = ((-180, 60), (-90, 55), (0, 50), (90, 55), (180, 60), (180, 80), (-180, 80))
    made = of(polygon(*places))
    assert shape(made.geometry).equals(Polygon(places))


def test_crossed_outline_is_untangled_and_said() -> None:
    made = of(polygon((0, 0), (2, 2), (2, 0), (0, 2)))
    assert shape(made.geometry).is_valid
    assert codes(made) == ["geometry.repaired"]
    knots = [polygon((x, 0), (x + 2, 2), (x + 2, 0), (x, 2))["coordinates"] for x in (0, 10)]
    assert codes(of({"type": "MultiPolygon", "coordinates": knots})) == ["geometry.repaired"]


def test_polygon_without_area_is_a_point_or_a_line() -> None:
    assert of(polygon((5, 5), (5, 5), (5, 5))).geometry == {"type": "Point", "coordinates": [5.0, 5.0]}
    assert of(polygon((5, 5), (6, 5), (5, 5))).geometry["type"] == "LineString"


def test_hole_is_kept_and_wound_the_other_way() -> None:
    outer = [[0, 0], [0, 10], [9, 11], [10, 0], [0, 0]]
    hole = [[4, 4], [5, 4], [5, 5], [4, 5], [4, 4]]
    rings = of({"type": "Polygon", "coordinates": [outer, hole]}).geometry["coordinates"]
    assert Polygon(rings[0]).exterior.is_ccw
    assert not Polygon(rings[1]).exterior.is_ccw
    across = [[170, 60], [-170, 61], [-170, 70], [170, 70], [170, 60]]
    hole = [[178, 64], [-178, 64], [-178, 66], [178, 66], [178, 64]]
    pierced = shape(of({"type": "Polygon", "coordinates": [across, hole]}).geometry)
    assert [pierced.covers(Point(place)) for place in ((179, 65), (-179, 65), (177, 65), (-177, 65))] == [
        False, False, True, True,
    ]  # fmt: skip
    line = [[4, 4], [5, 4], [4, 4]]
    assert len(of({"type": "Polygon", "coordinates": [outer, line]}).geometry["coordinates"]) == 1


def test_points_on_both_sides_of_the_antimeridian_have_the_smaller_bbox() -> None:
    made = of({"type": "MultiPoint", "coordinates": [[179.5, 84], [-179, 85, -300.0], [181.5, 86]]})
    assert made.bbox == [179.5, 84, -178.5, 86]
    assert made.geometry["coordinates"] == [[179.5, 84.0], [-179.0, 85.0], [-178.5, 86.0]]


def test_many_points_are_thinned_but_reach_as_far() -> None:
    many = [[(number % 700) / 10, 60 + number % 30] for number in range(2100)]
    farthest = [[-40.0, 70.0], [120.0, 70.0], [10.0, 59.0], [10.0, 89.5]]
    made = of({"type": "MultiPoint", "coordinates": [*many[:1], *farthest, *many[1:]]})
    assert len(made.geometry["coordinates"]) <= 500
    assert made.bbox == [-40, 59, 120, 89.5]


@pytest.mark.parametrize(
    ("kind", "places", "expected"),
    [
        ("MultiPoint", [[5, 60], [5, 60], [5, 60.0000001]], {"type": "Point", "coordinates": [5, 60]}),
        ("LineString", [[5, 60], [5.0000001, 60]], {"type": "Point", "coordinates": [5, 60]}),
        ("LineString", [[180, 60], [-179, 61]], {"type": "LineString", "coordinates": [[-180, 60], [-179, 61]]}),
        ("Polygon", [[[5, 60], [6, 60], [6, 60.0000001], [5, 60]]],
         {"type": "LineString", "coordinates": [[5, 60], [6, 60]]}),
    ],
)  # fmt: skip
def test_what_rounding_leaves_without_extent_is_told_as_that(kind, places, expected) -> None:
    assert of({"type": kind, "coordinates": places}).geometry == expected


def test_an_outline_that_rounding_makes_touch_itself_is_parted() -> None:
    made = shape(of(polygon((0, 0), (10, 0), (10, 10), (5, 4e-7), (0, 10))).geometry)
    assert made.is_valid
    assert made.equals(MultiPolygon([Polygon([(0, 0), (5, 0), (0, 10)]), Polygon([(5, 0), (10, 0), (10, 10)])]))


def test_there_is_no_negative_zero() -> None:
    assert str(of({"type": "Point", "coordinates": [-1e-9, -1e-9]}).geometry["coordinates"]) == "[0.0, 0.0]"


def test_line_across_the_antimeridian_is_cut() -> None:
    made = of({"type": "LineString", "coordinates": [[179, 80], [-179, 82]]})
    assert made.geometry == {
        "type": "MultiLineString",
        "coordinates": [[[179.0, 80.0], [180.0, 81.0]], [[-180.0, 81.0], [-179.0, 82.0]]],
    }


def test_a_latitude_beyond_the_pole_by_rounding_is_the_pole() -> None:
    assert of({"type": "Point", "coordinates": [5, 90.00005]}).geometry["coordinates"] == [5, 90]


def test_more_positions_than_anyone_draws_are_left_out(monkeypatch) -> None:
    monkeypatch.setattr("builder.geometry.outline.MOST_POSITIONS", 3)
    assert codes(of({"type": "MultiPoint", "coordinates": [[5, 5], [6, 5], [7, 5]]})) == []
    assert codes(of({"type": "MultiPoint", "coordinates": [[5, 5], [6, 5], [7, 5], [8, 5]]})) == ["geometry.unusable"]


def test_numbers_in_quotes_are_numbers() -> None:
    assert of({"type": "Point", "coordinates": ["5.5", "60"]}).bbox == [5.5, 60, 5.5, 60]


def test_kinds_may_be_mixed() -> None:
    made = of(
        {
            "type": "GeometryCollection",
            "geometries": [{"type": "MultiPoint", "coordinates": [[0, 0], [5.5, 6]]}, polygon((5, 5), (6, 5), (6, 7))],
        }
    )
    assert [part["type"] for part in made.geometry["geometries"]] == ["MultiPoint", "Polygon"]
    assert made.bbox == [0, 0, 6, 7]
