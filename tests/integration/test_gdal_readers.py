"""GDAL and geopandas open in place, from nginx, what is published: images, NetCDF files, items and their table."""

from __future__ import annotations

import json
import time

import geopandas
import netCDF4
import numpy as np
import pyogrio
import pytest
import rasterio
from rasterio.windows import Window

import iaos
from builder.build import Request, build
from processors.cog import Band, Raster, blocks_of, write_cog
from tests.servers.real_thredds import installed
from tests.servers.website import website

pytestmark = [pytest.mark.integration, pytest.mark.skipif(not installed(), reason="needs Debian's nginx-light")]

SHAPE = (2000, 1800)
DEFINITION = """\
id: {name}
title: Sea ice
description: Made by a test.
partner: {{id: test, name: Test}}
license: CC-BY-4.0
source: {{type: files, path: {name}}}
policies: {{time_from_name: 'nh_(?P<year>\\d{{4}})(?P<month>\\d\\d)(?P<day>\\d\\d)'}}
"""
ENVIRONMENT = {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR", "GDAL_HTTP_MAX_RETRY": "0"}


def tile(number):
    return np.random.default_rng(number).integers(1, 100, SHAPE).astype("uint8")


def write_netcdf(path):
    with netCDF4.Dataset(path, "w") as file:
        for name, units, values in (
            ("time", "days since 2018-07-01", [0]),
            ("lat", "degrees_north", np.linspace(60, 90, 300)),
            ("lon", "degrees_east", np.linspace(-180, 179, 360)),
        ):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,)).units = units
            file[name][:] = values
        ice = file.createVariable("ice", "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(1, 30, 36))
        ice[:] = np.random.default_rng(5).random((1, 300, 360), dtype="f4")
        for number in range(20):  # what a reader of ice must not fetch
            other = file.createVariable(f"other{number}", "f4", ("time", "lat", "lon"), zlib=True)
            other[:] = np.random.default_rng(number).random((1, 300, 360), dtype="f4")


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    base = tmp_path_factory.mktemp("gdal")
    (base / "out").mkdir()
    for name in ("maps", "grids"):
        (base / "collections" / name).mkdir(parents=True)
        (base / "collections" / f"{name}.yaml").write_text(DEFINITION.format(name=name))
    for number in range(2):  # side by side
        place = (1000.0, 0.0, -1.8e6 + number * 1.8e6, 0.0, -1000.0, 1e6)
        about = Raster(SHAPE, "uint8", "EPSG:3413", place, (Band("ice"),), nodata=0, kind="classes")
        write_cog(base / f"collections/maps/nh_2018070{number + 1}.tif", about, blocks_of(tile(number)))
    write_netcdf(base / "collections/grids/nh_20180701.nc")
    log = base / "asked.log"
    with website(root=base / "out", log=log) as url:
        request = Request(base / "collections", base / "out", base / "state", base_url=f"{url}/")
        report = build(request, lambda _: None)
        assert report.exit_status == 0, report.to_markdown()
        yield base / "out", url, log


def items(out, name):
    found = [json.loads(file.read_bytes()) for file in sorted((out / "test" / name).glob("*.json"))]
    return [item for item in found if item.get("type") == "Feature"]


def data_of(item, url):
    return f"{url}/test/{item['collection']}/{item['assets']['data']['href'].removeprefix('./')}"


def asked(log, action):
    """Do something; returns its result and the requests it took: method, path, range, bytes sent."""
    before = log.read_text().count("\n")
    result = action()
    time.sleep(0.1)
    return result, [line.split(" ") for line in log.read_text().splitlines()[before:]]


def test_a_window_of_a_published_image_takes_few_requests_and_bytes(site):
    out, url, log = site
    (first, _) = items(out, "maps")
    address = data_of(first, url)

    def window():
        with rasterio.Env(**ENVIRONMENT), rasterio.open(f"/vsicurl/{address}") as image:
            assert image.crs.to_epsg() == 3413
            assert image.shape == SHAPE
            assert image.overviews(1)[0] == 2
            return image.read(1, window=Window(100, 600, 50, 40))

    values, requests = asked(log, window)
    np.testing.assert_array_equal(values, tile(0)[600:640, 100:150])
    fetched = [int(line[3]) for line in requests if line[0] == "GET"]
    assert len(requests) <= 5
    assert sum(fetched) < (out / "test/maps" / first["assets"]["data"]["href"]).stat().st_size / 4


def test_a_published_netcdf_file_is_read_in_place(site):
    out, url, log = site
    (item,) = items(out, "grids")
    address = data_of(item, url)
    file = out / "test/grids" / item["assets"]["data"]["href"]

    def grid():
        with rasterio.Env(**ENVIRONMENT), rasterio.open(f'HDF5:"/vsicurl/{address}"://ice') as image:
            return image.read(1)

    values, requests = asked(log, grid)
    with netCDF4.Dataset(file) as wanted:
        np.testing.assert_array_equal(values, wanted["ice"][0])
    assert all(line[2].startswith("bytes=") for line in requests if line[0] == "GET")
    assert sum(int(line[3]) for line in requests if line[0] == "GET") < file.stat().st_size / 2


def test_items_and_their_table_are_layers(site):
    out, url, _ = site
    for name, count in (("maps", 2), ("grids", 1)):
        address = f"/vsicurl/{url}/test/{name}/{items(out, name)[0]['id']}.json"
        info = pyogrio.read_info(f"GeoJSON:{address}")
        assert info["features"] == 1
        assert info["geometry_type"] in {"Polygon", "MultiPolygon"}
        frame = geopandas.read_parquet(f"{url}/test/{name}/items.parquet")
        assert sorted(frame["id"]) == sorted(item["id"] for item in items(out, name))
        assert len(frame) == count
        shown = pyogrio.read_dataframe(address)
        assert shown.geometry[0].equals(frame.set_index("id").geometry[shown["id"][0]])


def test_found_images_are_one_mosaic(site, tmp_path):
    """GDAL's driver STACIT reads the FeatureCollection that `iaos search --output items` prints."""
    _, url, _ = site
    found = iaos.Client.open(f"{url}/catalog.json").search(collections=["maps"]).item_collection_as_dict()
    assert len(found["features"]) == 2
    path = tmp_path / "found.json"
    path.write_text(json.dumps(found))
    with rasterio.Env(**ENVIRONMENT), rasterio.open(f'STACIT:"{path}":asset=data') as mosaic:
        assert mosaic.crs.to_epsg() == 3413
        assert mosaic.shape == (SHAPE[0], 2 * SHAPE[1])
        both = mosaic.read(1, window=Window(SHAPE[1] - 20, 0, 40, 30))
    np.testing.assert_array_equal(both, np.hstack([tile(0)[:30, -20:], tile(1)[:30, :20]]))
