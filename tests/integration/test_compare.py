"""The page that compares, in headless Chromium on the demo: values, reads, its address, keyboard, hostile addresses."""

from __future__ import annotations

import io
import json
import socket
import urllib.request
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from pyproj import Geod, Transformer

from builder.demo import running_demo
from builder.serve import serve
from tests.browser import opened
from tests.integration.test_live_map import transferred

pytestmark = pytest.mark.integration
BELOW = "bucket/v1/iaos/"
WARMTH = "demo-imr/demo-temperature/demo-temperature.json"
PLACE = (24.5, 74.25)
LIST = ".layers li"
KIB = 1024


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    root = tmp_path_factory.mktemp("demo")
    with running_demo(root / BELOW, lambda task: None, port), serve(root) as server:
        yield root, f"{server.url}{BELOW}"


def one_of(root: Path, pattern: str) -> str:
    return min((root / BELOW).glob(pattern)).relative_to(root / BELOW).as_posix()


@pytest.fixture(scope="module")
def layers(demo):
    """A raster and three NetCDF items of three partners."""
    root, _ = demo
    patterns = ("demo-imr/demo-ctd/ctd-*.json", "demo-geus/demo-weather/0*.json", "demo-bremen/demo-sea-ice/ice-*.json")
    return [WARMTH, *(one_of(root, pattern) for pattern in patterns)]


def visit(tools: Path, tmp_path: Path, url: str, acts: list, **more) -> dict:
    (found,) = opened(tools, tmp_path, {"url": url, "acts": acts, "ready": LIST} | more)
    assert found["problems"] == []
    return found


def address(url: str, layers: list[str], **more: str) -> str:
    return f"{url}compare/index.html?{urlencode([('layer', one) for one in layers] + list(more.items()), safe='/,;=')}"


def data_of(root: Path, path: str, tmp_path: Path) -> Path:
    """Fetch the file that an item is about from its partner."""
    item = json.loads((root / BELOW / path).read_bytes())
    file = tmp_path / f"{Path(path).stem}.nc"
    with urllib.request.urlopen(item["assets"]["data"]["href"]) as answer:
        file.write_bytes(answer.read())
    return file


def degrees(said: str) -> tuple[float, float]:
    north, east = said.split()
    return float(east[:-2]) * (-1 if east.endswith("W") else 1), float(north[:-2])


def rasterio_value(root: Path, place: tuple[float, float]) -> float:
    with rasterio.open((root / BELOW / WARMTH).parent / "data/demo-temperature/estimate.tif") as raster:
        to = Transformer.from_crs(4326, raster.crs, always_xy=True)
        ((value,),) = raster.sample([to.transform(*place)])
    return float(value)


READ = [("press", "Enter"), ("wait", "form.ask button:not(:disabled)"), ("text", "form.ask p[role=status]")]
READ = [("focus", "[data-read]"), *READ, ("focus", "form.ask button"), ("press", "Enter"), ("wait", "[data-done]")]


def table(csv: str) -> pd.DataFrame:
    return pd.read_csv(io.StringIO(csv), comment="#")


def test_raster_values_are_those_of_rasterio(demo, layers, tools, tmp_path):
    root, url = demo
    acts: list = [("aim", (0.5, 0.5)), ("text", '[data-place="chosen"]'), ("text", 'td[data-column="chosen"]')]
    acts += [("text", '[data-place="pointer"]'), ("text", 'td[data-column="pointer"]'), ("address", None)]
    found = visit(tools, tmp_path, address(url, [WARMTH, layers[1]]), acts)
    _, chosen, value, pointer, value_there, now = found["found"]
    for place, said in ((chosen, value), (pointer, value_there)):
        number, unit = said.split()
        assert unit == "degC"
        assert float(number) == pytest.approx(rasterio_value(root, degrees(place)), rel=1e-5)
    at = parse_qs(urlsplit(now).query)["at"][0].split(",")
    assert degrees(chosen) == pytest.approx([float(one) for one in at], abs=6e-4)
    at_home = {urlsplit(url).netloc, ""}
    assert {urlsplit(asked).netloc for asked in found["asked"]} == at_home  # the raster lies in the catalogue


