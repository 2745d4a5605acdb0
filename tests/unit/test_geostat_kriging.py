"""Kriging beside gstat 2.1, GSTools, the course of RIntaros, and its own rules."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from processors.errors import Refusal
from processors.geostat.drift import polynomial
from processors.geostat.fitting import fit
from processors.geostat.kriging import Kriging, krige
from processors.geostat.models import Model, Structure, single
from processors.geostat.neighbours import Neighbourhood
from processors.geostat.scores import scores_of
from processors.geostat.solver import Block
from processors.geostat.tracks import decluster
from processors.geostat.transforms import NormalScore, moments_back

SPHERICAL = single("spherical", 0.59, 897, 0.05)
ERROR = {"model": single("spherical", 0.59, 897), "error": 0.05}
NESTED = Model((Structure("exponential", 0.3, 100), Structure("spherical", 0.4, 1200)), 0.02)
TURNED = single("spherical", 0.6, 1200, 0.05, angle=45, ratio=0.4)
MATERN = single("matern", 0.6, 250, 0.05, nu=1.5)


@pytest.fixture(scope="module")
def oracle(shared_data):
    folder = shared_data / "oracle" / "geostat"
    return lambda name: pd.read_csv(folder / name)


@pytest.fixture(scope="module")
def meuse(oracle):
    table = oracle("meuse_input.csv")
    return table[["x", "y"]].to_numpy(float), table["logzn"].to_numpy(), table


@pytest.fixture(scope="module")
def nodes(oracle):
    table = oracle("meuse_grid_input.csv").iloc[::7]
    return table[["x", "y"]].to_numpy(float), table


def beside(estimate, expected, tolerance=1e-8):
    np.testing.assert_allclose(estimate.value, expected["var1.pred"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(estimate.variance, expected["var1.var"], rtol=0, atol=tolerance)


CASES = {
    "K01_SK_sph_mean5.9.csv": {"model": SPHERICAL, "mean": 5.9},
    "K02_OK_sph.csv": {"model": SPHERICAL},
    "K03_OK_nested.csv": {"model": NESTED},
    "K04_OK_aniso.csv": {"model": TURNED},
    "K05_OK_matern15.csv": {"model": MATERN},
    "K06_OK_measurement_error.csv": ERROR,
}


@pytest.mark.parametrize("neighbours", ["all", 155])
@pytest.mark.parametrize("name", CASES)
def test_gstat_with_all_data(oracle, meuse, nodes, name, neighbours):
    beside(krige(*meuse[:2], nodes[0], **CASES[name], neighbours=neighbours), oracle(name))


NEAR = {
    "K10_OK_nmax16.csv": 16,
    "K11_OK_maxdist400_nmin3.csv": Neighbourhood(155, minimum=3, max_distance=400),
    "K12_OK_quadrant3.csv": Neighbourhood(12, max_distance=1500, sectors=4),
}


@pytest.mark.parametrize("name", NEAR)
def test_gstat_with_nearby_data(oracle, meuse, nodes, name):
    beside(krige(*meuse[:2], nodes[0], SPHERICAL, neighbours=NEAR[name]), oracle(name))


DRIFTS = {
    "K07_UK_linear_drift.csv": (lambda t: t[["x", "y"]].to_numpy(float), 1e-8),
    "K08_UK_quadratic_drift.csv": (lambda t: polynomial(t[["x", "y"]].to_numpy(float), 2), 5e-5),  # gstat's rounding
    "K08b_UK_quadratic_drift_centred.csv": (lambda t: polynomial(t[["x", "y"]].to_numpy(float), 2), 1e-6),
    "K09_KED_sqrtdist.csv": (lambda t: np.sqrt(t["dist"].to_numpy()), 1e-8),
}


@pytest.mark.parametrize("neighbours", ["all", 155])
@pytest.mark.parametrize("name", DRIFTS)
def test_gstat_with_a_drift(oracle, meuse, nodes, name, neighbours):
    columns, tolerance = DRIFTS[name]
    more = {"drift": columns(meuse[2]), "target_drift": columns(nodes[1]), "neighbours": neighbours}
    beside(krige(*meuse[:2], nodes[0], SPHERICAL, **more), oracle(name), tolerance)


@pytest.mark.parametrize("neighbours", ["all", 155])
def test_gstat_blocks(oracle, meuse, nodes, neighbours):
    small = krige(*meuse[:2], nodes[0], SPHERICAL, neighbours=neighbours, block=Block.rectangle((40, 40)))
    beside(small, oracle("K13_block40.csv"), 1e-7)
    root = {"drift": np.sqrt(meuse[2]["dist"].to_numpy()), "target_drift": np.sqrt(nodes[1]["dist"].to_numpy())}
    block = Block.rectangle((200, 200))
    large = krige(*meuse[:2], nodes[0], SPHERICAL, neighbours=neighbours, block=block, **root)
    beside(large, oracle("K14_KED_block200.csv"), 1e-7)


def test_gstat_indicator(oracle, meuse, nodes):
    above = (meuse[2]["zinc"].to_numpy() > 500).astype(float)
    model = single("exponential", 0.15, 250, 0.03)
    beside(krige(meuse[0], above, nodes[0], model, neighbours="all"), oracle("K15_indicator500.csv"))


@pytest.mark.parametrize("neighbours", ["all", 155])
def test_gstat_at_data_and_far_away(oracle, meuse, neighbours):
    points, values, _ = meuse
    beside(krige(points, values, points, SPHERICAL, neighbours=neighbours), oracle("K16_OK_at_data.csv"))
    beside(krige(points, values, points, **ERROR, neighbours=neighbours), oracle("K17_err_at_data.csv"))
    far = oracle("K18_OK_far_targets.csv")
    beside(krige(points, values, far[["x", "y"]].to_numpy(float), SPHERICAL, neighbours=neighbours), far)


@pytest.mark.parametrize("neighbours", ["all", 155])
def test_gstat_errors_of_each_datum(oracle, meuse, nodes, neighbours):
    error = 0.02 + 0.1 * (np.arange(1, 156) % 3)
    model = single("spherical", 0.59, 897)
    estimate = krige(*meuse[:2], nodes[0], model, error=error, neighbours=neighbours)
    beside(estimate, oracle("K21_OK_point_errors.csv"))
    np.testing.assert_allclose(estimate.variance_observation - estimate.variance, error.mean(), rtol=1e-12)


@pytest.mark.parametrize("neighbours", ["all", 165])
def test_duplicates_with_an_error_count_as_their_mean(oracle, nodes, neighbours):
    """Two data at one place with error e are one with error e/2; gstat's answer, the recorded D01, is NA everywhere."""
    table = oracle("D00_duplicates_input.csv")
    merged = table.groupby(["x", "y"], sort=False)["logzn"].agg(["mean", "size"]).reset_index()
    assert len(merged) == 155
    model = single("spherical", 0.59, 897)
    points, values = table[["x", "y"]].to_numpy(float), table["logzn"].to_numpy()
    found = krige(points, values, nodes[0], model, error=0.05, neighbours=neighbours)
    places, error = merged[["x", "y"]].to_numpy(float), 0.05 / merged["size"].to_numpy()
    mean = krige(places, merged["mean"].to_numpy(), nodes[0], model, error=error, neighbours="all")
    np.testing.assert_allclose(found.value, mean.value, rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.variance, mean.variance, rtol=0, atol=1e-8)


