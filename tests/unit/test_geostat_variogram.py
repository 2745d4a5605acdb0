"""Experimental variograms beside gstat 2.1, the lags that RGeostats printed for INTAROS, and plain loops."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from processors.errors import Refusal
from processors.geostat import variogram
from processors.geostat.drift import residuals
from processors.geostat.variogram import Direction, classes, cloud, cross, experimental, variogram_map


@pytest.fixture(scope="module")
def oracle(shared_data):
    folder = shared_data / "oracle" / "geostat"
    return lambda name: pd.read_csv(folder / name)


@pytest.fixture(scope="module")
def meuse(oracle):
    return oracle("meuse_input.csv")


def beside(found, expected):
    assert found.pairs.tolist() == expected["np"].tolist()
    np.testing.assert_allclose(found.lags, expected["dist"], rtol=1e-9)
    np.testing.assert_allclose(found.gamma, expected["gamma"], rtol=1e-9)


FIXED = np.arange(0, 1501, 100.0)
CASES = {
    "V01_omni_default.csv": (lambda t: t["logzn"].to_numpy(), None, "matheron"),
    "V02_omni_1500_100.csv": (lambda t: t["logzn"].to_numpy(), FIXED, "matheron"),
    "V03_cressie_1500_100.csv": (lambda t: t["logzn"].to_numpy(), FIXED, "cressie"),
    "V05_resid_sqrtdist.csv": (lambda t: residuals(t["logzn"].to_numpy(), np.sqrt(t["dist"])), FIXED, "matheron"),
    "V06_resid_xy.csv": (lambda t: residuals(t["logzn"].to_numpy(), t[["x", "y"]].to_numpy()), FIXED, "matheron"),
    "V07_indicator500.csv": (lambda t: 1.0 * (t["zinc"] > 500), FIXED, "matheron"),
    "V08_unequal_bins.csv": (lambda t: t["zinc"], [0, 50, 100, 200, 300, 500, 800, 1200, 1600], "matheron"),
}


@pytest.mark.parametrize("name", CASES)
def test_gstat_all_directions(oracle, meuse, name):
    values, edges, estimator = CASES[name]
    points = meuse[["x", "y"]].to_numpy(float)
    edges = classes(points) if edges is None else edges
    beside(experimental(points, values(meuse), edges, estimator=estimator), oracle(name))


@pytest.mark.parametrize("azimuth", [0, 45, 90, 135])
def test_gstat_by_direction(oracle, meuse, azimuth):
    expected = oracle("V04_dir4_1500_100.csv")
    found = experimental(meuse[["x", "y"]], meuse["logzn"], FIXED, direction=Direction(azimuth))
    beside(found, expected[expected["dir.hor"] == azimuth])


def test_gstat_of_two_variables(oracle, meuse):
    expected = oracle("V09_cross_zn_pb.csv")
    found = cross(meuse[["x", "y"]].to_numpy(float), meuse["logzn"].to_numpy(), meuse["logpb"], FIXED)
    both = expected[expected["id"] == "zn.pb"]
    assert (2 * found.pairs).tolist() == both["np"].tolist()  # gstat counts each pair from both ends
    np.testing.assert_allclose(found.lags, both["dist"], rtol=1e-9)
    np.testing.assert_allclose(found.gamma, both["gamma"], rtol=1e-9)
    for one, name in (("zn", "logzn"), ("pb", "logpb")):
        beside(experimental(meuse[["x", "y"]], meuse[name], FIXED), expected[expected["id"] == one])


INTAROS = {
    "imr_barents/scientist_AA-GS-GT_20030901-20031130_0-50m_TEMP.csv": (15, 25),
    "imr_barents/producer_AA-GS-GT-JH_200310_20-30m_TEMP.csv": (23, 25),
}
"""Published table, and the depths whose values were averaged for what was called 25 m."""


@pytest.mark.parametrize("name", INTAROS)
def test_the_lags_that_rgeostats_printed_for_intaros(shared_data, name):
    folder = shared_data / "science" / "geostat"
    published = json.loads((folder / "expected.json").read_text())[name]
    values = pd.read_csv(folder / name).dropna(subset="Temperature")
    values = values[values["Depth"].between(*INTAROS[name], inclusive="left")]
    profiles = values.groupby("Profil_id")[["Longitude", "Latitude", "Temperature"]].mean()
    assert len(profiles) == published["n_active"]
    edges = [0, *(0.2 * np.arange(20) + 0.1)]
    found = experimental(profiles[["Longitude", "Latitude"]], profiles["Temperature"], edges)
    printed = [(lag["npairs"], lag["distance"], lag["gamma"]) for lag in published["variogram"]]
    assert [*zip(found.pairs, found.lags.round(3), found.gamma.round(3), strict=True)] == printed


def test_what_gstat_makes_of_the_lags_of_intaros(oracle):
    profiles = oracle("I00_profiles_15-24m.csv")
    edges = [0, *(0.2 * np.arange(20) + 0.1)]
    found = experimental(profiles[["Longitude", "Latitude"]], profiles["Temperature"], edges)
    beside(found, oracle("I01_variogram_degrees.csv"))


def test_the_course_of_rintaros(oracle):
    line = np.column_stack([5.0 * np.arange(13), np.zeros(13)])
    found = experimental(line, [8, 6, 4, 3, 6, 5, 7, 2, 8, 9, 5, 6, 3], [0, 5.1, 10.1, 15.1])
    assert found.gamma == pytest.approx([4.625, 5.2273, 6.0], abs=5e-5)
    beside(found, oracle("C02_course_variogram.csv"))


@pytest.fixture(scope="module")
def field():
    source = np.random.default_rng(5)
    points = source.uniform(0, 100, (700, 2))
    return points, np.sin(points[:, 0] / 20) + points[:, 1] / 50 + source.normal(size=700)


def test_sums_over_a_tree_are_those_over_pairs(field, monkeypatch):
    edges = np.linspace(0, 30, 11)
    plain = experimental(*field, edges)
    monkeypatch.setattr(variogram, "EXACT", 100)
    tree = experimental(*field, edges)
    assert tree.pairs.tolist() == plain.pairs.tolist()
    np.testing.assert_allclose(tree.gamma, plain.gamma, rtol=1e-9)
    np.testing.assert_allclose(tree.lags, plain.lags, rtol=0.02)


def test_a_sample_of_pairs_has_as_many_in_each_class_and_is_repeatable(field, monkeypatch):
    edges = np.linspace(0, 30, 7)
    whole = experimental(*field, edges, estimator="dowd")
    monkeypatch.setattr(variogram, "EXACT", 100)
    part = experimental(*field, edges, estimator="dowd", most_pairs=6000, seed=3)
    assert part.pairs.tolist() == np.minimum(whole.pairs, 1000).tolist()
    np.testing.assert_allclose(part.gamma, whole.gamma, rtol=0.25)
    again = experimental(*field, edges, estimator="dowd", most_pairs=6000, seed=3)
    assert part.gamma.tobytes() == again.gamma.tobytes()
    assert experimental(*field, edges, estimator="dowd", most_pairs=6000, seed=4).gamma.tolist() != part.gamma.tolist()


def test_robust_estimators_withstand_outliers_and_agree_with_their_definitions(field):
    points, values = field
    edges = np.array([0, 4.0])
    apart, halves, one, other = cloud(points, values, 4.0)
    away = np.linalg.norm(points[one] - points[other], axis=1)
    np.testing.assert_allclose(apart, away)
    differences = np.sqrt(2 * halves)
    dowd = experimental(points, values, edges, estimator="dowd")
    assert dowd.gamma[0] == pytest.approx(2.198 * np.median(differences) ** 2 / 2)
    genton = experimental(points, values, edges, estimator="genton")
    every = np.abs(differences[:, None] - differences[None])[np.triu_indices(len(differences), 1)]
    half = len(differences) // 2 + 1
    kth = np.sort(every)[half * (half - 1) // 2 - 1]
    assert genton.gamma[0] == pytest.approx((2.2191 * kth) ** 2 / 2)
    spoiled = values.copy()
    spoiled[::50] += 30
    change = {
        name: experimental(points, spoiled, edges, estimator=name).gamma[0]
        / experimental(points, values, edges, estimator=name).gamma[0]
        for name in ("matheron", "cressie", "dowd", "genton")
    }
    assert change["matheron"] > 10
    assert max(change["dowd"], change["genton"]) < 1.3
    assert change["cressie"] < change["matheron"] / 3


def test_a_map_holds_the_pairs_of_cells(field):
    """Brute force over the data moved to the centres of their cells."""
    points, values = field
    found = variogram_map(points, values, 5.0, 20.0)
    cells = np.floor((points - points.min(axis=0)) / 5.0)
    apart = np.rint(cells[None] - cells[:, None]).astype(int)
    squares = (values[None] - values[:, None]) ** 2 / 2
    off = ~np.eye(len(points), dtype=bool)
    for north, east in ((0, 1), (2, -3), (4, 4), (0, 0), (-1, 0)):
        there = (apart[..., 0] == east) & (apart[..., 1] == north) & off
        row, column = north + 4, east + 4
        assert found.pairs[row, column] == there.sum() // (2 if (north, east) == (0, 0) else 1)
        assert found.gamma[row, column] == pytest.approx(squares[there].mean(), rel=1e-9)
        assert (found.north[row], found.east[column]) == (5.0 * north, 5.0 * east)


def test_bad_variograms_are_refused(field):
    points, values = field
    with pytest.raises(Refusal, match="do not rise"):
        experimental(points, values, [0, 2, 2])
    with pytest.raises(Refusal, match="not finite"):
        experimental(points, np.where(values > 1, np.nan, values), [0, 2])
    with pytest.raises(Refusal, match="1 data"):
        experimental(points[:1], values[:1], [0, 2])
    with pytest.raises(Refusal, match="one place"):
        classes(np.zeros((5, 2)))
    with pytest.raises(Refusal, match="unknown estimator"):
        experimental(points, values, [0, 2], estimator="mean")
