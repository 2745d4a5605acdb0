"""The demo, end to end: real protocols over loopback, and what independent readers make of the result."""

from __future__ import annotations

import itertools
import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import lxml.html
import numpy as np
import pytest
from click.testing import CliRunner

from builder.cli import group
from builder.demo import running_demo
from builder.demo.science import CTD_YEARS, ICE_DAYS, SHIPS, STATIONS
from builder.serve import serve
from tests.pageweight import too_heavy

ROOT = Path(__file__).resolve().parents[2]
EXPEDITIONS_SHOWN = {990001, 990002, 990003, 990004, 990006, 990007}
"""Of the eight in builder/demo/expeditions.yaml: 990005 is in review and 990008 withdrawn."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ignore(task):
    pass


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    out = tmp_path_factory.mktemp("demo") / "catalog"
    with running_demo(out, ignore, free_port()) as report:
        yield out, report


def objects(out, name):
    return [json.loads(file.read_bytes()) for file in sorted(out.rglob(name))]


def items(out, collection):
    (folder,) = [file.parent for file in out.rglob("collection.json") if file.parent.name == collection]
    found = [json.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))]
    return [item for item in found if item.get("type") == "Feature"]


def test_nothing_was_left_out(demo):
    _, report = demo
    assert report.exit_status == 0, report.to_markdown()
    assert {c.id: (c.failed, c.complete) for c in report.collections} == dict.fromkeys(
        (
            "demo-backscatter",
            "demo-ctd",
            "demo-expeditions",
            "demo-hydrophone",
            "demo-ice-areas",
            "demo-ice-maps",
            "demo-ice-statistics",
            "demo-radar",
            "demo-sea-ice",
            "demo-snow",
            "demo-sound-levels",
            "demo-sound-spectra",
            "demo-temperature",
            "demo-weather",
        ),
        (False, True),
    )


def test_every_partner_is_there(demo):
    out, _ = demo
    assert len(items(out, "demo-ctd")) == len(SHIPS) * len(CTD_YEARS)
    assert len(items(out, "demo-sea-ice")) == len(ICE_DAYS)
    assert len(items(out, "demo-weather")) == len(STATIONS)
    stac = [o for o in objects(out / "demo-awi", "*.json") if o.get("type") in {"Feature", "Collection"}]
    shown = {doi for o in stac if (doi := o.get("properties", o).get("sci:doi"))}
    assert shown == {f"10.1594/PANGAEA.{number}" for number in EXPEDITIONS_SHOWN}


def test_restricted_data_has_no_open_asset(demo):
    out, _ = demo
    (restricted,) = [i for i in items(out, "demo-expeditions") if i["properties"].get("sci:doi", "").endswith("990004")]
    for asset in restricted["assets"].values():
        if "data" in asset.get("roles", []):
            assert asset.get("auth:refs"), asset


def test_the_date_line_and_the_pole(demo):
    import shapely

    out, _ = demo
    by_doi = {i["properties"]["sci:doi"][-6:]: i for i in items(out, "demo-expeditions")}
    drift = by_doi["990003"]
    west, _, east, _ = drift["bbox"]
    assert west > east  # RFC 7946 section 5.2
    assert drift["geometry"]["type"] in {"MultiPolygon", "Point", "MultiPoint"}
    ice = shapely.geometry.shape(items(out, "demo-sea-ice")[0]["geometry"])
    assert ice.is_valid
    assert ice.covers(shapely.Point(0, 90)) or ice.bounds[3] == 90
    assert ice.covers(shapely.Point(-45, 85))
    assert ice.covers(shapely.Point(170, 75))


def test_every_page_is_within_the_budget(demo):
    assert too_heavy(demo[0].resolve()) == []


def test_layers_of_maps_are_titled_in_words(demo):
    (item,) = items(demo[0], "demo-temperature")
    titles = {name: asset.get("title", "") for name, asset in item["assets"].items()}
    assert titles["std.tif"] == "Sea water temperature: standard error"
    assert titles["p_gt_4.tif"] == "Probability that sea water temperature is above 4 degC"
    assert [title for title in titles.values() if "TEMP" in title] == []


def test_pystac_client_walks_all_of_it(demo):
    import pystac_client

    out, report = demo
    with serve(out) as server:
        client = pystac_client.Client.open(f"{server.url}catalog.json")
        walked = [item.id for item in client.get_items(recursive=True)]
    assert len(walked) == len(set(walked)) == sum(len(items(out, c.id)) for c in report.collections)


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (ROOT / page).read_text(), re.DOTALL | re.MULTILINE)


def commands(page):
    """Commands of `iaos` in the console blocks of a page, each with the lines shown below it."""
    for block in blocks(page, "console"):
        for part in re.split(r"^\$ ", block.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, *shown = part.splitlines()
            if command.startswith("iaos "):
                yield command, shown


def fetched(out, collection, folder):
    """Fetch the data files of a collection from the invented partners."""
    for item in items(out, collection):
        href = item["assets"]["data"]["href"]
        file = folder / href.rsplit("/", 1)[1]
        file.write_bytes(urllib.request.urlopen(href).read())
        yield file


def test_the_python_of_the_readme_and_the_pages_runs_as_it_stands(demo, tmp_path):
    """All in one interpreter, which has nothing to say on stderr; sea-ice.md from its end, where the scene is made."""
    out, _ = demo
    ice, day = "demo-bremen/demo-sea-ice", items(out, "demo-sea-ice")[0]["id"]
    pages = ("README.md", "docs/reading.md", "docs/search.md")
    code = [code for page in pages for code in blocks(page, "python")] + blocks("docs/sea-ice.md", "python")[::-1]
    assert len(code) == 1 + 2 + 3 + 2
    with serve(out) as server:
        there = {
            "http://127.0.0.1:8000/": server.url,
            "https://example.org/catalog/nersc/ice/day0": f"{server.url}{ice}/{day}",
            "https://example.org/catalog/nersc/ice/references/day0": f"{server.url}{ice}/references/{day}",
            'protocol="https"': 'protocol="http"',
            "lines=1500": "lines=700",
            'Path("S1A_EW_GRDM_1SDH_20221130T014342_20221130T014446_046117_058549_BB15.SAFE")': "made.safe",
        }
        script = "\n".join(
            ["catalogue, items = " + repr((server.url, str(out / "demo-awi/demo-expeditions/items.parquet"))), *code]
        )
        assert [stand_in for stand_in in there if stand_in not in script] == []
        script = replaced(script, there)
        script += "\nprint(series.ice_conc.size, ice.sizes['time'], len(near_the_pole), len(frame), values.shape[0])"
        done = subprocess.run(
            [sys.executable, "-c", script],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.stderr, done.returncode) == ("", 0)
    north = [item["bbox"][3] for item in items(out, "demo-expeditions")]
    assert list(map(int, done.stdout.split()[-5:])) == [1, 1, sum(edge > 84 for edge in north), len(north), 512]


def test_the_commands_of_the_pages_do_what_is_shown(demo, tmp_path, monkeypatch):
    out, _ = demo
    monkeypatch.chdir(tmp_path)
    Path("catalog").symlink_to(out)
    cast = next(file.name for file in fetched(out, "demo-ctd", tmp_path) if file.name.startswith("58GT"))
    next(fetched(out, "demo-sea-ice", tmp_path)).rename("ice.nc")
    height, sigma0 = sorted(fetched(out, "demo-backscatter", tmp_path))
    for copy in ("sigma0.tif", "S1A_20221130_sigma0_hh.tif", "S1A_20221130_sigma0_hv.tif"):
        shutil.copy(sigma0, copy)
    shutil.copy(height, "arcticdem.tif")
    height.rename("dem.tif")
    Path("params.yaml").write_text(blocks("docs/band-maths.md", "yaml")[0])
    partner = "/".join(items(out, "demo-backscatter")[0]["assets"]["data"]["href"].split("/")[:3])
    ice = "demo-bremen/demo-sea-ice"
    ran = 0
    with serve(out) as server:
        there = {
            "https://example.org/catalog/nersc/ice/day0": f"{server.url}{ice}/{items(out, 'demo-sea-ice')[0]['id']}",
            " collection.json": f" catalog/{ice}/collection.json",
            "58GT_CTD_2003.nc": cast,
            "--within 20 ": "--within 200 ",
            "https://data.example.org/catalog": server.url,
            " > oden.geojson": "",
            "https://thredds.example.org/thredds/catalog.html": f"{partner}/thredds/snow/catalog.xml",
        }
        for page in ("reading", "search", "definitions", "processing", "band-maths"):
            for command, shown in commands(f"docs/{page}.md"):
                text = replaced(command, there)
                words = [
                    w
                    for word in shlex.split(text)[1:]
                    for w in (sorted(map(str, Path().glob(word))) if word == "*.tif" else [word])
                ]
                done = CliRunner().invoke(group, words, standalone_mode=False, catch_exceptions=False)
                assert done.return_value == 0, (command, done.output)
                assert set(map(roughly, shown)) <= set(map(roughly, done.stdout.splitlines())), (command, done.output)
                ran += 1
    assert ran == 3 + 4 + 3 + 2 + 2


def replaced(text, stand_ins):
    for stand_in, real in stand_ins.items():
        text = text.replace(stand_in, real)
    return text


def roughly(line):
    """Blot out sizes, which are those of another file, but not their order of magnitude."""
    return re.sub(r"[\d.]+( kB)?", "#", line)


def test_every_collection_belongs_to_a_sphere(demo):
    out, report = demo
    named = [collection["id"] for collection in objects(out, "collection.json") if "themes" in collection]
    assert set(named) >= {collection.id for collection in report.collections}


def test_every_reference_gives_what_the_file_holds(demo, tmp_path):
    import xarray as xr

    out, _ = demo
    checked = 0
    for file in sorted(out.rglob("*.json")):
        item = json.loads(file.read_bytes())
        if item.get("type") != "Feature" or "references" not in item.get("assets", {}):
            continue
        asset = item["assets"]["references"]
        reference = str((file.parent / asset["href"]).resolve())
        (source,) = [a["href"] for k, a in item["assets"].items() if a["href"].endswith(".nc") and "data" in a["roles"]]
        local = tmp_path / f"{checked}.nc"
        local.write_bytes(urllib.request.urlopen(source).read())
        with xr.open_dataset(local, engine="netcdf4") as truth, xr.open_dataset(reference, engine="kerchunk") as got:
            assert set(got.variables) == set(truth.variables)
            for name in truth.variables:
                np.testing.assert_array_equal(got[name].values, truth[name].values, err_msg=f"{item['id']} {name}")
        checked += 1
    assert checked == len(SHIPS) * len(CTD_YEARS) + len(ICE_DAYS) + len(STATIONS)


def test_casts_hold_sea_water_of_the_arctic(demo):
    """Between freezing and 10 degrees, and with the salinity of Polar to Atlantic Water."""
    import iaos

    out, _ = demo
    for item in items(out, "demo-ctd"):
        cast = iaos.open(out / "demo-imr" / "demo-ctd" / f"{item['id']}.json").load()
        assert -2 < float(cast["TEMP"].min()) < float(cast["TEMP"].max()) < 10
        assert 33 < float(cast["PSAL"].min()) < float(cast["PSAL"].max()) < 36


def test_the_hydrophone_hears_the_ship_and_the_seals_through_references(demo):
    """What `processors.acoustics.synth.Deployment` says was there: a ship at hour 30.5, an hour without a recording."""
    import iaos

    out, _ = demo
    (levels,), (spectra,) = items(out, "demo-sound-levels"), items(out, "demo-sound-spectra")
    with serve(out) as server:
        address = f"{server.url}demo-listening/demo-sound-levels/{levels['id']}.json"
        octaves = iaos.open(address).load()
    local = iaos.open(out / "demo-listening/demo-sound-spectra" / f"{spectra['id']}.json")
    assert octaves.sizes["time"] == 47
    start = octaves["time"].values.astype("datetime64[h]")
    assert np.datetime64("2018-04-20T17", "h") not in start
    broadband = (10 ** (octaves["band_level"] / 10)).sum("frequency")
    assert start[int(broadband.argmax())] in {np.datetime64("2018-04-21T06", "h"), np.datetime64("2018-04-21T07", "h")}
    quiet = float(local["psd"].sel(frequency=100).quantile(0.1, "time"))
    assert abs(quiet - 75) < 3, "the level of the ambient noise at 100 Hz"
    assert len([link for link in levels["links"] if link["rel"] == "derived_from"]) == 47
    roles = {role for asset in spectra["assets"].values() for role in asset["roles"]}
    assert {"data", "references", "overview", "visual"} <= roles
    page = (out / "demo-listening/demo-sound-spectra" / f"{spectra['id']}.html").read_text()
    code = next(block for block in lxml.html.fromstring(page).xpath("//pre/code/text()") if "refs_as_store" in block)
    for where in (f"{server.url}", f"{out}/"):
        with serve(out, int(server.url.split(":")[2].strip("/"))):
            told = subprocess.run(
                [sys.executable, "-c", code.replace('"./"', json.dumps(where)) + "\nprint(float(dataset.psd.max()))"],
                capture_output=True,
                text=True,
                check=True,
            )
        assert float(told.stdout.splitlines()[-1]) == float(local["psd"].max())
    assert '<img class="preview" src="./data/demo-sound-spectra/spectrogram.png"' in page


def test_the_kriged_map_is_what_the_casts_were_drawn_from(demo):
    """`builder.demo.science.temperature` at 25 m, which is 25.25 dbar there, within the map's own standard errors."""
    import rasterio
    from pyproj import Transformer

    import iaos
    from builder.demo.science import temperature

    out, _ = demo
    (item,) = items(out, "demo-temperature")
    assert item["properties"]["title"].startswith("Sea water temperature at 25 m on 2018-")
    assert item["properties"]["title"].endswith(", kriged")
    folder = out / "demo-imr/demo-temperature"
    with rasterio.open(folder / item["assets"]["p_gt_4.tif"]["href"]) as file:
        above = file.read(1, masked=True).compressed()
    assert ((above > 0.9).mean() > 0.1) & ((above < 0.1).mean() > 0.1)
    bands = {}
    for name in ("estimate", "std"):
        with rasterio.open(folder / item["assets"][f"{name}.tif"]["href"]) as file:
            bands[name], crs, place = file.read(1), file.crs, file.transform
    rows, columns = np.indices(bands["estimate"].shape)
    x, y = place.c + (columns + 0.5) * place.a, place.f + (rows + 0.5) * place.e
    _, latitude = Transformer.from_crs(crs, 4326, always_xy=True).transform(x, y)
    ratio = (bands["estimate"] - temperature(latitude, np.array(25.25))) / bands["std"]
    known = np.isfinite(ratio) & (latitude > 71) & (latitude < 80)
    assert known.sum() > 1000
    assert 0.5 < np.sqrt(np.mean(ratio[known] ** 2)) < 2
    assert np.array_equal(iaos.open(folder / "demo-temperature.json")["TEMP"][0, 0], bands["estimate"], equal_nan=True)
    assert len([link for link in item["links"] if link["rel"] == "derived_from"]) == len(SHIPS)
    assert item["assets"]["estimate.tif"]["geostat:quality"] == "green"
    page = (folder / "demo-temperature.html").read_text()
    for shown in ("map_estimate.png", "map_std.png", "variogram.png", "report.html"):
        assert f"./data/demo-temperature/{shown}" in page


