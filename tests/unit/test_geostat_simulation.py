"""Simulation against what it must be: kriging on average, the model's roughness, the data at the data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from processors.errors import Refusal
from processors.geostat.fields import MODES, Embedded, Spectral, embedding
from processors.geostat.kriging import Kriging
from processors.geostat.models import Model, Structure, single
from processors.geostat.simulation import Grid, exceedance, quantiles, regional, simulate
from processors.geostat.solver import Block


@pytest.fixture(scope="module")
def meuse(shared_data):
    folder = shared_data / "oracle" / "geostat"
    table, nodes = pd.read_csv(folder / "meuse_input.csv"), pd.read_csv(folder / "meuse_grid_input.csv")
    every, some = nodes[["x", "y"]].to_numpy(float), nodes[["x", "y"]].to_numpy(float)[::7]
    shape = ((every.max(axis=0) - every.min(axis=0)) / 40 + 1).astype(int)
    grid = Grid(tuple(every.min(axis=0)), (40.0, 40.0), tuple(shape))
    wanted = {tuple(node) for node in some}
    inside = np.array([tuple(node) in wanted for node in grid.nodes()])
    return table[["x", "y"]].to_numpy(float), table["logzn"].to_numpy(), grid, inside


@pytest.fixture(scope="module")
def kriging(meuse):
    return Kriging(meuse[0], meuse[1], single("spherical", 0.59, 897), error=0.05, neighbours="all")


@pytest.mark.parametrize("torus", [True, False])
def test_fields_are_kriging_on_average(meuse, kriging, torus):
    """The nodes of the recorded case K06, 400 fields: sampling alone makes the first number 1 and the second 1."""
    _, _, grid, inside = meuse
    targets = grid.nodes()[inside]
    estimate = kriging.at(targets, weights=True)
    more = {"inside": inside} if torus else {}
    fields = simulate(kriging, grid if torus else targets, 400, 1, estimate=estimate, **more)
    assert fields.shape == (400, 444)
    assert fields.dtype == np.float32
    off = (fields.mean(axis=0) - estimate.value) * 20 / np.sqrt(estimate.variance)
    assert 0.9 <= np.sqrt(np.mean(off**2)) <= 1.1
    assert 0.95 <= np.mean(fields.var(axis=0, ddof=1) / estimate.variance) <= 1.05


@pytest.mark.parametrize("nugget", [0.0, 0.2])
def test_exact_data_are_honoured(meuse, nugget):
    _, _, grid, _ = meuse
    source = np.random.default_rng(0)
    chosen = source.choice(len(grid.nodes()), 60, replace=False)
    values = source.normal(size=60)
    ready = Kriging(grid.nodes()[chosen], values, single("exponential", 0.6, 300, nugget), neighbours=16)
    fields = simulate(ready, grid, 6, 3, double=True)
    np.testing.assert_allclose(fields[:, chosen], np.tile(values, (6, 1)), rtol=0, atol=1e-8)
    assert fields.std(axis=0)[np.setdiff1d(np.arange(len(grid.nodes())), chosen)].min() > 0


MODELS = {
    "exponential": single("exponential", 2, 10),
    "spherical": single("spherical", 2, 30),
    "matern": single("matern", 2, 6, nu=1.5),
    "gaussian": single("gaussian", 2, 15),
    "turned": single("exponential", 2, 15, angle=30, ratio=0.4),
    "nested": Model((Structure("spherical", 0.5, 8), Structure("exponential", 1.5, 12))),
}


def half_squares(field, east, north):
    """Half the mean squared difference of nodes that lie so many columns and rows apart."""
    rows, columns = field.shape
    here = field[max(0, -north) : rows - max(0, north), : columns - east]
    return np.mean((field[max(0, north) : rows + min(0, north), east:] - here) ** 2) / 2


@pytest.mark.parametrize("name", MODELS)
def test_fields_without_data_have_the_variogram_of_the_model(name):
    model, grid = MODELS[name], Grid((0.0, 0.0), (1.0, 1.0), (120, 110))
    points = np.array([[20.4, 30.7], [-7.3, 50.2], [60.0, 60.0]])
    torus = embedding(model, grid, points)
    fields, there = np.empty((160, 13200)), np.empty((3, 160))
    Embedded(torus, points, None).fill(5, fields, there, 1)
    squares = fields.reshape(160, 110, 120)
    for east, north in ((1, 0), (0, 2), (4, 3), (5, -5), (10, 10)):
        pooled = np.mean([half_squares(field, east, north) for field in squares])
        expected = model.sill - model.between(np.array([[float(east), float(north)]]), np.zeros((1, 2)))[0, 0]
        assert pooled == pytest.approx(expected, rel=0.05)
    nodes = grid.nodes()[[20 + 120 * 30, 21 + 120 * 31, 60 + 120 * 60]]
    expected = model.between(points, nodes)
    found = there @ fields[:, [20 + 120 * 30, 21 + 120 * 31, 60 + 120 * 60]] / 160
    np.testing.assert_allclose(found, expected, rtol=0, atol=4 * model.sill / np.sqrt(160))
    # a datum on a node is the node; the smooth form is near singular at one node's distance
    near = 1e-3 if name == "gaussian" else 1e-12
    np.testing.assert_allclose(there[2], fields[:, 60 + 120 * 60], rtol=0, atol=near)


@pytest.mark.parametrize("name", [*MODELS, "cubic", "hole"])
def test_the_modes_of_a_spectral_sum_have_the_covariance_of_the_model(name):
    model = MODELS.get(name) or single(name, 2, 20)
    lags = np.array([[1.0, 0], [0, 2], [4, 3], [5, -5], [20, 10]])
    spectral = Spectral(model, 7)
    found = sum(
        part.sill * np.mean(np.cos(part.stretch(lags) @ waves[:, :2].T), axis=1)
        for part, waves in zip(spectral.parts, spectral.modes, strict=True)
    )
    assert spectral.modes[0].shape == (MODES, 3)
    np.testing.assert_allclose(found, model.between(lags, np.zeros((1, 2)))[:, 0], rtol=0, atol=0.02 * model.sill)


def test_fields_in_space_and_time_are_kriging_on_average():
    source = np.random.default_rng(4)
    points = source.uniform(0, 100, (80, 3))
    model = single("exponential", 3, 60)
    values = np.linalg.cholesky(model.between(points, points) + 0.1 * np.eye(80)) @ source.normal(size=80)
    ready = Kriging(points, values, model, error=0.1, neighbours="all")
    grid = Grid((0.0, 100.0), (10.0, -10.0), (11, 11), third=40.0)
    estimate = ready.at(grid.nodes(), weights=True)
    fields = simulate(ready, grid, 400, 2, estimate=estimate)
    off = (fields.mean(axis=0) - estimate.value) * 20 / np.sqrt(estimate.variance)
    assert 0.85 <= np.sqrt(np.mean(off**2)) <= 1.15
    assert 0.95 <= np.mean(fields.var(axis=0, ddof=1) / estimate.variance) <= 1.05


def test_the_same_seed_gives_the_same_bytes_whatever_the_threads(meuse, kriging):
    _, _, grid, inside = meuse
    for where, more in ((grid, {"inside": inside}), (grid.nodes()[inside], {})):
        once = simulate(kriging, where, 5, 9, **more)
        assert simulate(kriging, where, 5, 9, threads=3, **more).tobytes() == once.tobytes()
        other = simulate(kriging, where, 5, 10, **more)
        assert np.abs(other - once).max() > 0.1


def test_a_known_mean_and_a_drift(meuse):
    points, values, grid, inside = meuse
    targets = grid.nodes()[inside]
    model = single("spherical", 0.59, 897)
    for more, there in (({"mean": 5.9}, None), ({"drift": points}, targets)):
        ready = Kriging(points, values, model, error=0.05, neighbours=24, **more)
        estimate = ready.at(targets, there, weights=True)
        fields = simulate(ready, grid, 200, 1, inside=inside, drift=there)
        off = (fields.mean(axis=0) - estimate.value) * np.sqrt(200 / estimate.variance)
        assert 0.85 <= np.sqrt(np.mean(off**2)) <= 1.15


def test_only_micro_scale_variance():
    source = np.random.default_rng(1)
    ready = Kriging(source.uniform(size=(40, 2)), source.normal(size=40), Model((), 1.5), neighbours="all")
    fields = simulate(ready, Grid((0, 0), (0.1, 0.1), (20, 20)), 200, 1)
    assert fields.var() == pytest.approx(1.5 * (1 + 1 / 40), rel=0.05)


def test_no_estimate_no_field(meuse, kriging):
    from processors.geostat.neighbours import Neighbourhood

    points, values, grid, _ = meuse
    near = Kriging(points, values, single("spherical", 0.59, 897), neighbours=Neighbourhood(8, max_distance=300))
    estimate = near.at(grid.nodes(), weights=True)
    fields = simulate(near, grid, 3, 1, estimate=estimate)
    assert (np.isnan(fields) == np.isnan(estimate.value)).all()
    assert 0 < np.isnan(fields[0]).mean() < 1
    above = exceedance(fields, 6.0)
    assert (np.isnan(above) == np.isnan(estimate.value)).all()
    assert np.isnan(quantiles(fields, [0.5])[0]).sum() == np.isnan(above).sum()


def test_quantiles_exceedance_and_regions_beside_plain_numpy():
    fields = np.random.default_rng(3).normal(size=(37, 5000)).astype(np.float32)
    wanted = [0.05, 0.5, 0.95, 0, 1]
    np.testing.assert_allclose(quantiles(fields, wanted), np.quantile(fields.astype(float), wanted, axis=0), rtol=1e-6)
    np.testing.assert_array_equal(exceedance(fields, 0.3), (fields > 0.3).mean(axis=0))
    areas = np.zeros(5000)
    areas[100:300] = 25.0
    risk = regional(fields, areas, [0.0, 1.0])
    np.testing.assert_allclose(risk.mean, fields[:, 100:300].mean(axis=1), rtol=0, atol=1e-7)
    np.testing.assert_allclose(risk.area[1], 25.0 * (fields[:, 100:300] > 1).sum(axis=1))
    assert risk.total == 5000.0


def test_what_cannot_be_simulated_is_refused(meuse, kriging):
    points, values, grid, inside = meuse
    with pytest.raises(Refusal, match="cannot be simulated"):
        simulate(Kriging(points, values, single("linear", 1, 500)), grid, 2, 1)
    with pytest.raises(Refusal, match="cannot be simulated"):
        simulate(Kriging(points, values, single("cubic", 1, 500), block=Block.rectangle((40, 40))), grid, 2, 1)
    with pytest.raises(Refusal, match="other targets"):
        simulate(kriging, grid, 2, 1, estimate=kriging.at(points, weights=True))
    with pytest.raises(Refusal, match="without weights"):
        simulate(kriging, grid, 2, 1, inside=inside, estimate=kriging.at(grid.nodes()[inside]))
    with pytest.raises(Refusal, match="from 0 to 1"):
        quantiles(np.zeros((3, 3)), [1.5])
    with pytest.raises(Refusal, match="no node of the region"):
        regional(np.zeros((3, 3)), np.zeros(3))
