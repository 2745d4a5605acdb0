"""Grids as maps: beside GDAL's warper where it can, beside brute force where it cannot, and plainly refused else."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import xarray as xr
from pyproj import Transformer
from rasterio.transform import Affine
from rasterio.warp import Resampling, reproject
from rio_cogeo.cogeo import cog_validate

from processors.cache import ProductCache
from processors.cropping import crop
from processors.engine import open_engine
from processors.errors import Refusal
from processors.grids import Grid, count_steps, read_grid
from processors.protocol import Input, Lineage
from processors.regrid import RegridParameters, processor, target_of
from processors.run import execute
from processors.sampling import Target, reach_of, sample

NORTH = "science/netcdf/seaice/seaice_conc_daily_nh_20211231_f17_v04r00.nc"


def regrid(path, folder, kind="inline", cache=None, **parameters):
    work = folder / f"work-{len(list(folder.iterdir()))}"
    work.mkdir()
    with open_engine(kind, work, workers=2) as engine:
        chosen = RegridParameters(**parameters)
        return execute(processor, {"grid": [Input.of(path)]}, chosen, engine, cache)


def values_of(product):
    with rasterio.open(product.path) as made:
        return made.read(1), made.profile, made.tags()


@pytest.fixture(scope="module")
def polar(shared_data, tmp_path_factory):
    """A real polar grid as a map, and its picture; several tests look at them."""
    chosen = {"variable": "cdr_seaice_conc", "resolution": 50_000}
    return regrid(shared_data / NORTH, tmp_path_factory.mktemp("polar"), **chosen)


def make(path, lon, lat, values, dims, **attributes):
    variables = {
        "lon": (dims[-1:] if lon.ndim == 1 else dims, lon, {"standard_name": "longitude", "units": "degrees_east"}),
        "lat": (dims[:1] if lat.ndim == 1 else dims, lat, {"standard_name": "latitude", "units": "degrees_north"}),
        "t": (dims, values, {"units": "K", "coordinates": "lon lat", **attributes}),
    }
    xr.Dataset(variables).to_netcdf(path)
    return path


@pytest.mark.parametrize("how", ["nearest", "bilinear"])
def test_a_real_polar_grid_lies_where_gdal_puts_it(shared_data, tmp_path, how):
    chosen = {"variable": "cdr_seaice_conc", "resampling": how, "resolution": 30_000}
    (product, picture) = regrid(shared_data / NORTH, tmp_path, **chosen)
    ours, profile, tags = values_of(product)
    assert cog_validate(product.path, strict=True)[0]
    with xr.open_dataset(shared_data / NORTH, mask_and_scale=False) as file:
        raw = file["cdr_seaice_conc"].values[0]
    source = np.where(raw <= 100, raw * np.float32(0.01), np.nan).astype("float32")
    theirs = np.full(ours.shape, np.nan, "float32")
    place = Affine(25_000, 0, -3_850_000, 0, -25_000, 5_850_000)  # the file's own GeoTransform
    crs = {"src_crs": "EPSG:3411", "dst_crs": "EPSG:3413", "src_nodata": np.nan, "dst_nodata": np.nan}
    reproject(source, theirs, src_transform=place, dst_transform=profile["transform"],
              resampling=Resampling[how], tolerance=0, **crs)  # fmt: skip
    both = np.isfinite(ours) & np.isfinite(theirs)
    assert both.sum() > 0.98 * np.isfinite(theirs).sum()
    close = np.abs(ours - theirs)[both] < 0.01
    assert close.mean() > (0.99 if how == "nearest" else 0.93)  # GDAL also interpolates beside missing cells
    assert json.loads(tags["LINEAGE"])["inputs"][0]["sha256"] == Input.of(shared_data / NORTH).sha256
    assert product.properties["proj:code"] == "EPSG:3413"
    assert picture.path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_flags_among_packed_values_are_missing_and_flag_variables_keep_their_classes(shared_data):
    ice = read_grid(shared_data / NORTH, "cdr_seaice_conc")
    assert np.nanmax(ice.values) == pytest.approx(1.0)
    assert not ice.is_classes
    flags = read_grid(shared_data / NORTH, "spatial_interpolation_flag")
    assert flags.is_classes
    assert flags.meanings[32] == "pole_hole_value_interpolated"


def test_the_same_bytes_on_threads_and_processes(shared_data, tmp_path, monkeypatch, polar):
    monkeypatch.setattr("processors.regrid.STRIP", 60)
    kinds = ("threads", "processes")
    made = [
        regrid(shared_data / NORTH, tmp_path, kind, variable="cdr_seaice_conc", resolution=50_000) for kind in kinds
    ]
    assert {tuple(product.path.read_bytes() for product in products) for products in made} == {
        tuple(product.path.read_bytes() for product in polar)
    }


def grids():
    """One grid of each kind, with noise for values: what is lost or moved shows."""
    noise = np.random.default_rng(3).normal(size=(120, 90)).astype("float32")
    lon, lat = np.linspace(-179, 179, 90), np.linspace(88.5, 52, 120)
    axis = np.linspace(-3e6, 3e6, 120)
    turned, up = np.meshgrid(np.linspace(120, 240, 90), np.linspace(60, 89.9, 120))
    yield Grid("t", "K", noise, lon, lat, "EPSG:4326", False, {})
    yield Grid("t", "K", noise[:, ::-1], axis[:90], axis[::-1], "EPSG:3995", False, {})
    yield Grid("t", "K", noise, turned, up, "EPSG:4326", False, {})
    yield Grid("t", "K", noise, np.linspace(-1.9e7, 1.9e7, 90), np.linspace(8e6, 1.8e7, 120), "EPSG:3395", False, {})


@pytest.mark.parametrize("how", ["nearest", "bilinear", "mean"])
def test_a_batch_carries_what_it_needs_and_gives_what_the_whole_grid_gives(how):
    smallest = []
    for grid in grids():
        if how == "bilinear" and grid.is_curvilinear:
            continue
        target = target_of(grid, RegridParameters(resolution=25_000, south=60))
        reach = reach_of(grid)
        carried = []
        for rows in (
            (0, 20),
            (target.shape[0] // 2, target.shape[0] // 2 + 20),
            (target.shape[0] - 7, target.shape[0]),
        ):
            part = crop(grid, target, rows, reach)
            whole = sample(target, how, 2, reach, (grid, rows))
            np.testing.assert_array_equal(sample(target, how, 2, reach, (part, rows)), whole)
            carried.append(part.values.size / grid.values.size)
        smallest.append(min(carried))
    assert max(smallest[:3]) < 0.7
    assert smallest[1] < 0.35  # 20 of some 240 rows, 8 rows and two cells on either side


def test_a_global_grid_has_no_seam_at_the_antimeridian_nor_at_greenwich(tmp_path):
    lon, lat = np.arange(0.5, 360), np.arange(60.5, 90)
    values = np.repeat(lat[:, None], lon.size, 1)
    path = make(tmp_path / "g.nc", lon, lat, values, ("lat", "lon"))
    (product, _) = regrid(path, tmp_path, resolution=40_000, resampling="bilinear", south=65)
    ours, profile, _ = values_of(product)
    rows, columns = np.indices(ours.shape)
    x, y = profile["transform"] @ (columns + 0.5, rows + 0.5)
    _, latitude = Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True).transform(x, y)
    inside = (latitude > 61) & (latitude < 89.4)
    assert np.abs(ours - latitude)[inside].max() < 0.01  # linear in latitude, so exact but for float32
    assert inside.sum() > 10_000


@pytest.mark.parametrize(("time", "expected"), [("first", 1), ("last", 4), ("mean", 2.5), (1, 4)])
def test_the_time_rule(tmp_path, time, expected):
    lon, lat = np.arange(0.0, 10), np.arange(70.0, 80)
    cube = np.stack([np.full((10, 10), 1.0), np.full((10, 10), 4.0)])
    data = {
        "lon": ("lon", lon, {"standard_name": "longitude"}),
        "lat": ("lat", lat, {"standard_name": "latitude"}),
        "time": ("time", [0.0, 1.0], {"units": "days since 2020-01-01"}),
        "t": (("time", "lat", "lon"), cube),
    }
    xr.Dataset(data).to_netcdf(tmp_path / "t.nc")
    grid = read_grid(tmp_path / "t.nc", time=time)
    assert np.unique(grid.values) == [expected]
    assert grid.time == {1: "2020-01-01T00:00:00Z", 4: "2020-01-02T00:00:00Z"}.get(expected, "")
    assert count_steps(tmp_path / "t.nc") == 2
    with pytest.raises(Refusal, match="has 2 time steps, so none is number 2"):
        read_grid(tmp_path / "t.nc", time=2)


def test_a_curvilinear_grid_gives_the_nearest_cell_and_nothing_outside(tmp_path):
    rng = np.random.default_rng(5)
    columns, rows = np.meshgrid(np.arange(40), np.arange(30))
    lon, lat = 160 + columns + 0.3 * rows, 70 + 0.4 * rows + 0.02 * columns  # crosses the antimeridian
    values = rng.normal(size=lon.shape).astype("float32")
    path = make(tmp_path / "c.nc", (lon + 180) % 360 - 180, lat, values, ("j", "i"))
    (product, _) = regrid(path, tmp_path, resolution=15_000)
    ours, profile, _ = values_of(product)
    rows, columns = np.nonzero(np.isfinite(ours))
    assert 0.1 < rows.size / ours.size < 0.9
    some = rng.choice(rows.size, 200, replace=False)
    x, y = profile["transform"] @ (columns[some] + 0.5, rows[some] + 0.5)
    at_lon, at_lat = Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True).transform(x, y)
    for one in range(200):
        a, b = np.radians(at_lat[one]), np.radians(lat)
        cosine = np.sin(a) * np.sin(b) + np.cos(a) * np.cos(b) * np.cos(np.radians(at_lon[one] - lon))
        assert ours[rows[some[one]], columns[some[one]]] == values.ravel()[cosine.argmax()]


def test_a_coarse_map_holds_means(tmp_path):
    lon, lat = np.arange(-180, 180, 0.25), np.arange(70, 90, 0.25)
    noise = np.random.default_rng(0).normal(10, 1, (lat.size, lon.size))
    path = make(tmp_path / "m.nc", lon, lat, noise, ("lat", "lon"))
    coarse, _, tags = values_of(regrid(path, tmp_path, resolution=250_000)[0])
    assert tags["RESAMPLING"] == "mean"
    assert np.nanstd(coarse) < 0.3  # of a standard deviation of 1, over some 80 cells each


@pytest.mark.parametrize(
    ("file", "parameters", "says"),
    [
        ("seaice_conc_daily_nh_20211231_f17_v04r00.nc", {}, r"\d+ of its variables are maps.*choose one of.*cdr_sea"),
        ("seaice_conc_daily_nh_20211231_f17_v04r00.nc", {"variable": "ice"}, "has no variable `ice`"),
        ("seaice_conc_monthly_sh_202112_f17_v04r00.nc", {"variable": "cdr_seaice_conc_monthly"}, "no cell lies north"),
        ("cersat_psi_20171002_12.5km.nc", {"variable": "concentration"}, "does not say where the cells"),
        ("seaice_conc_daily_nh_20211231_f17_v04r00.nc",
         {"variable": "cdr_seaice_conc", "crs": "EPSG:4326"}, "not projected in metres"),
        ("seaice_conc_daily_nh_20211231_f17_v04r00.nc",
         {"variable": "cdr_seaice_conc", "resolution": 10}, "cells.*coarser"),
        ("seaice_conc_daily_nh_20211231_f17_v04r00.nc",
         {"variable": "spatial_interpolation_flag", "resampling": "mean"}, "classes, which have no mean"),
        ("seaice_conc_daily_nh_20211231_f17_v04r00.nc",
         {"variable": "spatial_interpolation_flag", "time": "mean"}, "classes, which have no mean"),
    ],
)  # fmt: skip
def test_what_cannot_be_mapped_is_refused(shared_data, tmp_path, file, parameters, says):
    with pytest.raises(Refusal, match=says):
        regrid(shared_data / "science/netcdf/seaice" / file, tmp_path, **parameters)


def test_the_picture_has_the_colours_asked_for(tmp_path):
    lon, lat = np.arange(-180.0, 180, 2), np.arange(60.0, 90)
    path = make(tmp_path / "p.nc", lon, lat, np.repeat(lat[:, None], lon.size, 1), ("lat", "lon"))
    _, picture = regrid(path, tmp_path, resolution=50_000, limits=(100, 200), palette="blues")
    with rasterio.open(picture.path) as drawn:
        colours = drawn.read()[:, drawn.read(4) > 0]
    assert (colours == [[8], [48], [107], [255]]).all()  # darkest of ColorBrewer's Blues: all lies below the limits


def test_products_are_remembered_by_content(shared_data, tmp_path):
    cache = ProductCache(tmp_path / "cache")
    chosen = {"variable": "cdr_seaice_conc", "resolution": 50_000}
    first = regrid(shared_data / NORTH, tmp_path, cache=cache, **chosen)
    stamp = first[0].path.stat().st_mtime_ns
    again = regrid(shared_data / NORTH, tmp_path, cache=cache, **chosen)
    assert again == first
    assert again[0].path.stat().st_mtime_ns == stamp
    first[0].path.write_bytes(b"damaged")
    mended = regrid(shared_data / NORTH, tmp_path, cache=cache, **chosen)
    assert cog_validate(mended[0].path)[0]
    other = regrid(shared_data / NORTH, tmp_path, cache=cache, **chosen | {"resampling": "nearest"})
    assert other[0].path.read_bytes() != mended[0].path.read_bytes()


def test_the_key_depends_on_content_and_not_on_the_address(tmp_path):
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"1")
    (tmp_path / "c").write_bytes(b"2")
    keys = [
        Lineage.of(processor, {"grid": [Input.of(tmp_path / name)]}, RegridParameters(variable=variable)).key
        for name, variable in (("a", "x"), ("b", "x"), ("c", "x"), ("a", "y"))
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_points_on_an_edge_go_one_way_and_those_beyond_half_a_cell_have_no_value():
    axis, values = np.array([0.0, 100, 200]), np.arange(9.0).reshape(3, 3)
    grid = Grid("t", "K", values, axis, axis[::-1], "EPSG:3413", False, {})
    found = sample(Target("EPSG:3413", 0, 200, 100, (4, 4)), "nearest", 1, 0.0, (grid, (0, 4)))
    gone = np.nan  # the centres are edges of the grid's cells, the last ones a cell outside
    expected = [[1, 2, 2, gone], [4, 5, 5, gone], [7, 8, 8, gone], [gone, gone, gone, gone]]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(("first", "values"), [(-0.4, [0, *range(1, 11), np.nan]), (-0.6, [np.nan, *range(11)])])
@pytest.mark.parametrize("west", [0, 180])
def test_the_outer_columns_of_a_part_of_the_globe_are_whole(first, values, west):
    """Grid of 0 to 10° east of a meridian; the points lie 1° apart, the outer ones within or beyond half a cell."""
    lon, lat, degree = np.arange(11.0) + west, np.array([0.0, 1]), np.pi * 6_378_137 / 180
    grid = Grid("t", "K", np.tile(np.arange(11.0), (2, 1)), (lon + 180) % 360 - 180, lat, "EPSG:4326", False, {})
    crs = f"+proj=eqc +lon_0={west} +datum=WGS84 +units=m"
    target = Target(crs, (first - 0.5) * degree, degree, degree, (1, 12))
    np.testing.assert_array_equal(sample(target, "nearest", 1, 0.0, (grid, (0, 1))), [values])


def test_a_mean_is_that_of_the_cells_within():
    axis, values = np.arange(50.0, 400, 100), np.random.default_rng(1).random((4, 4))
    grid = Grid("t", "K", values, axis, axis[::-1], "EPSG:3413", False, {})
    found = sample(Target("EPSG:3413", 0, 400, 200, (2, 2)), "mean", 2, 0.0, (grid, (0, 2)))
    np.testing.assert_allclose(found, values.reshape(2, 2, 2, 2).mean(axis=(1, 3)), rtol=1e-12)


def test_cells_of_a_curvilinear_grid_that_have_no_place_are_left_out(tmp_path):
    lon, lat = np.meshgrid(np.linspace(0, 40, 30), np.linspace(70, 85, 30))
    whole = read_grid(make(tmp_path / "x.nc", lon, lat, lat, ("y", "x")))
    gone = np.arange(30)[:, None] < 9
    part = replace(whole, x=np.where(gone, np.nan, lon), y=np.where(gone, np.nan, lat), values=np.where(gone, 1e9, lat))
    nowhere = replace(whole, x=np.full_like(lon, np.nan))
    target, reach = target_of(whole, RegridParameters(resolution=50_000)), reach_of(whole)
    rows = (0, target.shape[0])

    def over(grid):
        return sample(target, "nearest", 1, reach, (crop(grid, target, rows, reach), rows))

    held = over(whole) > lat[9, 0] + 0.01
    assert held.sum() > 200
    np.testing.assert_array_equal(over(part)[held], over(whole)[held].astype(np.float64))
    assert not (over(part) > 90).any()
    assert np.isnan(over(nowhere)).all()


def test_cells_that_are_longer_than_wide_leave_no_gaps_whichever_way_they_are_written(tmp_path):
    across, down = np.meshgrid(np.arange(0, 300_000, 2_000.0), np.arange(-1_500_000, -1_200_000, 12_000.0))
    lon, lat = Transformer.from_crs("EPSG:3413", "EPSG:4326", always_xy=True).transform(across, down)
    maps = []
    for name, turned in (("wide", np.asarray), ("long", np.transpose)):
        path = make(tmp_path / f"{name}.nc", turned(lon), turned(lat), turned(np.hypot(across, down)), ("y", "x"))
        grid = read_grid(path)
        target, reach = target_of(grid, RegridParameters()), reach_of(grid)
        assert target.resolution == 2_000
        found = sample(
            target, "nearest", 1, reach, (crop(grid, target, (0, target.shape[0]), reach), (0, target.shape[0]))
        )
        maps.append((found, target))
    (found, target), (other, same) = maps
    assert target == same
    np.testing.assert_array_equal(found, other)
    x = target.west + (np.arange(target.shape[1]) + 0.5) * target.resolution
    y = target.north - (np.arange(target.shape[0]) + 0.5) * target.resolution
    inside = np.ix_((y < -1_212_000) & (y > -1_500_000), (x > 0) & (x < 298_000))
    nearest = np.hypot(*np.meshgrid(np.round(x / 2_000) * 2_000, np.round(y / 12_000) * 12_000))
    assert np.abs(found - nearest)[inside].max() < 6_000


def test_longitudes_that_turn_round_amid_the_columns_give_the_same_map(tmp_path):
    lat, found = np.arange(60.5, 90), []
    for name, lon in (("rising", np.arange(-179.5, 180)), ("turning", np.r_[0.5:180, -179.5:0])):
        values = np.cos(np.radians(lon)) * np.ones((lat.size, 1))
        grid = read_grid(make(tmp_path / f"{name}.nc", lon, lat, values, ("lat", "lon")))
        target = target_of(grid, RegridParameters(resolution=50_000, south=65))
        found.append(sample(target, "bilinear", 1, 0.0, (grid, (0, target.shape[0]))))
    np.testing.assert_allclose(found[1], found[0], atol=1e-12)
    assert np.isfinite(found[0]).mean() > 0.9


@pytest.mark.parametrize("shape", [(1, 9), (9, 1)])
def test_a_single_row_or_column_is_refused(tmp_path, shape):
    lon, lat = np.arange(float(shape[1])), 70 + np.arange(float(shape[0]))
    with pytest.raises(Refusal, match="a single row or column"):
        read_grid(make(tmp_path / "x.nc", lon, lat, np.ones(shape), ("lat", "lon")))


@pytest.mark.parametrize("packing", [{"scale_factor": np.float32(0.01)}, {}], ids=["packed", "classes"])
def test_flags_of_unsigned_bytes_are_unsigned(tmp_path, packing):
    raw = np.full((9, 9), 50, "i1")
    raw[0] = -2
    about = {"_Unsigned": "true", "flag_values": np.array([-2, -1], "i1"), "flag_meanings": "land missing"}
    path = make(tmp_path / "x.nc", np.arange(9.0), np.arange(70.0, 79), raw, ("lat", "lon"), **about, **packing)
    grid = read_grid(path)
    if packing:
        assert np.isnan(grid.values[0]).all()
        assert np.unique(grid.values[1:]) == pytest.approx([0.5])
    else:
        assert grid.meanings == {254: "land", 255: "missing"}
        assert np.unique(grid.values).tolist() == [50, 254]