@pytest.mark.parametrize("neighbours", ["all", 154])
@pytest.mark.parametrize("name", ["X01_loo_OK_sph.csv", "X02_loo_KED_sqrtdist.csv", "X03_loo_OK_nmax16.csv"])
def test_gstat_leave_one_out(oracle, meuse, name, neighbours):
    points, values, table = meuse
    drift = np.sqrt(table["dist"].to_numpy()) if "KED" in name else None
    found = Kriging(
        points, values, SPHERICAL, drift=drift, neighbours=16 if "nmax16" in name else neighbours
    ).leave_out()
    expected = oracle(name)
    beside(found, expected)
    score = (values - found.value) / np.sqrt(found.variance_observation)
    np.testing.assert_allclose(score, expected["zscore"], rtol=0, atol=1e-7)
    if "nmax16" in name or neighbours == "all":
        sums = scores_of(values, found.value, found.variance_observation)
        told = oracle("X00_scores.csv").set_index("case").loc[name[:3], ["ME", "MAE", "RMSE", "MSDR"]]
        assert (sums.bias, sums.mae, sums.rmse, sums.msdr) == pytest.approx(tuple(told), abs=1e-8)


@pytest.mark.parametrize("neighbours", ["all", 100])
def test_leaving_groups_out_is_kriging_from_the_rest(meuse, neighbours):
    points, values, _ = meuse
    groups = np.arange(155) % 11
    found = Kriging(points, values, neighbours=neighbours, **ERROR).leave_out([f"day {group:02}" for group in groups])
    for group in (0, 4, 10):
        own = groups == group
        rest = krige(points[~own], values[~own], points[own], neighbours=neighbours, **ERROR)
        np.testing.assert_allclose(found.value[own], rest.value, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.variance[own], rest.variance, rtol=0, atol=1e-10)
        np.testing.assert_allclose(found.variance_observation[own], rest.variance + 0.05, rtol=0, atol=1e-10)


