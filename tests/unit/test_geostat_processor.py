"""The geostatistics processor: the public case of INTAROS, its products, and each parameter's effect."""

from __future__ import annotations

import json

import numpy as np
import pytest
import rasterio
import xarray as xr

from processors.errors import Refusal
from processors.geostat import estimating
from processors.geostat.scores import scores_of, verdict
from tests.geostats import MODEL, PUBLIC, casts, krige, told


@pytest.fixture(scope="module")
def public(shared_data, tmp_path_factory):
    """The public case with the defaults alone: only the bench is said."""
    return krige(shared_data / PUBLIC, tmp_path_factory.mktemp("public"), depth=None, bench=(15, 25), grid="auto",
                 model="auto", realisations=100)  # fmt: skip


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return casts(tmp_path_factory.mktemp("survey") / "survey.csv")


@pytest.fixture(scope="module")
def usual(survey, tmp_path_factory):
    return krige(survey, tmp_path_factory.mktemp("usual"), report=True, realisations=20)


def band(product, number=1):
    with rasterio.open(product.path) as file:
        return file.read(number)


def test_defaults_alone_beat_the_original_on_its_public_case(public):
    (scores,) = told(public, "cv.json")["levels"]
    alone, apart = scores["leave_one_out"], scores["leave_group_out"]
    # geostat.md G6; INTAROS: 1.226 / 1.446 / 0.789
    assert alone["rmse"] <= 0.50
    assert 0.75 <= alone["msdr"] <= 1.30
    assert apart["rmse"] <= 0.72
    assert 0.84 <= apart["coverage90"] <= 0.96
    assert scores["status"] == "green"
    assert scores["groups"] == "one ship on one day"
    (level,) = told(public, "params.json")["levels"]
    assert level["day_km"] == pytest.approx(7.3, abs=1)  # geostat.md, section 3
    assert any("mean depth of 19.5 m" in note for note in level["notes"])


def test_products_open_in_the_tools_of_the_field(usual, tmp_path):
    with rasterio.open(usual["estimate.tif"].path) as file:
        assert file.crs.to_epsg() == 3575
        assert file.units == ("degC",)
        assert np.isnan(file.nodata)
        assert file.descriptions == ("TEMP 25 m",)
        estimate = file.read(1)
    assert 6 < np.nanmean(estimate) < 14
    assert (band(usual["std_obs.tif"]) >= band(usual["std.tif"]) - 1e-6)[np.isfinite(estimate)].all()
    with xr.open_dataset(usual["geostat.nc"].path, decode_coords="all") as data:
        assert data.TEMP.dims == ("time", "depth", "y", "x")
        assert np.array_equal(data.TEMP[0, 0].values, estimate, equal_nan=True)
        assert data.TEMP.attrs["standard_name"] == "sea_water_temperature"
        assert data.TEMP_standard_error.attrs["standard_name"] == "sea_water_temperature standard_error"
        assert "TEMP_standard_error" in data.TEMP.attrs["ancillary_variables"]
        assert data.TEMP.attrs["units"] == "degC"
        assert data.depth.values.tolist() == [25]
        assert data.attrs["title"] == f"Sea water temperature at 25 m on {str(data.time.values[0])[:10]}, kriged"
        assert data.crs.attrs["grid_mapping_name"] == "lambert_azimuthal_equal_area"
        assert str(data.time.values[0])[:7] == "2003-08"
        kept = data.load()
    store = json.loads(usual["geostat.json"].path.read_bytes())
    text = json.dumps(store).replace('"geostat.nc"', json.dumps(str(usual["geostat.nc"].path)))
    (tmp_path / "refs.json").write_text(text)
    with xr.open_dataset(str(tmp_path / "refs.json"), engine="kerchunk") as through:
        assert np.array_equal(through.TEMP.values, kept.TEMP.values, equal_nan=True)


def test_a_map_on_degrees(survey, tmp_path):
    made = krige(survey, tmp_path, grid="20,72,40,77@1")
    with rasterio.open(made["estimate.tif"].path) as file:
        assert file.crs.to_epsg() == 4326
        assert file.bounds == (20, 72, 40, 77)
    with xr.open_dataset(made["geostat.nc"].path) as data:
        assert data.x.attrs["standard_name"] == "longitude"


def test_the_same_bytes_again_on_every_engine_and_for_every_tile(survey, usual, tmp_path, monkeypatch):
    expected = {name: product.path.read_bytes() for name, product in usual.items()}
    monkeypatch.setattr(estimating, "TILE", 37)
    for kind in ("threads", "dask"):
        again = krige(survey, tmp_path, kind, report=True, realisations=20)
        differing = [name for name, product in again.items() if product.path.read_bytes() != expected[name]]
        assert differing == [], kind


