"""Ice statistics of scenes: analytic discs, brute-force counts, and other libraries' figures."""

from __future__ import annotations

import csv
import json
from datetime import date

import numpy as np
import pytest
import rasterio
import sklearn.metrics as sk

from processors.icestats.areas import cell_areas
from processors.icestats.comparison import estimate_of
from processors.icestats.concentration import interval_of
from processors.icestats.edge import displacement_of, latitudes_of, length_of
from tests.icefields import GEOD, campaign, circle_km2, disc, run, write

DAY = "2018-08-01T12:00:00Z"


def summary(made):
    return json.loads(made["statistics.json"].path.read_text())


@pytest.mark.parametrize(("crs", "side"), [("EPSG:3413", 400.0), ("EPSG:3995", 1000.0), ("EPSG:6931", 1000.0)])
def test_a_disc_of_ice_has_the_area_of_its_circle(tmp_path, crs, side):
    west, north, classes = disc(200, side, crs)
    made = run([write(tmp_path / "a.tif", classes, west=west, north=north, side=side, crs=crs, when=DAY)], tmp_path)
    (day,), expected = summary(made)["series"], circle_km2(200)
    assert expected == pytest.approx(np.pi * 200**2, rel=2e-3)
    assert day["ice_km2"] == pytest.approx(expected, rel=5e-4)
    assert day["ice_area_km2"] == pytest.approx(expected, rel=5e-4)
    assert (day["coverage"], day["stands"], day["date"]) == (1.0, True, "2018-08-01")
    pixels = cell_areas(crs, (side, 0, west, 0, -side, north), classes.shape)
    assert day["ice_km2"] == pytest.approx(pixels[classes == 2].sum(), rel=1e-9)
    assert day["valid_km2"] == pytest.approx(pixels.sum(), rel=1e-9)
    naive = (classes == 2).sum() * side * side / 1e6
    if crs != "EPSG:6931":
        assert abs(naive / expected - 1) > 0.02  # what counting pixels would give
    assert circle_km2(199) < day["extent_km2"] < circle_km2(212)
    assert circle_km2(212) - circle_km2(188) > day["marginal_km2"] > 0
    around = 2 * np.pi * 203
    assert day["edge_km"] == pytest.approx(around, rel=0.03)


def test_ice_edge_lies_where_the_disc_ends(tmp_path):
    west, north, classes = disc(200, 1000.0)
    made = run([write(tmp_path / "a.tif", classes, west=west, north=north, side=1000.0, when=DAY)], tmp_path, grid_km=5)
    (feature,) = json.loads(made["edges.geojson"].path.read_text())["features"]
    points = np.concatenate([np.array(line) for line in feature["geometry"]["coordinates"]])
    distance = GEOD.inv(np.zeros(len(points)), np.full(len(points), 80.0), points[:, 0], points[:, 1])[2] / 1000
    assert np.abs(distance - 201.5).max() < 3  # 15 % of a cell of 5 km lies 1.75 km outside its middle
    assert made["edges.geojson"].media_type == "application/geo+json"
    rows = list(csv.DictReader(made["edges.csv"].path.open()))
    assert {row["date"] for row in rows} == {"2018-08-01"}
    assert feature["properties"]["length_km"] == pytest.approx(length_of([points]), rel=0.01)


def test_displacement_of_concentric_circles_is_their_distance():
    around = np.linspace(0, 360, 721)
    rings = [
        np.stack(GEOD.fwd(np.zeros(721), np.full(721, 80.0), around, np.full(721, radius))[:2], axis=1)
        for radius in (200_000.0, 210_000.0)
    ]
    assert displacement_of([rings[0]], [rings[1]]) == pytest.approx(10, rel=0.003)
    assert displacement_of([rings[0]], []) is None
    assert length_of([rings[0]]) == pytest.approx(2 * np.pi * 200, rel=1e-3)


def test_latitudes_of_an_edge_are_means_per_degree_across_the_antimeridian():
    line = np.array([[179.0, 75.0], [-179.0, 77.0]])
    found = latitudes_of([line])
    assert sorted(found) == [-180, -179, 179]
    assert found[179] == pytest.approx(75.5, abs=0.02)
    assert found[-180] == pytest.approx(76.5, abs=0.02)


