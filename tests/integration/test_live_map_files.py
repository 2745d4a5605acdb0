"""GeoTIFFs of other kinds on the live map, in headless Chromium: UTM, tables of colours, and what it cannot show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from builder.pages.footprints import box_geometry
from builder.pages.render import Renderer
from builder.serve import serve
from tests.integration.test_live_map import value_there, visit
from tests.unit.pages_build import website, write
from tests.unit.pages_samples import ICE, ICE_COLLECTION, NERSC

pytestmark = pytest.mark.integration
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
CODES = {"utm": "EPSG:32633", "table": "EPSG:3413", "lerc": "EPSG:3413", "far": "EPSG:25833", "holes": "EPSG:3413"}
SHADES = {0: (10, 40, 120), 1: (250, 240, 80), 2: (200, 60, 30), 3: (20, 160, 70)}
SEA = [223, 234, 240]
PLACES = [(0.48, 0.53), (0.53, 0.48), (0.55, 0.53), (0.46, 0.48), (0.51, 0.55)]
AROUND_THE_POLE = [(0.48, 0.53), (0.53, 0.48), (0.58, 0.53), (0.42, 0.48), (0.53, 0.58)]


def write_rasters(folder: Path) -> None:
    rows, columns = np.mgrid[0:400, 0:400]
    place = from_origin(300_000, 8_900_000, 1000, 1000)  # 400 km around Svalbard
    profile = {"driver": "GTiff", "width": 400, "height": 400, "count": 1, "tiled": True, "blockxsize": 256}
    profile |= {"blockysize": 256, "compress": "deflate"}
    smooth = (rows / 7 + np.sin(columns / 9)).astype("f4")
    for name in ("utm", "far"):
        with rasterio.open(
            folder / f"{name}.tif", "w", dtype="float32", crs=CODES[name], transform=place, **profile
        ) as file:
            file.write(smooth, 1)
            file.build_overviews([2], rasterio.enums.Resampling.nearest)
    around = from_origin(-1_600_000, 1_600_000, 8000, 8000)
    kinds = ((rows // 50 + columns // 50) % 4).astype("u1")
    with rasterio.open(folder / "table.tif", "w", dtype="uint8", crs="EPSG:3413", transform=around, **profile) as file:
        file.write_colormap(1, SHADES)
        file.write(kinds, 1)
    with rasterio.open(
        folder / "holes.tif", "w", dtype="float32", crs="EPSG:3413", transform=around, nodata=-9999.9, **profile
    ) as file:
        file.write(np.where(columns < 200, -9999.9, 4).astype("f4"), 1)  # -9999.9 lies between two such numbers
    packed = profile | {"compress": "lerc"}
    with rasterio.open(folder / "lerc.tif", "w", dtype="float32", crs="EPSG:3413", transform=around, **packed) as file:
        file.write(smooth, 1)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    write(root, website(Renderer()))
    shelf = root / "nersc/seaice"
    write_rasters(shelf)
    for kind, around in {"utm": (5, 76, 30, 81), "table": (-180, 60, 180, 90), "holes": (-180, 60, 180, 90)}.items():
        names = [kind, *(name for name in CODES if name != kind)]
        assets = {
            name: {"href": f"./{name}.tif", "type": COG, "roles": ["data"], "title": name, "proj:code": CODES[name]}
            for name in names
        }
        for name in ("utm", "far"):
            assets[name]["bands"] = [{"unit": "m", "statistics": {"minimum": -1, "maximum": 58}}]
        item = ICE | {"id": kind, "geometry": box_geometry(around), "bbox": list(around), "assets": assets}
        (shelf / f"{kind}.html").write_bytes(Renderer().item(item, ICE_COLLECTION, NERSC))
    with serve(root) as server:
        yield root, server.url


@pytest.mark.parametrize("code", ["EPSG:3413", "EPSG:3995"])
def test_a_scene_in_utm_lies_where_rasterio_has_it(tools, site, tmp_path, code):
    root, url = site
    acts = [("project", code), *(("point", place) for place in PLACES), ("colours", PLACES), ("picture", "utm")]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/utm.html", "acts": acts}])
    for words in found["found"][1 : 1 + len(PLACES)]:
        value, unit = words.partition("– ")[2].split()
        assert unit == "m"
        # The place is said to a thousandth of a degree, 40 to 110 m: a neighbouring cell of 1 km may be meant.
        assert float(value) == pytest.approx(value_there(root / "nersc/seaice/utm.tif", words), abs=0.2)
    assert not [one for one in found["asked"] if not one.startswith((url, "data:"))]


def test_the_table_of_colours_of_a_file_is_kept(tools, site, tmp_path):
    root, url = site
    acts = [
        *(("point", place) for place in AROUND_THE_POLE),
        ("colours", AROUND_THE_POLE),
        ("text", ".legend"),
        ("picture", "table"),
    ]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/table.html", "acts": acts}])
    said, (colours, legend) = (
        found["found"][: len(AROUND_THE_POLE)],
        found["found"][len(AROUND_THE_POLE) : len(AROUND_THE_POLE) + 2],
    )
    values = [int(words.partition("– ")[2]) for words in said]
    assert len(set(values)) > 1
    for words, value, colour in zip(said, values, colours, strict=True):
        assert value == value_there(root / "nersc/seaice/table.tif", words)
        assert max(abs(a - b) for a, b in zip(colour, SHADES[value], strict=False)) <= 3, (words, colour)
    assert legend == "tableColours as in the file."


def test_what_stands_for_no_value_in_single_precision_is_no_value(tools, site, tmp_path):
    _, url = site
    acts = [("point", (0.42, 0.53)), ("point", (0.58, 0.53)), ("colours", [(0.42, 0.53), (0.58, 0.53)])]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/holes.html", "acts": acts}])
    hole, value, (bare, painted) = found["found"]
    assert hole.partition("– ")[2] == "no value"
    assert value.partition("– ")[2] == "4"
    assert bare[:3] == SEA != painted[:3]


def test_what_cannot_be_shown_is_said(tools, site, tmp_path):
    _, url = site
    trouble = ".rasters [role=status]"
    acts = [("choose", ["raster", "2"]), ("text", trouble), ("choose", ["raster", "4"]), ("text", trouble)]
    acts += [("choose", ["raster", "0"]), ("text", trouble)]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/utm.html", "acts": acts}])
    _, lerc, _, far, _, none = found["found"]
    assert lerc == "It is compressed with LERC, which this page cannot read. The file is listed below."
    assert far == "It lies in EPSG:25833, which this map cannot place. The file is listed below."
    assert none == ""
    assert not [one for one in found["asked"] if not one.startswith((url, "data:"))]