def test_profiles_and_series_of_three_partners_are_those_of_xarray(demo, layers, tools, tmp_path):
    root, url = demo
    asked = [f"{layers[1]};variable=TEMP;kind=profile", layers[2], layers[3]]
    acts: list = [
        *READ,
        ("download", 0),
        ("download", 1),
        ("download", 2),
        ("texts", ".plots .u-legend .u-label"),
        ("whole", "read"),
    ]
    found = visit(tools, tmp_path, address(url, [WARMTH, *asked], at="24.5,74.25"), acts)
    price, profile, weather, ice, legends, _ = found["found"][3], *found["found"][7:]
    assert "requests: 3" in price
    with xr.open_dataset(data_of(root, layers[1], tmp_path)) as cast:
        far = Geod(ellps="sphere").inv(
            *(np.full(cast.sizes["TIME"], side) for side in PLACE),
            cast["LONGITUDE"].to_numpy(),
            cast["LATITUDE"].to_numpy(),
        )[2]
        wanted = cast["TEMP"].to_numpy()[int(far.argmin())]
    assert np.allclose(table(profile).iloc[:, -1], wanted, rtol=2e-7, equal_nan=True)
    with xr.open_dataset(data_of(root, layers[2], tmp_path)) as station:
        name = table(weather).columns[-1].split(" ")[0]
        assert np.allclose(table(weather).iloc[:, -1], station[name].to_numpy().ravel(), rtol=2e-7, equal_nan=True)
    with xr.open_dataset(data_of(root, layers[3], tmp_path)) as grid:
        x, y = Transformer.from_crs(
            4326, json.loads((root / BELOW / layers[3]).read_bytes())["properties"]["proj:code"], always_xy=True
        ).transform(*PLACE)
        scale = 1000.0 if str(grid["x"].attrs.get("units", "m")).startswith("km") else 1.0
        wanted = grid["ice_conc"].sel(x=x / scale, y=y / scale, method="nearest").to_numpy().ravel()
    assert np.allclose(table(ice).iloc[:, -1], wanted, rtol=2e-7, equal_nan=True)
    assert {curve for curve in ("TEMP", name, "ice_conc") if any(one.startswith(curve) for one in legends)} == {
        "TEMP",
        name,
        "ice_conc",
    }
    partner = urlsplit(json.loads((root / BELOW / layers[1]).read_bytes())["assets"]["data"]["href"]).netloc
    assert {urlsplit(one).netloc for one in found["asked"]} <= {urlsplit(url).netloc, partner, ""}


def test_curves_of_one_unit_share_a_plot(demo, tools, tmp_path):
    root, url = demo
    casts = sorted(
        path.relative_to(root / BELOW).as_posix() for path in (root / BELOW).glob("demo-imr/demo-ctd/ctd-*.json")
    )[:2]
    asked = [f"{one};variable=TEMP" for one in casts]
    acts: list = [*READ, ("texts", ".plots .uplot .u-legend"), ("texts", "[data-answer] caption")]
    found = visit(tools, tmp_path, address(url, asked, at="24.5,74.25"), acts)
    plots, captions = found["found"][-2:]
    assert len(plots) == 1  # two casts of temperature, one plot
    assert plots[0].count("TEMP, ") == 2
    assert len(captions) == 2


def test_address_keeps_what_is_shown(demo, layers, tools, tmp_path):
    _, url = demo
    first = ".layers li:nth-child(1) "
    acts: list = [
        ("focus", f"{first}[name=down]"), ("press", "Enter"), ("focused", None), ("text", "[data-say]"),
        ("focus", f"{first}input[name=visible]"), ("press", "Space"),
        ("focus", ".layers li:nth-child(2) input[name=opacity]"), ("press", "ArrowLeft"), ("press", "ArrowLeft"),
        ("focus", ".layers li:nth-child(3) [name=remove]"), ("press", "Enter"),
        ("project", "EPSG:3995"),
        ("fill", ["input[name=lon]", "24.5"]), ("fill", ["input[name=lat]", "74.25"]), ("press", "Enter"),
        ("press", "Tab"), ("address", None), ("texts", ".layers .name a"), ("text", 'td[data-column="chosen"]'),
        ("reload", LIST), ("address", None), ("texts", ".layers .name a"), ("text", 'td[data-column="chosen"]'),
        ("value", "input[name=lon]"), ("value", "select[name=projection]"),
        ("value", ".layers li:nth-child(2) input[name=opacity]"),
        ("picture", "address"),
    ]  # fmt: skip
    found = visit(tools, tmp_path, address(url, layers[:3]), acts)["found"]
    before, after = found[16:19], found[20:23]
    assert before == after
    query = parse_qs(urlsplit(before[0]).query)
    assert query["layer"] == [f"{layers[1]};hidden", f"{WARMTH};opacity=90"]
    assert (query["crs"], query["at"]) == (["3995"], ["24.5,74.25"])
    assert found[23:26] == ["24.5", "EPSG:3995", "90"]
    assert found[3].endswith("now 2 of 3")