def chord(lon, lat, radius=6371.0):
    lon, lat = np.deg2rad(lon), np.deg2rad(lat)
    return radius * np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def beside_pred(estimate, expected):
    beside(estimate, expected.rename(columns={"pred": "var1.pred", "var": "var1.var"}))


@pytest.mark.parametrize("name", ["P01_OK_polar.csv", "P02_OK_polar_sph_nmax12.csv"])
def test_gstat_around_the_pole(oracle, name):
    table, expected = oracle("P00_polar_input.csv"), oracle(name)
    model, neighbours = (single("exponential", 1.5, 500, 0.1), "all")
    if "nmax12" in name:
        model, neighbours = single("spherical", 1.5, 1500, 0.1), 12
    targets = chord(expected["lon"], expected["lat"])
    found = krige(chord(table["lon"], table["lat"]), table["z"], targets, model, neighbours=neighbours)
    beside_pred(found, expected)
    pole = found.value[expected["lat"] == 90]
    assert len(pole) == 3
    assert np.ptp(pole) <= 1e-12
    west, east = found.value[-2:]
    assert abs(west - east) < 1e-3  # either side of 180 degrees


@pytest.mark.parametrize(("name", "neighbours"), [("I03_OK_chord_exp.csv", "all"), ("I04_OK_chord_exp_nmax32.csv", 32)])
def test_gstat_chord_on_ctd_profiles(oracle, name, neighbours):
    table, expected = oracle("I00_profiles_15-24m.csv"), oracle(name)
    points, values = chord(table["Longitude"], table["Latitude"]), table["Temperature"]
    targets, model = chord(expected["lon"], expected["lat"]), single("exponential", 1.1, 60, 0.4)
    beside_pred(krige(points, values, targets, model, neighbours=neighbours), expected)
    beside_pred(Kriging(points, values, model, neighbours="all").leave_out(), oracle("I05_loo_chord_exp.csv"))


def plane(lon, lat):
    """The spherical azimuthal equal-area plane of the recorded cases."""
    turn, radius = np.deg2rad(lon - 10), 2 * 6371 * np.sin(np.deg2rad(90 - lat) / 2)
    return np.column_stack([radius * np.sin(turn), -radius * np.cos(turn)])


