"""Places of samples beside the annotated grid of a real product, PROJ's geodesics and brute force."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import shapely
from pyproj import Geod, Transformer
from scipy.constants import speed_of_light
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation

from processors.errors import Refusal
from processors.polarframe import graticule
from processors.seaice.geolocation import Geolocation
from processors.seaice.manifest import read_manifest
from processors.seaice.markup import parse
from processors.seaice.orbit import geographic, locate, satellite, slant_range, solve
from processors.seaice.warp import Warp
from tests.sentinel import REAL, real_annotation

WGS84 = Geod(ellps="WGS84")


@pytest.fixture(scope="module")
def annotation(shared_data):
    return real_annotation(shared_data)


@pytest.fixture(scope="module")
def polar(annotation):
    return Geolocation.of(annotation, "EPSG:3413")


def test_annotated_points_are_found_with_their_heights_and_ranges(annotation):
    """483 points of ESA's processor, heights up to 670 m (design A3)."""
    points = annotation.points
    found = solve(*satellite(annotation, points.time), points.slant_time * speed_of_light / 2, points.height)
    change = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    stated = np.stack(change.transform(points.longitude, points.latitude, points.height), -1)
    assert points.line.shape == (23, 21)
    assert np.linalg.norm(found - stated, axis=-1).max() < 0.05


def test_slant_ranges_are_those_annotated(annotation):
    points = annotation.points
    found = slant_range(annotation, points.line * annotation.line_interval, points.pixel)
    assert np.abs(found - points.slant_time * speed_of_light / 2).max() < 1e-3


@pytest.mark.parametrize("way", ["exactly", "by nodes"])
def test_points_at_sea_are_found_without_their_heights(annotation, polar, way):
    points = annotation.points
    sea = points.height < 1
    if way == "exactly":
        longitude, latitude = geographic(locate(annotation, points.line, points.pixel))
    else:
        longitude, latitude = polar.lonlat(points.line, points.pixel)
    off = WGS84.inv(longitude, latitude, points.longitude, points.latitude)[2]
    assert sea.sum() == 425
    assert off[sea].max() < (3 if way == "exactly" else 25)
    assert off[~sea].max() > 1000  # the annotated grid is displaced by terrain: it is no grid for the sea


@pytest.mark.parametrize("crs", ["EPSG:3413", "EPSG:3995", "EPSG:6931"])
def test_there_and_back_is_where_one_began(annotation, crs):
    geolocation = Geolocation.of(annotation, crs)
    rng = np.random.default_rng(1)
    line, sample = rng.uniform(-20, 10_727, 500), rng.uniform(-20, 10_506, 500)
    found = geolocation.inverse(*geolocation.forward(line, sample))
    assert np.abs(found[0] - line).max() < 1e-5
    assert np.abs(found[1] - sample).max() < 1e-5
    away = geolocation.inverse([3e6, 0.0], [3e6, 0.0])
    assert np.isnan(away).all()


@pytest.mark.parametrize("resolution", [40, 200, 1000])
def test_maps_begin_at_multiples_of_their_resolution_and_hold_the_scene(polar, resolution):
    target = polar.target(resolution)
    assert target.west % resolution == target.north % resolution == 0
    x, y = polar.forward([[0], [10_707]], [[0, 10_486]])
    assert target.west < x.min()
    assert x.max() < target.west + target.shape[1] * resolution
    assert y.max() < target.north
    assert target.north - target.shape[0] * resolution < y.min()


