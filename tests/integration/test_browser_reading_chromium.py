"""Values read in a real Chromium on the demo site equal xarray's; the printed code gives the same; axe is content."""

from __future__ import annotations

import io
import json
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import netCDF4
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from lxml import html
from pyproj import CRS, Proj

from builder.demo import running_demo
from builder.enrich.guard import file_kind
from builder.enrich.references import build_references
from builder.resources import site_folder
from builder.serve import serve
from tests.browser import chromium, opened
from tests.integration.test_browser_boxes import write_bent

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).with_name("read_check.mjs")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out = tmp_path_factory.mktemp("demo") / "catalog"
    with running_demo(out, lambda task: None, port), serve(out.parent) as server:
        yield out, f"{server.url}catalog/"  # below a path, as in a bucket


def visit(demo, tools, tmp_path, pattern, address=None, **more):
    """Read all that an item's page offers, or the page at an address does; the file itself and what the page showed."""
    out, url = demo
    page = min(out.glob(pattern))
    item = json.loads(page.with_suffix(".json").read_bytes())
    command = [
        "node",
        str(SCRIPT),
        address or url + page.relative_to(out).as_posix(),
        chromium(),
        str(tmp_path),
        json.dumps(more),
    ]
    done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    with urllib.request.urlopen(item["assets"]["data"]["href"]) as answer:
        (tmp_path / "data.nc").write_bytes(answer.read())
    found = json.loads(done.stdout)
    assert found["problems"] == []
    hosts = {urlsplit(item["assets"]["data"]["href"]).netloc, urlsplit(url).netloc, urlsplit(address or url).netloc, ""}
    assert {urlsplit(asked).netloc for asked, _ in found["asked"]} <= hosts
    return tmp_path / "data.nc", {one["kind"]: one for one in found["read"]}, found


def table(one):
    return pd.read_csv(io.StringIO(one["csv"]), comment="#")


def test_profiles_of_a_cruise(demo, tools, tmp_path):
    path, read, found = visit(demo, tools, tmp_path, "demo-imr/demo-ctd/ctd-*.html")
    assert {"series", "profile", "subset"} <= read.keys()
    assert "requests" in read["profile"]["price"]
    assert read["profile"]["plots"] == 1
    with xr.open_dataset(path) as dataset:
        name = table(read["profile"]).columns[-1].split(" ")[0]
        wanted = dataset[name].to_numpy()
        profile = table(read["profile"]).iloc[:, -1].to_numpy()
        assert any(np.allclose(profile, cast, rtol=2e-7, equal_nan=True) for cast in wanted)
        assert np.allclose(table(read["subset"]).iloc[:, -1], wanted.ravel(), rtol=2e-7, equal_nan=True)
    assert any(span.startswith("bytes=") for _, span in found["asked"])
    code = read["profile"]["code"].replace("part.nc", str(tmp_path / "part.nc"))
    out, _ = demo
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=out, capture_output=True, text=True, check=False, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    with xr.open_dataset(tmp_path / "part.nc") as part:
        assert np.allclose(part[name].to_numpy().ravel(), profile, rtol=2e-7, equal_nan=True)


def test_a_map_of_ice_and_a_box_cut_out_of_it(demo, tools, tmp_path):
    box = {"west": "170", "south": "70", "east": "-150", "north": "85"}
    path, read, _ = visit(demo, tools, tmp_path, "demo-bremen/demo-sea-ice/ice-*.html", fields={"subset": box})
    assert read["map"]["plots"] == 1
    with xr.open_dataset(path) as dataset:
        wanted = dataset["ice_conc"].to_numpy()
        code = dataset["crs"].attrs["crs_wkt"]
        x, y = np.meshgrid(dataset.x, dataset.y)
    assert np.allclose(table(read["map"]).iloc[:, -1], wanted.ravel(), rtol=2e-7, equal_nan=True)
    lon, lat = Proj(CRS(code))(x, y, inverse=True)
    inside = (lat >= 70) & (lat <= 85) & ((lon - 170) % 360 <= 40)
    cut = table(read["subset"])
    assert 10 < inside.sum() == len(cut)
    assert np.allclose(cut.iloc[:, -1], wanted[0][inside], rtol=2e-7, equal_nan=True)
    assert np.allclose(cut["latitude [degrees_north]"], lat[inside], rtol=0, atol=1e-6)


