"""The processor `s1-ice` on simulated scenes: what it writes, what decides it, and what it refuses."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile

import numpy as np
import pytest
import rasterio
from pyproj import Geod
from rio_cogeo import cog_validate
from shapely.geometry import shape

from builder.cli import main
from processors.engine import open_engine
from processors.errors import Refusal
from processors.protocol import Input
from processors.run import execute, resolve
from processors.seaice.processor import processor
from processors.seaice.synth import SceneSpec, simulate
from tests.icefields import run as statistics

SPEC = SceneSpec(7, lines=600, samples=2600, first_line=600, first_sample=1800, place=(20.0, 79.0), season="winter")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A scene of two sub-swaths at Nordaustlandet, with land in it."""
    return simulate(SPEC, tmp_path_factory.mktemp("scene"))


def run(path, folder, engine="inline", slots=None, **parameters):
    """Run the processor and return its products by their ending."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = {"scene": [Input.of(path)], **(slots or {})}
    with open_engine(engine, folder, workers=2) as opened:
        made = execute(processor, inputs, resolve(processor, {"figures": False} | parameters), opened)
    return {one.name.rpartition("_")[2]: one for one in made}


@pytest.fixture(scope="module")
def made(scene, tmp_path_factory):
    return run(scene.safe / "manifest.safe", tmp_path_factory.mktemp("made"), figures=True)


def read(product):
    with rasterio.open(product.path) as file:
        return file.read(1), file.profile, file.tags()


def test_the_maps_are_valid_and_say_what_they_are(made):
    for ending in ("iceclass.tif", "iceprob.tif", "flags.tif"):
        assert cog_validate(made[ending].path)[0], ending
    classes, profile, tags = read(made["iceclass.tif"])
    assert profile["crs"].to_epsg() == 3413
    assert profile["transform"].a == 200
    assert profile["transform"].c % 200 == profile["transform"].f % 200 == 0
    assert profile["nodata"] == 0
    assert tags["DATETIME"].endswith("Z")
    assert 19 < float(tags["INCIDENCE_ANGLE"]) < 47
    with rasterio.open(made["iceclass.tif"].path) as file:
        table = file.colormap(1)
    assert [table[value] for value in (0, 1, 2, 3)] == [
        (0, 0, 0, 0), (0, 92, 230, 255), (220, 30, 30, 255), (160, 160, 160, 255)
    ]  # fmt: skip
    assert set(np.unique(classes)) == {0, 1, 2, 3}


def test_classes_probabilities_and_flags_agree(made):
    classes, percent, flags = (read(made[one])[0] for one in ("iceclass.tif", "iceprob.tif", "flags.tif"))
    sea = (classes == 1) | (classes == 2)
    assert np.array_equal(percent != 255, sea)
    calm = sea & (flags & 128 == 0)
    assert (percent[calm & (classes == 2)] >= 50).all()
    assert (percent[calm & (classes == 1)] <= 50).all()
    assert np.array_equal(flags & 1 > 0, classes == 0)
    assert np.array_equal(flags & 2 > 0, classes == 3)
    unsure = (flags & 4 > 0) & sea
    assert unsure.any()
    assert ((percent[unsure] >= 35) & (percent[unsure] <= 65)).all()
    assert (flags & 16 > 0).any()  # EW1 to EW2, EW2 to EW3 lie in the scene


def test_the_map_is_that_of_the_truth(scene, made):
    """Truth is brought onto the map by the annotated points alone (GDAL, thin plates), not by our geolocation."""
    from rasterio.control import GroundControlPoint
    from rasterio.warp import Resampling, reproject

    from processors.seaice.safe import open_safe

    points = open_safe(scene.safe).annotation.points
    at = np.stack([points.line + 0.5, points.pixel + 0.5, points.longitude, points.latitude], -1).reshape(-1, 4)
    with rasterio.open(scene.truth) as file:
        truth = file.read(1)
    classes, profile, _ = read(made["iceclass.tif"])
    expected = np.zeros_like(classes)
    gcps = [GroundControlPoint(*map(float, one), z=0.0) for one in at]
    reproject(
        np.minimum(truth, 2), expected, gcps=gcps, src_crs="EPSG:4326", dst_crs="EPSG:3413",
        dst_transform=profile["transform"], resampling=Resampling.mode, SRC_METHOD="GCP_TPS",
    )  # fmt: skip
    sea = np.isin(classes, (1, 2)) & (expected > 0)
    assert sea.sum() > 20_000
    assert np.mean(classes[sea] == expected[sea]) > 0.9


def test_statistics_are_true_areas(made):
    """The areas of the classes sum to that of the sea, and cells to that of their outline on the ellipsoid (Geod)."""
    told = json.loads(made["stats.json"].path.read_text())
    classes, profile, _ = read(made["iceclass.tif"])
    from pyproj import Transformer

    back = Transformer.from_crs(3413, 4326, always_xy=True)
    t = profile["transform"]
    row, column = (int(one.mean()) for one in np.nonzero(classes == 2))
    corners = [t * (column + dx, row + dy) for dx, dy in ((0, 0), (0, 1), (1, 1), (1, 0))]
    lon, lat = back.transform(*zip(*corners, strict=True))
    cell = abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 1e6
    assert told["ice_km2"] == pytest.approx((classes == 2).sum() * cell, rel=0.005)
    assert told["valid_km2"] == pytest.approx(told["ice_km2"] + told["water_km2"], abs=0.01)
    fraction, low, high = told["ice_fraction"]
    assert low < fraction < high
    assert "not validated" in told["notes"][0]


def test_the_item_says_radar_orbit_and_place(made):
    fields = made["iceclass.tif"].properties
    item = fields["item"]
    assert item["sar:instrument_mode"] == "EW"
    assert item["sar:polarizations"] == ["HH", "HV"]
    assert item["sat:orbit_state"] in {"ascending", "descending"}
    assert item["renders"]["iceclass"]["colormap"]["2"] == [220, 30, 30, 255]
    outline = shape(fields["geometry"])
    assert outline.is_valid
    assert len(outline.exterior.coords) > 32
    assert fields["proj:code"] == "EPSG:3413"
    assert [one["value"] for one in fields["classification:classes"]] == [0, 1, 2, 3]
    offsets = {one["name"]: one["offset"] for one in made["flags.tif"].properties["classification:bitfields"]}
    assert offsets["land_or_coast"] == 1
    assert offsets["speck_filtered"] == 7


def digests(products):
    return {name: hashlib.sha256(one.path.read_bytes()).hexdigest() for name, one in products.items()}


@pytest.mark.parametrize("engine", ["inline", "threads", "processes"])
def test_any_engine_gives_the_same_bytes(scene, made, tmp_path, engine):
    assert digests(run(scene.safe / "manifest.safe", tmp_path, engine, figures=True)) == digests(made)


def test_an_archive_gives_the_same_pixels(scene, made, tmp_path):
    path = tmp_path / "scene.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(scene.safe.rglob("*")):
            archive.write(file, file.relative_to(scene.safe.parent))
    zipped = run(path, tmp_path / "out")
    for ending in ("iceclass.tif", "iceprob.tif", "flags.tif"):
        assert np.array_equal(read(zipped[ending])[0], read(made[ending])[0])


@pytest.mark.parametrize(
    ("changed", "seen"),
    [
        ({"threshold": 0.9}, lambda a, b: (b == 2).sum() < (a == 2).sum()),
        ({"smooth_cells": 3.0}, lambda a, b: (a != b).any()),
        ({"min_component_cells": 200}, lambda a, b: (a != b).any()),
        ({"land_buffer_m": 6000}, lambda a, b: (b == 3).sum() > (a == 3).sum()),
        ({"noise": "none"}, lambda a, b: (a != b).any()),
        ({"resolution_m": 1000}, lambda a, b: b.size < a.size / 20),
        ({"crs": "EPSG:6931"}, lambda a, b: a.shape != b.shape),
    ],
)
def test_each_parameter_changes_the_map(scene, made, tmp_path, changed, seen):
    other = read(run(scene.safe / "manifest.safe", tmp_path, **changed)["iceclass.tif"])[0]
    assert seen(read(made["iceclass.tif"])[0], other)


def test_scaling_that_is_not_known_is_flagged(scene, made, tmp_path):
    from processors.seaice.radiometry import scaling_of
    from processors.seaice.safe import open_safe

    flags = read(run(scene.safe / "manifest.safe", tmp_path, noise="scaled")["flags.tif"])[0]
    known = scaling_of(open_safe(scene.safe), "HV") is not None
    assert bool((flags & 32 > 0).any()) is (not known)


def test_statistics_of_ice_read_what_was_written(made, tmp_path):
    told = json.loads(made["stats.json"].path.read_text())
    paths = [made["iceclass.tif"].path]
    summary = json.loads(statistics(paths, tmp_path, grid_km=5)["statistics.json"].path.read_text())
    assert told["scene"] in json.dumps(summary)


def refused(code, path, tmp_path, **parameters):
    with pytest.raises(Refusal) as trouble:
        run(path, tmp_path / "out", **parameters)
    assert trouble.value.code == code
    assert "\n" not in str(trouble.value)


@pytest.fixture
def copy(scene, tmp_path):
    return shutil.copytree(scene.safe, tmp_path / "copy.SAFE")


def test_what_cannot_be_used_is_refused_with_a_code(copy, tmp_path):
    measurement = next((copy / "measurement").glob("*hv*"))
    whole = measurement.read_bytes()
    measurement.write_bytes(whole[: len(whole) // 2])
    refused("S1.TIFF_TRUNCATED", copy / "manifest.safe", tmp_path)
    measurement.write_bytes(b"")
    refused("S1.TIFF_EMPTY", copy / "manifest.safe", tmp_path)
    measurement.unlink()
    refused("S1.MISSING_FILE", copy / "manifest.safe", tmp_path)
    measurement.write_bytes(whole)
    noise = next((copy / "annotation/calibration").glob("noise*hv*"))
    noise.write_bytes(noise.read_bytes() + b" ")
    refused("S1.CHECKSUM", copy / "manifest.safe", tmp_path)
    manifest = copy / "manifest.safe"
    manifest.write_text(manifest.read_text().replace(">EW<", ">IW<"))
    refused("S1.UNSUPPORTED_PRODUCT", manifest, tmp_path)
    other = tmp_path / "no.zip"
    other.write_bytes(b"no")
    refused("S1.NOT_A_SAFE", other, tmp_path)


def test_a_model_of_the_other_polarisation_is_refused(tmp_path):
    made = simulate(SceneSpec(3, lines=200, samples=400, first_line=600, vertical=True), tmp_path)
    refused("MODEL.FEATURE_MISMATCH", made.safe / "manifest.safe", tmp_path)
    refused("MODEL.UNKNOWN", made.safe / "manifest.safe", tmp_path, model="nobody")


def test_a_real_product_without_pixels_is_refused(shared_data, tmp_path):
    found = sorted((shared_data / "science/sentinel1").rglob("manifest.safe"))
    assert found
    for manifest in found:
        with pytest.raises(Refusal) as trouble:
            run(manifest, tmp_path / "out")
        expected = "S1.MISSING_FILE" if "EW_GRDM" in str(manifest) else "S1.UNSUPPORTED_PRODUCT"
        assert trouble.value.code == expected


def test_the_command_takes_a_folder(scene, made, tmp_path):
    with pytest.raises(SystemExit) as ended:
        main(["-q", "process", "run", "s1-ice", str(scene.safe), "--out", str(tmp_path), "--param", "figures=false"])
    assert not ended.value.code
    (path,) = tmp_path.glob("*_iceclass.tif")
    with rasterio.open(path) as file:
        assert np.array_equal(file.read(1), read(made["iceclass.tif"])[0])


def test_choices_of_numbers_are_taken_from_texts():
    assert resolve(processor, {"resolution_m": "1000"}).resolution_m == 1000
    with pytest.raises(Refusal, match="200, 400 or 1000"):
        resolve(processor, {"resolution_m": "300"})