def test_ice_statistics_follow_the_invented_edge(demo):
    """What `builder.demo.science.write_ice` draws: an edge that retreats by 9 km a day and widens over 400 km."""
    from pyproj import Transformer

    out, _ = demo
    (item,) = items(out, "demo-ice-statistics")
    assert item["bbox"] == [-180, 60, 180, 90]
    assert len([link for link in item["links"] if link["rel"] == "derived_from"]) == len(ICE_DAYS)
    folder = out / "demo-bremen/demo-ice-statistics/data/demo-ice-statistics"
    series = json.loads((folder / "statistics.json").read_bytes())["series"]
    assert [row["date"] for row in series] == [f"{day:%Y-%m-%d}" for day in ICE_DAYS]
    assert all(after["extent_km2"] < before["extent_km2"] for before, after in itertools.pairwise(series))
    last = json.loads((folder / "edges.geojson").read_bytes())["features"][-1]
    lines = [np.array(line) for line in last["geometry"]["coordinates"]]
    lon, lat = np.concatenate(lines).T
    x, y = Transformer.from_crs(4326, 3413, always_xy=True).transform(lon, lat)
    edge = 1_900_000 + 250_000 * np.cos(3 * np.arctan2(y, x)) - 9_000 * 9 - 0.15 * 400_000
    assert np.abs(np.hypot(x + 250_000, y - 250_000) - edge).max() < 5_000


