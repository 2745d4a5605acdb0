"""Outlines of grids hold every cell centre, computed independently with pyproj; tracks keep their way."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
import shapely
from shapely.geometry import Point, shape

from builder.geometry.grid import grid_footprint
from builder.geometry.outline import UnusableGeometry
from builder.geometry.parts import bbox_of
from builder.geometry.paths import points, track

ROTATED = "+proj=ob_tran +o_proj=longlat +o_lon_p=0 +o_lat_p=30 +lon_0=-45 +to_meter=0.0174532925199433"

GRIDS = {
    "NSIDC sea ice 25 km": ("EPSG:3411", (-3850e3, 3750e3), (-5350e3, 5850e3)),
    "NSIDC polar stereographic": ("EPSG:3413", (-3850e3, 3750e3), (-5350e3, 5850e3)),
    "EASE-Grid 2.0 North": ("EPSG:6931", (-9000e3, 9000e3), (-9000e3, 9000e3)),
    "IBCAO": ("EPSG:3995", (-2904e3, 2904e3), (-2904e3, 2904e3)),
    "North Pole LAEA Europe": ("EPSG:3575", (-2000e3, 2000e3), (-2000e3, 2000e3)),
    "a side that ends at the pole": ("EPSG:3995", (-1000e3, 1000e3), (0, 1000e3)),
    "a corner at the pole": ("EPSG:3995", (0, 1000e3), (0, 1000e3)),
    "one kilometre beside the pole": ("EPSG:3413", (-2000e3, 2000e3), (1e3, 2000e3)),
    "one kilometre over the pole": ("EPSG:3413", (-2000e3, 2000e3), (-1e3, 2000e3)),
    "a tile off Chukotka": ("EPSG:3413", (-2000e3, -1000e3), (1000e3, 2000e3)),
    "Antarctica": ("EPSG:3031", (-3000e3, 3000e3), (-3000e3, 3000e3)),
    "UTM 60N": ("EPSG:32660", (300e3, 800e3), (7000e3, 8000e3)),
    "UTM 1N": ("EPSG:32601", (200e3, 800e3), (7000e3, 8000e3)),
    "Mercator": ("EPSG:3857", (-20037508, 20037508), (-10000e3, 10000e3)),
    "Mercator of the Pacific": ("+proj=merc +lon_0=180", (-20037508, 20037508), (-10000e3, 10000e3)),
    "rotated pole": (ROTATED, (-20, 20), (-20, 20)),
    "longitudes 0 to 360": ("EPSG:4326", (0, 360), (60, 90)),
}
HOLD_THE_NORTH_POLE = (
    "NSIDC sea ice 25 km",
    "NSIDC polar stereographic",
    "EASE-Grid 2.0 North",
    "IBCAO",
    "North Pole LAEA Europe",
    "one kilometre over the pole",
    "longitudes 0 to 360",
)


def cell_centres(crs: str, x: tuple[float, float], y: tuple[float, float]):
    edges = [np.linspace(*axis, 61) for axis in (x, y)]
    mesh = np.meshgrid(*((axis[1:] + axis[:-1]) / 2 for axis in edges))
    lon, lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(*map(np.ravel, mesh))
    lon = np.where(np.abs(lon) > 180, (lon + 180) % 360 - 180, lon)
    finite = np.isfinite(lon) & np.isfinite(lat)
    return shapely.points(lon[finite], lat[finite])


@pytest.mark.parametrize("name", GRIDS)
def test_outline_holds_every_cell_and_little_else(name: str) -> None:
    crs, x, y = GRIDS[name]
    made = grid_footprint(x, y, crs)
    area = shape(made)
    centres = cell_centres(crs, x, y)
    outside = centres[~shapely.covers(area, centres)]
    assert all(area.distance(point) < 1e-9 for point in outside)
    assert area.is_valid
    assert len(shapely.get_coordinates(area)) < 400
    assert area.covers(Point(13, 90)) == (name in HOLD_THE_NORTH_POLE)


TURNED = {
    "over the pole": ("EPSG:3575", (8000, 3000, -500000, 3000, -8000, 500000), True),
    "beside the pole": ("EPSG:3575", (0, 3000, 200000, 3000, 0, -100000), False),
    "across the antimeridian": ("EPSG:4326", (0.1, 0.02, 175, 0.02, -0.1, 72), False),
}


@pytest.mark.parametrize("name", TURNED)
def test_outline_of_a_turned_grid_holds_every_cell_and_has_its_area(name: str) -> None:
    crs, affine, over_the_pole = TURNED[name]
    made = grid_footprint((0, 100), (0, 80), crs, affine)
    area = shape(made)
    columns, rows = (axis.ravel() + 0.5 for axis in np.meshgrid(np.arange(100), np.arange(80)))
    x, y = affine[0] * columns + affine[1] * rows + affine[2], affine[3] * columns + affine[4] * rows + affine[5]
    lon, lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    assert shapely.covers(area, shapely.points((np.asarray(lon) + 180) % 360 - 180, lat)).all()
    if crs == "EPSG:3575":
        fine = shapely.segmentize(area, 0.1)
        back = pyproj.Transformer.from_crs(4326, 3575, always_xy=True)
        planes = [
            shapely.Polygon(np.column_stack(back.transform(*part.exterior.xy))) for part in shapely.get_parts(fine)
        ]
        parts = sum(plane.buffer(0).area for plane in planes)
    else:
        parts = area.area
    assert parts == pytest.approx(8000 * abs(affine[0] * affine[4] - affine[1] * affine[3]), rel=5e-3)
    assert area.covers(Point(13, 90)) == over_the_pole


def test_polar_stereographic_corner_is_where_the_formula_puts_it() -> None:
    """Snyder 1987, equations 21-33 to 21-40 on the ellipsoid: corner of the NSIDC grid at 31.0 N (NSIDC: 30.98 N)."""
    made = grid_footprint((-3850e3, 3750e3), (-5350e3, 5850e3), "EPSG:3411")
    assert bbox_of(made) == pytest.approx([-180, 30.98, 180, 90], abs=0.01)


def test_pole_cap_has_the_area_of_the_grid() -> None:
    """An equal-area grid keeps its area: 4000 km squared, in EPSG:3575."""
    made = shape(grid_footprint((-2e6, 2e6), (-2e6, 2e6), "EPSG:3575"))
    fine = shapely.segmentize(made, 0.1)
    x, y = pyproj.Transformer.from_crs(4326, 3575, always_xy=True).transform(*shapely.get_coordinates(fine).T)
    assert shapely.Polygon(np.column_stack([x, y])).area == pytest.approx(16e12, rel=2e-3)


def test_array_of_edges_and_its_order_do_not_matter() -> None:
    down = grid_footprint(np.linspace(-1e6, 1e6, 11), np.linspace(1e6, -1e6, 11), "EPSG:3413")
    assert down == grid_footprint((-1e6, 1e6), (-1e6, 1e6), pyproj.CRS(3413))


def test_grid_larger_than_the_visible_hemisphere_is_a_box() -> None:
    made = grid_footprint((-7e6, 7e6), (-7e6, 7e6), "+proj=ortho +lat_0=80 +lon_0=0")
    assert bbox_of(made)[0::2] == [-180, 180]
    assert bbox_of(made)[3] == 90


def test_edges_beyond_a_pole_end_there() -> None:
    assert bbox_of(grid_footprint((-10, 10), (60, 90.25), "EPSG:4326")) == [-10, 60, 10, 90]


@pytest.mark.parametrize(
    ("x", "crs", "said"),
    [
        ((0, 1), "EPSG:0", "unknown reference"), ((0, 1), "nonsense", "unknown reference"),
        ((0, np.nan), "EPSG:3413", "not all numbers"), ((0, np.inf), "EPSG:3413", "not all numbers"),
        ((), "EPSG:3413", "not all numbers"),
    ],
)  # fmt: skip
def test_unusable_grid_is_said(x, crs, said) -> None:
    with pytest.raises(UnusableGeometry, match=said):
        grid_footprint(x, (0, 1), crs)


def test_a_grid_without_area_or_place_is_said() -> None:
    with pytest.raises(UnusableGeometry, match="no area"):
        grid_footprint((0, 10), (0, 10), "EPSG:3413", (1, 1, 0, 1, 1, 0))
    with pytest.raises(UnusableGeometry, match="no place on the globe"):
        grid_footprint((0, 10), (0, 10), 'LOCAL_CS["a tank",UNIT["metre",1]]')


def test_track_across_the_antimeridian_keeps_its_length() -> None:
    longitudes = np.linspace(150, 220, 5000)
    latitudes = 75 + 3 * np.sin(longitudes / 5)
    made = shape(track(np.column_stack([longitudes, latitudes])))
    assert made.geom_type == "MultiLineString"
    assert len(shapely.get_coordinates(made)) <= 210
    assert made.length == pytest.approx(np.hypot(np.diff(longitudes), np.diff(latitudes)).sum(), rel=0.02)
    assert bbox_of(track(np.column_stack([longitudes, latitudes])))[0::2] == pytest.approx([150, -140])


def test_track_round_the_pole_never_jumps() -> None:
    longitudes = np.linspace(0, 1000, 400)
    made = shape(track(np.column_stack([longitudes % 360, 85 + longitudes / 1000])))
    for line in made.geoms:
        assert np.abs(np.diff(shapely.get_coordinates(line)[:, 0])).max() <= 180
    assert sum(np.abs(np.diff(shapely.get_coordinates(line)[:, 0])).sum() for line in made.geoms) == pytest.approx(1000)


def test_mooring_is_a_point_at_the_mean() -> None:
    assert track([[179.9999, 78], [-179.9999, 78.002]]) == {"type": "Point", "coordinates": [180.0, 78.001]}
    assert track([[0, 89.9], [1, 89.9]]) == {"type": "Point", "coordinates": [0.5, 89.9]}  # 195 m apart


def test_track_leaves_out_what_is_no_position() -> None:
    with_gaps = np.ma.masked_greater([[10.0, 70.0], [1e36, 71.0], [np.nan, 72.0], [12.0, 95.0], [11.0, 71.0]], 1e30)
    assert track(with_gaps) == {"type": "LineString", "coordinates": [[10.0, 70.0], [11.0, 71.0]]}
    assert track([[700.0, 70.0], [180.0, 70.0], [-179.0, 71.0]]) == {
        "type": "LineString", "coordinates": [[-180.0, 70.0], [-179.0, 71.0]],
    }  # fmt: skip
    assert track([]) is None


def test_points_are_distinct_and_few() -> None:
    assert points([[190, 80], [-170, 80]]) == {"type": "Point", "coordinates": [-170.0, 80.0]}
    many = points(np.column_stack([np.linspace(-180, 180, 5000), np.linspace(60, 90, 5000)]))
    assert len(many["coordinates"]) <= 500
    assert points([]) is None
