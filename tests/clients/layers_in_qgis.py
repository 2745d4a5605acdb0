"""QGIS itself, from Debian's python3-qgis, over the demo's catalogue: items are layers, and images have their values.

Run by `nox -s qgis`; not part of the ordinary tests, because QGIS takes half a gigabyte.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import rasterio

from builder.demo import running_demo
from builder.serve import serve
from tests.system.test_demo import free_port

PYTHON = "/usr/bin/python3"
"""For which Debian has QGIS."""


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("demo") / "catalog"
    with running_demo(out, lambda _: None, free_port()):
        pass
    return out


@pytest.fixture(scope="module")
def items(site) -> dict[str, dict]:
    found = {file.relative_to(site).as_posix(): json.loads(file.read_bytes()) for file in sorted(site.rglob("*.json"))}
    return {path: one for path, one in found.items() if isinstance(one, dict) and one.get("type") == "Feature"}


def opened(site: Path, layers: list[tuple]) -> list[dict | None]:
    """What QGIS makes of layers over HTTP, each given as kind, path and a point to ask for."""
    with serve(site) as server:
        asked = json.dumps([(kind, f"{server.url}{path}", point) for kind, path, point in layers])
        script = Path(__file__).with_name("layers_in_qgis_child.py")
        done = subprocess.run([PYTHON, script], input=asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def classes_of(asset: dict) -> list[dict]:
    """The classes that an image's first band has, wherever they are named."""
    band = next(iter(asset.get("raster:bands") or asset.get("bands") or [{}]))
    return asset.get("classification:classes") or band.get("classification:classes") or []


def test_every_item_is_a_layer_where_its_box_says(site, items):
    placed = {path: item for path, item in items.items() if item["geometry"]}
    assert len(placed) > 20
    for item, layer in zip(placed.values(), opened(site, [("vector", path, None) for path in placed]), strict=True):
        assert (layer["count"], layer["crs"]) == (1, "EPSG:4326"), item["id"]
        assert {"title", "datetime"} <= set(layer["fields"])
        west, south, east, north = item["bbox"] if len(item["bbox"]) == 4 else [item["bbox"][n] for n in (0, 1, 3, 4)]
        assert layer["extent"][1::2] == pytest.approx([south, north])
        assert layer["extent"][::2] == pytest.approx([west, east] if west <= east else [-180, 180])


def test_every_image_has_its_projection_values_and_colours(site, items):
    asked, wanted = [], []
    for path, item in items.items():
        for asset in item["assets"].values():
            file = site / Path(path).parent / asset["href"]
            if "cloud-optimized" in asset.get("type", "") and file.exists():
                with rasterio.open(file) as image:
                    band, mask = image.read(1), image.read_masks(1)
                    row, column = [int(side[len(side) // 2]) for side in mask.nonzero()]
                    asked.append(
                        ("raster", file.resolve().relative_to(site.resolve()).as_posix(), image.xy(row, column))
                    )
                    wanted.append((image.crs.to_epsg(), list(image.shape), band[row, column], asset))
    coloured = 0
    for (epsg, shape, value, asset), layer in zip(wanted, opened(site, asked), strict=True):
        assert (layer["crs"], layer["size"]) == (f"EPSG:{epsg}", shape), asset
        assert layer["value"] == pytest.approx(float(value), rel=1e-6), asset
        colours = {
            str(one["value"]): f"#{one['color_hint'].lower()}" for one in classes_of(asset) if "color_hint" in one
        }
        if colours:
            assert layer["renderer"] == "paletted", asset
            assert colours.items() <= layer["legend"].items(), asset
            coloured += 1
    assert coloured > 1