def test_the_map_honours_what_was_measured(survey, tmp_path):
    exact = {"nugget": 0.0, "structures": MODEL["structures"]}
    made = krige(survey, tmp_path, model=exact, cv="loo", merge_km=0, drift=[], day_km=0)
    rows = np.genfromtxt(made["cv.csv"].path, delimiter=",", names=True, dtype=None, encoding="utf-8")
    # kriging by hand at one datum, without it: the ordinary kriging system of all others (Isaaks and Srivastava 1989)
    from processors.geostat.metric import metric_of

    lon, lat, value = (np.asarray(rows[name], float) for name in ("longitude", "latitude", "observed"))
    crs = metric_of("crs", lon, lat, "EPSG:3575")
    points = crs.places(lon, lat)
    covariance = lambda one, other: 2.0 * np.exp(-np.linalg.norm(one[:, None] - other, axis=2) / 120.0)  # noqa: E731
    away = np.linalg.norm(points - points[0], axis=1)
    near = np.argsort(away)[1:]
    system = np.ones((near.size + 1, near.size + 1))
    system[:-1, :-1], system[-1, -1] = covariance(points[near], points[near]), 0
    right = np.append(covariance(points[near], points[:1])[:, 0], 1.0)
    solved = np.linalg.solve(system, right)
    whole = krige(survey, tmp_path, model=exact, cv="loo", merge_km=0, neighbours="all", drift=[], day_km=0)
    row = np.genfromtxt(whole["cv.csv"].path, delimiter=",", names=True, dtype=None, encoding="utf-8")[0]
    assert row["without_itself"] == pytest.approx(solved[:-1] @ value[near], abs=1e-6)
    assert row["its_standard_error"] == pytest.approx(np.sqrt(2.0 - solved @ right), abs=1e-6)


def test_scores_against_closed_forms():
    random = np.random.default_rng(3)
    truth = random.normal(0, 2, 40_000)
    good = scores_of(truth, np.zeros(truth.size), np.full(truth.size, 4.0))
    # CRPS of a normal forecast of spread s that is right: s/sqrt(pi) (Gneiting and Raftery 2007)
    assert good.crps == pytest.approx(2 / np.sqrt(np.pi), rel=0.02)
    assert (good.coverage50, good.coverage90, good.msdr) == pytest.approx((0.5, 0.9, 1.0), abs=0.02)
    assert max(good.pit) / min(good.pit) < 1.1
    assert verdict(good, good)[0] == "red"  # no better than the mean
    narrow = scores_of(truth, truth * 0.9, np.full(truth.size, 0.01))
    assert [reason.split()[0] for reason in verdict(narrow, narrow)[1]] == ["errors"]


def test_a_map_that_is_no_better_than_the_mean_publishes_the_mean(tmp_path):
    random = np.random.default_rng(8)
    noise = random.normal(5, 1, 80)
    path = casts(tmp_path / "noise.csv", value=lambda cast: noise[cast])
    made = krige(path, tmp_path, model="auto", day_km=0, drift=[])
    (scores,) = told(made, "cv.json")["levels"]
    assert (scores["status"], scores["published"]) == ("red", "mean")
    assert made["estimate.tif"].properties["geostat:quality"] == "red"
    assert made["estimate.tif"].title.endswith(", mean of the data")
    estimate = band(made["estimate.tif"])
    assert np.nanmin(estimate) == np.nanmax(estimate) == pytest.approx(5, abs=0.4)


@pytest.mark.parametrize("more", [{}, {"cv": "loo"}, {"calibrate": True}], ids=str)
def test_where_no_datum_reaches_another_the_mean_is_published(survey, tmp_path, more):
    short = {"nugget": 0.1, "structures": [{"kind": "exponential", "sill": 0.001, "range": 0.01}]}
    made = krige(survey, tmp_path, model=short, merge_km=0, drift=[], day_km=0, **more)
    (scores,) = told(made, "cv.json")["levels"]
    assert (scores["status"], scores["published"], scores["leave_one_out"]["count"]) == ("red", "mean", 0)
    assert scores["reasons"] == ["no datum lies within reach of another, so that none can be predicted without itself"]
    assert np.nanmin(band(made["estimate.tif"])) == np.nanmax(band(made["estimate.tif"]))
    assert np.isfinite(np.nanmax(band(made["std.tif"])))
    fields = made["estimate.tif"].properties
    assert [name for name in fields if name.startswith("geostat:")] == ["geostat:quality"]