def test_the_radar_scene_is_mapped_and_its_ice_summed(demo):
    """The scene lies at `builder.demo.ice.PLACE`; both processors must find the same area of ice in it."""
    import rasterio
    import shapely

    from builder.demo.ice import PLACE

    out, _ = demo
    (item,) = items(out, "demo-ice-maps")
    assert shapely.geometry.shape(item["geometry"]).covers(shapely.Point(PLACE))
    assert item["properties"]["sar:instrument_mode"] == "EW"
    assert {"/sar/", "/sat/", "/render/", "/view/"} <= {f"/{uri.split('/')[3]}/" for uri in item["stac_extensions"]}
    assert any("not validated on real charts" in line for line in item["properties"]["description"].splitlines())
    (folder,) = (out / "demo-radar-archive/demo-ice-maps/data").iterdir()
    told = json.loads(next(folder.glob("*_stats.json")).read_bytes())
    summed = out / "demo-radar-archive/demo-ice-areas/data/demo-ice-areas/statistics.json"
    (scene,) = json.loads(summed.read_bytes())["scenes"]
    assert scene["ice_km2"] == pytest.approx(told["ice_km2"], rel=1e-6)
    assert scene["ice_km2"] > 500
    with rasterio.open(next(folder.glob("*_iceclass.tif"))) as file:
        assert set(np.unique(file.read(1))) == {0, 1, 2, 3}
        assert file.colormap(1)[2] == (220, 30, 30, 255)


