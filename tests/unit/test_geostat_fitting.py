"""Fits beside the global optima of gstat's criterion, the multivariate normal density, and the CTD case of INTAROS."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import multivariate_normal, norm

from processors.errors import Refusal
from processors.geostat.fitting import fit, fit_variogram
from processors.geostat.kriging import Kriging
from processors.geostat.likelihood import Exact, Sample, Vecchia, previous, restricted
from processors.geostat.models import single
from processors.geostat.variogram import Experimental

NAMES = {"nug+sph": "spherical", "nug+exp": "exponential", "nug+sph+sph": "spherical+spherical"}


@pytest.fixture(scope="module")
def oracle(shared_data):
    folder = shared_data / "oracle" / "geostat"
    return lambda name: pd.read_csv(folder / name)


def recorded(table):
    return Experimental(table["dist"].to_numpy(), table["np"].to_numpy(), table["gamma"].to_numpy())


def test_least_squares_reach_the_global_optima(oracle):
    optima = oracle("F02_fit_optima.csv")
    for row in optima.itertuples():
        found = fit_variogram(recorded(oracle(row.file)), [NAMES[row.model]])
        assert found.sserr <= 1.0001 * row.SSErr, (row.file, row.model)  # the record asks for 1.02
    first = fit_variogram(recorded(oracle("V01_omni_default.csv")), ["spherical"]).model
    assert first.nugget == pytest.approx(0.0507, abs=5e-5)  # as in gstat's vignette
    assert first.structures[0].sill == pytest.approx(0.5906, abs=5e-5)
    assert first.structures[0].range == pytest.approx(897.0, abs=0.05)


def test_least_squares_reach_what_gstat_reaches(oracle):
    fits = oracle("F01_fits.csv").groupby("case")["SSErr"].first()
    default = recorded(oracle("V01_omni_default.csv"))
    for case, form in {"sph": "spherical", "exp": "exponential", "gau": "gaussian", "mat15": "matern1.5"}.items():
        assert fit_variogram(default, [form]).sserr <= 1.0001 * fits[case]


def test_the_better_form_is_chosen(oracle):
    found = fit_variogram(recorded(oracle("V01_omni_default.csv")))
    assert found.candidates[0].name == "spherical"
    assert found.candidates[0].model == found.model
    scores = [one.aicc for one in found.candidates]
    assert scores == sorted(scores)


@pytest.fixture(scope="module")
def sample():
    source = np.random.default_rng(8)
    points = source.uniform(0, 100, (150, 2))
    covariance = single("exponential", 2, 20).between(points, points) + 0.3 * np.eye(150)
    values = np.linalg.cholesky(covariance) @ source.normal(size=150) + 5
    drift = np.column_stack([np.ones(150), points[:, 0] / 100])
    return Sample(points, values, drift, np.full(150, 0.05), np.where(np.arange(150) % 3, 1.0, 2.0)), values


def brute(sample, values, model):
    """Restricted log-likelihood from the density of contrasts, none of which sees the drift (Harville 1977)."""
    smooth, nugget = model.filtered()
    covariance = smooth.between(sample.points, sample.points) + np.diag(nugget / sample.replicates + sample.error)
    q, _ = np.linalg.qr(sample.drift, mode="complete")
    contrasts = q[:, sample.drift.shape[1] :]
    density = multivariate_normal(np.zeros(contrasts.shape[1]), contrasts.T @ covariance @ contrasts)
    return density.logpdf(contrasts.T @ values) - np.linalg.slogdet(sample.drift.T @ sample.drift)[1] / 2


def test_the_exact_likelihood_is_that_of_contrasts(sample):
    model = single("exponential", 1.7, 30, 0.2)
    assert Exact(sample[0])(model, 1.0, free_sill=False)[0] == pytest.approx(brute(*sample, model), rel=1e-9)


def test_vecchias_likelihood_with_all_before_is_exact(sample):
    model = single("matern", 1.7, 10, 0.2, nu=1.5)
    found = Vecchia(sample[0], 149, None, 1.0, 0)(model, 1.0, free_sill=False)[0]
    assert found == pytest.approx(brute(*sample, model), rel=1e-9)
    near = Vecchia(sample[0], 16, None, 1.0, 0)(model, 1.0, free_sill=False)[0]
    assert abs(near - found) < 2


def test_the_profiled_sill_is_the_most_likely(sample):
    model = single("exponential", 1, 20, 0.1)
    clean = replace(sample[0], error=np.zeros(150))
    value, sill = Exact(clean)(model, 1.0, free_sill=True)
    assert value == pytest.approx(Exact(clean)(model.scaled(sill), 1.0, free_sill=False)[0])
    for factor in (0.9, 1.1):
        assert Exact(clean)(model.scaled(sill * factor), 1.0, free_sill=False)[0] < value
    assert restricted(np.ones(3), np.zeros((3, 0)), 0.0, free_sill=False)[0] == pytest.approx(3 * norm.logpdf(1))


@pytest.mark.parametrize("terms", [None, 100])
def test_the_nearest_before_are_those_of_a_plain_search(terms):
    points = np.random.default_rng(2).uniform(size=(700, 2))
    found = previous(points, 6, terms)
    for row in range(len(found)):
        own = 700 - len(found) + row
        apart = np.linalg.norm(points[:own] - points[own], axis=1)
        expected = np.argsort(apart)[:6]
        assert found[row, : len(expected)].tolist() == expected.tolist()
        assert (found[row, len(expected) :] == 700).all()


def field(points, source, model, nugget):
    covariance = model.between(points, points) + nugget * np.eye(len(points))
    return np.linalg.cholesky(covariance) @ source.normal(size=len(points))


@pytest.mark.parametrize("count", [300, 1500])
def test_a_known_model_is_found(count):
    """Mean over fields, so that the chance of one of them does not count; metres, as users have them."""
    source, found = np.random.default_rng(1), []
    for _ in range(4 if count == 300 else 2):
        points = source.uniform(0, 1e6, (count, 2))
        values = field(points, source, single("exponential", 4, 150e3), 1.0)
        best = fit(points, values, forms=["exponential"], nested=False).model
        found.append([best.structures[0].sill, best.structures[0].range, best.nugget])
    assert np.mean(found, axis=0) == pytest.approx([4, 150e3, 1.0], rel=0.35)


def plane(lon, lat):
    turn, radius = np.deg2rad(lon - 10), 2 * 6371 * np.sin(np.deg2rad(90 - lat) / 2)
    return np.column_stack([radius * np.sin(turn), -radius * np.cos(turn)])


def test_the_ctd_case_of_intaros_in_space_and_time(oracle, shared_data):
    """INTAROS' own model: leave-one-out 1.226, vessel-day-out 1.446, coverage 0.789 of 0.9."""
    table = oracle("I00_profiles_15-24m.csv")
    source = pd.read_csv(
        shared_data / "science/geostat/imr_barents/scientist_AA-GS-GT_20030901-20031130_0-50m_TEMP.csv"
    )
    vessel = source.groupby("Profil_id")["Vessel_name"].first().loc[table["Profil_id"]].to_numpy()
    days = [f"{name} {int(time)}" for name, time in zip(vessel, table["Time"], strict=True)]
    points = np.column_stack([plane(table["Longitude"], table["Latitude"]), table["Time"] - 19600])
    values = table["Temperature"].to_numpy()
    found = fit(points, values, third="free")
    assert 4 < found.third < 12  # km per day; 6.8 to 7.3 in the record
    model, error = found.model.filtered()
    ready = Kriging(points * [1, 1, found.third], values, model, error=error, neighbours="all")
    alone, grouped = ready.leave_out(), ready.leave_out(days)
    rest = values - alone.value
    assert np.sqrt(np.mean(rest**2)) <= 0.50
    assert 0.75 <= np.mean(rest**2 / alone.variance_observation) <= 1.30
    rest = values - grouped.value
    assert np.sqrt(np.mean(rest**2)) <= 0.72
    inside = np.abs(rest) <= norm.ppf(0.95) * np.sqrt(grouped.variance_observation)
    assert 0.84 <= inside.mean() <= 0.96


def test_data_that_cannot_be_fitted_are_refused(sample):
    points, values = sample[0].points, sample[1]
    with pytest.raises(Refusal, match="29 data to fit"):
        fit(points[:29], values[:29])
    with pytest.raises(Refusal, match="do not vary"):
        fit(points, np.full(150, 3.0))
    with pytest.raises(Refusal, match="not finite"):
        fit(points, np.where(values > 6, np.nan, values))
    with pytest.raises(Refusal, match="unknown form 'cone'"):
        fit(points, values, forms=["cone"])
    with pytest.raises(Refusal, match="free third"):
        fit(points, values, third="free")
    with pytest.raises(Refusal, match="2 classes"):
        fit_variogram(Experimental(np.array([1.0, 2]), np.array([5, 5]), np.array([1.0, 2])), ["exponential"])
    with pytest.raises(Refusal, match="variogram is zero"):
        fit_variogram(Experimental(np.arange(1.0, 9), np.full(8, 5), np.zeros(8)), ["exponential"])