@pytest.mark.parametrize(("resolution", "metres"), [(200, 0.5), (1000, 1.0)])
def test_cells_between_nodes_are_located_as_if_each_were_computed(polar, resolution, metres):
    """Design A3: 0.28 m rms at 200 m."""
    target = polar.target(resolution)
    warp = Warp.onto(polar, target)
    line = np.arange(2142, dtype=float)[:, None] * 5 + 2 + np.zeros(2098)
    rows = slice(target.shape[0] // 2, target.shape[0] // 2 + 6)
    found = warp.take(line, rows, "bilinear", cell=5)
    x = target.west + (np.arange(target.shape[1]) + 0.5) * resolution
    y = target.north - (np.arange(rows.start, rows.stop) + 0.5) * resolution
    expected, sample = polar.inverse(x[None, :], y[:, None])
    inside = np.isfinite(found) & (sample > 5) & (sample < 10_480) & (expected > 5) & (expected < 10_700)
    assert inside.sum() > 100
    assert np.sqrt(np.mean((found - expected)[inside] ** 2)) * 40 < metres


def test_the_nearest_cell_is_taken_whatever_the_rows_and_the_strip(polar):
    target = polar.target(1000)
    warp = Warp.onto(polar, target)
    source = np.random.default_rng(2).integers(1, 255, (2142, 2098)).astype(np.uint8)
    whole = warp.take(source, slice(None), fill=0, cell=5)
    line, sample = polar.inverse(
        target.west + (np.arange(target.shape[1])[None, :] + 0.5) * 1000,
        target.north - (np.arange(target.shape[0])[:, None] + 0.5) * 1000,
    )
    i, j = np.floor((line + 0.5) / 5), np.floor((sample + 0.5) / 5)
    inside = (i >= 0) & (i < 2142) & (j >= 0) & (j < 2098)
    expected = np.where(inside, source[np.where(inside, i, 0).astype(int), np.where(inside, j, 0).astype(int)], 0)
    assert np.mean(whole != expected) < 2e-3  # cells whose centre lies between two
    assert inside.mean() > 0.5
    strips = []
    for top in range(0, target.shape[0], 100):
        rows = slice(top, min(top + 100, target.shape[0]))
        first, last = warp.lines_of(rows)
        first, last = first // 5, min(-(-last // 5), 2142)
        strips.append(warp.take(source[first:last], rows, fill=0, cell=5, top=first))
    assert np.concatenate(strips).tobytes() == whole.tobytes()


def test_bilinear_values_weigh_only_known_neighbours(polar):
    target = polar.target(1000)
    warp = Warp.onto(polar, target)
    source = np.full((2142, 2098), 7.0, np.float32)
    source[::3, ::2] = np.nan
    found = warp.take(source, slice(None), "bilinear", cell=5)
    assert np.nanmin(found) == pytest.approx(7)
    assert np.nanmax(found) == pytest.approx(7)
    missing = warp.take(np.where(np.isnan(source), 0, 1).astype(np.uint8), slice(None), fill=2, cell=5)
    np.testing.assert_array_equal(np.isnan(found), missing != 1)


def test_the_footprint_has_the_corners_of_the_product(polar, shared_data):
    """The manifest states corners at the centres of pixels, latitude first."""
    manifest = read_manifest(parse((shared_data / REAL / "manifest.safe").read_bytes(), "manifest.safe", ""))
    outline = shapely.geometry.shape(polar.footprint()).exterior
    assert len(outline.coords) == 65
    assert outline.is_ccw
    for longitude, latitude in manifest.footprint:
        off = [WGS84.inv(longitude, latitude, *corner)[2] for corner in outline.coords]
        assert min(off) < 80  # two pixels: the outline goes around whole pixels


def test_a_scene_on_the_antimeridian_has_two_parts(annotation):
    turned = turn(annotation, 95.0)
    footprint = shapely.geometry.shape(Geolocation.of(turned).footprint())
    assert footprint.geom_type == "MultiPolygon"
    assert footprint.is_valid
    assert footprint.bounds[0] == -180
    assert footprint.bounds[2] == 180


def turn(annotation, degrees):
    """Turn the orbit around the Earth's axis."""
    angle = np.radians(degrees)
    matrix = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
    orbit = annotation.orbit
    orbit = replace(orbit, position=orbit.position @ matrix.T, velocity=orbit.velocity @ matrix.T)
    return replace(annotation, orbit=orbit)


def test_missing_orbit_vectors_are_refused(annotation):
    short = replace(annotation.orbit, time=annotation.orbit.time[:8])
    with pytest.raises(Refusal) as refused:
        Geolocation.of(replace(annotation, orbit=short))
    assert refused.value.code == "S1.ORBIT_GAP"
    keep = np.r_[:6, 10:20]
    orbit = annotation.orbit
    gap = replace(orbit, time=orbit.time[keep], position=orbit.position[keep], velocity=orbit.velocity[keep])
    with pytest.raises(Refusal, match="no orbit vectors"):
        Geolocation.of(replace(annotation, orbit=gap))


def test_a_scene_of_the_south_is_refused(annotation):
    orbit = annotation.orbit
    mirror = np.array([1, 1, -1])
    south = replace(orbit, position=orbit.position * mirror, velocity=orbit.velocity * mirror)
    with pytest.raises(Refusal) as refused:
        Geolocation.of(replace(annotation, orbit=south))
    assert refused.value.code == "GRID.OUTSIDE_AREA_OF_USE"


def turned(annotation, degrees):
    """A product whose orbit is turned towards the south, and the latitude of its southernmost sample."""
    orbit = annotation.orbit
    east = np.cross([0, 0, 1], orbit.position[0])
    spin = Rotation.from_rotvec(np.radians(degrees) * east / np.linalg.norm(east))
    moved = replace(orbit, position=spin.apply(orbit.position), velocity=spin.apply(orbit.velocity))
    made = replace(annotation, orbit=moved)
    line, sample = (np.linspace(0, size - 1, 40) for size in annotation.shape)
    return made, geographic(locate(made, line[:, None], sample))[1].min()


def test_a_scene_is_refused_for_its_own_south_only(annotation):
    """Places are known 8 km around a scene; those may lie south of 40 degrees."""
    for south in (40.01, 39.99):
        degrees = brentq(lambda angle, goal=south: turned(annotation, angle)[1] - goal, 20, 50, xtol=1e-5)
        made, lowest = turned(annotation, degrees)
        assert lowest == pytest.approx(south, abs=1e-3)
        if south > 40:
            assert Geolocation.of(made).crs == "EPSG:3413"
            continue
        with pytest.raises(Refusal, match="reaches down to") as refused:
            Geolocation.of(made)
        assert refused.value.code == "GRID.OUTSIDE_AREA_OF_USE"


@pytest.mark.parametrize(("lat", "parallels"), [(41.5, {41, 42}), (62.0, {61, 62, 63}), (88.0, {87, 88, 89})])
def test_a_graticule_has_the_parallels_of_its_frame(lat, parallels):
    """Also south of 50 degrees, down to 40: scenes of the Sea of Okhotsk and of Newfoundland."""
    from matplotlib.figure import Figure

    x, y = (one / 1000 for one in Transformer.from_crs(4326, 3413, always_xy=True).transform(-50.0, lat))
    axes = Figure().add_subplot()
    graticule(axes, "EPSG:3413", (x - 180, y - 180, x + 180, y + 180))
    texts = {one.get_text() for one in axes.texts}
    assert {f"{one}°N" for one in parallels} <= texts
    assert "50°W" in texts
    assert not {f"{one}°N" for one in range(40, 90) if min(abs(one - each) for each in parallels) > 3} & texts
