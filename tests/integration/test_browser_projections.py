"""The projections of the live map, as published, under Node: PROJ's positions, both ways."""

from __future__ import annotations

import json
import shutil
import subprocess

import numpy as np
import pytest
from pyproj import Transformer

from builder.resources import site_folder

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(shutil.which("node") is None, reason="needs Node"),
]

ASK = """
const [code, places] = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const one = projection(code);
const there = places.map((at) => one.forward(...at));
console.log(JSON.stringify([there, there.map((at) => one.inverse(...at))]));
"""


def run(program, given=""):
    module = (site_folder() / "static/app/projections.js").as_uri()
    whole = f"(async () => {{const {{ projection }} = await import(process.argv[1]);{program}}})()"
    command = ["node", "--input-type=commonjs", "-e", whole, module]
    done = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(code, places):
    """Where the page puts places, and back."""
    there, back = json.loads(run(ASK, json.dumps([code, places.tolist()])))
    return np.array(there), np.array(back)


@pytest.mark.parametrize("code", ["EPSG:3413", "EPSG:3995", "EPSG:6931", "EPSG:3575", "EPSG:3411"])
def test_projections_are_those_of_proj(code):
    random = np.random.default_rng(3413)
    places = np.column_stack((random.uniform(-180, 180, 4000), random.uniform(40, 90, 4000)))
    places[:100, 1] = 90 - np.geomspace(1e-7, 1, 100)  # down to a centimetre from the pole
    if code == "EPSG:3411":  # on its own ellipsoid, without a change of datum
        code_of = "+proj=stere +lat_0=90 +lat_ts=70 +lon_0=-45 +a=6378273 +rf=298.279411123064"
        radians = "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad"
        forward = Transformer.from_pipeline(f"{radians} +step {code_of}")
    else:
        forward = Transformer.from_crs(4326, code, always_xy=True)
    there, back = ask(code, places)
    off = np.hypot(*(there - np.column_stack(forward.transform(*places.T))).T)
    colatitude = np.radians(90 - places[:, 1])
    # PROJ's equal-area loses digits close to the pole; there it is a plane whose radius of curvature is a²/b
    near = colatitude < np.radians(0.5) if code in {"EPSG:6931", "EPSG:3575"} else np.zeros(len(places), bool)
    assert off[~near].max() < 1e-6  # metres
    flat = 6378137.0 / (1 - 1 / 298.257223563) * colatitude[near]
    assert np.allclose(np.hypot(*there[near].T), flat, rtol=1e-4, atol=0)
    off = (back[:, 0] - places[:, 0] + 180) % 360 - 180
    assert np.abs(off * np.cos(np.radians(places[:, 1]))).max() < 1e-11  # degrees along the parallel: a micrometre
    assert np.abs(back[:, 1] - places[:, 1]).max() < 1e-11


def test_utm_is_that_of_proj_around_its_zone():
    random = np.random.default_rng(326)
    for zone, central in ((1, -177), (33, 15), (60, 177)):
        east = (central + random.uniform(-25, 25, 2000) + 180) % 360 - 180
        places = np.column_stack((east, random.uniform(40, 89.99, 2000)))
        there, back = ask(f"EPSG:326{zone:02}", places)
        right = Transformer.from_crs(4326, f"EPSG:326{zone:02}", always_xy=True).transform(*places.T)
        assert np.hypot(*(there - np.column_stack(right)).T).max() < 1e-5  # metres
        off = (back[:, 0] - places[:, 0] + 180) % 360 - 180
        assert np.abs(off * np.cos(np.radians(places[:, 1]))).max() < 1e-10
        assert np.abs(back[:, 1] - places[:, 1]).max() < 1e-10


@pytest.mark.parametrize("code", ["EPSG:32600", "EPSG:32661", "EPSG:32733", "EPSG:25833", "EPSG:3857", "constructor"])
def test_other_systems_are_not_placed(code):
    done = run(f"console.log(String(projection({json.dumps(code)})));")
    assert done.strip() == "undefined"