def test_published_example_of_unbiased_areas():
    """Olofsson et al. (2014), tables 8 and 9: 235,086 ± 68,418 pixels of deforestation among 10 million."""
    counts = np.array([[66, 0, 5, 4], [0, 55, 8, 12], [1, 0, 153, 11], [2, 1, 9, 313]])
    shares, errors = estimate_of(counts, np.array([0.020, 0.015, 0.320, 0.645]))
    assert 1e7 * shares[0] == pytest.approx(235_086, abs=1)
    assert 1.96 * 1e7 * errors[0] == pytest.approx(68_418, rel=1e-3)


def test_interval_of_a_fraction_is_that_of_independent_draws():
    low = interval_of(100.0, 30.0, 21.0, 2500)
    assert low == pytest.approx((0.3, 0.3 - 1.96 * np.sqrt(0.21 / 100), 0.3 + 1.96 * np.sqrt(0.21 / 100)), rel=1e-4)
    assert interval_of(0.0, 0.0, 0.0, 0) is None


@pytest.fixture(scope="module")
def voyage(tmp_path_factory):
    """Eight scenes on three days, and what came of them."""
    folder = tmp_path_factory.mktemp("voyage")
    paths, chances = campaign(folder, 8)
    made = run(paths, folder / "out", slots={"probability": chances}, min_observations=2)
    return paths, chances, made


def brute(paths):
    """All scenes on one lattice in the order of time, with the areas of its pixels."""
    west, north, east, south = 300_000, -500_000, 950_000, -1_150_000
    stack, whens = [], []
    for path in sorted(paths, key=lambda one: one.name):
        with rasterio.open(path) as file:
            full = np.zeros((650, 650), np.uint8)
            row, column = int((north - file.bounds.top) / 1000), int((file.bounds.left - west) / 1000)
            part = file.read(1)[: 650 - row, : 650 - column]
            full[row : row + part.shape[0], column : column + part.shape[1]] = part
            stack.append(full)
            whens.append(path.name[7:22])
    assert (east - west, north - south) == (650_000, 650_000)
    return np.stack(stack), whens, cell_areas("EPSG:3413", (1000.0, 0, west, 0, -1000.0, north), (650, 650))


def place(file, like):
    """Values of a product on the lattice of `brute`."""
    values = file.read(1)
    row, column = int((-500_000 - file.bounds.top) / 1000), int((file.bounds.left - 300_000) / 1000)
    found = np.zeros(like, values.dtype)
    part = values[: like[0] - row, : like[1] - column]
    found[row : row + part.shape[0], column : column + part.shape[1]] = part
    return found


def test_frequency_and_dates_are_those_counted_by_hand(voyage):
    paths, _, made = voyage
    stack, whens, _ = brute(paths)
    seen, iced = ((stack == 1) | (stack == 2)).sum(axis=0), (stack == 2).sum(axis=0)
    with rasterio.open(made["frequency.tif"].path) as file:
        share = place(file, seen.shape)
        assert (file.nodata, file.units[0]) == (pytest.approx(np.nan, nan_ok=True), "1")
    known = seen >= 2
    assert share[known] == pytest.approx(iced[known] / seen[known])
    days = np.array([(date(2018, 8, int(one[6:8])) - date(1970, 1, 1)).days for one in whens])
    first = np.where(stack == 2, days[:, None, None], 10**6).min(axis=0)
    last = np.where(stack == 2, days[:, None, None], 0).max(axis=0)
    with rasterio.open(made["dates.tif"].path) as file:
        assert file.descriptions == ("first_ice", "last_ice", "observations")
        assert np.array_equal(place(file, seen.shape), np.where(first == 10**6, 0, first))
        bands = file.read()
    assert bands[1].max() == last.max()
    assert bands[2].sum() == seen.sum()


def test_rows_of_scenes_are_those_counted_by_hand(voyage):
    paths, chances, made = voyage
    stack, _, areas = brute(paths)
    percents, _, _ = brute(chances)
    shown = (stack > 0).any(axis=0)
    land = (stack == 3).any(axis=0)
    sea = areas[shown & ~land].sum()
    assert summary(made)["sea_km2"] == pytest.approx(sea, rel=1e-9)
    for row, classes, percent in zip(summary(made)["scenes"], stack, percents, strict=True):
        valid = (classes == 1) | (classes == 2)
        assert row["valid_km2"] == pytest.approx(areas[valid].sum(), rel=1e-9)
        assert row["ice_km2"] == pytest.approx(areas[classes == 2].sum(), rel=1e-9)
        assert row["coverage"] == pytest.approx(areas[valid].sum() / sea, rel=1e-9)
        weights, p = areas[valid], percent[valid] / 100
        assert row["ice_fraction_by_probability"] == pytest.approx(np.average(p, weights=weights), rel=1e-9)
        assert row["unsure_km2"] == pytest.approx(weights[(p >= 0.35) & (p <= 0.65)].sum(), rel=1e-9)
        half = 1.96 * np.sqrt(np.average(p * (1 - p), weights=weights) / (valid.sum() / 25))
        assert (row["ice_fraction_high"] - row["ice_fraction_low"]) / 2 == pytest.approx(half, rel=1e-4)


