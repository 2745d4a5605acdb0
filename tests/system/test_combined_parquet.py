"""A collection whose granules have many chunks: one combined reference in Parquet, opened over HTTP as published."""

from __future__ import annotations

import json

import netCDF4
import numpy as np
import pytest

import iaos
from builder.build import Request, build
from builder.checks.references import check_references
from builder.serve import serve
from tests.system.test_page_snippets import DEFINITION, PLACE, blocks, run

DAYS = 3
SIDE = 20
"""Chunks along each side of a day's grid: 400 a day, so that a day is a JSON document and three are a folder."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    base = tmp_path_factory.mktemp("combined")
    folder, out = base / "collections" / "grids", base / "out"
    folder.mkdir(parents=True)
    out.mkdir()
    for day in range(DAYS):
        with netCDF4.Dataset(folder / f"day{day}.nc", "w") as file:
            file.setncatts(PLACE)
            for name, length in (("time", 1), ("y", SIDE), ("x", SIDE)):
                file.createDimension(name, length)
            time = file.createVariable("time", "f8", ("time",))
            time.units, time.standard_name = "days since 2018-07-01", "time"
            time[:] = day
            ice = file.createVariable("ice", "i4", ("time", "y", "x"), zlib=True, chunksizes=(1, 1, 1))
            ice[:] = day * SIDE**2 + np.arange(SIDE**2).reshape(1, SIDE, SIDE)
    (base / "collections" / "grids.yaml").write_text(DEFINITION)
    with serve(out) as server:
        report = build(Request(base / "collections", out, base / "state", base_url=server.url), lambda task: None)
        assert report.exit_status == 0, report.to_markdown()
        yield out, server.url


def test_days_are_json_and_the_whole_is_a_folder_of_parquet(site):
    out, url = site
    collection = json.loads((out / "test/grids/collection.json").read_bytes())
    asset = collection["assets"]["references"]
    assert (asset["href"], asset["type"]) == ("./references.parquet", "application/vnd.apache.parquet")
    assert len(list((out / "test/grids/references").glob("*.json"))) == DAYS
    with iaos.open(f"{url}test/grids/collection.json") as found:
        np.testing.assert_array_equal(found["ice"].to_numpy().ravel(), np.arange(DAYS * SIDE**2))
        assert found["time"].dt.day.to_numpy().tolist() == [1, 2, 3]
    files = {file.relative_to(out).as_posix(): file for file in out.rglob("*") if file.is_file()}
    assert list(check_references(lambda path: files[path].read_bytes(), files)) == []


def test_the_code_for_machines_names_the_folder(site):
    out, _ = site
    code = blocks((out / "machines.html").read_bytes())
    (stack,) = [text for text in code.values() if text and "references.parquet" in text]
    over_http = stack.replace('remote_protocol="https"', 'remote_protocol="http"')  # partners' files are on https
    run(over_http, f"assert int(dataset.ice[-1].max()) == {DAYS * SIDE**2 - 1}")
