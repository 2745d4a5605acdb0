"""A campaign of twenty radar scenes on the Dask engine: maps by `s1-ice`, then statistics that no order changes."""

from __future__ import annotations

import hashlib
import json
import random

import numpy as np
import pytest
import rasterio

from processors.engine import open_engine
from processors.icestats.areas import cell_areas
from processors.icestats.processor import processor as statistics
from processors.protocol import Input
from processors.run import execute, resolve
from processors.seaice.processor import processor as mapping
from processors.seaice.synth import SceneSpec, simulate
from tests.icefields import write

SCENES = 20


def spec(number):
    """A small scene: five rows of four, some 13 km apart and 20 km wide, so that pixels are seen more than once."""
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


def summed(paths, engine, **more):
    """Return the files of all statistics by name."""
    parameters = resolve(statistics, {"region": "all", "figures": False, "min_observations": 1} | more)
    made = execute(statistics, {"items": [Input.of(path) for path in paths]}, parameters, engine)
    return {one.name: one.path for one in made}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def stacked(paths, like):
    """Classes of maps on the pixels of a raster, by numpy alone: shape (maps, rows, columns), 0 for nothing."""
    with rasterio.open(like) as file:
        shape, place = file.shape, file.transform
    found = np.zeros((len(paths), *shape), np.uint8)
    for own, path in zip(found, paths, strict=True):
        with rasterio.open(path) as file:
            column, row = (round(one) for one in ~place @ (file.transform.c, file.transform.f))
            own[row : row + file.height, column : column + file.width] = file.read(1)
    return found


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """Some scenes; the campaign has more."""
    folder = tmp_path_factory.mktemp("scenes")
    return [simulate(spec(number), folder).safe for number in range(5)]


@pytest.mark.slow
def test_twenty_scenes_on_dask_give_the_same_statistics_in_any_order(scenes, tmp_path):
    scenes = [*scenes, *(simulate(spec(number), tmp_path).safe for number in range(len(scenes), SCENES))]
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
    stack = stacked(list(maps.values()), first["frequency.tif"])
    iced, seen = (stack == 2).sum(axis=0), np.isin(stack, (1, 2)).sum(axis=0)
    assert (iced == seen)[seen > 1].any()
    assert ((iced > 0) & (iced < seen)).sum() > 1000  # ice in one scene, water in another
    assert ((iced == 0) & (seen > 1)).sum() > 1000
    with rasterio.open(first["frequency.tif"]) as file:
        frequency = file.read(1)
    with rasterio.open(first["dates.tif"]) as file:
        assert np.array_equal(file.read(3), seen)
    assert np.array_equal(np.isnan(frequency), seen == 0)
    assert frequency[seen > 0] == pytest.approx(iced[seen > 0] / seen[seen > 0], abs=1e-6)


@pytest.mark.parametrize("composite", ["latest", "mean"])
def test_a_pixel_seen_twice_in_a_day_counts_once(scenes, tmp_path, composite):
    """Two scenes with one frame as if of one day: the later one wins, or the mean; the area is that of one pixel."""
    with open_engine("inline", tmp_path) as engine:
        first, second = mapped(scenes[1:3], tmp_path, engine).values()
        figures = {}
        for name, order in (("there", (first, second)), ("back", (second, first))):
            copies = []
            for hour, path in zip((4, 16), order, strict=True):
                with rasterio.open(path) as file:
                    classes, west, north = file.read(1), file.bounds.left, file.bounds.top
                copy = tmp_path / f"{name}{hour}_iceclass.tif"
                when = f"2022-02-14T{hour:02d}:00:00Z"
                copies.append(write(copy, classes, west=west, north=north, side=200.0, when=when))
            made = summed(copies[::-1], engine, composite=composite)
            (row,) = json.loads(made["statistics.json"].read_text())["series"]
            with rasterio.open(made["frequency.tif"]) as file:
                areas, frequency = cell_areas(file.crs.to_wkt(), tuple(file.transform)[:6], file.shape), file.read(1)
            early, late = stacked(copies, made["frequency.tif"])
            shown = [np.isin(one, (1, 2)) for one in (early, late)]
            both = shown[0] & shown[1]
            assert ((early == 1) & (late == 2)).sum() > 200
            assert ((early == 2) & (late == 1)).sum() > 200
            ice = np.where(shown[1], late == 2, early == 2).astype(float)
            if composite == "mean":
                ice = np.where(both, ((early == 2).astype(float) + (late == 2)) / 2, ice)
            covered = shown[0] | shown[1]
            assert row["valid_km2"] == pytest.approx(areas[covered].sum(), abs=1e-6)
            assert row["ice_km2"] == pytest.approx((areas * ice)[covered].sum(), abs=1e-6)
            assert (frequency[both & (early != late)] == 0.5).all()
            figures[name] = row["ice_km2"]
    assert (abs(figures["there"] - figures["back"]) < 1e-6) is (composite == "mean")


def test_of_two_scenes_of_one_instant_the_one_seen_more_steeply_wins(scenes, tmp_path):
    with open_engine("inline", tmp_path) as engine:
        first, second = mapped(scenes[1:3], tmp_path, engine).values()
        for steep in (0, 1):
            copies = []
            for number, path in enumerate((first, second)):
                with rasterio.open(path) as file:
                    classes, west, north = file.read(1), file.bounds.left, file.bounds.top
                copy = tmp_path / f"{steep}{number}_iceclass.tif"
                tag = {"INCIDENCE_ANGLE": "24.00" if number == steep else "36.00"}
                place = {"west": west, "north": north, "side": 200.0, "when": "2022-02-14T12:00:00Z"}
                copies.append(write(copy, classes, **place, **tag))
            made = summed(copies, engine)
            (row,) = json.loads(made["statistics.json"].read_text())["series"]
            with rasterio.open(made["frequency.tif"]) as file:
                areas = cell_areas(file.crs.to_wkt(), tuple(file.transform)[:6], file.shape)
            stack = stacked(copies, made["frequency.tif"])
            ice = np.where(np.isin(stack[steep], (1, 2)), stack[steep] == 2, stack[1 - steep] == 2)
            assert row["ice_km2"] == pytest.approx(areas[ice].sum(), abs=1e-6)


def test_the_sums_of_the_campaign_are_those_of_its_scenes(scenes, tmp_path):
    """Rows of scenes against `s1-ice`'s own statistics of each: two programs that share only the areas of pixels."""
    import csv

    with open_engine("inline", tmp_path) as engine:
        told = {}
        paths = mapped(scenes, tmp_path, engine)
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
