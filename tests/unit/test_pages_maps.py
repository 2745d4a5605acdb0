"""Polar maps: the projection against PROJ, and footprints at the pole, at ±180° and south of the map."""

from __future__ import annotations

import re

import numpy as np
import pytest
import shapely
from pyproj import Transformer

from builder.pages.footprints import box_geometry, densify, gather
from builder.pages.overview import collection_map
from builder.pages.polarmap import draw
from builder.pages.projection import DISC, project, radius_km
from builder.pages.sheet import FINE
from builder.pages.views import item_view
from builder.resources import site_folder
from tests.unit.pages_samples import CRUISE, ICE

DISC_60 = DISC / 3323.160  # map units per km; PROJ puts 60°N, 45°W at y = -3323.160 km in EPSG:3413


def outline(path: str) -> list[np.ndarray]:
    """Read our SVG paths (absolute start, relative steps) back into points."""
    parts = re.findall(r"M(-?\d+) (-?\d+)(?:l([^Mzh]*))?", path)
    lines = []
    for x, y, steps in parts:
        numbers = [int(n) for n in re.findall(r"-?\d+", steps)]
        moves = np.array(numbers).reshape(-1, 2)
        lines.append(np.vstack(([int(x), int(y)], moves)).cumsum(axis=0))
    return lines


def drawn(path: str) -> list[np.ndarray]:
    """Read the path of footprints, in map units."""
    return [line / FINE for line in outline(path)]


def test_projection_equals_proj():
    random = np.random.default_rng(3413)
    longitude, latitude = random.uniform(-180, 180, 5000), random.uniform(30, 90, 5000)
    x, y = Transformer.from_crs(4326, 3413, always_xy=True).transform(longitude, latitude)
    ours = project(longitude, latitude)
    assert np.abs(ours[0] * 1000 - x).max() < 1e-6  # metres
    assert np.abs(ours[1] * 1000 - y).max() < 1e-6


def test_cap_around_the_pole_is_a_disc_without_a_slit():
    chart = draw([box_geometry((-180, 83, 180, 90))])
    assert chart is not None
    assert chart.sheet.disc
    (edge,) = drawn(chart.outlines)
    radii = np.hypot(*edge.T)
    assert np.abs(radii - radius_km(83) * DISC_60).max() < 1  # every point of the edge is on the parallel
    angles = np.unwrap(np.arctan2(edge[:, 1], edge[:, 0]))
    assert abs(abs(angles[-1] - angles[0]) - 2 * np.pi) < 0.05  # all the way round
    (area,) = drawn(chart.areas)
    assert shapely.Polygon(area).buffer(0).contains(shapely.Point(3, 3))  # and the pole is inside


def test_half_a_cap_has_its_edge_up_to_the_pole():
    chart = draw([box_geometry((-60, 83, 120, 90))], zoom=False)
    assert chart is not None
    assert min(np.hypot(*line.T).min() for line in drawn(chart.outlines)) < 1
    steps = np.concatenate([np.diff(line, axis=0) for line in drawn(chart.outlines)])
    assert np.hypot(*steps.T).max() < 2.5 * 111.7 * DISC_60  # no step is longer than 2 degrees


def test_thinned_points_stay_where_they_are():
    chart = draw([{"type": "MultiPoint", "coordinates": [[10.0, 80.0], [10.05, 80.0], [-170.0, 62.0]]}], zoom=False)
    assert chart is not None
    dots = np.concatenate(drawn(chart.dots)) / DISC_60
    for longitude, latitude in ((10.0, 80.0), (-170.0, 62.0)):
        x, y = project(np.array([longitude]), np.array([latitude]))
        assert np.hypot(dots[:, 0] - x, dots[:, 1] + y).min() < 1  # km