def test_gstat_space_time_on_ctd_profiles(oracle):
    table, model = oracle("I00_profiles_15-24m.csv"), single("exponential", 6, 1400, 0.04)
    time = 6.8 * (table["Time"] - 19600)
    points = np.column_stack([plane(table["Longitude"], table["Latitude"]), time])
    ready = Kriging(points, table["Temperature"], model, neighbours="all")
    for day in (19630, 19650, 19670):
        expected = oracle(f"I06_OK_spacetime_day{day}.csv")
        at = np.column_stack([plane(expected["lon"], expected["lat"]), np.full(len(expected), 6.8 * (day - 19600))])
        beside_pred(ready.at(at), expected)
    beside_pred(ready.leave_out(), oracle("I07_loo_spacetime.csv"))


def test_the_course_of_rintaros(oracle):
    exact = oracle("C01_course_kriging.csv")
    points, values = np.array([[0.0, 0], [0, 1], [1, 0]]), np.array([3.0, 4, 1])
    for row, (known, value, variance) in enumerate(((2.0, 2.05004, 1.98738), (None, 2.63977, 2.55908))):
        for neighbours in ("all", 3):
            model = single("spherical", 2, 1.25)
            found = krige(points, values, np.array([[1.0, 1]]), model, mean=known, neighbours=neighbours)
            assert found.value[0] == pytest.approx(value, abs=1e-5)
            assert found.variance[0] == pytest.approx(variance, abs=1e-5)
            assert (found.value[0], found.variance[0]) == pytest.approx(
                tuple(exact.loc[row, ["pred", "var"]]), abs=1e-9
            )


def test_walker_lake_beside_gstat_and_the_truth(oracle):
    table, expected = oracle("W00_walker_input.csv"), oracle("W01_OK_nmax24.csv")
    model = Model((Structure("spherical", 40000, 30), Structure("spherical", 45000, 150)), 22000)
    points, targets = table[["X", "Y"]].to_numpy(float), expected[["X", "Y"]].to_numpy(float)
    found = krige(points, table["V"], targets, model, neighbours=24)
    apart = np.sort(np.linalg.norm(points[None] - targets[:, None], axis=2))
    tied = apart[:, 24] - apart[:, 23] < 1e-9
    off = np.maximum(np.abs(found.value - expected["pred"]), np.abs(found.variance - expected["var"]))
    assert off[~tied].max() < 1e-6
    assert np.count_nonzero(off > 1e-6) == 83  # as the record says: another datum was taken of two equally far
    assert np.sqrt(np.mean((found.value - expected["truth"]) ** 2)) <= 146.4
    short, long = Structure("spherical", 0.12, 30), Structure("spherical", 0.06, 120)
    above = krige(points, 1.0 * (table["V"] > 500), targets, Model((short, long), 0.05), neighbours=24)
    brier = np.mean((np.clip(above.value, 0, 1) - (expected["truth"] > 500)) ** 2)
    assert brier <= 0.0854


def test_normal_scores_tell_more_of_walker_lake_than_indicators(oracle):
    """Both scores of the record are beaten, without any choice made by looking at the truth."""
    table, expected = oracle("W00_walker_input.csv"), oracle("W01_OK_nmax24.csv")
    points, values, truth = table[["X", "Y"]].to_numpy(float), table["V"].to_numpy(float), expected["truth"].to_numpy()
    scale = NormalScore.of(values, decluster(points, 20))
    model = fit(points, scale.forward(values), forms=["spherical"], nested=False).model
    found = krige(points, scale.forward(values), expected[["X", "Y"]].to_numpy(float), model)
    estimate, _ = moments_back(scale, found.value, found.variance)
    assert np.sqrt(np.mean((estimate - truth) ** 2)) <= 146.4
    cut, spread = scale.forward(np.array([500.0]))[0], np.sqrt(np.maximum(found.variance, 1e-12))
    assert np.mean((norm.sf(cut, found.value, spread) - (truth > 500)) ** 2) <= 0.083  # indicators: 0.0854


