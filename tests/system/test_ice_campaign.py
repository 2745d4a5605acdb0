"""A campaign of twenty radar scenes on the Dask engine: maps by `s1-ice`, then statistics that no order changes."""

from __future__ import annotations

import hashlib
import json
import random

import numpy as np
import pytest
import rasterio

from processors.engine import open_engine
from processors.icestats.processor import processor as statistics
from processors.protocol import Input
from processors.run import execute, resolve
from processors.seaice.processor import processor as mapping
from processors.seaice.synth import SceneSpec, simulate

SCENES = 20


def spec(number):
    """A small scene: every fourth lies over the one before it, so that pixels are seen more than once."""
    place = (4.0 + 0.6 * (number // 4), 80.0 + 0.12 * (number % 4))
    return SceneSpec(900 + number, lines=260, samples=500, first_line=600, first_sample=2900, place=place)


def mapped(scenes, folder, engine):
    """Map scenes in the order given and return their classes by name."""
    made = {}
    for safe in scenes:
        inputs = {"scene": [Input.of(safe / "manifest.safe")]}
        products = execute(mapping, inputs, resolve(mapping, {"figures": False}), engine)
        (classes,) = (one for one in products if one.name.endswith("_iceclass.tif"))
        made[classes.name] = classes.path
    return made


def summed(paths, engine):
    """Return the digests of all statistics, without the lineage, which tells the order of the inputs."""
    parameters = resolve(statistics, {"region": "all", "figures": False, "min_observations": 1})
    made = execute(statistics, {"items": [Input.of(path) for path in paths]}, parameters, engine)
    return {one.name: one.path for one in made}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scenes")
    return [simulate(spec(number), folder).safe for number in range(SCENES)]


def test_twenty_scenes_on_dask_give_the_same_statistics_in_any_order(scenes, tmp_path):
    shuffled = list(scenes)
    random.Random(1).shuffle(shuffled)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with open_engine("dask", tmp_path / "a", workers=2) as engine:
        maps = mapped(scenes, tmp_path / "a", engine)
        first = summed(maps.values(), engine)
    assert len(maps) == SCENES
    with open_engine("inline", tmp_path / "b") as engine:
        others = mapped(shuffled[:6], tmp_path / "b", engine)
        order = [path for _, path in sorted(maps.items(), key=lambda one: hashlib.sha256(one[0].encode()).digest())]
        assert order != list(maps.values())
        second = summed(order, engine)
    assert all(digest(maps[name]) == digest(path) for name, path in others.items())
    assert set(first) == set(second)
    plain = [name for name in first if name.endswith((".csv", ".geojson"))]
    assert plain
    for name in plain:
        assert first[name].read_bytes() == second[name].read_bytes(), name
    told, again = (json.loads(one["statistics.json"].read_text()) for one in (first, second))
    assert {**told, "lineage": None} == {**again, "lineage": None}
    for name in ("frequency.tif", "dates.tif"):
        with rasterio.open(first[name]) as one, rasterio.open(second[name]) as other:
            assert np.array_equal(one.read(), other.read(), equal_nan=True)


def test_the_sums_of_the_campaign_are_those_of_its_scenes(scenes, tmp_path):
    """Rows of scenes against `s1-ice`'s own statistics of each: two programs that share only the areas of pixels."""
    import csv

    with open_engine("inline", tmp_path) as engine:
        told = {}
        paths = mapped(scenes[:5], tmp_path, engine)
        for name in paths:
            own = json.loads((tmp_path / name.replace("_iceclass.tif", "_stats.json")).read_text())
            told[own["scene"]] = own
        made = summed(paths.values(), engine)
    rows = list(csv.DictReader(made["scenes.csv"].open()))
    assert len(rows) == 5
    for row in rows:
        own = next(one for name, one in told.items() if row["scene"].startswith(name))
        assert float(row["ice_km2"]) == pytest.approx(own["ice_km2"], abs=0.01)
        assert float(row["valid_km2"]) == pytest.approx(own["valid_km2"], abs=0.01)
