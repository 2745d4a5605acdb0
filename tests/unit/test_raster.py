"""GeoTIFF files: real ones described, disguised ones refused, and a polar one drawn round the pole."""

from __future__ import annotations

import json
import math
import shutil
import warnings
from base64 import b64decode
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import shapely
from pyproj import CRS
from rasterio.enums import MaskFlags
from rasterio.errors import NotGeoreferencedWarning

from builder.build import Request, build
from builder.enrich.inspect import KILLED, TOO_LONG
from builder.enrich.inspection import Inspection
from builder.enrich.raster import COG, GEOTIFF, inspect_raster, understand
from builder.enrich.rasterworker import describe

DEFINITION = """\
id: grids
title: Sea-ice grids
description: Made by a test.
partner: {id: nsidc, name: National Snow and Ice Data Center}
license: CC-BY-4.0
source: {type: files, path: grids}
policies: {time_from_name: 'nh_(?P<year>\\d{4})(?P<month>\\d\\d)(?P<day>\\d\\d)'}
"""


def test_every_recorded_verdict_of_rio_cogeo_is_ours(shared_data):
    cloud = shared_data / "science" / "cloud"
    verdicts = json.loads((cloud / "cog_expected.json").read_bytes())
    assert len(verdicts) == 25
    wrong = []
    for name, expected in verdicts.items():
        found = understand(describe(cloud / name), Inspection("https://example.org/x.tif", 0, ""))
        same_place = (found.projection is not None) == bool(expected["crs"])
        if found.projection is not None:
            same_place &= found.projection.shape == (expected["height"], expected["width"])
        said = " ".join(finding.message for finding in found.findings)
        told = expected["valid"] or all(error in said for error in expected["errors"][:1]) or "not a TIFF" in said
        if (found.media_type == COG) != expected["valid"] or not same_place or not told:
            wrong.append((name, expected["valid"], found))
    assert wrong == []


STATISTICS = ("minimum", "maximum", "mean", "stddev")


def by_numpy(raster, number):
    values = raster.read(number, masked=True).astype("float64").compressed()
    values = values[np.isfinite(values)] * raster.scales[number - 1] + raster.offsets[number - 1]
    return [values.min(), values.max(), values.mean(), values.std()] if values.size else None


def test_statistics_of_bands_are_those_of_all_valid_cells(shared_data):
    """The oracle is numpy over the whole band, masked by rasterio."""
    counted = 0
    for path in sorted((shared_data / "science" / "cloud").rglob("*.tif")):
        said = describe(path)
        if "refused" in said:
            continue
        with rasterio.open(path) as raster:
            assert len(said["bands"]) == raster.count
            for number, band in zip(raster.indexes, said["bands"], strict=True):
                if band.get("nodata") is not None and MaskFlags.per_dataset in raster.mask_flag_enums[number - 1]:
                    continue  # a mask and a no-data value contradict each other (image_geos.tif)
                wanted = None if np.dtype(raster.dtypes[number - 1]).kind == "c" else by_numpy(raster, number)
                found = band.get("statistics")
                assert (found is None) == (wanted is None), path.name
                if found is not None:
                    assert [found[name] for name in STATISTICS] == pytest.approx(wanted, rel=1e-9, abs=1e-12), path.name
                    counted += 1
        assert not path.with_name(f"{path.name}.aux.xml").exists()
    assert counted > 25


def test_a_band_without_a_value_has_no_statistics(tmp_path):
    shape = {"width": 2, "height": 2, "count": 2, "dtype": "float32", "nodata": -9999.0}
    with rasterio.open(tmp_path / "x.tif", "w", driver="GTiff", **shape) as raster:
        raster.write(np.full((2, 2), -9999.0), 1)
        raster.write(np.array([[1.0, -9999.0], [np.nan, 3.0]]), 2)
    empty, half = describe(tmp_path / "x.tif")["bands"]
    assert "statistics" not in empty
    assert half["statistics"] == {"minimum": 1.0, "maximum": 3.0, "mean": 2.0, "stddev": 1.0}