@pytest.mark.parametrize("composite", ["latest", "mean"])
def test_days_are_composites_of_their_scenes(voyage, tmp_path, composite):
    made = run(voyage[0], tmp_path, composite=composite)
    stack, whens, areas = brute(voyage[0])
    for row in summary(made)["series"]:
        todays = [classes for classes, when in zip(stack, whens, strict=True) if when[6:8] == row["date"][8:]]
        valid = [(one == 1) | (one == 2) for one in todays]
        count = np.sum(valid, axis=0)
        share = np.sum([one == 2 for one in todays], axis=0) / np.maximum(count, 1)
        if composite == "latest":
            share = np.zeros(areas.shape)
            for one, known in zip(todays, valid, strict=True):
                share[known] = (one == 2)[known]
        assert row["valid_km2"] == pytest.approx(areas[count > 0].sum(), rel=1e-9)
        assert row["ice_km2"] == pytest.approx((areas * share).sum(), rel=1e-9)


def test_of_scenes_at_one_instant_the_steeper_wins(tmp_path):
    same = {"west": 0, "north": -1_000_000, "side": 1000.0, "when": DAY}
    ice = write(tmp_path / "a.tif", np.full((50, 50), 2), **same, INCIDENCE_ANGLE="40.0")
    water = write(tmp_path / "b.tif", np.full((50, 50), 1), **same, INCIDENCE_ANGLE="25.0")
    assert summary(run([ice, water], tmp_path / "one"))["series"][0]["ice_km2"] == 0
    ice = write(tmp_path / "a.tif", np.full((50, 50), 2), **same, INCIDENCE_ANGLE="20.0")
    assert summary(run([ice, water], tmp_path / "two"))["series"][0]["ice_km2"] > 2400


@pytest.fixture(scope="module")
def judged(tmp_path_factory):
    """A scene, its probability, a truth that differs, and both as arrays."""
    folder, random = tmp_path_factory.mktemp("judged"), np.random.default_rng(8)
    at = {"west": 400_000, "north": -900_000, "side": 1000.0}
    row, column = np.mgrid[0:300, 0:280]
    truth = np.where(column + 20 * np.sin(row / 30) < 140, 2, 1)
    p = np.clip(np.where(truth == 2, 0.8, 0.2) + random.normal(0, 0.25, truth.shape), 0, 1)
    percent = np.rint(100 * p).astype(int)
    classes = np.where(percent >= 50, 2, 1)
    classes[:20], truth[-10:] = 0, 0
    paths = [
        write(folder / "s_iceclass.tif", classes, **at, when=DAY), write(folder / "s_iceprob.tif", percent, **at),
        write(folder / "truth.tif", truth, **at),
    ]  # fmt: skip
    made = run(paths[:1], folder / "out", slots={"probability": paths[1:2], "reference": paths[2:]})
    areas = cell_areas("EPSG:3413", (1000.0, 0, 400_000, 0, -1000.0, -900_000), classes.shape)
    return paths, classes, truth, percent / 100, areas, made


