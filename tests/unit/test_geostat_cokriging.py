"""Cokriging beside gstat 2.1."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from processors.errors import Refusal
from processors.geostat.cokriging import Coregionalisation, cokrige
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


def test_what_is_no_model_of_two_variables_is_refused():
    with pytest.raises(Refusal, match="different structures"):
        Coregionalisation(ONE, single("spherical", 0.4, 800, 0.04), (0.03, 0.45))
    with pytest.raises(Refusal, match="beyond its two sills"):
        Coregionalisation(ONE, OTHER, (0.03, 0.6))