def test_packed_numbers_are_told_with_scale_and_offset_and_statistics_of_their_values(tmp_path):
    folder = tmp_path / "collections" / "grids"
    folder.mkdir(parents=True)
    numbers = np.array([[[100, 300], [-999, 200]], [[1, 2], [3, 4]]], "int16")
    place = rasterio.transform.from_origin(-1e6, 1e6, 1e6, 1e6)
    shape = {"width": 2, "height": 2, "count": 2, "dtype": "int16", "crs": "EPSG:3413", "transform": place}
    with rasterio.open(folder / "nh_20200101.tif", "w", driver="GTiff", nodata=-999, **shape) as raster:
        raster.write(numbers)
        raster.scales, raster.offsets = (-0.01, 1), (273.15, 0)
    (tmp_path / "collections" / "grids.yaml").write_text(DEFINITION)
    report = build(Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state"), lambda task: None)
    assert report.exit_status == 0, report.to_markdown()
    (item,) = (json.loads(file.read_bytes()) for file in (tmp_path / "out/nsidc/grids").glob("nh_*.json"))
    data = item["assets"]["data"]
    assert data["raster:bands"] == [{"scale": -0.01, "offset": 273.15}, {"scale": 1.0, "offset": 0.0}]
    assert any("/raster/v1.1.0/" in uri for uri in item["stac_extensions"])
    values = 273.15 - 0.01 * np.array([100, 300, 200])
    wanted = [values.min(), values.max(), values.mean(), values.std()]
    assert [data["bands"][0]["statistics"][name] for name in STATISTICS] == pytest.approx(wanted)
    assert data["bands"][1]["statistics"]["maximum"] == 4


def test_packing_that_is_no_number_counts_for_none(tmp_path):
    place = rasterio.transform.from_origin(-1e6, 1e6, 1e6, 1e6)
    shape = {"width": 2, "height": 2, "count": 1, "dtype": "int16", "crs": "EPSG:3413", "transform": place}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **shape) as raster:
        raster.write(np.arange(4, dtype="int16").reshape(1, 2, 2))
        raster.scales, raster.offsets = (0.01,), (math.nan,)
    found = inspect_raster(tmp_path / "a.tif", "https://example.org/a.tif")
    assert found.packing == ()
    assert found.bands[0]["statistics"]["maximum"] == 3


def test_bands_of_which_one_claims_a_palette_are_described(tmp_path):
    place = rasterio.transform.from_origin(-1e6, 1e6, 1e6, 1e6)
    shape = {"width": 2, "height": 2, "count": 4, "dtype": "uint8", "crs": "EPSG:3413", "transform": place}
    with rasterio.open(tmp_path / "a.tif", "w", driver="GTiff", **shape) as raster:
        raster.write(np.arange(16, dtype="uint8").reshape(4, 2, 2))
        raster.write_colormap(1, {0: (0, 0, 0, 255)})  # which a file of four bands does not keep
    found = inspect_raster(tmp_path / "a.tif", "https://example.org/a.tif")
    assert len(found.bands) == 4, found.findings


def test_a_palette_of_sixteen_bits_is_drawn(tmp_path):
    path, grid = tmp_path / "p.tif", {"height": 2, "width": 2, "count": 1, "dtype": "uint16", "photometric": "palette"}
    place = {"crs": "EPSG:3413", "transform": rasterio.Affine(1000, 0, 0, 0, -1000, 0)}
    with rasterio.open(path, "w", driver="GTiff", **grid, **place) as file:
        file.write_colormap(1, {7: (1, 2, 3), 300: (255, 128, 0)})
        file.write(np.array([[[7, 7], [300, 300]]], "uint16"))
    picture = b64decode(describe(path)["thumbnail"])
    with rasterio.MemoryFile(picture) as memory, memory.open() as file:
        assert file.read()[:, :, 0].T.tolist() == [[1, 2, 3, 255], [255, 128, 0, 255]]