def test_keyboard_hears_values_and_chooses_the_middle(demo, layers, tools, tmp_path):
    root, url = demo
    acts: list = [
        ("focus", ".ground"),
        ("press", "+"),
        ("press", "ArrowUp"),
        ("heard", "degC"),
        ("press", "Enter"),
        ("text", '[data-place="chosen"]'),
        ("text", 'td[data-column="chosen"]'),
    ]
    found = visit(tools, tmp_path, address(url, [WARMTH]), acts, calm=True)["found"]
    assert found[3].startswith("Middle of the map: ")
    assert float(found[6].split()[0]) == pytest.approx(rasterio_value(root, degrees(found[5])), rel=1e-5)


def typed(address: str) -> list:
    return [("fill", ["input[name=address]", address]), ("press", "Enter"), ("pause", 1000)]


def test_layers_gather_from_pages_and_from_the_form(demo, layers, tools, tmp_path):
    _, url = demo
    page = f"{url}{layers[1].replace('.json', '.html')}"
    acts: list = [
        ("go", 'a[href*="compare/index.html?add="]'), ("texts", ".layers .name a"),
        *typed(f"{url}{layers[2].replace('.json', '.html')}"),
        *typed("https://elsewhere.example/x.json"), ("text", "[data-say]"),
        *typed("demo-imr/demo-ctd/collection.json"),
        ("address", None),
    ]  # fmt: skip
    found = visit(tools, tmp_path, page, acts, ready="main")
    assert found["found"][8] == "That is no address of a dataset or collection of this catalogue."
    gathered = parse_qs(urlsplit(found["found"][-1]).query)["layer"]
    assert gathered == ["demo-imr/demo-ctd/collection.json", layers[2], layers[1]]
    assert {urlsplit(one).netloc for one in found["asked"]} <= {urlsplit(url).netloc, ""}


HOSTILE = (
    "layer=https://evil.example/x.json", "layer=//evil.example/x.json", "layer=../../evil.json", "layer=a/..%2fb.json",
    "layer=%3Cimg%20src=x%20onerror=alert(1)%3E", "layer=javascript:alert(1)", "add=https://evil.example/x.json",
    "at=evil", "at=1e9,0", "view=0,0,-1", "crs=%22%3E%3Cscript%3E", "from=evil", "depth=evil",
)  # fmt: skip


def test_hostile_addresses_say_one_line_and_ask_nobody(demo, tools, tmp_path):
    _, url = demo
    acts = [("text", "[data-app=compare]"), ("html", "main")]
    start = f"{url}compare/index.html?"
    visits = [{"url": start + query, "acts": acts, "ready": '[data-state="live"]'} for query in HOSTILE]
    for query, found in zip(HOSTILE, opened(tools, tmp_path, *visits), strict=True):
        text, html = found["found"]
        assert found["problems"] == [], query
        assert text.count("Part of this address was not understood") == 1, query
        assert "evil" not in html, query
        assert "alert" not in html, query
        assert {urlsplit(one).netloc for one in found["asked"]} <= {urlsplit(url).netloc, ""}, query


def test_unknown_dataset_says_one_line(demo, layers, tools, tmp_path):
    _, url = demo
    page = {
        "url": address(url, ["demo-imr/demo-ctd/evil.json", layers[1]]),
        "ready": LIST,
        "acts": [("text", "[data-say]"), ("texts", ".layers .name a"), ("html", "main")],
    }
    (found,) = opened(tools, tmp_path, page)
    said, names, html = found["found"]
    assert said.startswith("Part of this address")
    assert len(names) == 1
    assert "evil" not in html


def test_accessible_after_reading(demo, layers, tools, tmp_path):
    _, url = demo
    page = address(url, [layers[1], layers[2], layers[3], WARMTH], at="24.5,74.25")
    visits = [
        {
            "url": page, "width": width, "scheme": scheme, "ready": LIST,
            "acts": [*READ, ("axe", None), ("wide", None), ("whole", f"compare-{scheme}-{width}")],
        }
        for scheme, width in (("light", 1280), ("dark", 1280), ("light", 360))
    ]  # fmt: skip
    for one, found in zip(visits, opened(tools, tmp_path, *visits), strict=True):
        violations, wide, _ = found["found"][-3:]
        assert found["problems"] == []
        assert violations == []
        assert wide <= one["width"]


def test_bare_page_is_light(demo, tools, tmp_path):
    root, url = demo
    found = visit(
        tools, tmp_path, f"{url}compare/index.html", [("axe", None), ("whole", "bare")], ready='[data-state="live"]'
    )
    asked = {one for one in found["asked"] if not one.startswith("data:")}
    assert len(asked) <= 6, asked
    assert transferred(root, list(asked)) <= 70 * KIB
    assert found["found"][0] == []
