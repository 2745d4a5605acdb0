"""Observations for geostatistics: formats, checks, depths, metrics, tracks, grids, coasts and scales."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
from kerchunk.hdf import SingleHdf5ToZarr

from builder.demo.science import temperature, write_ctd
from processors.errors import Refusal
from processors.geostat.landmask import masked, on_land
from processors.geostat.lattice import lattice_of
from processors.geostat.levels import Level, at_level
from processors.geostat.metric import chord, metric_of
from processors.geostat.observations import Observations, choose, join
from processors.geostat.periods import period_of
from processors.geostat.profiles import depth_of
from processors.geostat.reading import Wanted, read_observations
from processors.geostat.tracks import decluster, merge, vessel_days
from processors.geostat.transforms import Identity, Log, NormalScore, moments_back, transform_of
from processors.protocol import Input


def read(path, variable="TEMP", **more):
    return read_observations([Input.of(one) for one in ([path] if not isinstance(path, list) else path)],
                             Wanted(variable, **more))[0]  # fmt: skip


def table(value, *, lon=None, lat=None, time=None, depth=None, profile=None, platform="A", second=None, name="TEMP"):
    value = np.asarray(value, float)
    many = value.size
    full = lambda given, usual: np.full(many, usual, float) if given is None else np.asarray(given, float)  # noqa: E731
    profile = np.arange(many) if profile is None else np.asarray(profile)
    return Observations(name, "degC", full(lon, 20), full(lat, 75), full(time, 0), full(depth, 10), value,
                        second, np.full(many, platform), profile)  # fmt: skip


@pytest.fixture(scope="module")
def demo_cast(tmp_path_factory):
    path = tmp_path_factory.mktemp("ctd") / "58GT_CTD_2018.nc"
    write_ctd(path, "58GT", 2018)
    return path


def test_a_table_of_iaos_extract_has_remarks_pressures_and_items(tmp_path):
    head = "# title: Casts\n# license: CC-BY-4.0\n"
    columns = "item,TIME [UTC],LONGITUDE [degree_east],LATITUDE [degree_north],PRES [dbar],TEMP [degrees_C],TEMP_QC\n"
    rows = "58gt,2018-07-01T00:00:00Z,20,30,10000,1.5,1\n58hj,2018-07-01T00:00:00Z,20,30,0,2.5,1\n"
    (tmp_path / "casts.csv").write_text(head + columns + rows)
    found = read(tmp_path / "casts.csv")
    # UNESCO technical papers in marine science 44: 9712.653 m at 10000 dbar and 30 degrees
    assert found.depth == pytest.approx([9712.653, 0], abs=1e-3)
    assert (found.value.tolist(), found.platform.tolist()) == ([1.5, 2.5], ["58gt", "58hj"])


def test_the_public_table_of_intaros(shared_data):
    path = shared_data / "science/geostat/imr_barents/scientist_AA-GS-GT_20030901-20031130_0-50m_TEMP.csv"
    read_in = read(path)
    # printed in the notebook: 12444 rows, of which 12176 have a temperature, 6.755 to 14.989, mean 11.158
    assert read_in.size == 12176
    assert read_in.left_out == {"value is missing or not finite": 268}
    assert (read_in.value.min(), read_in.value.max()) == (6.755, 14.989)
    assert read_in.value.mean() == pytest.approx(11.158, abs=5e-4)
    assert set(read_in.platform) == {"AA", "GS", "GT"}
    # "The dataset period is: (2003-09-17 => 2003-11-26)"
    days = np.array([read_in.time.min(), read_in.time.max()]).astype("datetime64[D]")
    assert [str(day) for day in days] == ["2003-09-17", "2003-11-26"]


def test_the_bench_of_intaros_is_named_by_the_depth_it_stands_for(shared_data):
    path = shared_data / "science/geostat/imr_barents/scientist_AA-GS-GT_20030901-20031130_0-50m_TEMP.csv"
    sampled = at_level(read(path), Level(15, 25))
    assert "stand for a mean depth of 19.5 m" in sampled.told
    oracle = np.genfromtxt(shared_data / "oracle/geostat/I00_profiles_15-24m.csv", delimiter=",", names=True)
    column = next(name for name in oracle.dtype.names if name.lower() in {"temperature", "temp", "z", "value"})
    # the oracle has one value per Profil_id, ours one per cast; one of its 242 is the mean of two casts
    ours, theirs = np.sort(sampled.table.value), np.sort(oracle[column])
    assert (np.abs(ours[:, None] - theirs).min(axis=0) > 1e-9).sum() == 1


def test_imr_layout_gives_depths_of_pressures_and_obeys_flags(demo_cast, tmp_path):
    whole = read(demo_cast)
    assert whole.unit == "degC"
    assert set(whole.platform) == {"58GT"}
    assert whole.depth.min() == pytest.approx(3 * 0.99, abs=0.02)  # 3 dbar are 2.97 m at 75 N
    at25 = at_level(whole, Level(25, 25))
    expected = temperature(at25.table.latitude, np.full(at25.table.size, 25 / 0.99))
    assert np.abs(at25.table.value - expected).max() < 0.25  # noise of 0.05
    with xr.open_dataset(demo_cast, decode_times=False, mask_and_scale=False) as data:
        flagged = data.load()
    flagged["TEMP_QC"][:, :5] = 4
    flagged["POSITION_QC"][0] = 3
    flagged.to_netcdf(tmp_path / "flagged.nc")
    kept = read(tmp_path / "flagged.nc")
    assert kept.depth.min() > 15
    assert np.unique(kept.profile).size == np.unique(whole.profile).size - 1
    assert kept.left_out["quality flag"] > 100
    assert read(tmp_path / "flagged.nc", flags=(1, 3, 4)).size == whole.size
    with pytest.raises(Refusal, match="no value of `TEMP` has a quality flag of 0"):
        read(demo_cast, flags=(0,))


def test_references_and_items_read_the_same_values(demo_cast, tmp_path):
    data = tmp_path / demo_cast.name
    data.write_bytes(demo_cast.read_bytes())
    refs = SingleHdf5ToZarr(str(data)).translate()["refs"]
    text = json.dumps({"version": 1, "refs": refs}).replace(json.dumps(str(data)), json.dumps(data.name))
    (tmp_path / "refs.json").write_text(text)
    plain, referenced = read(data), read(tmp_path / "refs.json")
    assert np.array_equal(plain.value, referenced.value)
    assert np.array_equal(plain.depth, referenced.depth)
    digest = "1220" + Input.of(data).sha256
    item = {"type": "Feature", "assets": {"data": {"href": f"./{data.name}", "type": "application/netcdf",
                                                   "roles": ["data"], "file:checksum": digest}}}  # fmt: skip
    (tmp_path / "item.json").write_text(json.dumps(item))
    found, files = read_observations([Input.of(tmp_path / "item.json")], Wanted("TEMP"))
    assert np.array_equal(found.value, plain.value)
    assert files[0].sha256 == Input.of(data).sha256
    item["assets"]["data"]["file:checksum"] = "1220" + "0" * 64
    (tmp_path / "item.json").write_text(json.dumps(item))
    with pytest.raises(Refusal, match="is not the file that its item describes"):
        read(tmp_path / "item.json")
    for href, said in (("https://example.org/a.nc", "not on this machine"), ("../../etc/a.nc", "outside its folder")):
        item["assets"]["data"]["href"] = href
        (tmp_path / "item.json").write_text(json.dumps(item))
        with pytest.raises(Refusal, match=said):
            read(tmp_path / "item.json")
    (tmp_path / "refs.json").write_text(text.replace(data.name, "../../../../etc/passwd"))
    with pytest.raises(Refusal, match="outside its folder"):
        read(tmp_path / "refs.json")


def test_ragged_arrays(tmp_path):
    counts, lat = [3, 2], [74.0, 76.0]
    depth = [0.0, 20.0, 40.0, 10.0, 30.0]
    ragged = xr.Dataset(
        {
            "rowsize": ("profile", counts, {"sample_dimension": "obs"}),
            "lat": ("profile", lat, {"standard_name": "latitude", "units": "degrees_north"}),
            "lon": ("profile", [10.0, 190.0], {"standard_name": "longitude", "units": "degrees_east"}),
            "time": ("profile", [0.0, 86400.0], {"standard_name": "time", "units": "seconds since 2003-09-01"}),
            "depth": ("obs", depth, {"standard_name": "depth", "units": "m", "positive": "down"}),
            "TEMP": ("obs", [4.0, 2.0, 0.0, 3.0, 1.0], {"units": "degree_C"}),
        }
    )
    ragged.to_netcdf(tmp_path / "contiguous.nc")
    indexed = ragged.drop_vars("rowsize").assign(index=("obs", [0, 0, 0, 1, 1], {"instance_dimension": "profile"}))
    indexed.to_netcdf(tmp_path / "indexed.nc")
    for name in ("contiguous.nc", "indexed.nc"):
        sampled = at_level(read(tmp_path / name), Level(20, 20)).table
        assert sampled.value.tolist() == [2.0]  # the other's levels are 20 m apart, more than 5 m
        assert sampled.latitude.tolist() == [74.0]
        assert np.array_equal(read(tmp_path / name).longitude, [10, 10, 10, -170, -170])
        assert read(tmp_path / name).time[-1] - read(tmp_path / name).time[0] == 1.0


def test_real_discrete_samples_are_read(shared_data):
    folder = shared_data / "science/netcdf/profiles"
    argo = read(folder / "argo_MD5903593_001.nc", flags=(1, 2))
    assert argo.longitude[0] == pytest.approx(101.353)  # LONGITUDE of the file
    assert argo.depth.max() > 900
    buoys = read(folder / "ferret_DSG_ERDDAP_Tao5daySst.nc", "T_25")
    assert np.unique(buoys.longitude).size > 10
    assert np.unique(buoys.profile).size == buoys.size  # series at one depth are no profiles
    with pytest.raises(Refusal, match="has no latitudes"):
        read(shared_data / "science/netcdf/imr_ctd/imr_AA-GS-GT_20030901-20031130_0-50m_TEMP.nc")


def test_depth_of_pressure_has_the_check_value_of_unesco():
    assert depth_of(np.array([10000.0]), np.array([30.0])) == pytest.approx(9712.653, abs=1e-3)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("Lon,Lat,Temperature\n500,70,1\n", "outside longitude"),
        ("Lon,Lat,Temperature\n70,120,1\n71,140,1\n", "look swapped"),
        ("Lon,Lat,Temperature\n10,70,1\n10,70,274.2\n", "kelvin"),
        ("Lon,Lat,Temperature\n10,70,\n", "no value of `TEMP`"),
        ("Lon,Lat,Salinity\n10,70,1\n", "has no column `TEMP`"),
        ("Lat,Temperature\n10,70\n", "no column of longitude"),
        ("Lon,Lat,Temperature\n10,70,warm\n", "'warm', which is no number"),
        ("Lon,Lat,Time,Temperature\n10,70,yesterday,1\n", "no ISO 8601 times"),
    ],
)
def test_tables_that_cannot_be_believed_are_refused(tmp_path, rows, said):
    (tmp_path / "a.csv").write_text(rows)
    with pytest.raises(Refusal, match=said):
        read(tmp_path / "a.csv")


def test_units_are_not_mixed(tmp_path):
    (tmp_path / "a.csv").write_text("Longitude,Latitude,Time,Temperature [°C]\n10,70,2003-09-01T12:00:00Z,1\n")
    (tmp_path / "b.csv").write_text("Longitude,Latitude,Time,Temperature [K]\n10,70,2003-09-01,274\n")
    assert read(tmp_path / "a.csv").unit == "degC"
    assert read(tmp_path / "a.csv").time[0] == 12296.5  # `date -d 2003-09-01 +%s` / 86400, and half a day
    with pytest.raises(Refusal, match="values come in K and degC"):
        read([tmp_path / "a.csv", tmp_path / "b.csv"])


def test_joined_tables_keep_profiles_apart():
    both = join([table([1, 2], profile=[0, 0]), table([3, 4], profile=[0, 1])])
    assert both.profile.tolist() == [0, 0, 1, 2]


def test_periods_and_boxes():
    assert period_of("2003-09/2003-11") == (12296.0, 12387.0)
    assert period_of("2004") == (12418.0, 12784.0)
    assert period_of("../2004-02-29")[1] == 12478.0
    for wrong in ("2003-13", "soon", "2004/2003"):
        with pytest.raises(Refusal):
            period_of(wrong)
    places = table([1, 2, 3], lon=[170, -175, 0], lat=[75, 75, 75])
    across = choose(places, None, (160, 70, -170, 80))
    assert across.value.tolist() == [1, 2]
    assert across.left_out == {"outside the box asked for": 1}
    with pytest.raises(Refusal, match="no value of `TEMP` is left"):
        choose(places, (1e6, 2e6), None)


def test_depths_are_interpolated_and_never_shifted():
    casts = table([4, 2, 9, 7, 5, 8, 1], depth=[20, 24, 10, 40, 28, 30, 2], profile=[0, 0, 1, 1, 2, 2, 3])
    at = at_level(casts, Level(22, 22))
    assert at.table.value.tolist() == [3]  # half way; 10 to 40 m is too wide a gap, 28 m is 6 m too deep
    assert at.without == 3
    assert at_level(casts, Level(25, 25)).table.value.tolist() == [5]  # first level 3 m below; the deepest, 24 m, ends
    assert at_level(casts, Level(28, 28)).table.value.tolist() == [5]
    second = table([4, 2], depth=[20, 24], profile=[0, 0], second=np.array([34.0, 35.0]))
    assert at_level(second, Level(21, 21)).table.second.tolist() == [34.25]
    with pytest.raises(Refusal, match="no profile has a value at 500 m"):
        at_level(casts, Level(500, 500))
    with pytest.raises(Refusal, match="values of many depths"):
        at_level(casts, None)


def test_benches_weigh_levels_by_thickness():
    # levels 15, 17 and 25 of a cast down to 35 m: cells of 2 m (one side twice), (2 + 8) / 2 = 5 m, and outside
    casts = table([1, 2, 3, 4], depth=[15, 17, 25, 35], profile=[0, 0, 0, 0])
    sampled = at_level(casts, Level(15, 25))
    assert sampled.table.value[0] == pytest.approx((2 * 1 + 5 * 2) / 7)
    assert sampled.depth == pytest.approx((2 * 15 + 5 * 17) / 7)


def test_metrics_are_kilometres():
    lon, lat = np.array([0.0, 30.0, 29.0]), np.array([80.0, 75.0, 75.5])
    plane = metric_of("auto", lon, lat, "").places(lon, lat)
    from pyproj import Geod

    _, _, metres = Geod(ellps="WGS84").inv(lon[1], lat[1], lon[2], lat[2])
    assert np.linalg.norm(plane[1] - plane[2]) == pytest.approx(metres / 1000, rel=2e-3)
    everywhere = metric_of("auto", np.array([0.0, 120.0, 240.0]), np.full(3, 55.0), "")
    assert everywhere.kind == "chord"
    # the chord between the pole and the equator is the square root of two radii
    ends = chord(np.array([12.0, 50.0]), np.array([90.0, 0.0]))
    assert np.linalg.norm(ends[0] - ends[1]) == pytest.approx(6371 * np.sqrt(2))
    true = np.array([0.0, 0.2]), np.array([70.0, 70.0])  # the standard parallel of EPSG:3413
    polar = metric_of("crs", *true, "EPSG:3413").places(*true)
    _, _, metres = Geod(ellps="WGS84").inv(0.0, 70.0, 0.2, 70.0)
    assert np.linalg.norm(polar[0] - polar[1]) == pytest.approx(metres / 1000, rel=1e-4)
    scaled = metric_of("laea", lon, lat, "")
    from dataclasses import replace

    timed = replace(scaled, speed=7.0, epoch=10.0).points(lon, lat, np.array([10.0, 11.0, 12.0]))
    assert timed[:, 2].tolist() == [0, 7, 14]


def test_repeats_are_merged_with_the_variance_of_a_mean():
    places = np.array([[0, 0], [3, 0], [0, 4], [100, 0], [0, 1]], float)
    data = table([1, 2, 3, 9, 5], time=[0, 0.5, 0.2, 0, 3])
    merged = merge(data, places, 5.0)
    assert sorted(merged.count.tolist()) == [1, 1, 3]
    together = int(np.argmax(merged.count))
    assert merged.table.value[together] == 2.0
    assert merged.spread == pytest.approx(1.0)  # variance of 1, 2, 3
    assert merged.errors[together] == pytest.approx(1 / 3)
    assert merge(data, places, 0.0).table.size == 5


def test_cell_declustering_reproduces_gslib(shared_data):
    path = shared_data / "science/geostat/gslib/cluster.dat"
    rows = np.loadtxt(path, skiprows=7)
    assert rows[:, 2].mean() == pytest.approx(4.350, abs=5e-4)
    weights = decluster(rows[:, :2], 5.0)
    assert np.average(rows[:, 2], weights=weights) == pytest.approx(2.524, abs=0.01)
    assert weights.mean() == pytest.approx(1.0)


def test_vessel_days():
    data = table([1, 2, 3, 4], time=[0.1, 0.9, 1.1, 0.5])
    assert vessel_days(data).tolist() == [0, 0, 1, 0]


def test_grids_by_name():
    lon, lat = np.array([20.0, 30.0]), np.array([74.0, 76.0])
    named = lattice_of("EPSG:3995/10km", lon, lat)
    assert (named.crs, named.step) == ("EPSG:3995", (10_000, 10_000))
    assert named.west % 10_000 == 0
    box = lattice_of("-4,57,7,62@0.1", lon, lat)
    assert (box.shape, box.x[0], box.y[0]) == ((50, 110), pytest.approx(-3.95), pytest.approx(61.95))
    from pyproj import Geod

    area, _ = Geod(ellps="WGS84").polygon_area_perimeter([-4, -3.9, -3.9, -4], [61.9, 61.9, 62, 62])
    assert box.areas()[0] == pytest.approx(area / 1e6, rel=1e-4)
    assert lattice_of("auto", lon, lat).crs == "EPSG:3575"
    stereographic = lattice_of("EPSG:3413/10km", lon, lat).areas()
    assert (np.abs(stereographic - 100) > 1).any()
    equal = lattice_of("auto", lon, lat)
    assert np.allclose(equal.areas(), equal.step[0] ** 2 / 1e6, rtol=1e-9)
    item = {"type": "Feature", "properties": {"proj:code": "EPSG:3995", "proj:shape": [4, 5],
                                              "proj:transform": [1000, 0, 0, 0, -1000, 4000]}}  # fmt: skip
    taken = lattice_of("auto", lon, lat, json.dumps(item).encode())
    assert (taken.crs, taken.shape, taken.north) == ("EPSG:3995", (4, 5), 4000)
    for wrong, said in (("EPSG:4326/10km", "not projected"), ("EPSG:99999/1km", "no reference system"),
                        ("fine", "names no grid"), ("0,80,1,70@1", "names no grid")):  # fmt: skip
        with pytest.raises(Refusal, match=said):
            lattice_of(wrong, lon, lat)
    with pytest.raises(Refusal, match="cells, more than"):
        lattice_of("EPSG:3995/10m", lon, lat)


def test_coasts(tmp_path):
    # Oslo, Longyearbyen, the middle of Greenland, the Gulf of Guinea, the North Pole, the Barents Sea
    lon, lat = np.array([10.75, 15.6, -40, 0, 90, 35]), np.array([60.3, 78.9, 75, 0, 90, 75])
    assert on_land(lon, lat).tolist() == [True, True, True, False, False, False]
    assert not on_land(np.array([5.25]), np.array([60.38]), further_km=10).any()  # Bergen lies at the sea
    square = {"type": "Polygon", "coordinates": [[[180, 70], [190, 70], [190, 80], [180, 80], [180, 70]]]}
    (tmp_path / "mask.geojson").write_text(json.dumps(square))
    assert masked(tmp_path / "mask.geojson", np.array([-175.0, 10]), np.array([75.0, 75]), "m").tolist() == [
        True,
        False,
    ]
    (tmp_path / "mask.geojson").write_text('{"type": "Point", "coordinates": [1, 2]}')
    with pytest.raises(Refusal, match="holds no polygon"):
        masked(tmp_path / "mask.geojson", lon, lat, "mask.geojson")


def test_transforms_go_back_without_bias():
    random = np.random.default_rng(5)
    skewed = np.exp(random.normal(1.0, 0.8, 4000))
    even = np.ones(skewed.size)
    chosen, told = transform_of("auto", skewed, even)
    assert isinstance(chosen, Log), told
    assert isinstance(transform_of("auto", random.normal(0, 1, 500), np.ones(500))[0], Identity)
    mean, variance = moments_back(chosen, np.array([1.0]), np.array([0.64]))
    # moments of the lognormal distribution
    assert mean == pytest.approx(np.exp(1.32))
    assert variance == pytest.approx((np.exp(0.64) - 1) * np.exp(2.64))
    scores = NormalScore.of(skewed, even)
    again, _ = moments_back(scores, np.zeros(1), np.ones(1))
    assert again == pytest.approx(skewed.mean(), rel=0.01)  # a standard normal score stands for the whole sample
    assert np.allclose(scores.backward(scores.forward(skewed)), skewed)
    weighted = NormalScore.of(np.array([1.0, 2.0, 3.0]), np.array([2.0, 1.0, 1.0]))
    assert weighted.scores[1] == pytest.approx(0.3186, abs=1e-4)  # quantile of 2.5/4
    with pytest.raises(Refusal, match="not positive"):
        transform_of("log", np.array([1.0, -1.0]), np.ones(2))


def test_trends_in_time():
    from processors.geostat.trends import Trend, time_terms

    days = np.linspace(0, 700, 300)
    places = np.zeros((300, 2))
    columns = Trend(("annual",)).columns(places, days, days, days)
    signal = 3 * np.cos(2 * np.pi * (days - 40) / 365.2425) + np.sin(4 * np.pi * days / 365.2425)
    solved, *_ = np.linalg.lstsq(columns, signal, rcond=None)
    assert np.allclose(columns @ solved, signal)
    assert Trend(("annual", "time")).count == 6
    assert ("annual",) in time_terms(days)
    assert time_terms(np.linspace(0, 100, 9)) == [(), ("time",)]
    assert time_terms(np.array([0.0, np.nan, 90.0])) == [()]
