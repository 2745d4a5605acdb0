"""The live map in headless Chromium without WebGL: footprints where PROJ puts them, keyboard, dark, narrow."""

from __future__ import annotations

import gzip
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from builder.pages.footprints import box_geometry
from builder.pages.render import Renderer
from builder.serve import serve
from processors.cog import Band, Raster, blocks_of, write_cog
from tests.browser import opened
from tests.unit.pages_build import website, write
from tests.unit.pages_samples import ICE, ICE_COLLECTION, NERSC

pytestmark = pytest.mark.integration
BELOW = "bucket/v1/iaos/"
KIB = 1024


def with_box(name: str, *box: float) -> bytes:
    item = ICE | {"id": name, "geometry": box_geometry(box), "bbox": list(box), "assets": {}}
    return Renderer().item(item, ICE_COLLECTION, NERSC)


ICE_CELL = 25_000.0


def write_rasters(folder: Path) -> dict[str, dict]:
    """Write COGs whose every cell differs from its neighbours; the fields of their assets."""
    rows, columns = np.mgrid[0:300, 0:240]
    values = (np.sin(rows / 23.0) * 8 + columns / 40 + (rows * 240 + columns) % 7 / 100).astype("f4")
    values[:40, :40] = np.nan
    place = (ICE_CELL, 0.0, -3_000_000.0, 0.0, -ICE_CELL, 3_750_000.0)
    degc = Raster(values.shape, "float32", "EPSG:3413", place, (Band("sst", "degC"),), nodata=np.nan)
    fields = {"temp": write_cog(folder / "temp.tif", degc, blocks_of(values))}
    classes = ((rows // 20 + columns // 20) % 3 * 10).astype("u1")
    kinds = Raster(classes.shape, "uint8", "EPSG:3995", place, (Band("class"),), nodata=255, kind="classes")
    fields["kinds"] = write_cog(folder / "kinds.tif", kinds, blocks_of(classes), compression="zstd") | {
        "classification:classes": [
            {"value": 0, "name": "water", "title": "open water", "color_hint": "1040A0"},
            {"value": 10, "name": "young", "title": "young ice", "color_hint": "C0E0F0"},
            {"value": 20, "name": "old", "title": "old ice", "color_hint": "B03020"},
        ]
    }
    return fields


def with_rasters(folder: Path) -> bytes:
    kind = "image/tiff; application=geotiff; profile=cloud-optimized"
    assets = {
        name: {"href": f"./{name}.tif", "type": kind, "roles": ["data"], "title": f"The {name}"} | fields
        for name, fields in write_rasters(folder).items()
    }
    item = ICE | {"id": "rasters", "geometry": box_geometry((-180, 60, 180, 90)), "assets": assets}
    return Renderer().item(item, ICE_COLLECTION, NERSC)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    files = website(Renderer())
    files["nersc/seaice/cap.html"] = with_box("cap", -180, 83, 180, 90)
    files["nersc/seaice/across.html"] = with_box("across", 170, 62, -170, 80)
    write(root / BELOW, files)
    shelf = root / BELOW / "nersc" / "seaice"
    (shelf / "rasters.html").write_bytes(with_rasters(shelf))
    with serve(root) as server:
        yield root, f"{server.url}{BELOW}"


def visit(tools: Path, tmp_path: Path, visits: list[dict]) -> list[dict]:
    found = opened(tools, tmp_path, *visits)
    assert [one["problems"] for one in found] == [[] for _ in visits]
    return found


def transferred(root: Path, asked: list[str]) -> int:
    """Bytes of what was asked, as a server sends them that compresses text."""
    total = 0
    for address in {one.partition("#")[0] for one in asked if not one.startswith("data:")}:
        data = (root / urlsplit(address).path.lstrip("/")).read_bytes()
        text = address.endswith((".html", ".js", ".css", ".svg", ".json"))
        total += len(gzip.compress(data, 6) if text else data)
    return total


def is_land_like(one: list[int], other: list[int]) -> bool:
    return max(abs(a - b) for a, b in zip(one[:3], other[:3], strict=True)) < 12


def test_footprint_at_the_pole_has_no_slit_and_each_projection_shows_it(tools, site, tmp_path):
    root, url = site
    ring = [(0.5 + 0.03 * np.cos(a), 0.5 + 0.03 * np.sin(a)) for a in np.radians(range(20, 360, 45))]
    acts = [("colours", ring), ("colours", [(0.5, 0.25)])]
    codes = ("EPSG:3995", "EPSG:6931", "EPSG:3575")
    for code in codes:
        acts += [("project", code), ("colours", ring), ("point", (0.75, 0.5)), ("picture", code[5:])]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/cap.html", "acts": acts}])
    inside, (outside,) = found["found"][:2]
    assert not is_land_like(inside[0], outside)  # the sea inside is tinted
    assert all(is_land_like(one, inside[0]) for one in inside)
    for number, code in enumerate(codes):
        _, tinted, said, _ = found["found"][2 + 4 * number : 6 + 4 * number]
        assert all(is_land_like(one, inside[0]) for one in tinted), code
        east = {"EPSG:3995": "90.000°E", "EPSG:6931": "90.000°E", "EPSG:3575": "100.000°E"}[code]
        assert said.split()[1][:-4] == east[:-4], code
    assert {urlsplit(one).netloc for one in found["asked"]} <= {urlsplit(url).netloc, ""}
    assert transferred(root, found["asked"]) <= 400 * KIB


def test_place_under_the_pointer_is_that_of_proj(tools, site, tmp_path):
    _, url = site
    acts = [("point", (0.25, 0.5)), ("point", (0.75, 0.5))]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/cap.html", "acts": acts}])
    # the disc north of 60°N: 430 of 500 units are its radius
    x = 3_323_160 / 430 * 250
    back = Transformer.from_crs(3413, 4326, always_xy=True)
    for said, east in zip(found["found"], (-x, x), strict=True):
        longitude, latitude = back.transform(east, 0.0)
        north, along = said.split()
        assert float(north.rstrip("°N")) == pytest.approx(latitude, abs=0.15)
        way = -1 if along.endswith("W") else 1
        assert way * float(along.rstrip("°EW")) == pytest.approx(longitude, abs=0.3)


def test_box_across_180_is_one_piece(tools, site, tmp_path):
    _, url = site
    forward = Transformer.from_crs(4326, 3413, always_xy=True)
    unit = 3_323_160 / 430 * 1000
    places = []
    for longitude in (175, 179.9, 180, -179.9, -175):
        x, y = forward.transform(longitude, 75.0)
        places.append((0.5 + x / unit, 0.5 - y / unit))
    page = {"url": f"{url}nersc/seaice/across.html", "acts": [("picture", "across"), ("colours", places)]}
    (found,) = visit(tools, tmp_path, [page])
    _, tinted = found["found"]
    assert all(is_land_like(one, tinted[0]) for one in (tinted[1], tinted[3], tinted[4]))


@pytest.mark.parametrize("page", ["index.html", "imr/ctd/index.html", "nersc/seaice/cap.html"])
def test_pages_with_a_live_map_are_accessible(tools, site, tmp_path, page):
    _, url = site
    visits = [
        {
            "url": url + page, "width": width, "scheme": scheme,
            "acts": [("axe", None), ("wide", None), ("picture", f"{scheme}-{width}")],
        }
        for scheme, width in (("light", 1200), ("dark", 1200), ("light", 360))
    ]  # fmt: skip
    for one, found in zip(visits, visit(tools, tmp_path, visits), strict=True):
        violations, wide, _ = found["found"]
        assert violations == []
        assert wide <= one["width"]


def test_keyboard_alone_moves_enlarges_and_hears_where_it_is(tools, site, tmp_path):
    _, url = site
    acts = [
        ("focused", None),
        ("press", "ArrowLeft"), ("text", ".said"),
        ("press", "+"), ("press", "ArrowUp"), ("text", ".said"),
        ("picture", "keyboard"),
    ]  # fmt: skip
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/cap.html", "calm": True, "acts": acts}])
    focused, _, left, _, _, above, _ = found["found"]
    assert focused == "ground"
    assert left.endswith("135.000°W")  # left of the pole, 45°W being down
    assert left != above


def test_the_map_turns_dark_while_it_is_open(tools, site, tmp_path):
    _, url = site
    acts = [("colours", [(0.5, 0.25)]), ("scheme", "dark"), ("colours", [(0.5, 0.25)])]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/cap.html", "acts": acts}])
    ((light,), _, (dark,)) = found["found"]
    assert sum(light[:3]) > 3 * 180 > 3 * 90 > sum(dark[:3])


def value_there(path: Path, said: str) -> float:
    """The value that rasterio reads in the cell of a place as the page says it, to a thousandth of a degree."""
    north, along = said.split()[:2]
    longitude = float(along[:-2]) * (-1 if along.endswith("W") else 1)
    with rasterio.open(path) as raster:
        to = Transformer.from_crs(4326, raster.crs, always_xy=True)
        ((value,),) = raster.sample([to.transform(longitude, float(north[:-2]))])
    return float(value)


PLACES = [(0.31, 0.62), (0.45, 0.4), (0.67, 0.33), (0.58, 0.71), (0.43, 0.57)]


@pytest.mark.parametrize("code", ["EPSG:3413", "EPSG:3575"])
def test_value_under_the_pointer_is_that_of_rasterio(tools, site, tmp_path, code):
    root, url = site
    acts = [("project", code), *(("point", place) for place in PLACES), ("text", ".legend"), ("axe", None)]
    acts += [("colours", PLACES), ("picture", f"temp-{code[5:]}")]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/rasters.html", "acts": acts}])
    said, (legend, violations, colours) = found["found"][1:6], found["found"][6:9]
    file = root / BELOW / "nersc/seaice/temp.tif"
    for words in said:
        value, unit = words.partition("– ")[2].split()
        assert unit == "degC"
        assert float(value) == pytest.approx(value_there(file, words), rel=1e-5)
    assert violations == []
    with rasterio.open(file) as raster:
        values = raster.read(1)
    assert legend == f"The temp{np.nanmin(values):.4g}{np.nanmax(values):.4g} degC"
    assert len({tuple(one) for one in colours}) > 3  # five places of different temperatures, two of them alike
    assert transferred(root, found["asked"]) <= 400 * KIB


def test_classes_have_their_colours_and_names(tools, site, tmp_path):
    root, url = site
    acts = [("choose", ["raster", "1"]), *(("point", place) for place in PLACES), ("text", ".legend")]
    acts += [("colours", PLACES), ("picture", "kinds"), ("choose", ["raster", ""]), ("point", PLACES[0])]
    (found,) = visit(tools, tmp_path, [{"url": f"{url}nersc/seaice/rasters.html", "acts": acts}])
    said, (legend, _, _, _, none) = found["found"][1:6], found["found"][6:]
    names = {0: "open water (0)", 10: "young ice (10)", 20: "old ice (20)"}
    for words in said:
        assert words.partition("– ")[2] == names[value_there(root / BELOW / "nersc/seaice/kinds.tif", words)]
    assert legend == "The kindsopen wateryoung iceold ice"
    assert "–" not in none


def test_the_keyboard_hears_the_value_in_the_middle(tools, site, tmp_path):
    root, url = site
    acts = [("press", "+"), ("press", "+"), ("press", "ArrowRight"), ("hear", None), ("wide", None)]
    page = {"url": f"{url}nersc/seaice/rasters.html", "width": 360, "scheme": "dark", "acts": acts}
    (found,) = visit(tools, tmp_path, [page])
    said, wide = found["found"][3:]
    place, _, value = said.partition(": ")[2].partition("– ")
    assert float(value.split()[0]) == pytest.approx(
        value_there(root / BELOW / "nersc/seaice/temp.tif", place), rel=1e-5
    )
    assert wide <= 360