def test_the_panel_works_in_a_frame_on_another_site(demo, tools, tmp_path):
    out, url = demo
    page = min(out.glob("demo-imr/demo-ctd/ctd-*.html"))
    (code,) = [one.text_content() for one in html.parse(page).xpath("//code[contains(text(), '<iframe')]")]
    whole = code.replace('src="', f'src="{url}')  # without a base URL the code has the path
    other = tmp_path / "other"
    other.mkdir()
    words = '<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Other</title><h1>Other</h1>'
    (other / "index.html").write_text(f"{words}{whole}")
    with serve(other) as elsewhere:
        address = f"{elsewhere.url}index.html"
        path, read, found = visit(demo, tools, tmp_path, "demo-imr/demo-ctd/ctd-*.html", address, frame=True)
    assert urlsplit(elsewhere.url).netloc != urlsplit(url).netloc
    with xr.open_dataset(path) as dataset:
        name = table(read["subset"]).columns[-1].split(" ")[0]
        wanted = dataset[name].to_numpy().ravel()
    assert np.allclose(table(read["subset"]).iloc[:, -1], wanted, rtol=2e-7, equal_nan=True)
    assert found["wide"] <= 480


def test_the_panel_works_on_a_telephone_in_the_dark(demo, tools, tmp_path):
    _, read, found = visit(demo, tools, tmp_path, "demo-geus/demo-weather/*.html", width=360, scheme="dark")
    assert read["series"]["plots"] == 1
    assert read["series"]["rows"] > 10
    assert found["wide"] <= 360


ALONE = """<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>Read</title>
<section data-app="read" data-references="model.json" data-words="{}"><button data-start hidden>Read</button>
<p data-say></p></section><script type="module" src="app/page.js"></script>"""


def test_a_period_of_a_model_calendar_is_asked_for_in_the_numbers_of_the_file(tools, tmp_path):
    shutil.copytree(site_folder() / "static" / "app", tmp_path / "app")
    path = tmp_path / "model.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, said, values in (
            ("time", {"units": "days since 2000-01-01", "calendar": "360_day"}, [0, 10, 20, 30]),
            ("depth", {"units": "m", "positive": "down", "missing_value": -9.0}, [-9, 5]),
        ):
            file.createDimension(name, len(values))
            file.createVariable(name, "f8", (name,)).setncatts(said)
            file[name][:] = values
        file.createVariable("v", "f8", ("time", "depth"))[:] = np.arange(8).reshape(4, 2)
    (tmp_path / "index.html").write_text(ALONE)
    ready, answered = "form button:not([disabled])", '[data-done="series"]'
    acts = [("click", "[data-start]"), ("wait", ready), ("texts", "select[name=depth] option")]
    acts += [("fill", ("input[name=from]", "10")), ("fill", ("input[name=to]", "20")), ("press", "Tab")]
    acts += [("wait", ready), ("click", "form button"), ("wait", answered), ("download", 0)]
    with serve(tmp_path) as server:
        made, _, _ = build_references(path, file_kind(path), path.name)
        path.with_suffix(".json").write_bytes(made.aimed(f"{server.url}model.nc"))
        (found,) = opened(tools, tmp_path, {"url": server.url, "acts": acts, "ready": "[data-start]:not([hidden])"})
    assert found["problems"] == []
    assert found["found"][2] == ["5 m"]
    assert table({"csv": found["found"][-1]}).to_numpy().tolist() == [[10, 5, 3], [20, 5, 5]]


