"""`iaos process`: each option changes an outcome, and bad input is refused in one line that says what to do."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from lxml import etree

from builder.cli import main


@pytest.fixture
def iaos(capsys):
    """Run a command in this process; return its status, output and errors."""

    def run(*arguments):
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


@pytest.fixture(scope="module")
def grid(tmp_path_factory):
    """A small global grid with two variables and two times."""
    lon, lat = np.arange(2.0, 360, 4), np.arange(60.0, 90, 2)
    ramp = np.broadcast_to(lat[:, None], (2, lat.size, lon.size)) + np.array([0, 100])[:, None, None]
    data = {
        "lon": ("lon", lon, {"standard_name": "longitude"}),
        "lat": ("lat", lat, {"standard_name": "latitude"}),
        "time": ("time", [0.0, 1.0], {"units": "days since 2020-01-01"}),
        "warmth": (("time", "lat", "lon"), ramp, {"units": "K"}),
        "other": (("time", "lat", "lon"), -ramp, {"units": "K"}),
    }
    path = tmp_path_factory.mktemp("grid") / "grid.nc"
    xr.Dataset(data).to_netcdf(path)
    return path


def test_list_and_describe_for_people(iaos):
    status, out, _ = iaos("process", "list")
    assert status == 0
    assert "\nregrid " in f"\n{out}"
    status, out, _ = iaos("process", "describe", "regrid")
    assert "[default 'EPSG:3413']" in out
    assert "map.tif  The map, a COG" in out


def test_describe_as_json_schema_and_ogc_process(iaos):
    from jsonschema_rs import validator_for

    _, out, _ = iaos("process", "describe", "regrid", "--as", "json-schema")
    judge = validator_for(json.loads(out))
    assert judge.is_valid({"variable": "ice", "resolution": 1000})
    assert not judge.is_valid({"resolution": -1})
    assert not judge.is_valid({"resolutoin": 1})
    _, out, _ = iaos("process", "describe", "regrid", "--as", "ogc")
    process = json.loads(out)
    assert {"id", "version", "inputs", "outputs"} <= set(process)  # OGC 18-062r2, tables 9 to 11
    assert process["inputs"]["grid"]["schema"]["oneOf"][0]["contentMediaType"] == "application/netcdf"
    assert process["inputs"]["time"]["schema"]["enum"] == ["first", "last", "mean"]


def test_describe_as_wps_2(iaos):
    _, out, _ = iaos("process", "describe", "regrid", "--as", "wps2")
    assert etree.fromstring(out.encode()).tag == "{http://www.opengis.net/wps/2.0}ProcessOfferings"


def test_describe_as_wps(iaos):
    _, out, _ = iaos("process", "describe", "regrid", "--as", "wps")
    process = etree.fromstring(out.encode()).find("ProcessDescription")
    ows = {"ows": "http://www.opengis.net/ows/1.1"}
    names = process.xpath("DataInputs/Input/ows:Identifier/text()", namespaces=ows)
    assert {"grid", "variable", "time", "step", "crs", "resolution", "resampling", "limits", "palette"} < set(names)
    assert process.xpath(
        "DataInputs/Input[ows:Identifier='south']/LiteralData/DefaultValue/text()", namespaces=ows
    ) == ["50.0"]


def test_run_makes_products_and_tells_their_lineage(iaos, grid, tmp_path):
    out = tmp_path / "out"
    arguments = ("--param", "variable=warmth", "--param", "resolution=200000", "--out", out)
    status, said, _ = iaos("process", "run", "regrid", grid, *arguments)
    assert status == 0
    assert said.splitlines() == [str(out / name) for name in ("map.tif", "map.png", "lineage.json")]
    told = json.loads((out / "lineage.json").read_bytes())
    assert told["lineage"]["parameters"]["resolution"] == 200_000
    assert told["products"][0]["bands"][0]["unit"] == "K"
    with rasterio.open(out / "map.tif") as made:
        assert np.nanmin(made.read(1)) == 160  # the last time step
    assert sorted(path.name for path in out.iterdir()) == ["lineage.json", "map.png", "map.tif"]


def test_parameters_from_a_file_yield_to_those_on_the_line(iaos, grid, tmp_path):
    (tmp_path / "p.yaml").write_text("variable: other\nresolution: 300000\ntime: first\n")
    chosen = ("--params", tmp_path / "p.yaml", "--param", "variable=warmth", "--dry-run")
    status, said, _ = iaos("process", "run", "regrid", f"grid={grid}", *chosen, "--out", tmp_path / "out")
    parameters = json.loads(said)["parameters"]
    assert (status, parameters["variable"], parameters["time"]) == (0, "warmth", "first")
    assert not (tmp_path / "out").exists()


def test_engine_workers_and_cache(iaos, grid, tmp_path):
    chosen = ("--param", "variable=warmth", "--param", "resolution=300000", "--cache", tmp_path / "cache")
    first = iaos("process", "run", "regrid", grid, *chosen, "--out", tmp_path / "a", "--engine", "inline")
    assert first[0] == 0
    assert len(list((tmp_path / "cache").glob("*/map.tif"))) == 1
    again = iaos("process", "run", "regrid", grid, *chosen, "--out", tmp_path / "b", "--workers", "1")
    assert again[0] == 0
    assert (tmp_path / "a/map.tif").read_bytes() == (tmp_path / "b/map.tif").read_bytes()
    wrong = iaos("process", "run", "regrid", grid, *chosen, "--out", tmp_path / "c", "--engine", "spark")
    assert wrong[0] == 2
    assert "unknown engine 'spark' (choose one of: inline" in wrong[2]
    assert iaos("process", "run", "regrid", grid, "--workers", "0")[0] == 2


def test_a_parameter_of_several_kinds_is_refused_in_a_few_words(iaos, grid):
    status, _, err = iaos("process", "run", "ice-stats", grid, "--param", "region=[1,2]")
    assert (status, err.count("region")) == (2, 1)
    assert "parameter `region` is of no kind that it can be (Box [west, south, east, north] in degrees" in err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--param", "resolutoin=5"), "unknown parameter `resolutoin`, did you mean `resolution`?"),
        (("--param", "resolution=wide"), "parameter `resolution`: input should be a valid number"),
        (("--param", "time=noon"), "parameter `time`: input should be 'first', 'last' or 'mean', not 'noon'"),
        (("--param", "variable"), "'variable' is no parameter (write it as NAME=VALUE)"),
        ((), "2 of its variables are maps (choose one of: warmth, other)"),
        (("missing.nc",), "missing.nc: cannot be read: No such file or directory"),
    ],
)
def test_bad_input_is_refused_in_one_line(iaos, grid, tmp_path, arguments, says):
    status, _, err = iaos("process", "run", "regrid", grid, *arguments, "--out", tmp_path / "out")
    assert status == 2
    assert says in err
    assert err.count("\n") == 1
    assert not list(tmp_path.glob("out/*"))


def test_too_few_and_too_many_inputs_are_refused(iaos, grid, tmp_path):
    assert "needs at least 1 input `grid`, not 0" in iaos("process", "run", "regrid")[2]
    assert "takes at most 1 input `grid`, not 2" in iaos("process", "run", "regrid", grid, grid)[2]


def test_addresses_and_stac_items_are_inputs(iaos, grid, tmp_path, httpserver):
    httpserver.expect_request("/data/grid.nc").respond_with_data(grid.read_bytes())
    asset = {"href": "../data/grid.nc", "type": "application/netcdf", "roles": ["data"]}
    closed = {**asset, "auth:refs": ["login"]}
    item = {"type": "Feature", "id": "one", "assets": {"other": {**asset, "roles": ["metadata"]}, "grid": asset}}
    httpserver.expect_request("/items/one.json").respond_with_json(item)
    httpserver.expect_request("/items/shut.json").respond_with_json({**item, "assets": {"grid": closed}})
    (tmp_path / "items").mkdir()
    (tmp_path / "data").mkdir()
    (tmp_path / "items/one.json").write_text(json.dumps(item))
    (tmp_path / "data/grid.nc").write_bytes(grid.read_bytes())
    address = httpserver.url_for("/data/grid.nc")
    chosen = ("--param", "variable=warmth", "--param", "resolution=300000", "--dry-run")
    lineages = []
    for given in (address, httpserver.url_for("/items/one.json"), httpserver.url_for("/items/one.json#other")):
        status, out, err = iaos("process", "run", "regrid", given, *chosen)
        assert status == 0, err
        lineages.append(json.loads(out)["inputs"])
    assert lineages == [[{"slot": "grid", "href": address, "sha256": lineages[0][0]["sha256"]}]] * 3
    status, out, _ = iaos("process", "run", "regrid", f"grid={tmp_path / 'items/one.json'}", *chosen)
    assert json.loads(out)["inputs"][0]["sha256"] == lineages[0][0]["sha256"]
    for given, says in (
        (httpserver.url_for("/items/one.json#none"), "the item has no asset 'none' (name one after #: other, grid)"),
        (httpserver.url_for("/items/shut.json"), "no data file for the input `grid`"),
        (httpserver.url_for("/gone.nc"), "500"),
    ):
        status, _, err = iaos("process", "run", "regrid", given, *chosen)
        assert status in {2, 3}
        assert says in err


def test_an_input_that_reads_documents_gets_local_ones_as_they_are(tmp_path):
    from builder.processing.given import inputs_of
    from processors.registry import find_processor

    item = tmp_path / "item.json"
    item.write_text(json.dumps({"type": "Feature", "assets": {"data": {"href": "./a.nc", "roles": ["data"]}}}))
    geostat = find_processor("geostat")
    found = inputs_of(geostat, [(None, str(item)), ("grid", str(item))], tmp_path)
    assert [one.path for slot in ("observations", "grid") for one in found[slot]] == [item, item]
    (tmp_path / "a.nc").write_bytes(b"CDF")
    found = inputs_of(geostat, [(None, f"{item}#data")], tmp_path)
    assert found["observations"][0].path == tmp_path / "a.nc"