def test_scores_of_groups_out_of_reach_are_none_and_red(recwarn):
    nothing = scores_of(np.ones(3), np.full(3, np.nan), np.ones(3))
    some = scores_of(np.arange(9.0), np.arange(9.0) + 0.3, np.full(9, 0.09))
    assert (nothing.count, nothing.skill, len(recwarn)) == (0, 0.0, 0)
    assert verdict(some, nothing) == ("red", ["no datum lies within reach of those of another group"])


CHOICES = [
    {"variable": "PSAL"}, {"depth": 15}, {"depth": None, "bench": (10, 30)}, {"time": "2003-08"},
    {"bbox": (20, 72, 36, 77)}, {"grid": "EPSG:3575/80km"}, {"mask": "none"}, {"target_time": "2003-08-10"},
    {"transform": "log"}, {"drift": ("x", "y")}, {"drift": ("time",)}, {"day_km": 5.0},
    {"metric": "chord"}, {"metric": "laea"},
    {"model": {"nugget": 0.2, "structures": [{"kind": "spherical", "sill": 1, "range": 300}]}},
    {"anisotropy": {"angle": 30, "ratio": 0.5}}, {"nugget_is_error": False}, {"obs_error": 0.5}, {"merge_km": 60.0},
    {"neighbours": 8}, {"neighbours": "all"}, {"sectors": "quadrants"}, {"max_distance": 60.0},
    {"block": (80.0, 80.0)}, {"thresholds": (4.0,)}, {"quantiles": (0.25,)}, {"cv": "blocks"}, {"cv": "loo"},
    {"calibrate": True}, {"transform": "normal-score", "decluster_km": 400.0},
    {"transform": "normal-score", "decluster_km": 0.0},
]  # fmt: skip


@pytest.fixture(scope="module")
def plain(survey, tmp_path_factory):
    """Runs that choices are compared with: without time, with it, and on the scale that weights count for."""
    folder = tmp_path_factory.mktemp("plain")
    scores = krige(survey, folder, day_km=0.0, drift=[], transform="normal-score")
    return {speed: krige(survey, folder, day_km=speed, drift=[]) for speed in (0.0, 5.0)} | {"normal-score": scores}


@pytest.mark.parametrize("choice", CHOICES, ids=lambda choice: "-".join(f"{k}={v}"[:24] for k, v in choice.items()))
def test_each_parameter_changes_an_outcome(survey, plain, tmp_path, choice):
    like = "normal-score" if "decluster_km" in choice else 5.0 if "target_time" in choice else 0.0
    made, base = krige(survey, tmp_path, **({"day_km": 5.0 if like == 5.0 else 0.0, "drift": []} | choice)), plain[like]
    same = [name for name in ("estimate.tif", "std.tif", "std_obs.tif", "cv.json") if name in made
            and strip(made[name]) == strip(base[name])]  # fmt: skip
    assert made.keys() != base.keys() or len(same) < 4


def strip(product):
    """What a product says, without the parameters in its lineage."""
    if product.path.suffix == ".json":
        return product.path.read_bytes()
    with rasterio.open(product.path) as file:
        return file.read().tobytes()


def test_land_is_left_out_of_the_map(survey, tmp_path):
    sea, all_ = (krige(survey, tmp_path, grid="EPSG:3575/20km", bbox=(15, 71, 40, 78), mask=one) for one in
                 ("land", "none"))  # fmt: skip
    masked, whole = (np.isfinite(band(one["neighbours.tif"])).sum() for one in (sea, all_))
    assert masked < whole
    square = {"type": "Polygon", "coordinates": [[[20, 70], [30, 70], [30, 80], [20, 80], [20, 70]]]}
    (tmp_path / "mask.geojson").write_text(json.dumps(square))
    half = krige(survey, tmp_path, grid="EPSG:3575/20km", mask_=tmp_path / "mask.geojson")
    assert np.isfinite(band(half["estimate.tif"])).sum() < 0.7 * whole


def test_an_external_drift_and_the_grid_of_an_item(survey, tmp_path):
    transform = rasterio.transform.from_bounds(15, 70, 45, 80, 300, 100)
    depth = np.add.outer(np.linspace(200, 400, 100), 50 * np.sin(np.arange(300) / 20)).astype("float32")
    with rasterio.open(tmp_path / "sea.tif", "w", driver="GTiff", width=300, height=100, count=1, dtype="float32",
                       crs="EPSG:4326", transform=transform) as file:  # fmt: skip
        file.write(depth, 1)
    base = krige(survey, tmp_path, drift=[], day_km=0)
    made = krige(survey, tmp_path, drift=["external"], day_km=0, external_drift_=tmp_path / "sea.tif")
    assert not np.array_equal(band(made["estimate.tif"]), band(base["estimate.tif"]), equal_nan=True)
    with pytest.raises(Refusal, match="needs a raster"):
        krige(survey, tmp_path, drift=["external"], day_km=0)
    item = {"type": "Feature", "properties": {"proj:code": "EPSG:3995", "proj:shape": [12, 10],
            "proj:transform": [50000, 0, 600000, 0, -50000, -1200000]}}  # fmt: skip
    (tmp_path / "grid.json").write_text(json.dumps(item))
    placed = krige(survey, tmp_path, grid_=tmp_path / "grid.json", mask="none")
    with rasterio.open(placed["estimate.tif"].path) as file:
        assert (file.crs.to_epsg(), file.shape) == (3995, (12, 10))


