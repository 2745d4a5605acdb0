"""The Python code printed on pages, run as a reader would: over HTTP it reads what netCDF-C reads of the file."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys

import lxml.html
import netCDF4
import numpy as np
import pytest
import xarray as xr
from kerchunk.df import refs_to_dataframe

from builder.build import Request, build
from builder.checks.references import check_references
from builder.pages.lists import Entry
from builder.pages.machines import machines_view
from builder.pages.render import Renderer
from builder.pages.snippets import item_snippets
from builder.serve import serve
from tests.unit.pages_samples import ENTRIES

ZARRAY = json.dumps(
    {
        "zarr_format": 2,
        "shape": [2],
        "chunks": [2],
        "dtype": "|u1",
        "compressor": None,
        "filters": None,
        "fill_value": None,
        "order": "C",
    }
)
DEFINITION = """\
id: grids
title: Grids
description: Made by a test.
partner: {id: test, name: A Test}
license: CC-BY-4.0
source: {type: files, path: grids}
"""
PLACE = {
    "time_coverage_start": "2018-07-01T00:00:00Z",
    "time_coverage_end": "2018-07-02T00:00:00Z",
    "geospatial_lon_min": 10.0,
    "geospatial_lon_max": 20.0,
    "geospatial_lat_min": 70.0,
    "geospatial_lat_max": 80.0,
}


def write_flat(path):
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(PLACE)
        file.createDimension("y", 40)
        file.createDimension("x", 50)
        ice = file.createVariable("ice", "i2", ("y", "x"), zlib=True, chunksizes=(10, 50), fill_value=-1)
        ice.scale_factor = 0.5
        ice[:30] = np.arange(1500).reshape(30, 50) * 0.5


def write_grouped(path):
    with netCDF4.Dataset(path, "w") as file:
        file.setncatts(PLACE)
        inner = file.createGroup("data/profiles")
        inner.createDimension("y", 5)
        inner.createVariable("ice", "f4", ("y",), zlib=True)[:] = np.arange(5)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A built and served catalogue of two local files; the folder with the files, the catalogue and its address."""
    base = tmp_path_factory.mktemp("snippets")
    folder, out = base / "collections" / "grids", base / "out"
    folder.mkdir(parents=True)
    out.mkdir()
    write_flat(folder / "flat.nc")
    write_grouped(folder / "grouped.nc")
    (base / "collections" / "grids.yaml").write_text(DEFINITION)
    with serve(out) as server:
        request = Request(base / "collections", out, base / "state", base_url=server.url)
        report = build(request, lambda task: None)
        assert report.exit_status == 0, report.to_markdown()
        yield folder, out, server.url


def printed(page, key):
    """The code of a page below the heading that holds a word."""
    blocks = lxml.html.fromstring(page.read_bytes()).xpath("//details[summary]")
    return next(block.findtext(".//pre/code") for block in blocks if key in block.findtext("summary"))


def blocks(page):
    """The code of the page for machines: first words of the heading → code."""
    tree = lxml.html.fromstring(page)
    return {head.text: head.getnext().findtext("code") for head in tree.xpath("//section[@aria-labelledby='code']/h3")}


def run(code, check, cwd=None):
    """Run code with a line more in an interpreter of its own."""
    whole = f"{code}\n{check}"
    command = [sys.executable, "-c", whole]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120, cwd=cwd)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize(("name", "group"), [("flat", None), ("grouped", "data/profiles")])
@pytest.mark.parametrize("form", ["json", "parquet"])
def test_the_printed_reference_code_reads_what_the_file_holds(site, tmp_path, name, group, form):
    folder, out, _ = site
    code = printed(next(out.glob(f"test/grids/{name}*.html")), "kerchunk")
    assert 'engine="zarr"' in code
    assert "async.concurrency" in code
    if form == "parquet":
        (refs,) = out.glob(f"test/grids/references/{name}*.json")
        refs_to_dataframe(str(refs), str(refs.with_suffix(".parquet")))
        code = code.replace(refs.name, refs.with_suffix(".parquet").name)
    read = tmp_path / "read.nc"
    run(code, f"dataset.load().to_netcdf({str(read)!r})")
    with xr.open_dataset(folder / f"{name}.nc", group=group) as wanted, xr.open_dataset(read) as got:
        assert list(got.variables) == ["ice"]
        np.testing.assert_array_equal(got.ice.to_numpy(), wanted.ice.to_numpy())
        assert got.ice.dtype == wanted.ice.dtype