def test_what_cannot_be_asked_is_said_and_something_else_can_be(tools, tmp_path):
    shutil.copytree(site_folder() / "static" / "app", tmp_path / "app")
    write_bent(tmp_path / "model.nc", 700)
    with netCDF4.Dataset(tmp_path / "model.nc", "a") as file:
        file.createVariable("sum", "f8", ("x",))[:] = np.arange(1000)
    (tmp_path / "index.html").write_text(ALONE.replace('"{}"', """'{"trouble.heavy": "{detail} is too large"}'"""))
    ready = "form button:not([disabled])"
    acts = [
        ("click", "[data-start]"),
        ("wait", "form ~ p[role=status]:not(:empty)"),
        ("texts", "form ~ p[role=status]"),
    ]
    acts += [("text", "form button"), ("click", "form button"), ("text", "form ~ p[role=status]")]
    acts += [("choose", ("variable", "sum")), ("wait", ready), ("click", "form button"), ("wait", "[data-done]")]
    acts += [("download", 0)]
    path = tmp_path / "model.nc"
    with serve(tmp_path) as server:
        made, _, _ = build_references(path, file_kind(path), path.name)
        path.with_suffix(".json").write_bytes(made.aimed(f"{server.url}model.nc"))
        (found,) = opened(tools, tmp_path, {"url": server.url, "acts": acts, "ready": "[data-start]:not([hidden])"})
    assert found["problems"] == []
    assert found["found"][2:6] == [["lon is too large"], "again", None, "lon is too large"]
    assert table({"csv": found["found"][-1]}).iloc[:, -1].tolist() == list(range(1000))


AWAY = """<script>const near = window.fetch; let back = false;
const offered = () => [...document.querySelectorAll("form button")].some((one) => one.textContent === "again");
window.fetch = (url, how) => String(url.url ?? url).includes("model.nc") && !(back ||= offered())
  ? Promise.reject(new TypeError("the network is away")) : near(url, how);</script>"""
"""A network that is away until the page offers to try again."""


def test_a_question_that_could_not_be_put_is_put_when_tried_again(tools, tmp_path):
    shutil.copytree(site_folder() / "static" / "app", tmp_path / "app")
    path = tmp_path / "model.nc"
    write_bent(path, 500)
    (tmp_path / "index.html").write_text(ALONE.replace("<section", f"{AWAY}<section"))
    acts = [("click", "[data-start]"), ("wait", "form ~ p[role=status]:not(:empty)"), ("text", "form button")]
    acts += [
        ("click", "form button"),
        ("wait", "form input[name=lat]"),
        ("wait", "form button:not([disabled])"),
        ("text", "form button"),
    ]
    with serve(tmp_path) as server:
        made, _, _ = build_references(path, file_kind(path), path.name)
        path.with_suffix(".json").write_bytes(made.aimed(f"{server.url}model.nc"))
        (found,) = opened(tools, tmp_path, {"url": server.url, "acts": acts, "ready": "[data-start]:not([hidden])"})
    assert found["problems"] == []
    assert found["found"][2] == "again"
    assert found["found"][-1] == "read.series"


PLAIN = """
const puppeteer = require(require.resolve("puppeteer-core", { paths: [process.cwd()] }));
(async () => {
  const browser = await puppeteer.launch({ executablePath: process.argv[2], args: ["--no-sandbox"] });
  const page = await browser.newPage();
  await page.setJavaScriptEnabled(false);
  await page.goto(process.argv[1], { waitUntil: "load" });
  const seen = await page.evaluate(() => ({
    words: document.querySelector("main").innerText,
    buttons: [...document.querySelectorAll("main button")].filter((one) => one.offsetParent).length,
    shapes: [...document.querySelectorAll("main svg path")].filter((one) => one.getBoundingClientRect().width).length,
    files: [...document.querySelectorAll("main table a")].map((one) => one.href),
  }));
  await page.emulateMediaType("print");
  const display = (one) => getComputedStyle(document.querySelector(one)).display;
  seen.printed = await page.evaluate(`["nav", "h1", "#cite"].map(${display})`);
  console.log(JSON.stringify(seen));
  await browser.close();
})();
"""


def test_without_javascript_an_item_is_readable_and_offers_nothing_that_would_not_work(demo, tools):
    out, url = demo
    page = min(out.glob("demo-imr/demo-ctd/ctd-*.html"))
    command = ["node", "-e", PLAIN, url + page.relative_to(out).as_posix(), chromium()]
    done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    item = json.loads(page.with_suffix(".json").read_bytes())
    assert item["properties"]["title"] in seen["words"]
    assert item["assets"]["data"]["href"] in seen["files"]
    assert "requests" in seen["words"]  # what reading costs is said all the same
    assert seen["shapes"] > 2
    assert seen["buttons"] == 0
    assert seen["printed"] == ["none", "block", "block"]  # on paper without the menu
