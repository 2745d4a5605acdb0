"""Values read in a real Chromium on the demo site equal xarray's; the printed code gives the same; axe is content."""

from __future__ import annotations

import io
import json
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from builder.demo import running_demo
from builder.serve import serve
from tests.browser import chromium

pytestmark = pytest.mark.integration
SCRIPT = Path(__file__).with_name("read_check.mjs")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    out = tmp_path_factory.mktemp("demo") / "catalog"
    with running_demo(out, lambda task: None, port), serve(out) as server:
        yield out, server.url


def visit(demo, tools, tmp_path, pattern):
    """Read all that an item's page offers; the file itself and what the page showed."""
    out, url = demo
    page = min(out.glob(pattern))
    item = json.loads(page.with_suffix(".json").read_bytes())
    command = [
        "node",
        str(SCRIPT),
        url + page.relative_to(out).as_posix(),
        chromium(),
        str(tmp_path),
    ]
    done = subprocess.run(command, cwd=tools, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    with urllib.request.urlopen(item["assets"]["data"]["href"]) as answer:
        (tmp_path / "data.nc").write_bytes(answer.read())
    found = json.loads(done.stdout)
    assert found["problems"] == []
    hosts = {urlsplit(item["assets"]["data"]["href"]).netloc, urlsplit(url).netloc, ""}
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


def test_a_map_of_ice(demo, tools, tmp_path):
    path, read, _ = visit(demo, tools, tmp_path, "demo-bremen/demo-sea-ice/ice-*.html")
    assert read["map"]["plots"] == 1
    with xr.open_dataset(path) as dataset:
        wanted = dataset["ice_conc"].to_numpy().ravel()
    assert np.allclose(table(read["map"]).iloc[:, -1], wanted, rtol=2e-7, equal_nan=True)
