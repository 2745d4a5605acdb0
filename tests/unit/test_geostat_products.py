"""What the geostatistics processor writes beside its maps, and what it refuses to map."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import rasterio
from scipy.special import ndtr, ndtri

from processors.errors import Refusal
from processors.geostat.observations import Observations
from processors.geostat.parameters import GeostatParameters
from processors.geostat.steps import steps_of
from processors.geostat.summaries import block_means, regular_depths, regular_times, relation_of, statistics
from processors.run import resolve
from tests.geostats import MODEL, casts, krige, told


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return casts(tmp_path_factory.mktemp("survey") / "survey.csv")


@pytest.fixture(scope="module")
def made(survey, tmp_path_factory):
    plain = {"drift": [], "day_km": 0, "thresholds": (9.0, 1000.0), "realisations": 60, "cv": "loo", "report": True}
    return krige(survey, tmp_path_factory.mktemp("made"), **plain)


def values(product):
    with rasterio.open(product.path) as file:
        return file.read(1).astype(float)


def rows(product):
    return list(csv.DictReader(product.path.read_text().splitlines()))


def test_quantiles_and_exceedance_are_those_of_the_normal_distribution(made):
    mean, std, low, above = (values(made[f"{name}.tif"]) for name in ("estimate", "std", "q05", "p_gt_9"))
    known = np.isfinite(mean)
    assert np.allclose(low[known], (mean + ndtri(0.05) * std)[known], atol=1e-4)
    assert np.allclose(above[known], ndtr((mean - 9) / std)[known], atol=1e-4)
    assert (values(made["p_gt_1000.tif"])[known] == 0).all()  # beyond the data: allowed
    with rasterio.open(made["p_gt_9.tif"].path) as file:
        assert file.units == ("1",)


def test_the_region_s_risk_agrees_with_the_map(made):
    (risk,) = told(made, "risk.json")["maps"]
    mean, above = values(made["estimate.tif"]), values(made["p_gt_9.tif"])
    # on an equal-area grid expectations are plain sums: of estimates, and of probabilities times the cell of 1600 km2
    assert risk["mean"]["expected"] == pytest.approx(np.nanmean(mean), abs=0.1)
    area = risk["thresholds"][0]["area_km2"]
    assert area["expected"] == pytest.approx(np.nansum(above) * 1600, rel=0.05)
    assert area["q05"] < area["q50"] < area["q95"]
    assert risk["region_km2"] == pytest.approx(np.isfinite(mean).sum() * 1600, rel=1e-6)
    assert risk["thresholds"][1]["area_km2"]["q95"] == 0
    share = risk["thresholds"][0]["probability_mean_above"]
    assert ((share > 0.95), (share < 0.05)) == (risk["mean"]["q05"] > 9, risk["mean"]["q95"] < 9)
    (level,) = told(made, "params.json")["levels"]
    assert [note for note in level["notes"] if note.startswith("Threshold 1000: observations lie between ")]


def test_risk_obeys_region_seed_and_number_of_fields(survey, made, tmp_path):
    usual = {"drift": [], "day_km": 0, "thresholds": (9.0,), "cv": "loo"}
    south = {"type": "Polygon", "coordinates": [[[10, 60], [50, 60], [50, 74], [10, 74], [10, 60]]]}
    (tmp_path / "south.geojson").write_text(json.dumps(south))
    part = krige(survey, tmp_path, realisations=60, region_=tmp_path / "south.geojson", **usual)
    (whole,), (warm,) = told(made, "risk.json")["maps"], told(part, "risk.json")["maps"]
    assert warm["region_km2"] < whole["region_km2"]
    assert warm["mean"]["expected"] > whole["mean"]["expected"]  # it is warmer in the south
    other = krige(survey, tmp_path, realisations=60, seed=7, **usual)
    assert told(other, "risk.json")["maps"][0]["mean"] != whole["mean"]
    assert told(krige(survey, tmp_path, realisations=0, **usual), "risk.json")["maps"] == []


def test_variograms_are_those_of_the_observations(made):
    (level,) = told(made, "variogram.json")["levels"]
    every = level["experimental"][0]
    table = rows(made["cv.csv"])
    from processors.geostat.metric import metric_of

    lon, lat, value = (np.array([float(row[name]) for row in table]) for name in ("longitude", "latitude", "observed"))
    points = metric_of("crs", lon, lat, "EPSG:3575").places(lon, lat)
    first, second = np.triu_indices(lon.size, 1)
    apart = np.linalg.norm(points[first] - points[second], axis=1)
    half = (value[first] - value[second]) ** 2 / 2
    reach = np.linalg.norm(np.ptp(points, axis=0)) / 2
    inside = (apart > 0) & (apart <= reach / 20)
    assert every["pairs"][0] == inside.sum()
    assert every["gamma"][0] == pytest.approx(half[inside].mean(), rel=1e-6)
    assert level["model_with_error"]["nugget"] == pytest.approx(MODEL["nugget"])
    assert rows(made["variogram.csv"])[0]["pairs"] == str(every["pairs"][0])


def test_the_report_is_one_file_that_says_how_far_to_trust(made, tmp_path):
    page = made["report.html"].path.read_text()
    assert page.count("data:image/png;base64,") == 7  # four maps, observations, variogram, validation
    assert "http" not in page.replace("http-equiv", "")
    assert "Interpolated linearly between the levels above and below 25 m" in page
    assert "MSDR" in page
    assert made["map_estimate.png"].roles == ("overview",)
    assert [name for name, product in made.items() if "thumbnail" in product.roles] == ["map.png"]
    assert made["map_estimate.svg"].media_type == "image/svg+xml"
    hostile = tmp_path / "<script>alert(1)<.csv"
    casts(hostile)
    (tmp_path / "out").mkdir()
    page = krige(hostile, tmp_path / "out", drift=[], day_km=0, report=True)["report.html"].path.read_text()
    assert "<script" not in page


def test_summaries_are_those_of_the_table(survey, tmp_path):
    with survey.open() as file:
        table = list(csv.DictReader(file))
    temp = np.array([float(row["Temperature [degC]"]) for row in table])
    salt = np.array([float(row["Salinity"]) for row in table])
    more = {"second": "PSAL", "water_masses": 3, "block_km": 200, "regular_days": 10, "regular_m": 2.5, "report": True}
    products = krige(survey, tmp_path, drift=[], day_km=0, cv="loo", **more)
    whole = rows(products["statistics.csv"])[0]
    assert (float(whole["mean"]), float(whole["std"])) == pytest.approx((temp.mean(), temp.std()), rel=1e-6)
    depth, day = (np.array([row[name] for row in table]) for name in ("Depth", "Time"))
    told_by = {(row["by"], row["group"]): row for row in rows(products["statistics.csv"])}
    assert {by: sum(int(row["count"]) for (one, _), row in told_by.items() if one == by) for by, _ in told_by} == {
        "all": 640, "year": 640, "depth": 640}  # fmt: skip
    deep = (depth.astype(float) >= 25) & (depth.astype(float) < 50)
    assert float(told_by["depth", "[25, 50) m"]["median"]) == pytest.approx(np.median(temp[deep]), rel=1e-6)
    assert {text[:4] for text in day} == {group for by, group in told_by if by == "year"}
    assert float(told_by["year", "2003"]["most"]) == temp.max()
    relation = told(products, "relation.json")
    assert relation["correlation"] == pytest.approx(np.corrcoef(temp, salt)[0, 1], rel=1e-9)
    assert sum(one["samples"] for one in relation["classes"]) == temp.size
    assert [one["mean_first"] for one in relation["classes"]] == sorted(
        one["mean_first"] for one in relation["classes"]
    )
    assert len(rows(products["water_masses.csv"])) == temp.size
    assert sum(int(row["count"]) for row in rows(products["block_means.csv"])) == temp.size
    assert {"relation.png", "relation.svg"} <= products.keys()
    assert f"Correlation of TEMP and PSAL in {temp.size} samples" in products["report.html"].path.read_text()
    import html5lib

    html5lib.HTMLParser(strict=True).parse(products["report.html"].path.read_bytes())
    assert [row["start"][:10] for row in rows(products["regular_times.csv"])][1:3] == [
        "2003-08-06",
        "2003-08-16",
    ]  # days 12270 and 12280
    depths = rows(products["regular_depths.csv"])
    cast = [
        float(row["value"]) for row in depths if row["profile"] == "0" and float(row["depth"]) in {10.0, 12.5, 15.0}
    ]
    assert cast == pytest.approx([temp[1], (temp[1] + temp[2]) / 2, temp[2]])


def test_the_published_correlation_of_temperature_and_salinity(shared_data):
    path = shared_data / "science/netcdf/imr_ctd/imr_AA_200301_TEMP_CNDC_PSAL_0-100m.csv"
    from processors.geostat.reading import Wanted, read_observations
    from processors.protocol import Input

    table, _ = read_observations([Input.of(path)], Wanted("TEMP", "PSAL"))
    found = relation_of(table, GeostatParameters())
    # printed in the notebook of the geostatistics course: "Correlation coefficient= 0.6017874", 6831 samples
    assert found.correlation == pytest.approx(0.6017874, abs=5e-8)
    assert table.size == 6831


def test_water_masses_are_found():
    random = np.random.default_rng(4)
    kind = np.repeat([0, 1, 2], 300)
    temp = np.array([-1.0, 3.0, 7.0])[kind] + random.normal(0, 0.2, 900)
    salt = np.array([34.0, 35.0, 34.5])[kind] + random.normal(0, 0.03, 900)
    zero = np.zeros(900)
    table = Observations("TEMP", "degC", zero, zero, zero, zero, temp, salt, np.full(900, "A"), np.arange(900))
    found = relation_of(table, GeostatParameters(second="PSAL", water_masses=3))
    assert (found.classes == kind).mean() > 0.99
    assert found.centres[:, 1] == pytest.approx([34, 35, 34.5], abs=0.02)
    assert statistics(table)[0]["count"] == 900
    assert len(block_means(table, 10)) == 1
    assert regular_times(table, 1.0)[0]["count"] == 900
    assert len(regular_depths(table, 5)) == 900


def test_times_of_maps():
    days = np.array([0.0, 100.0])  # 1970-01-01 to 1970-04-11
    assert [step.title for step in steps_of("month", days, None)] == [
        "1970-01-16", "1970-02-15", "1970-03-16", "1970-04-16"]  # fmt: skip
    assert [(step.start, step.end) for step in steps_of("season", days, None)] == [(-31, 59), (59, 151)]
    assert [step.title for step in steps_of("year", days, None)] == ["1970-07-02"]
    assert steps_of("centre", days, None)[0].at == 50
    assert steps_of("1970-02", days, None)[0].at == 45
    with pytest.raises(Refusal, match="is no time"):
        steps_of("sometime", days, None)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"depth": 800}, "no profile has a value at 800 m"),
        ({"variable": "DOXY"}, "has no column `DOXY`"),
        ({"time": "1999"}, "no value of `TEMP` is left"),
        ({"grid": "EPSG:3575/20m"}, "cells, more than"),
        ({"most_nodes": 10}, "cells, more than 10"),
        ({"grid": "20,72,40,77@1", "metric": "crs"}, "degrees, which are no distance"),
        ({"metric": "chord", "block": (50, 50)}, "no plane for a block"),
        ({"metric": "chord", "sectors": "octants"}, "no plane for sectors"),
        ({"target_time": "month", "day_km": 0, "drift": ["x"]}, "need time in the model"),
        ({"model": {"nugget": -1, "structures": []}}, "nugget -1"),
        ({"model": {"structures": [{"kind": "exponential"}]}}, "not a covariance model"),
    ],
)
def test_what_gives_no_truthful_map_is_refused(survey, tmp_path, parameters, said):
    with pytest.raises(Refusal, match=said):
        krige(survey, tmp_path, **parameters)


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("neighbours", 4, "8 to 256"),
        ("bench", [30, 10], "goes from one depth down"),
        ("quantiles", [1.5], "between 0 and 1"),
        ("depth", -3, "between 0 and 12000"),
        ("block", [0, 5], "a width and a height"),
        ("day_km", -1.0, "not negative"),
        ("water_masses", 3, "needs two classes or more, and `second`"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(name, value, said):
    from processors.geostat.processor import processor

    with pytest.raises(Refusal, match=said):
        resolve(processor, {name: value})


def test_few_observations(tmp_path):
    with pytest.raises(Refusal, match="9 observations at 25 m are too few"):
        krige(casts(tmp_path / "nine.csv", count=9), tmp_path)
    few = krige(casts(tmp_path / "twenty.csv", count=20), tmp_path, model="auto")
    assert any(
        "an exponential model is assumed, not fitted" in note for note in told(few, "params.json")["levels"][0]["notes"]
    )
    with pytest.raises(Refusal, match="11 observations are too few for this trend"):
        krige(casts(tmp_path / "eleven.csv", count=11), tmp_path, drift=["x", "y", "time"])


def test_values_that_are_all_the_same(tmp_path):
    path = casts(tmp_path / "same.csv", value=lambda cast: 4.0)
    made = krige(path, tmp_path, obs_error=0.2, model="auto")
    known = np.isfinite(values(made["estimate.tif"]))
    assert (values(made["estimate.tif"])[known] == 4).all()
    assert np.allclose(values(made["std.tif"])[known], 0.2)
    assert any("All values are 4" in note for note in made["estimate.tif"].properties["notes"])


def test_nothing_is_told_of_places_far_from_all_observations(survey, tmp_path):
    made = krige(survey, tmp_path, grid="-20,60,60,85@2", mask="none", drift=[], day_km=0, max_distance=150.0)
    share = np.isfinite(values(made["estimate.tif"])).mean()
    assert 0.05 < share < 0.4


def test_values_far_from_others_of_their_place_are_listed(tmp_path):
    text = casts(tmp_path / "a.csv", count=200).read_text().splitlines()
    lon, lat, *_ = text[1].split(",")
    text += [
        f"{lon},{lat},2003-08-{day:02},{99 if day == 12 else 9},34,25,A,{1000 + day}" for day in (10, 12, 14, 16, 18)
    ]
    (tmp_path / "a.csv").write_text("\n".join(text) + "\n")
    made = krige(tmp_path / "a.csv", tmp_path, cv="loo", drift=[], day_km=0, nugget_is_error=True)
    assert any("99 of A" in note and "far from others" in note for note in made["estimate.tif"].properties["notes"])


def test_a_dry_run_says_what_it_would_do_and_makes_nothing(survey, tmp_path, capsys):
    from builder.cli import main

    out = tmp_path / "out"
    arguments = ["process", "run", "geostat", str(survey), "--param", "depth=25", "--out", str(out), "--dry-run"]
    with pytest.raises(SystemExit, match="0"):
        main(arguments)
    would = json.loads(capsys.readouterr().out)["would"]
    assert not out.exists()
    assert would["levels"][0]["observations"] == 80
    assert would["levels"][0]["try"] == [
        "constant", "constant, time in distances", "constant + linear in time"]  # fmt: skip
    assert would["grid"]["crs"] == "EPSG:3575"
    assert would["read"]["values"] == 640
    refused = [*arguments[:4], "--param", "depth=900", "--out", str(out)]
    with pytest.raises(SystemExit, match="2"):
        main(refused)
    assert "no profile has a value at 900 m [GEOSTAT.NO_LEVEL]" in capsys.readouterr().err


def test_a_unit_that_no_file_says_is_not_invented(survey, tmp_path):
    import xarray as xr

    nameless = tmp_path / "nameless.csv"
    nameless.write_text(survey.read_text().replace("Temperature [degC]", "Temperature"))
    made = krige(nameless, tmp_path, drift=[], day_km=0, cv="loo")
    with xr.open_dataset(made["geostat.nc"].path) as data:
        assert "units" not in data.TEMP.attrs
        assert data.neighbours.attrs["units"] == "1"
    assert any("No file says the unit" in note for note in made["estimate.tif"].properties["notes"])
    assert "report.html" not in made  # `report` is false here


def test_flags_choose_values(tmp_path):
    from builder.demo.science import write_ctd

    (tmp_path / "out").mkdir()
    for ship in ("58GT", "58AA"):
        write_ctd(tmp_path / f"{ship}.nc", ship, 2018)
    casts_ = [tmp_path / "58GT.nc", tmp_path / "58AA.nc"]
    whole = krige(casts_, tmp_path / "out", drift=[], day_km=0, cv="loo", flags=(1, 9))
    assert whole["estimate.tif"].properties["unit"] == "degC"
    with pytest.raises(Refusal, match=r"has a quality flag of 9 \[GEOSTAT.FLAGS\]"):
        krige(casts_, tmp_path / "out", flags=(9,))


def table_of(path, rows):
    path.write_text("Longitude,Latitude,TEMP\n" + "\n".join(",".join(map(str, row)) for row in rows) + "\n")
    return path


def test_bad_input_never_gives_a_silent_number(tmp_path):
    """The cases of geostat.md, section 2.5, which other packages answer without a word."""
    random = np.random.default_rng(2)
    places = [(round(lon, 3), round(lat, 3)) for lon, lat in zip(random.uniform(20, 40, 40), random.uniform(72, 77, 40),
                                                                 strict=True)]  # fmt: skip
    good = [(lon, lat, round(10 - (lat - 72) + lon / 40, 3)) for lon, lat in places]
    (tmp_path / "out").mkdir()
    usual = {"depth": None, "cv": "loo", "drift": []}
    # NaN and infinite values: left out and counted
    holes = table_of(tmp_path / "holes.csv", [*good, (30, 75, ""), (31, 75, "inf")])
    made = krige(holes, tmp_path / "out", **usual)
    assert told(made, "params.json")["left_out"] == {"value is missing or not finite": 2}
    # duplicates with different values and no error that would explain them
    exact = {"nugget": 0.0, "structures": MODEL["structures"]}
    twice = table_of(tmp_path / "twice.csv", [*good, (*places[0], 2.0)])
    with pytest.raises(Refusal, match="different values"):
        krige(twice, tmp_path / "out", merge_km=0, model=exact, **usual)
    merged = krige(twice, tmp_path / "out", model=exact, **usual)
    assert any("merged into 40" in note for note in merged["estimate.tif"].properties["notes"])
    # one point, two points, metres for degrees
    for count in (1, 2):
        with pytest.raises(Refusal, match=f"{count} observations are too few"):
            krige(table_of(tmp_path / "few.csv", good[:count]), tmp_path / "out", **usual)
    metres = table_of(tmp_path / "metres.csv", [(lon * 1e4, lat * 1e4, value) for lon, lat, value in good])
    with pytest.raises(Refusal, match="positions lie outside"):
        krige(metres, tmp_path / "out", **usual)
    # all on one line, with a trend across it
    line = table_of(tmp_path / "line.csv", [(90, 72 + number / 10, number % 7) for number in range(40)])
    with pytest.raises(Refusal, match="drift column"):
        krige(line, tmp_path / "out", grid="EPSG:3576/40km", depth=None, cv="loo", drift=["x", "y"], metric="crs")