@pytest.mark.parametrize(
    ("crs", "place"),
    [
        ("EPSG:3413", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
        ("EPSG:4326", (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)),
        ("EPSG:3413", (math.nan, 0.0, 10.0, 0.0, -1.0, 80.0)),
        ('LOCAL_CS["a tank",UNIT["metre",1]]', (10.0, 0.0, 0.0, 0.0, -10.0, 0.0)),
    ],
)
def test_a_raster_without_a_place_is_an_item_without_one(tmp_path, crs, place):
    folder = tmp_path / "collections" / "grids"
    folder.mkdir(parents=True)
    shape = {"width": 20, "height": 10, "count": 1, "dtype": "uint8", "crs": crs, "transform": rasterio.Affine(*place)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(folder / "nh_20200101.tif", "w", driver="GTiff", **shape) as raster:
            raster.write(np.arange(200, dtype="uint8").reshape(1, 10, 20))
    (tmp_path / "collections" / "grids.yaml").write_text(DEFINITION)
    report = build(Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state"), lambda task: None)
    assert report.exit_status == 0, report.to_markdown()
    (item,) = (json.loads(file.read_bytes()) for file in (tmp_path / "out/nsidc/grids").glob("nh_*.json"))
    assert item["geometry"] is None
    assert item["assets"]["data"]["bands"][0]["statistics"]["maximum"] == 199
    codes = {finding.code for one in report.collections for finding in one.findings}
    assert codes & {"raster.no-crs", "geometry.grid"}


def test_a_reference_system_without_a_code_is_told_as_wkt2_and_projjson(tmp_path):
    """SSM/I's grid before NSIDC had a code for it: Hughes 1980 by its axes alone."""
    folder = tmp_path / "collections" / "grids"
    folder.mkdir(parents=True)
    own = "+proj=stere +lat_0=90 +lat_ts=70.5 +lon_0=-33 +a=6378273 +b=6356889.449 +units=m"
    place = rasterio.transform.from_origin(-1e6, 1e6, 1e6, 1e6)
    shape = {"width": 2, "height": 2, "count": 1, "dtype": "uint8", "crs": own, "transform": place}
    with rasterio.open(folder / "nh_20200101.tif", "w", driver="GTiff", **shape) as raster:
        raster.write(np.arange(4, dtype="uint8").reshape(1, 2, 2))
    (tmp_path / "collections" / "grids.yaml").write_text(DEFINITION)
    report = build(Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state"), lambda task: None)
    assert report.exit_status == 0, report.to_markdown()
    (item,) = (json.loads(file.read_bytes()) for file in (tmp_path / "out/nsidc/grids").glob("nh*.json"))
    assert "proj:code" not in item["properties"]
    for said in (
        CRS.from_json_dict(item["properties"]["proj:projjson"]),
        CRS.from_wkt(item["properties"]["proj:wkt2"]),
    ):
        known = said.to_dict()
        assert (known["proj"], known["lat_ts"], known["lon_0"], known["a"]) == ("stere", 70.5, -33, 6378273)
    assert item["properties"]["proj:wkt2"].startswith("PROJCRS")


def test_a_virtual_raster_named_tif_is_never_opened(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("canary")
    disguised = tmp_path / "x.tif"
    disguised.write_text(
        f"<VRTDataset rasterXSize='1' rasterYSize='1'><SourceFilename>{secret}</SourceFilename></VRTDataset>"
    )
    found = inspect_raster(disguised, "https://example.org/x.tif")
    assert found.projection is None
    assert "not a TIFF" in found.findings[0].message


def test_a_cut_file_is_a_finding(tmp_path):
    (tmp_path / "cut.tif").write_bytes(b"II*\x00\x08\x00\x00\x00\xff\xff")
    found = inspect_raster(tmp_path / "cut.tif", "https://example.org/cut.tif")
    assert found.findings[0].code == "raster.unreadable"


@pytest.mark.parametrize(("act", "code"), [("kill -9 $$", KILLED), ("exit 1", KILLED), ("exec sleep 60", TOO_LONG)])
def test_a_process_that_is_killed_starved_or_slowed_down_says_nothing_of_the_file(tmp_path, monkeypatch, act, code):
    program = tmp_path / "killed"
    program.write_text(f"#!/bin/sh\n{act}\n")
    monkeypatch.setattr("builder.enrich.raster.TIMEOUT_S", 1)
    program.chmod(0o700)
    monkeypatch.setattr("builder.enrich.raster.sys", SimpleNamespace(executable=str(program)))
    (tmp_path / "a.tif").write_bytes(b"II*\0")
    (finding,) = inspect_raster(tmp_path / "a.tif", "https://a.example/a.tif").findings
    assert (finding.code, finding.hint) == (code, "the next run tries again")


def test_a_polar_grid_in_a_folder_becomes_an_item_round_the_pole(shared_data, tmp_path):
    folder = tmp_path / "collections" / "grids"
    folder.mkdir(parents=True)
    source = next(iter(sorted((shared_data / "science/cloud/stac_noaa_cdr").rglob("*-cdr_seaice_conc.tif"))))
    shutil.copy(source, folder / source.name)
    (tmp_path / "collections" / "grids.yaml").write_text(DEFINITION)
    report = build(Request(tmp_path / "collections", tmp_path / "out", tmp_path / "state"), lambda task: None)
    assert report.exit_status == 0, report.to_markdown()
    (item,) = [
        stac
        for file in (tmp_path / "out/nsidc/grids").glob("*.json")
        if (stac := json.loads(file.read_bytes())).get("type") == "Feature"
    ]
    assert item["properties"]["start_datetime"] == "2021-12-31T00:00:00Z"
    assert item["properties"]["proj:code"] == "EPSG:3411"
    outline = shapely.geometry.shape(item["geometry"])
    assert outline.covers(shapely.Point(-45, 85))
    assert outline.covers(shapely.Point(170, 75))
    assert item["assets"]["data"]["type"].startswith(GEOTIFF)
    (band,) = item["assets"]["data"]["bands"]
    with rasterio.open(source) as raster:
        assert (band["data_type"], band["nodata"]) == (raster.dtypes[0], raster.nodata)
        assert [band["statistics"][name] for name in STATISTICS] == pytest.approx(by_numpy(raster, 1))
    copied = tmp_path / "out/nsidc/grids" / item["assets"]["data"]["href"]
    assert copied.read_bytes() == source.read_bytes()
    picture = tmp_path / "out/nsidc/grids" / item["assets"]["preview"]["href"]
    assert item["assets"]["preview"]["roles"] == ["thumbnail"]
    with rasterio.open(picture) as drawn:
        assert (drawn.driver, max(drawn.shape), drawn.count) == ("PNG", 256, 4)
        assert np.unique(drawn.read(1)).size > 5
