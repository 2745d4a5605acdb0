"""GeoTIFF files: real ones described, disguised ones refused, and a polar one drawn round the pole."""

from __future__ import annotations

import json
import shutil

import numpy as np
import rasterio
import shapely

from builder.build import Request, build
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
    copied = tmp_path / "out/nsidc/grids" / item["assets"]["data"]["href"]
    assert copied.read_bytes() == source.read_bytes()
    picture = tmp_path / "out/nsidc/grids" / item["assets"]["preview"]["href"]
    assert item["assets"]["preview"]["roles"] == ["thumbnail"]
    with rasterio.open(picture) as drawn:
        assert (drawn.driver, max(drawn.shape), drawn.count) == ("PNG", 256, 4)
        assert np.unique(drawn.read(1)).size > 5
