"""STAC Browser itself, from npm, over the demo's catalogue: every object opens, with its title, children and map.

Run by `nox -s stac-browser`, which needs npm and Chromium; not part of the ordinary tests, because building it takes
minutes and half a gigabyte. `IAOS_STAC_BROWSER` may name a folder with an instance that was built before.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import orjson
import pytest

from builder.demo import running_demo
from builder.pages.machines import stac_browser_href
from builder.serve import serve
from tests.browser import chromium
from tests.system.test_demo import free_port

VERSION = "4.0.1"
MAPS = "1.1.0"
"""The version of ol-stac: those after it need a newer OpenLayers than STAC Browser 4.0.1 has."""

KNOWN = {
    "Error: Cannot fit empty extent provided as `geometry`": "ol-stac 1.1.0 about boxes across ±180°",
    "TypeError: coordinates must be finite numbers": "proj4js about corners of the map that EPSG:3575 cannot hold",
}

CONFIG = """
window.STAC_BROWSER_CONFIG = {
  catalogUrl: new URL("../catalog.json", location.href).href, allowExternalAccess: true, displayGeoTiffByDefault: true,
  crs: {
    "EPSG:3413": "+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +datum=WGS84 +units=m +no_defs",
    "EPSG:3575": "+proj=laea +lat_0=90 +lon_0=10 +datum=WGS84 +units=m +no_defs",
  },
};
"""


@pytest.fixture(scope="module")
def instance(tmp_path_factory) -> Path:
    """A folder with STAC Browser, ready to be copied beside a catalogue."""
    given = os.environ.get("IAOS_STAC_BROWSER")
    if given:
        return Path(given)
    folder = tmp_path_factory.mktemp("stac-browser")
    quiet = ("--silent", "--no-audit", "--no-fund", "--legacy-peer-deps")
    here = {"SB_historyMode": "hash", "SB_pathPrefix": "./"}
    for command in (
        ("npm", "pack", "--silent", f"@radiantearth/stac-browser@{VERSION}"),
        ("tar", "xzf", f"radiantearth-stac-browser-{VERSION}.tgz", "--strip-components=1"),
        ("npm", "install", *quiet, f"ol-stac@{MAPS}"),
        ("npx", "vue-cli-service", "build", "--noSourceMaps"),
    ):
        subprocess.run(command, cwd=folder, env=os.environ | here, check=True)
    return folder / "dist"


@pytest.fixture(scope="module")
def site(instance, tmp_path_factory) -> Path:
    """The demo's catalogue with STAC Browser in `sb/`, as docs/exchange.md says."""
    out = tmp_path_factory.mktemp("demo") / "catalog"
    with running_demo(out, lambda _: None, free_port()):
        pass
    shutil.copytree(instance, out / "sb")
    page = (out / "sb" / "index.html").read_text()
    (out / "sb" / "index.html").write_text(page.replace("<script ", '<script src="config.js"></script><script ', 1))
    (out / "sb" / "config.js").write_text(CONFIG)
    return out


def opened(site: Path, paths: list[str], tools: Path, picture: Path | None = None) -> dict[str, dict]:
    """What STAC Browser shows of each document, opened by the address that our pages lead to."""
    with serve(site) as server:
        browser = f"{server.url}sb/index.html"
        addresses = {stac_browser_href(browser, f"{server.url}{path}"): path for path in paths}
        script = Path(__file__).with_suffix(".mjs")
        command = ["node", script, json.dumps(list(addresses)), chromium(), server.url, *([picture] if picture else [])]
        done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=1500)
    assert done.returncode == 0, done.stderr
    return {addresses[address]: shown for address, shown in json.loads(done.stdout).items()}


def reachable(site: Path) -> dict[str, dict]:
    """Every document that can be reached from the root."""
    found: dict[str, dict] = {}
    paths = ["catalog.json"]
    while paths:
        path = paths.pop()
        found[path] = orjson.loads((site / path).read_bytes())
        folder = (site / path).parent
        links = [link for link in found[path]["links"] if link["rel"] in {"child", "item"}]
        paths += [(folder / link["href"]).resolve().relative_to(site.resolve()).as_posix() for link in links]
    return found


def test_every_object_opens_with_its_title_and_children(site, tools):
    documents = reachable(site)
    assert len(documents) > 80
    wrong = []
    for path, shown in opened(site, list(documents), tools).items():
        document = documents[path]
        title = document.get("title") or document["properties"]["title"]
        rels = [link["rel"] for link in document["links"]]
        errors = [error for error in shown["errors"] if error not in KNOWN and "favicon" not in error]
        said = (shown["title"], shown["items"], shown["children"], shown["alerts"], errors)
        if said != (title, rels.count("item"), rels.count("child"), [], []):
            wrong.append((path, said, title, rels.count("item"), rels.count("child")))
    assert wrong == []


def test_a_polar_map_is_drawn_without_asking_for_its_projection(site, tools, tmp_path):
    path = "demo-imr/demo-temperature/demo-temperature.json"
    picture = tmp_path / "stac-browser.png"
    (shown,) = opened(site, [path], tools, picture).values()
    assert shown["foreign"] in ([], ["tile.openstreetmap.org"])
    assert len(shown["shown"]) == 1
    assert "kriged" in shown["shown"][0]
    assert picture.stat().st_size > 10_000