def test_band_maths_tells_the_invented_snow_from_ice(demo):
    """What `builder.demo.snow` draws: wet snow below 700 m, bare ice up to 1500 m, frozen snow above."""
    import rasterio

    out, _ = demo
    (item,) = items(out, "demo-snow")
    assert {one["name"] for one in item["assets"]["map.tif"]["classification:classes"]} >= {"wet_snow", "bare_ice"}
    assert item["bbox"][1] > 72
    folder = out / "demo-glaciers/demo-snow/data/demo-snow"
    (height,) = (asset for one in items(out, "demo-backscatter") for asset in one["assets"].values()
                 if asset["href"].endswith("height_20180715.tif"))  # fmt: skip
    with rasterio.MemoryFile(urllib.request.urlopen(height["href"]).read()) as memory, memory.open() as file:
        metres = np.kron(file.read(1), np.ones((5, 5)))
    with rasterio.open(folder / "map.tif") as file:
        classes = file.read(1)
    for low, high, value in ((100, 600, 10), (800, 1400, 20), (1600, 9000, 30)):
        there = (metres > low) & (metres < high)
        assert (classes[there] == value).mean() > 0.95
    assert '<img class="preview" src="./data/demo-snow/map.png"' in (folder.parents[1] / "demo-snow.html").read_text()


