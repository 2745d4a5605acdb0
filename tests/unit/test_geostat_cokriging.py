"""Cokriging beside gstat 2.1."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from processors.errors import Refusal
from processors.geostat.cokriging import Coregionalisation, cokrige, fit_coregionalisation
from processors.geostat.models import single

ONE, OTHER = single("spherical", 0.59, 900, 0.05), single("spherical", 0.40, 900, 0.04)


@pytest.mark.parametrize(("name", "every"), [("K19_cokriging_zn_pb.csv", 1), ("K20_cokriging_undersampled.csv", 3)])
def test_gstat_of_two_variables(shared_data, name, every):
    folder = shared_data / "oracle" / "geostat"
    table, expected = pd.read_csv(folder / "meuse_input.csv"), pd.read_csv(folder / name)
    points = table[["x", "y"]].to_numpy(float)
    zinc, lead = table["logzn"].to_numpy(), table["logpb"].to_numpy()
    targets = expected[["x", "y"]].to_numpy(float)
    model = Coregionalisation(ONE, OTHER, (0.03, 0.45))
    found = cokrige((points[::every], zinc[::every]), (points, lead), targets, model)
    np.testing.assert_allclose(found.value, expected[["zn.pred", "pb.pred"]], rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.variance, expected[["zn.var", "pb.var"]], rtol=0, atol=1e-8)
    np.testing.assert_allclose(found.covariance, expected["cov.zn.pb"], rtol=0, atol=1e-8)


def test_the_fit_is_the_least_squares_of_three_variograms(shared_data):
    """Where no sill meets its bound the three fits are separate: weighted regressions on gstat's own lags (V09)."""
    folder = shared_data / "oracle" / "geostat"
    table, lags = pd.read_csv(folder / "meuse_input.csv"), pd.read_csv(folder / "V09_cross_zn_pb.csv")
    points = table[["x", "y"]].to_numpy(float)
    edges = np.arange(0, 1501, 100.0)
    found = fit_coregionalisation(points, table["logzn"].to_numpy(), table["logpb"].to_numpy(), edges, ONE)
    for name, own in {
        "zn": (found.one.nugget, found.one.structures[0].sill),
        "pb": (found.other.nugget, found.other.structures[0].sill),
        "zn.pb": found.cross,
    }.items():
        part = lags[lags["id"] == name]
        root = np.sqrt(part["np"]) / part["dist"]
        columns = np.column_stack([np.ones(len(part)), single("spherical", 1, 900).variogram(part["dist"])])
        expected = np.linalg.lstsq(columns * root.to_numpy()[:, None], part["gamma"] * root, rcond=None)[0]
        assert own == pytest.approx(expected, rel=1e-4)


def test_what_is_no_model_of_two_variables_is_refused():
    with pytest.raises(Refusal, match="different structures"):
        Coregionalisation(ONE, single("spherical", 0.4, 800, 0.04), (0.03, 0.45))
    with pytest.raises(Refusal, match="beyond its two sills"):
        Coregionalisation(ONE, OTHER, (0.03, 0.6))