def test_the_printed_code_for_a_group_opens_its_own_references(site):
    _, out, _ = site
    code = printed(next(out.glob("test/grids/grouped*.html")), "one group")
    assert "data/profiles" in code
    run(code, f"assert dataset.ice.values.tolist() == {list(range(5))}")
    item = json.loads(next(out.glob("test/grids/grouped*.json")).read_bytes())
    asset = item["assets"]["references:data/profiles"]
    assert (out / "test/grids" / asset["href"]).is_file()
    assert asset["iaos:group"] == "data/profiles"
    files = {file.relative_to(out).as_posix(): file for file in out.rglob("*") if file.is_file()}
    assert list(check_references(lambda path: files[path].read_bytes(), files)) == []


def test_the_printed_pystac_code_reads_the_item(site):
    _, out, _ = site
    run(printed(next(out.glob("test/grids/flat*.html")), "pystac"), "assert item.id.startswith('flat')")


@pytest.mark.parametrize("where", ["here", "served"])
def test_without_a_base_url_the_code_asks_where_the_catalogue_is(site, tmp_path, where):
    folder, out, url = site
    page = next(out.glob("test/grids/flat*.html"))
    item = json.loads(page.with_suffix(".json").read_bytes())
    codes = {one.key: one.code for one in item_snippets(item, page.relative_to(out).as_posix(), "")}
    assert all('catalog = "./"  # the catalogue' in code for code in codes.values())
    if where == "served":
        codes = {key: code.replace('catalog = "./"', f'catalog = "{url}"') for key, code in codes.items()}
    code = codes["kerchunk"].replace('remote_protocol="file"', 'remote_protocol="http"')  # the served file itself
    read = tmp_path / "read.nc"
    run(f"{codes['pystac']}\n{code}", f"dataset.load().to_netcdf({str(read)!r})", cwd=out)
    with xr.open_dataset(folder / "flat.nc") as wanted, xr.open_dataset(read) as got:
        np.testing.assert_array_equal(got.ice.to_numpy(), wanted.ice.to_numpy())


def test_the_code_of_the_page_for_machines_runs(site):
    _, out, url = site
    codes = blocks((out / "machines.html").read_bytes())
    client = next(code for head, code in codes.items() if "pystac-client" in head)
    run(client, "assert len(list(collection.get_items())) == 2")
    rust = next(code for head, code in codes.items() if "rustac" in head)
    duck = next(code for head, code in codes.items() if "DuckDB" in head)
    assert url in rust
    assert url in duck
    # From the folder here: DuckDB's reader for the web is a download, and rustac's asks for https.
    run(rust.replace(url, "./"), "assert len(items) == 2", cwd=out)
    run(duck.replace(url, "./"), "assert len(items.fetchall()) == 2", cwd=out)
    command = next(code for head, code in codes.items() if "GDAL" in head)
    assert command.startswith(f"ogrinfo -al -so /vsicurl/{url}test/grids/")


@pytest.mark.skipif(shutil.which("ogrinfo") is None, reason="needs GDAL's command-line tools")
def test_gdal_reads_an_item_as_printed(site):
    _, out, _ = site
    command = next(code for head, code in blocks((out / "machines.html").read_bytes()).items() if "GDAL" in head)
    ran = subprocess.run(command.split(), capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "Feature Count: 1" in ran.stdout


def test_r_reads_a_collection_as_printed(site):
    look = ["Rscript", "-e", "library(jsonlite)"]
    if shutil.which("Rscript") is None or subprocess.run(look, capture_output=True, check=False).returncode:
        pytest.skip("needs R with jsonlite (Debian: r-base-core, r-cran-jsonlite)")
    _, out, _ = site
    code = next(code for head, code in blocks((out / "machines.html").read_bytes()).items() if "R" in head.split())
    ran = subprocess.run(["Rscript", "-e", code], capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == 0, ran.stderr
    assert "flat" in ran.stdout


def test_the_printed_code_for_a_stack_reads_all_granules(tmp_path):
    refs = {
        ".zgroup": '{"zarr_format":2}',
        "t/.zarray": ZARRAY,
        "t/.zattrs": '{"_ARRAY_DIMENSIONS":["t"]}',
        "t/0": "ab",
    }
    target = tmp_path / "p" / "c" / "references.json"
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps({"version": 1, "refs": refs}))
    stack = {"id": "c", "assets": {"references": {"href": "./references.json"}}}
    view = machines_view([Entry(stack, {"id": "p"}, 1)], "", dcat=False, oai=False)
    code = next(one.code for one in view.snippets if one.key == "stack")
    run(code, "assert dataset.t.values.tolist() == [97, 98]", cwd=tmp_path)


def test_stac_browser_is_given_the_address_in_its_own_form():
    # src/store/index.js of STAC Browser, toBrowserPath: https is left out, other protocols are the first part.
    page = Renderer("http://127.0.0.1:8000/x", stac_browser="https://b.example/sb").machines(ENTRIES).decode()
    assert 'href="https://b.example/sb/#/external/http:/127.0.0.1:8000/x/catalog.json"' in page
    assert "external" not in Renderer(stac_browser="https://b.example/sb").machines(ENTRIES).decode()