def test_several_depths_and_months(survey, tmp_path):
    made = krige(survey, tmp_path, depth=[15, 35], target_time="month", day_km=5.0, drift=[])
    with rasterio.open(made["estimate.tif"].path) as file:
        assert file.descriptions == ("TEMP 15 m 2003-08-16", "TEMP 35 m 2003-08-16", "TEMP 15 m 2003-09-16",
                                     "TEMP 35 m 2003-09-16")  # fmt: skip
        values = file.read()
    with xr.open_dataset(made["geostat.nc"].path) as data:
        assert data.sizes["time"] == data.sizes["depth"] == 2
        assert np.array_equal(data.TEMP.values[1, 0], values[2], equal_nan=True)
    (tmp_path / "timeless.csv").write_text(survey.read_text().replace("Time", "Remark"))
    with pytest.raises(Refusal, match="do not all have a time"):
        krige(tmp_path / "timeless.csv", tmp_path, drift=["time"])


def test_a_direction_is_found_and_taken_where_it_predicts_better(tmp_path):
    """Bands that run from north to south: alike along a meridian, unlike across."""
    random = np.random.default_rng(12)
    lon, lat = random.uniform(25, 35, 150), random.uniform(73, 76, 150)
    value = 5 + np.sin(lon * 1.7) + 0.5 * np.sin(lon * 4.1) + random.normal(0, 0.05, 150)
    lines = [f"{a:.4f},{b:.4f},{c:.4f}" for a, b, c in zip(lon, lat, value, strict=True)]
    (tmp_path / "bands.csv").write_text("Longitude,Latitude,TEMP\n" + "\n".join(lines) + "\n")
    (tmp_path / "out").mkdir()
    found = {}
    for wanted in ("auto", False):
        made = krige(tmp_path / "bands.csv", tmp_path / "out", depth=None, grid="EPSG:3576/40km", model="auto",
                     anisotropy=wanted, drift=[], cv="loo")  # fmt: skip
        found[wanted] = told(made, "cv.json")["levels"][0]["leave_one_out"]["rmse"]
        (level,) = told(made, "params.json")["levels"]
        angles = {part.get("angle") for part in level["model"]["structures"]}
        ratios = {part.get("ratio") for part in level["model"]["structures"]}
        if wanted:
            # on the plane of EPSG:3576 the pole seen from 30 E lies 60 degrees clockwise of up, where it lies from 90 E
            assert angles <= {45.0, 60.0, 75.0}
            assert ratios <= {0.25, 0.35, 0.5}
        else:
            assert angles == {None}
    assert found["auto"] < 0.8 * found[False]


def test_turning_the_globe_changes_no_prediction(survey, tmp_path):
    """The antimeridian is no edge: casts moved across it predict each other as before."""
    text = survey.read_text().splitlines()
    moved = [text[0]]
    for line in text[1:]:
        longitude, rest = line.split(",", 1)
        moved.append(f"{(float(longitude) + 150 + 180) % 360 - 180:.4f},{rest}")
    (tmp_path / "moved.csv").write_text("\n".join(moved) + "\n")
    (tmp_path / "out").mkdir()
    same = {"metric": "laea", "mask": "none", "grid": "EPSG:3575/100km", "drift": [], "day_km": 0}
    scores = [told(krige(path, tmp_path / "out", **same), "cv.json")["levels"][0]["leave_group_out"]
              for path in (survey, tmp_path / "moved.csv")]  # fmt: skip
    assert scores[0]["rmse"] == pytest.approx(scores[1]["rmse"], rel=1e-9)
    assert scores[0]["msdr"] == pytest.approx(scores[1]["msdr"], rel=1e-9)
    chords = {**same, "metric": "chord"}
    turned = [told(krige(path, tmp_path / "out", **chords), "cv.json")["levels"][0]["leave_group_out"]["rmse"]
              for path in (survey, tmp_path / "moved.csv")]  # fmt: skip
    assert turned[0] == pytest.approx(turned[1], rel=1e-9)
    assert turned[0] == pytest.approx(scores[0]["rmse"], rel=0.01)