def test_agreement_is_that_of_scikit_learn(judged):
    _, classes, truth, p, areas, made = judged
    both = (classes > 0) & (truth > 0)
    ours, theirs, weight, chance = classes[both], truth[both], areas[both], p[both]
    found = summary(made)["comparison"]["all"]
    assert found["pixels"] == sk.confusion_matrix(theirs, ours).T.tolist()
    expected = sk.confusion_matrix(theirs, ours, sample_weight=weight).T
    assert np.array(found["areas_km2"]) == pytest.approx(expected, rel=1e-8)
    given = {"sample_weight": weight}
    assert found["overall_accuracy"] == pytest.approx(sk.accuracy_score(theirs, ours, **given))
    assert found["mcc"] == pytest.approx(sk.matthews_corrcoef(theirs, ours, **given))
    ice = found["classes"]["ice"]
    assert ice["users_accuracy"] == pytest.approx(sk.precision_score(theirs, ours, pos_label=2, **given))
    assert ice["producers_accuracy"] == pytest.approx(sk.recall_score(theirs, ours, pos_label=2, **given))
    assert ice["f1"] == pytest.approx(sk.f1_score(theirs, ours, pos_label=2, **given))
    assert ice["iou"] == pytest.approx(sk.jaccard_score(theirs, ours, pos_label=2, **given))
    assert found["classes"]["water"]["f1"] == pytest.approx(sk.f1_score(theirs, ours, pos_label=1, **given))
    assert found["brier"] == pytest.approx(sk.brier_score_loss(theirs == 2, chance, **given), rel=1e-8)
    bins = np.minimum((chance * 100).round().astype(int) // 10, 9)
    off = sum(abs((weight * (chance - (theirs == 2)))[bins == one].sum()) for one in range(10))
    assert found["expected_calibration_error"] == pytest.approx(off / weight.sum(), rel=1e-8)
    true_ice = weight[theirs == 2].sum()
    told = ice["estimated_area_km2"], ice["estimated_area_standard_error_km2"]
    assert abs(told[0] - true_ice) < 4 * told[1]


def test_concentration_and_extent_errors_are_those_of_their_definition(judged):
    _, classes, truth, _, areas, made = judged
    both = (classes > 0) & (truth > 0)

    def cells(values):
        return values.reshape(30, 10, 28, 10).sum(axis=(1, 3))

    common = cells(areas * both)
    known = common >= 0.5 * cells(areas)
    one, other = (cells(areas * (both & (raster == 2)))[known] / common[known] for raster in (classes, truth))
    weight = cells(areas)[known]
    (row,) = summary(made)["comparison"]["scenes"]
    assert row["bias"] == pytest.approx(np.average(one - other, weights=weight))
    rmse = sk.mean_squared_error(other, one, sample_weight=weight) ** 0.5
    assert row["rmse"] == pytest.approx(rmse)
    assert row["r2"] == pytest.approx(sk.r2_score(other, one, sample_weight=weight))
    assert row["over_km2"] == pytest.approx(weight[(one >= 0.15) & (other < 0.15)].sum())
    assert row["iiee_km2"] == pytest.approx(row["over_km2"] + row["under_km2"])
    assert 0 < row["edge_displacement_km"] < 60
    table = list(csv.DictReader(made["comparison.csv"].path.open()))
    assert float(table[0]["rmse"]) == pytest.approx(rmse, rel=1e-8)


def test_a_known_truth_is_its_own_confusion_matrix(judged, tmp_path):
    path, truth = judged[0][2], judged[2]
    scene = write(tmp_path / "x_iceclass.tif", truth, west=400_000, north=-900_000, side=1000.0, when=DAY)
    found = summary(run([scene], tmp_path / "out", slots={"reference": [path]}))["comparison"]
    assert found["all"]["pixels"] == [[int((truth == 1).sum()), 0], [0, int((truth == 2).sum())]]
    assert found["all"]["overall_accuracy"] == 1
    assert (found["scenes"][0]["bias"], found["scenes"][0]["edge_displacement_km"]) == (0, 0)
    assert found["all"]["brier"] is None


def test_a_reference_on_another_grid_is_read_by_its_nearest_pixel(judged, tmp_path):
    paths, classes, truth = judged[0], judged[1], judged[2]
    fine = np.kron(truth, np.ones((2, 2), int))
    other = write(tmp_path / "fine.tif", fine, west=400_000, north=-900_000, side=500.0)
    found = summary(run(paths[:1], tmp_path / "out", slots={"reference": [other]}))["comparison"]["all"]
    both = (classes > 0) & (truth > 0)
    assert found["pixels"] == sk.confusion_matrix(truth[both], classes[both]).T.tolist()


def test_each_scene_meets_the_reference_of_its_day(voyage, tmp_path):
    paths = sorted(voyage[0], key=lambda one: one.name)
    same = [paths[0], paths[5]]
    copies = []
    for number, path in enumerate(same):
        with rasterio.open(path) as file:
            copies.append(
                write(tmp_path / f"chart_{path.name[7:15]}T1{number}0000.tif", file.read(1), west=file.bounds.left,
                      north=file.bounds.top, side=1000.0)
            )  # fmt: skip
    found = summary(run(paths[:6], tmp_path / "out", slots={"reference": copies}))
    names = [row["scene"] for row in found["comparison"]["scenes"]]
    assert names == [path.name.removesuffix("_iceclass.tif") for path in paths[:6]]
    right = [row["overall_accuracy"] for row in found["comparison"]["scenes"]]
    assert (right[0], right[5]) == (1, 1)
    assert any(one is not None and one < 1 for one in right[1:5])