def test_box_across_180_has_no_edge_along_180():
    chart = draw([box_geometry((170, 70, -170, 75))], zoom=False)
    assert chart is not None
    assert len(drawn(chart.areas)) == 2
    middle = [p for line in drawn(chart.outlines) for p in (line[1:] + line[:-1]) / 2]
    x, y = project(np.full(20, 180.0), np.linspace(71, 74, 20))
    seam = np.column_stack((x, -y)) * DISC_60
    assert min(np.hypot(*(seam - point).T).min() for point in middle) > 3


def test_box_that_ends_at_180_keeps_its_edge():
    chart = draw([box_geometry((150, 70, 180, 75))], zoom=False)
    assert chart is not None
    assert chart.outlines.endswith("z")


def test_track_across_180_is_not_drawn_around_the_world():
    chart = draw([CRUISE["geometry"]])
    assert chart is not None
    length = sum(np.hypot(*np.diff(line, axis=0).T).sum() for line in drawn(chart.lines)) / DISC_60
    assert 4000 < length < 6500  # km; the ellipsoidal length of the track's legs is about 4,900 km


def test_grid_that_contains_the_pole_covers_it():
    chart = draw([ICE["geometry"]])
    assert chart is not None
    (area,) = drawn(chart.areas)
    assert shapely.Polygon(area).buffer(0).contains(shapely.Point(0, 0).buffer(20).boundary)


def test_small_footprint_is_enlarged_with_a_locator_and_a_scale_bar():
    chart = draw([{"type": "Point", "coordinates": [10.0, 79.0]}])
    assert chart is not None
    assert not chart.sheet.disc
    ((dot,),) = drawn(chart.dots)
    assert np.abs(dot).max() <= 50  # in the middle, but for the rounding of the centre to 50 km
    assert chart.sheet.bar == (200, 200)  # 1000 units show 1000 km
    x, y = project(np.array([10.0]), np.array([79.0]))
    assert chart.sheet.locator is not None
    assert np.abs(np.array(chart.sheet.locator[:2]) - np.array([x[0], -y[0]]) * 100 / radius_km(45)).max() < 2


@pytest.mark.parametrize(
    ("box", "outside", "rim"),
    [
        ((-10, 20, 20, 44), "all", 45),
        ((-10, 30, 20, 70), "part", 45),
        ((-180, -90, 180, 90), "part", 45),
        ((0, 61, 90, 70), "", 60),
    ],
)
def test_what_lies_south_of_45_is_said(box, outside, rim):
    chart = draw([box_geometry(box)])
    assert chart is not None
    assert (chart.outside, chart.sheet.rim) == (outside, rim)
    assert np.abs(np.concatenate(drawn(chart.areas))).max() < 700  # clipped, not thrown to infinity


@pytest.mark.parametrize(
    "geometry",
    [
        None,
        {},
        {"type": "Point"},
        {"type": "Point", "coordinates": []},
        {"type": "Point", "coordinates": ["x", "y"]},
        {"type": "Point", "coordinates": [float("nan"), 80]},
        {"type": "Point", "coordinates": [10, 95]},
        {"type": "Polygon", "coordinates": [[[0, 0]]]},
        {"type": "Polygon", "coordinates": "POLYGON"},
        {"type": "Polygon", "coordinates": [None]},
        {"type": "MultiPolygon", "coordinates": [[1, 2], [3]]},
        {"type": "LineString", "coordinates": [[0, 80]]},
        {"type": "GeometryCollection", "geometries": [3, {"type": "Nonsense"}]},
        {"type": "Nonsense", "coordinates": [1, 2]},
    ],
)
def test_geometry_that_cannot_be_read_gives_no_map(geometry):
    assert draw([geometry]) is None


def test_many_points_are_thinned():
    points = np.random.default_rng(1).uniform((-180, 60), (180, 90), (50_000, 2)).tolist()
    chart = draw([{"type": "MultiPoint", "coordinates": points}])
    assert chart is not None
    assert 300 < chart.dots.count("M") <= 1600
    assert len(chart.dots) < 24_000


