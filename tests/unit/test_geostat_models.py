"""Covariance models beside GSTools, their JSON, their anisotropy and what is refused."""

from __future__ import annotations

import json

import gstools
import numpy as np
import pytest

from processors.errors import Refusal
from processors.geostat.models import Model, Structure, single

LAGS = np.array([0.0, 1e-9, 3, 11, 25, 50, 80, 200])
PEERS = {
    ("exponential", 0.5): lambda a: gstools.Exponential(dim=2, var=2, len_scale=a),
    ("spherical", 0.5): lambda a: gstools.Spherical(dim=2, var=2, len_scale=a),
    ("gaussian", 0.5): lambda a: gstools.Gaussian(dim=2, var=2, len_scale=a * np.sqrt(np.pi) / 2),
    ("matern", 0.5): lambda a: gstools.Matern(dim=2, var=2, nu=0.5, len_scale=a * np.sqrt(0.5)),
    ("matern", 1.0): lambda a: gstools.Matern(dim=2, var=2, nu=1, len_scale=a),
    ("matern", 1.5): lambda a: gstools.Matern(dim=2, var=2, nu=1.5, len_scale=a * np.sqrt(1.5)),
    ("matern", 2.5): lambda a: gstools.Matern(dim=2, var=2, nu=2.5, len_scale=a * np.sqrt(2.5)),
    ("cubic", 0.5): lambda a: gstools.Cubic(dim=2, var=2, len_scale=a),
}


@pytest.mark.parametrize(("kind", "nu"), PEERS)
def test_gstools(kind, nu):
    model, peer = single(kind, 2, 50, nugget=0.3, nu=nu), PEERS[kind, nu](50)
    np.testing.assert_allclose(model.covariance(LAGS[1:]), peer.covariance(LAGS[1:]), rtol=1e-10, atol=1e-12)
    assert model.covariance(0) == 2.3
    np.testing.assert_allclose(model.variogram(LAGS[1:]), 0.3 + peer.variogram(LAGS[1:]), rtol=1e-10, atol=1e-8)


def test_closed_forms_without_a_peer():
    hole = single("hole", 1, 10).covariance([0, 10, 31.4])
    np.testing.assert_allclose(hole, [1, np.sin(1), np.sin(3.14) / 3.14], rtol=1e-12)
    line = single("linear", 2, 10)
    np.testing.assert_allclose(line.variogram([0, 5, 40]), [0, 1, 8])
    np.testing.assert_allclose(line.spanning(100).variogram([0, 5, 40]), [0, 1, 8])
    assert line.spanning(100).covariance(100) > 0


@pytest.mark.parametrize(("kind", "nu"), [*PEERS, ("hole", 0.5)])
def test_effective_range_is_where_5_percent_of_the_sill_is_left(kind, nu):
    model = single(kind, 4, 7, nu=nu)
    left = 0.0 if kind in {"spherical", "cubic"} else 0.05
    assert model.covariance(model.range) / 4 == pytest.approx(left, abs=1e-12)


def test_anisotropy_turns_clockwise_from_north_and_stretches():
    model = single("exponential", 1, 100, angle=30, ratio=0.25, vertical=0.01)
    turn = np.deg2rad(30)
    steps = [[np.sin(turn), np.cos(turn), 0], [np.cos(turn), -np.sin(turn), 0], [0, 0, 1]]
    found = model.between(np.zeros((1, 3)), 10 * np.array(steps))[0]
    np.testing.assert_allclose(found, np.exp([-10 / 100, -10 / 25, -10 / 1.0]), rtol=1e-12)


def test_json_there_and_back():
    parts = (Structure("matern", 1.5, 20, nu=1.5), Structure("spherical", 0.5, 200, angle=20, ratio=0.5, vertical=2))
    model = Model(parts, 0.1)
    plain = json.loads(json.dumps(model.to_dict()))
    assert plain["structures"][0] == {"kind": "matern", "sill": 1.5, "range": 20, "nu": 1.5}
    assert Model.from_dict(plain) == model
    assert model.sill == pytest.approx(2.1)
    assert model.filtered() == (Model(parts), 0.1)
    assert model.scaled(2).sill == pytest.approx(4.2)


@pytest.mark.parametrize(
    ("plain", "said"),
    [
        ({"structures": [{"kind": "cone", "sill": 1, "range": 1}]}, "unknown covariance model 'cone'"),
        ({"structures": [{"kind": "cubic", "sill": -1, "range": 1}]}, "sill -1, range 1"),
        ({"structures": [{"kind": "cubic", "sill": 1, "range": 0}]}, "sill 1, range 0"),
        ({"structures": [{"kind": "matern", "sill": 1, "range": 1, "nu": 3}]}, "nu 3"),
        ({"structures": [{"kind": "cubic", "sill": 1, "range": 1, "ratio": 2}]}, "anisotropy 2"),
        ({"structures": [{"kind": "cubic", "sill": 1, "length": 1}]}, "not a covariance model"),
        ({"structures": 3}, "not a covariance model"),
        ({"structures": [], "nugget": 0}, "without variance"),
        ({"structures": [], "nugget": float("nan")}, "nugget nan"),
    ],
)
def test_what_is_no_covariance_is_refused(plain, said):
    with pytest.raises(Refusal, match=said):
        Model.from_dict(plain)
