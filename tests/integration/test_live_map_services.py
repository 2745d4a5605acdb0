"""Layers of a partner's map service on the live map, in headless Chromium: a real WMS, asked only when it is chosen."""

from __future__ import annotations

import base64
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from urllib.request import urlopen

import numpy as np
import pytest
import rasterio
from pyproj import Transformer

from builder.datafiles.mapservices import polar_layers
from builder.pages.footprints import box_geometry
from builder.pages.render import Renderer
from builder.serve import serve
from tests.browser import opened
from tests.servers.local import Answer, LocalServer
from tests.servers.maps import AREA, COLOUR, map_service
from tests.unit.pages_build import website, write
from tests.unit.pages_samples import ICE, ICE_COLLECTION, NERSC

pytestmark = [pytest.mark.integration, pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")]
HALF = 430 / 500
"""Share of the half of the map that the disc north of 60°N takes."""


def page_with(service: str, drawn: dict[str, list[str]]) -> bytes:
    link = {"rel": "wms", "href": service, "title": "Ice of a partner", "wms:layers": ["ice"], "iaos:map_crs": drawn}
    item = ICE | {"id": "served", "geometry": box_geometry((-180, 60, 180, 90)), "assets": {}, "links": [link]}
    return Renderer().item(item, ICE_COLLECTION, NERSC)


def visit(tools: Path, tmp_path: Path, url: str, acts: list) -> dict:
    (found,) = opened(tools, tmp_path, {"url": url, "acts": acts})
    return found


@pytest.fixture
def site(tmp_path):
    root = tmp_path / "site"
    write(root, website(Renderer()))
    with serve(root) as server:
        yield root, server.url


def pixels(shown: str) -> np.ndarray:
    with rasterio.MemoryFile(base64.b64decode(shown)) as memory, memory.open() as picture:
        return picture.read()[:3].astype(int)


def test_a_layer_is_drawn_where_it_lies_once_it_is_chosen(tools, site, tmp_path):
    root, url = site
    with map_service(tmp_path) as (service, asked):
        drawn = polar_layers(urlopen(f"{service}?service=WMS&request=GetCapabilities&version=1.3.0").read())
        assert drawn["ice"] == ["EPSG:3413", "EPSG:3575"]
        asked.clear()
        (root / "nersc/seaice/served.html").write_bytes(page_with(service, drawn))
        acts = [
            ("text", ".rasters p"),
            ("ground", None),
            ("choose", ["service", "0"]),
            ("idle", None),
            ("ground", None),
        ]
        acts += [("text", ".rasters p"), ("project", "EPSG:3995"), ("text", ".rasters p"), ("axe", None)]
        found = visit(tools, tmp_path, f"{url}nersc/seaice/served.html", acts)
    said, before, _, _, after, shown, _, elsewhere, violations = found["found"]
    assert found["problems"] == []
    host = urlsplit(service).netloc
    assert {urlsplit(one).netloc for one in found["asked"][: found["before"]["requests"]]} <= {urlsplit(url).netloc, ""}
    assert said == ""
    assert asked, "the service was asked"
    assert [urlsplit(one).netloc for one in found["asked"]].count(host) == len(asked)
    assert {parse_qs(urlsplit(one).query)["CRS"][0] for one in asked} == {"EPSG:3413"}
    assert shown == f"Drawn by {host}."
    assert elsewhere == f"{host} does not draw this in the projection chosen above."
    assert violations == []
    plain, drawn_over = pixels(before), pixels(after)
    high, wide = plain.shape[1:]
    rim = Transformer.from_crs(4326, 3413, always_xy=True).transform(135, 60)[1] / HALF
    rows, columns = np.mgrid[0:high, 0:wide]
    x, y = ((columns + 0.5) / wide * 2 - 1) * rim, (1 - (rows + 0.5) / high * 2) * rim
    east, north = Transformer.from_crs(3413, 4326, always_xy=True).transform(x, y)
    red = np.abs(drawn_over - (0.85 * np.array(COLOUR)[:, None, None] + 0.15 * plain)).max(axis=0) < 25
    west, south, east_end, north_end = AREA
    within = (east > west + 3) & (east < east_end - 3) & (north > south + 1) & (north < north_end - 1)
    outside = (east < west - 3) | (east > east_end + 3) | (north < south - 1) | (north > north_end + 1)
    assert red[within].mean() > 0.85  # the graticule and its degrees lie above it
    assert red[outside].mean() < 0.01


def test_a_service_that_does_not_answer_is_said(tools, site, tmp_path):
    root, url = site
    with map_service(tmp_path) as (service, _):
        pass  # it is gone
    (root / "nersc/seaice/served.html").write_bytes(page_with(service, {"ice": ["EPSG:3413"]}))
    acts = [("choose", ["service", "0"]), ("idle", None), ("text", ".rasters p"), ("choose", ["service", ""])]
    found = visit(tools, tmp_path, f"{url}nersc/seaice/served.html", [*acts, ("text", ".rasters p")])
    assert found["found"][2] == f"{urlsplit(service).netloc} does not answer."
    assert found["found"][4] == ""


def picture() -> bytes:
    with rasterio.MemoryFile() as memory:
        with memory.open(driver="PNG", width=4, height=4, count=4, dtype="uint8") as file:
            file.write(np.full((4, 4, 4), 200, dtype="uint8"))
        return memory.read()


def test_a_service_is_asked_each_thing_once_whatever_case_its_address_has(tools, site, tmp_path):
    root, url = site
    with LocalServer(lambda _: Answer(headers={"Content-Type": "image/png"}, body=picture())) as server:
        href = f"{server.url}/wms?map=ice&service=WMS&Version=1.1.1&request=GetCapabilities&layers=all"
        (root / "nersc/seaice/served.html").write_bytes(page_with(href, {"ice": ["EPSG:3413"]}))
        acts = [("choose", ["service", "0"]), ("idle", None), ("text", ".rasters p")]
        found = visit(tools, tmp_path, f"{url}nersc/seaice/served.html", acts)
    assert found["found"][2] == f"Drawn by {server.host}."
    for request in server.requests:
        asked = parse_qs(request.query)
        assert all(len(values) == 1 for values in asked.values())
        assert len({name.upper() for name in asked}) == len(asked)
        assert [asked[name] for name in ("VERSION", "REQUEST", "LAYERS", "map")] == [
            ["1.3.0"],
            ["GetMap"],
            ["ice"],
            ["ice"],
        ]


def test_a_late_picture_says_nothing_of_the_projection_that_was_chosen_since(tools, site, tmp_path):
    root, url = site
    slow = Answer(headers={"Content-Type": "image/png"}, body=picture(), silence_s=2.5)
    with LocalServer(lambda _: slow) as server:
        (root / "nersc/seaice/served.html").write_bytes(page_with(f"{server.url}/wms", {"ice": ["EPSG:3413"]}))
        acts = [("choose", ["service", "0"]), ("project", "EPSG:3995"), ("pause", 4000), ("text", ".rasters p")]
        found = visit(tools, tmp_path, f"{url}nersc/seaice/served.html", acts)
    assert server.requests
    assert found["found"][3] == f"{server.host} does not draw this in the projection chosen above."


def test_the_policy_lets_no_other_host_draw(tools, site, tmp_path):
    root, url = site
    with map_service(tmp_path) as (service, asked):
        page = page_with(service, {"ice": ["EPSG:3413"]})
        other = page.replace(urlsplit(service).netloc.encode(), b"maps.example", 1)  # the policy stands before the data
        assert b"data: http://maps.example;" in other
        (root / "nersc/seaice/served.html").write_bytes(other)
        acts = [("choose", ["service", "0"]), ("idle", None), ("text", ".rasters p")]
        found = visit(tools, tmp_path, f"{url}nersc/seaice/served.html", acts)
    assert asked == []
    assert "does not answer" in found["found"][2]