def test_the_same_bytes_whatever_the_tile_and_the_threads(meuse, nodes):
    for neighbours in (16, "all"):
        ready = Kriging(*meuse[:2], SPHERICAL, neighbours=neighbours)
        whole = ready.at(nodes[0], weights=True)
        for found in (ready.at(nodes[0], tile=100), ready.at(nodes[0], tile=37, threads=3)):
            assert found.value.tobytes() == whole.value.tobytes()
            assert found.variance.tobytes() == whole.variance.tobytes()
        alone = [ready.at(node[None]) for node in nodes[0][:40]]
        assert np.concatenate([one.value for one in alone]).tobytes() == whole.value[:40].tobytes()
        np.testing.assert_allclose(whole.weights @ meuse[1], whole.value, rtol=1e-12)
        np.testing.assert_allclose(whole.weights.sum(axis=1), 1, rtol=1e-10)
        assert whole.neighbours.tolist() == [16 if neighbours == 16 else 155] * len(nodes[0])


@pytest.mark.parametrize("neighbours", ["all", 32])
def test_bad_data_are_refused_and_never_answered_silently(meuse, nodes, neighbours):
    points, values, _ = meuse
    nan, repeated = values.copy(), np.vstack([points, points[:3]])
    nan[7] = np.nan
    with pytest.raises(Refusal, match="1 data are not finite, the first is number 7"):
        krige(points, nan, nodes[0], SPHERICAL, neighbours=neighbours)
    with pytest.raises(Refusal, match=r"3 places have different values, for example .* at "):
        krige(repeated, np.append(values, values[:3] + 0.2), nodes[0], SPHERICAL, neighbours=neighbours)
    with pytest.raises(Refusal, match="1 data"):
        krige(points[:1], values[:1], nodes[0], SPHERICAL, neighbours=neighbours)
    with pytest.raises(Refusal, match="combinations of one another"):
        krige(points, values, nodes[0], SPHERICAL, drift=points @ [[1, 2], [1, 2]], neighbours=neighbours)
    with pytest.raises(Refusal, match="constant at the data"):
        krige(points, values, nodes[0], SPHERICAL, drift=np.full(155, 3.0), neighbours=neighbours)
    with pytest.raises(Refusal, match="linear variogram"):
        krige(points, values, nodes[0], single("linear", 1, 100), mean=5, neighbours=neighbours)
    with pytest.raises(Refusal, match="negative"):
        krige(points, values, nodes[0], SPHERICAL, error=-1, neighbours=neighbours)


@pytest.mark.parametrize("neighbours", ["all", 32])
def test_equal_duplicates_and_constant_fields_are_harmless(meuse, nodes, neighbours):
    points, values, _ = meuse
    repeated, again = np.vstack([points, points[:20]]), np.append(values, values[:20])
    found = krige(repeated, again, nodes[0], SPHERICAL, neighbours=175 if neighbours == 32 else "all")
    once = krige(points, values, nodes[0], SPHERICAL, neighbours="all")
    np.testing.assert_allclose(found.value, once.value, rtol=0, atol=1e-4 if neighbours == "all" else 1e-9)
    constant = krige(points, np.full(155, 4.25), nodes[0], SPHERICAL, neighbours=neighbours)
    np.testing.assert_allclose(constant.value, 4.25, rtol=1e-12)


def test_too_few_data_and_an_unknowable_drift_give_nan(meuse):
    points, values, _ = meuse
    far = np.array([[0.0, 0.0]])
    nothing = krige(points, values, far, SPHERICAL, neighbours=Neighbourhood(8, max_distance=500))
    assert np.isnan(nothing.value[0])
    assert np.isnan(nothing.variance[0])
    line = np.column_stack([np.arange(20.0), np.zeros(20)])
    line[-1] = [1000, 1000]
    drift = {"drift": line, "target_drift": np.array([[5.0, 3.0]])}
    found = krige(line, np.sin(line[:, 0]), np.array([[5.0, 3.0]]), single("exponential", 1, 10), neighbours=8, **drift)
    assert np.isnan(found.value[0])