def test_the_notebooks_run_as_they_stand(demo, tmp_path):
    """The scripts below docs/notebooks (jupytext, percent format), each in a folder and an interpreter of its own."""
    out, _ = demo
    notebooks = sorted((ROOT / "docs/notebooks").glob("*.py"))
    assert [file.stem for file in notebooks] == ["own_data", "temperature_map"]
    with serve(out) as server:
        for file in notebooks:
            folder = tmp_path / file.stem
            folder.mkdir()
            environment = {**os.environ, "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}
            environment["IAOS_CATALOG"] = f"{server.url}catalog.json"
            done = subprocess.run(
                [sys.executable, str(file)], cwd=folder, env=environment, capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr[-2000:]
            assert {"own_data": "['map.png', 'map.tif']", "temperature_map": "'estimate.tif'"}[file.stem] in done.stdout


def test_the_days_of_sea_ice_stack(demo, tmp_path):
    import xarray as xr

    out, _ = demo
    (combined,) = out.rglob("demo-sea-ice/references.json")
    with xr.open_dataset(str(combined), engine="kerchunk") as series:
        assert series.sizes["time"] == len(ICE_DAYS)
        assert np.all(np.diff(series["time"].values) == np.timedelta64(1, "D"))
        edge = (series["ice_conc"] > 0.15).sum(("y", "x")).values
    assert np.all(np.diff(edge) < 0)  # the invented edge retreats every day


def test_every_object_is_valid(demo):
    done = subprocess.run(
        [sys.executable, "-m", "builder", "validate", str(demo[0])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


def test_pystac_finds_nothing_wrong(demo):
    import pystac

    out, _ = demo
    root = pystac.Catalog.from_file(str(out / "catalog.json"))
    assert root.validate is not None
    ids = [child.id for child in root.get_children()]
    assert ids == sorted(ids)
    for collection in root.get_all_collections():
        assert collection.extent.temporal.intervals[0][0] is not None


@pytest.mark.slow
def test_another_run_gives_the_same_bytes(demo, tmp_path):
    out, _ = demo
    partner_port = next(iter(items(out, "demo-sea-ice")))["assets"]["data"]["href"].split(":")[2].split("/")[0]
    second = tmp_path / "elsewhere"
    code = (
        "import sys; from pathlib import Path; from builder.demo import write_definitions; "
        "from builder.build import Request, build; "
        "folder = Path(sys.argv[1]); write_definitions(folder / 'collections', sys.argv[2]); "
        "build(Request(folder / 'collections', folder / 'catalog', folder / 'state'), lambda task: None)"
    )
    variation = {"PYTHONHASHSEED": "1", "TZ": "Pacific/Auckland", "LANG": "C"}
    environment = {**os.environ, **variation, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-c", code, str(second), f"http://127.0.0.1:{partner_port}"],
        env=environment,
        cwd=tmp_path,
        check=True,
    )
    first, again = tree(out), tree(second / "catalog")
    assert sorted(path for path in first | again if first.get(path) != again.get(path)) == []


def tree(folder):
    return {str(f.relative_to(folder)): f.read_bytes() for f in sorted(folder.rglob("*")) if f.is_file()}