def test_densified_edge_stays_straight_in_degrees():
    near, far = [[1.0, 70.0], [1.5, 70.0]], [[-10.0, 60.0], [30.0, 80.0]]
    points, ends = densify([np.array(part) for part in (near, far, near)])
    assert [ends[0], len(points) - ends[1]] == [2, 2]  # no edge leads from one part to the next
    edge = points[ends[0] : ends[1]]
    assert edge[[0, -1]].tolist() == far
    assert np.abs(np.diff(edge, axis=0)).max() <= 2
    assert np.allclose((edge[:, 0] + 10) / 40, (edge[:, 1] - 60) / 20)


def test_collections_of_geometries_are_taken_apart():
    parts = [{"type": "Point", "coordinates": [1, 70]}, {"type": "LineString", "coordinates": [[1, 70], [2, 71]]}]
    shapes = gather([{"type": "GeometryCollection", "geometries": parts}])
    assert (len(shapes.points), len(shapes.lines), len(shapes.polygons)) == (1, 1, 0)


def test_land_is_small_and_where_it_should_be():
    picture = (site_folder() / "static" / "land.svg").read_text()
    assert len(picture) <= 30_000
    rings = [shapely.Polygon(line) for line in outline(picture.partition('d="')[2])]
    x, y = project(np.array([-40.0, 15.0, 25.0, 0.0]), np.array([75.0, 67.0, 64.0, 90.0]))
    inside = [any(ring.buffer(0).contains(shapely.Point(a, -b)) for ring in rings) for a, b in zip(x, y, strict=True)]
    assert inside == [True, True, True, False]  # Greenland's ice, Nordland, Finland; not the pole


def test_box_of_the_whole_arctic_does_not_hide_the_others():
    def shelf(*box):
        return {"extent": {"spatial": {"bbox": [list(box)]}}}

    both = collection_map([(shelf(-180, 31, 180, 90), ()), (shelf(0, 62, 20, 70), ())])
    alone = collection_map([(shelf(0, 62, 20, 70), ())])
    assert both == alone
    whole = collection_map([(shelf(-180, 31, 180, 90), ())])
    assert whole is not None
    assert whole.areas


def test_extent_of_several_boxes_is_drawn_without_their_union():
    extent = {"extent": {"spatial": {"bbox": [[0, 60, 90, 80], [0, 60, 10, 65], [80, 75, 90, 80]]}}}
    chart = collection_map([(extent, ())])
    assert chart is not None
    assert len(drawn(chart.areas)) == 2


def test_collection_of_many_items_is_drawn_as_dots():
    cell = {"type": "Polygon", "coordinates": [[[0, 70], [1, 70], [1, 71], [0, 70]]]}
    few, many = collection_map([({}, [cell] * 100)]), collection_map([({}, [cell] * 101)])
    assert few is not None
    assert many is not None
    assert (few.dots, many.areas) == ("", "")
    assert many.dots.count("M") == 1


def of_a_record(**more):
    """A Collection made from a record, as its page reads it."""
    extent = {"spatial": {"bbox": [[8.5, 62.0, 34.9, 70.0]]}, "temporal": {"interval": [[None, None]]}}
    return {"type": "Collection", "id": "a", "title": "A", "description": "Told.", "extent": extent, **more}


def test_a_record_without_time_is_drawn_by_its_extent():
    view = item_view(of_a_record(), None, page="a/b/c/index.html")
    assert view.map.areas == collection_map([(of_a_record(), ())]).areas != ""
    assert view.place == "62°N – 70°N, 8.5°E – 34.9°E"


def test_an_extent_that_is_the_globe_for_want_of_a_place_is_none():
    globe = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    nowhere = of_a_record(extent=globe, **{"iaos:unlocated": True})
    view = item_view(nowhere, None, page="a/b/c/index.html")
    assert (view.map, view.place) == (None, None)
    assert item_view(of_a_record(extent=globe), None, page="a/b/c/index.html").map is not None
