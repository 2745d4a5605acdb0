"""GeoTIFF files: real ones described, disguised ones refused, and a polar one drawn round the pole."""

from __future__ import annotations

import json
import shutil

import shapely

from builder.build import Request, build
from builder.enrich.raster import COG, GEOTIFF, inspect_raster

DEFINITION = """\
id: grids
title: Sea-ice grids
description: Made by a test.
partner: {id: nsidc, name: National Snow and Ice Data Center}
license: CC-BY-4.0
source: {type: files, path: grids}
policies: {time_from_name: 'nh_(?P<year>\\d{4})(?P<month>\\d\\d)(?P<day>\\d\\d)'}
"""


def test_the_recorded_verdicts_on_real_files(shared_data):
    cloud = shared_data / "science" / "cloud"
    verdicts = json.loads((cloud / "cog_expected.json").read_bytes())
    del verdicts["cog_rio_cogeo/validate/image_external.tif"]  # judged with its .ovr beside it, which we never open
    wrong, seen = [], 0
    for name, expected in verdicts.items():
        if not name.startswith("cog_rio_cogeo/") or not name.endswith(".tif"):
            continue
        found = inspect_raster(cloud / name, "https://example.org/x.tif")
        if found.projection is None:
            assert found.findings, name  # no reference system, or no TIFF: said in one line
            continue
        seen += 1
        same_size = found.projection.shape == (expected["height"], expected["width"])
        if (found.media_type == COG) != expected["valid"] or not same_size:
            wrong.append((name, expected["valid"], found.media_type))
    assert wrong == []
    assert seen >= 10


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
