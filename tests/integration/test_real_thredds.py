"""nginx with Range and pydap with OPeNDAP: crawl, build, and read through what was built."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from builder.build import Request, build
from builder.demo.science import CTD_YEARS, ICE_DAYS, SHIPS, STATIONS
from tests.servers.real_thredds import installed, real_thredds

pytestmark = pytest.mark.integration

DEFINITION = """\
id: {id}
title: Files of a real server
description: Made by a test.
partner: {{id: nersc, name: Nansen Environmental and Remote Sensing Center}}
license: CC-BY-4.0
source: {source}
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    if not installed():
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    folder = tmp_path_factory.mktemp("thredds")
    with real_thredds(folder) as (url, data):
        definitions = folder / "collections"
        definitions.mkdir()
        sources = {
            "crawled": f'{{type: thredds, url: "{url}/thredds/catalog.html", delay_s: 0}}',
            "listed": f'{{type: files, url: "{url}/files/ice/", delay_s: 0}}',
        }
        for name, source in sources.items():
            (definitions / f"{name}.yaml").write_text(DEFINITION.format(id=name, source=source))
        report = build(Request(definitions, folder / "out", folder / "state"), lambda task: None)
        yield report, folder / "out" / "nersc", data


def items(folder):
    found = [json.loads(file.read_bytes()) for file in sorted(folder.glob("*.json"))]
    return [item for item in found if item.get("type") == "Feature"]


def test_everything_is_crawled_from_a_pasted_html_address(built):
    report, out, _ = built
    assert report.exit_status == 0, report.to_markdown()
    assert len(items(out / "crawled")) == len(SHIPS) * len(CTD_YEARS) + len(ICE_DAYS) + len(STATIONS)


def test_a_directory_listing_gives_the_same_files(built):
    _, out, _ = built
    listed = {item["assets"]["data"]["href"].rsplit("/", 1)[-1] for item in items(out / "listed")}
    assert listed == {f"ice_conc_nh_{day:%Y%m%d}.nc" for day in ICE_DAYS}
    for item in items(out / "listed"):
        assert item["geometry"] is not None


def test_references_read_by_range_equal_the_files(built):
    _, out, data = built
    for item in items(out / "crawled"):
        name = item["assets"]["data"]["href"].rsplit("/", 1)[-1]
        (source,) = data.rglob(name)
        reference = out / "crawled" / item["assets"]["references"]["href"]
        with xr.open_dataset(source) as truth, xr.open_dataset(str(reference), engine="kerchunk") as got:
            for variable in truth.variables:
                np.testing.assert_array_equal(got[variable].values, truth[variable].values)


def test_the_opendap_asset_opens(built):
    _, out, data = built
    item = next(item for item in items(out / "crawled") if "58GT_CTD_2018" in item["assets"]["data"]["href"])
    # pydap writes the grids' WKT and the stations' NaN fill value so that libnetcdf refuses them; CTD files are fine
    href = item["assets"]["opendap"]["href"]
    (source,) = data.rglob(href.rsplit("/", 1)[-1])
    with xr.open_dataset(href, engine="netcdf4", decode_cf=False) as remote:  # libnetcdf's own DAP client
        values = remote["TEMP"].values
    with xr.open_dataset(source, decode_cf=False) as truth:
        np.testing.assert_array_equal(values, truth["TEMP"].values)
