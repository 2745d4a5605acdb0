"""Simulated scenes: read back as real ones, with the backscatter, speckle and noise that were asked for."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest
import rasterio

from processors.seaice.backscatter import cmod5n, polarisation_ratio, water_cross
from processors.seaice.geolocation import Geolocation
from processors.seaice.orbit import locate, satellite
from processors.seaice.radiometry import border_quality, incidence_angle, sigma0, swath_numbers
from processors.seaice.safe import open_safe
from processors.seaice.scenery import random_field
from processors.seaice.sensor import SAMPLES
from processors.seaice.speckle import BLOCK, Speckle
from processors.seaice.synth import SceneSpec, classes_of, simulate


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    """A scene of all sub-swaths with the same backscatter everywhere and the noise it states."""
    asked = SceneSpec(3, lines=420, first_line=1500, constant_db=(-15.0, -25.0), faithful_noise=True, ipf="003.52")
    return simulate(asked, tmp_path_factory.mktemp("flat"))


@pytest.fixture(scope="module")
def icy(tmp_path_factory):
    """A scene of ice and water over all sub-swaths, whose noise differs from what it states."""
    asked = SceneSpec(20, lines=500, first_line=1500, season="winter", ipf="003.52", ice=0.5)
    return simulate(asked, tmp_path_factory.mktemp("icy"))


@pytest.mark.parametrize(("polarisation", "level", "off"), [("HH", -15, 0.05), ("HV", -25, 0.15)])
def test_a_constant_field_comes_back_in_each_sub_swath(flat, polarisation, level, off):
    """Design A9.2."""
    scene = open_safe(flat.safe)
    values, _ = sigma0(scene, polarisation, slice(None))
    numbers = swath_numbers(scene, slice(None))
    for swath in range(1, 6):
        mean = np.mean(values[numbers == swath], dtype=np.float64)
        assert 10 * np.log10(mean) == pytest.approx(level, abs=off)
    raw, _ = sigma0(scene, polarisation, slice(None), "none")
    assert np.nanmean(raw) > np.nanmean(values)


def test_speckle_has_the_looks_and_the_neighbourhood_of_the_product(flat):
    """ENL 10.7 (EW1 15), Gaussian of 0.85 pixels: its autocorrelation is exp(-d²/4s²), 0.708 at one pixel."""
    looks = np.repeat([15.0, 10.7], 600)
    speckle = Speckle((1, 2), looks)
    field = np.concatenate([speckle.block(number) for number in range(2)])
    assert field.shape == (2 * BLOCK, 1200)
    for part, expected in ((field[:, :590], 15), (field[:, 610:], 10.7)):
        assert part.mean() == pytest.approx(1, abs=0.01)
        assert 1 / part.var() == pytest.approx(expected, rel=0.05)
    near = np.corrcoef(field[:, 610:-1].ravel(), field[:, 611:].ravel())[0, 1]
    assert near == pytest.approx(np.exp(-1 / (4 * 0.85**2)), abs=0.02)
    assert np.corrcoef(field[BLOCK - 1], field[BLOCK])[0, 1] > 0.6  # no seam between blocks


@pytest.mark.parametrize("seed", [30, 31, 32])
def test_noise_removal_joins_sub_swaths_at_least_twice_as_well(tmp_path, seed):
    """Design A2, where nothing but noise differs across a border; true noise is not quite the stated one."""
    asked = SceneSpec(seed, lines=300, first_line=1500, constant_db=(-15.0, -25.0), ipf="003.52")
    scene = open_safe(simulate(asked, tmp_path).safe)
    raw, better = (border_quality(scene, scene.cross, rule) for rule in ("none", "esa"))
    assert list(raw) == [(1, 2), (2, 3), (3, 4), (4, 5)]
    assert all(better[pair] * 2 <= raw[pair] for pair in raw), (raw, better)


def test_quality_of_a_border_is_that_of_its_formula(icy):
    scene = open_safe(icy.safe)
    values, _ = sigma0(scene, "HV", slice(None))
    numbers = swath_numbers(scene, slice(None))[0]
    edge = int(np.argmax(numbers == 3))
    a, b = values[:, edge - 100 : edge].astype(float), values[:, edge : edge + 100].astype(float)
    expected = abs(a.mean() - b.mean()) / (a.std() + b.std())
    assert border_quality(scene, "HV", strip=128)[2, 3] == pytest.approx(expected, rel=1e-9)


def test_strips_of_a_scene_give_the_same_bytes(icy):
    scene = open_safe(icy.safe)
    whole = sigma0(scene, "HV", slice(None), "esa")
    for height in (64, 333):
        parts = [sigma0(scene, "HV", slice(top, top + height), "esa") for top in range(0, 500, height)]
        for one, pieces in zip(whole, zip(*parts, strict=True), strict=True):
            assert one.tobytes() == np.concatenate(pieces).tobytes()


def test_the_truth_tells_water_and_ice_apart(icy):
    scene = open_safe(icy.safe)
    with rasterio.open(icy.truth) as image:
        truth = image.read(1)
    assert truth.shape == scene.shape
    assert set(np.unique(truth)) <= set(classes_of("winter"))
    np.testing.assert_array_equal(truth == 0, scene.read_dn("HH", slice(None)) == 0)
    assert 0.3 < (truth > 1).sum() / (truth > 0).sum() < 0.65
    values, _ = sigma0(scene, "HV", slice(None))
    means = {number: values[truth == number].mean() for number in (1, 3, 4, 5)}
    assert means[3] < means[4] < means[5]
    assert means[1] < means[4]  # wind makes the sea as bright as level ice


def test_incidence_angles_are_those_of_the_real_swath(icy):
    """Angles of S1A on 30 November 2022 at samples 0 to 10486 (design A7)."""
    angle = incidence_angle(open_safe(icy.safe), slice(200, 201))[0]
    found = angle[[0, 2100, 4200, 6300, 8400, 10_486]]
    np.testing.assert_allclose(found, [18.92, 25.54, 31.60, 37.09, 42.01, 46.39], atol=0.2)


def test_stated_points_lie_where_range_and_doppler_put_them(icy):
    scene = open_safe(icy.safe)
    points = scene.annotation.points
    geolocation = Geolocation.of(scene.annotation)
    line, sample = geolocation.inverse(*_projected(points.longitude, points.latitude))
    assert np.abs(line - points.line).max() < 0.1
    assert np.abs(sample - points.pixel).max() < 0.2
    place = locate(scene.annotation, points.line, points.pixel)
    position, velocity = satellite(scene.annotation, points.time)
    assert (
        np.abs(np.sum((place - position) * velocity, -1)).max() < 75
    )  # a centimetre at 7.5 km/s: times have microseconds
    right = np.cross(velocity, position)
    assert (np.sum((place - position) * right, -1) > 0).all()


def _projected(longitude, latitude):
    from pyproj import Transformer

    return Transformer.from_crs("EPSG:4326", "EPSG:3413", always_xy=True).transform(longitude, latitude)


def test_the_same_specification_gives_the_same_bytes_and_another_seed_does_not(tmp_path):
    asked = SceneSpec(7, lines=300, samples=700, first_sample=2800, first_line=2000)
    hashes = []
    for name, one in (("a", asked), ("b", asked), ("c", SceneSpec(8, lines=300, samples=700, first_sample=2800))):
        (tmp_path / name).mkdir()
        simulate(one, tmp_path / name)
        files = sorted(path for path in (tmp_path / name).rglob("*") if path.is_file())
        hashes.append({path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files})
    assert hashes[0] == hashes[1]
    assert set(hashes[0].values()).isdisjoint(hashes[2].values())
    told = json.loads(next((tmp_path / "a").glob("*_truth.json")).read_text())
    assert told["specification"]["seed"] == 7


def test_scenes_differ_in_all_that_a_model_must_not_learn_by_heart(tmp_path):
    """Design A7: noise, its distance from the stated one, phase of scalloping, version, direction, looks, wind."""
    plans = [
        simulate(SceneSpec(seed, lines=40, samples=60, first_sample=3080, first_line=2000), tmp_path).plan
        for seed in range(12)
    ]
    assert len({plan.identity.ipf for plan in plans}) > 2
    assert {plan.identity.ascending for plan in plans} == {True, False}
    assert {plan.weather.season for plan in plans} == {"winter", "melt"}
    for drawn in ([p.radar[1].scale for p in plans], [p.radar[1].phases for p in plans], [p.looks for p in plans]):
        assert len(set(drawn)) == 12
    assert max(p.radar[1].level[2] for p in plans) - min(p.radar[1].level[2] for p in plans) > 0.8
    assert max(p.weather.wind for p in plans) - min(p.weather.wind for p in plans) > 5


def test_a_part_of_a_scene_keeps_its_sub_swaths_and_its_staggered_top(tmp_path):
    made = simulate(SceneSpec(4, lines=300, samples=900, first_sample=4600, ipf="003.10"), tmp_path)
    scene = open_safe(made.safe)
    numbers = swath_numbers(scene, slice(None))
    assert set(np.unique(numbers)) == {0, 2, 3}
    assert (numbers[:128] == 0).all()
    np.testing.assert_array_equal(scene.read_dn("HV", slice(None)) == 0, numbers == 0)
    assert SAMPLES == 10_487


def test_the_sea_has_the_published_backscatter():
    """Upwind is brighter than crosswind, HH than VV it is not (Thompson: (1 + t)²/(1 + 2t)² is 4/9 at 45°)."""
    assert 10 * np.log10(cmod5n(10, 0, 40)) == pytest.approx(-12.9, abs=0.3)  # figure 4 of Hersbach (2010)
    assert cmod5n(10, 0, 40) > cmod5n(10, 180, 40) > cmod5n(10, 90, 40)
    assert (np.diff(cmod5n(np.arange(3, 20), 45, 35)) > 0).all()
    assert polarisation_ratio(45) == pytest.approx(4 / 9)
    assert water_cross(10) == pytest.approx(-29.68)
    assert water_cross(-5) == -36


def test_random_fields_have_the_spectrum_they_are_asked_for():
    field = random_field(np.random.default_rng(0), (512, 512), 1.0, 3.0, (4.0, 256.0))
    assert field.std() == pytest.approx(1, abs=1e-3)
    power = np.abs(np.fft.fft2(field)) ** 2
    k = np.hypot(*np.meshgrid(np.fft.fftfreq(512), np.fft.fftfreq(512)))
    low, high = (power[(k > centre * 0.9) & (k < centre * 1.1)].mean() for centre in (0.03, 0.12))
    assert np.log(low / high) / np.log(4) == pytest.approx(3, abs=0.25)
    assert power[k > 0.26].max() < 1e-6 * power.max()
