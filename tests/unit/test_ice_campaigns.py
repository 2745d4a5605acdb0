"""Campaigns: order, engines, regions, products that other programs read, published maps, and what is refused."""

from __future__ import annotations

import csv
import json
import random

import fsspec
import h5py
import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
from pyproj import CRS, Geod
from rio_cogeo import cog_validate

from builder.cli import main
from processors.engine import open_engine
from processors.errors import Refusal
from processors.icestats.areas import cell_areas
from processors.icestats.grids import read_concentration
from processors.icestats.processor import processor
from processors.protocol import Input
from processors.run import execute, resolve
from tests.icefields import campaign, run, write

DAY = "2018-08-01T12:00:00Z"
AT = {"west": 0.0, "north": -1_000_000.0, "side": 1000.0}


def summary(made):
    return json.loads(made["statistics.json"].path.read_text())


def files(made):
    return {name: one.path.read_bytes() for name, one in made.items()}


@pytest.fixture(scope="module")
def voyage(tmp_path_factory):
    """Twenty scenes of a week, and their products."""
    folder = tmp_path_factory.mktemp("voyage")
    paths, chances = campaign(folder, 20)
    return paths, chances, run(paths, folder / "out", slots={"probability": chances}, figures=True)


def test_any_order_and_repetition_gives_the_same_bytes(voyage, tmp_path):
    paths, chances, made = voyage
    mixed = [*paths, paths[3], paths[11]]
    random.Random(5).shuffle(mixed)
    assert files(run(mixed, tmp_path, slots={"probability": chances[::-1]}, figures=True)) == files(made)
    changed = run(paths[1:], tmp_path / "other", slots={"probability": chances})
    assert files(changed)["frequency.tif"] != files(made)["frequency.tif"]
    assert any(note.startswith("belongs to no scene") for note in summary(changed)["notes"])


def test_scenes_that_look_alike_are_two(tmp_path):
    names = ["a_20180801T000000_iceclass.tif", "a_20180802T000000_iceclass.tif"]
    paths = [write(tmp_path / name, np.full((50, 50), 2), **AT) for name in names]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert [row["date"] for row in summary(run(paths, tmp_path / "out"))["series"]] == ["2018-08-01", "2018-08-02"]


def test_a_scene_may_be_named_by_its_folder(tmp_path):
    paths = []
    for day in (1, 2):
        folder = tmp_path / f"S1A_2018080{day}T000000"
        folder.mkdir()
        paths.append(write(folder / "iceclass.tif", np.full((50, 50), day), **AT))
    inputs = {"items": [Input.of(path, f"data/{path.parent.name}/iceclass.tif") for path in paths]}
    with open_engine("inline", tmp_path) as engine:
        made = {one.name: one for one in execute(processor, inputs, resolve(processor, {"figures": False}), engine)}
    assert [row["scene"] for row in summary(made)["scenes"]] == ["S1A_20180801T000000", "S1A_20180802T000000"]


def test_few_open_files_are_enough(voyage, tmp_path, monkeypatch):
    usual = files(run(voyage[0][:6], tmp_path / "many"))
    monkeypatch.setattr("processors.icestats.scenes.MOST_OPEN", 2)
    assert files(run(voyage[0][:6], tmp_path / "few")) == usual


def test_a_dask_cluster_gives_the_same_bytes(voyage, tmp_path):
    paths, chances, made = voyage
    reverse = run(paths[::-1], tmp_path, "dask", 2, slots={"probability": chances}, figures=True)
    assert files(reverse) == files(made)


def test_a_replaced_scene_is_as_if_it_had_always_been_there(voyage, tmp_path):
    """Nothing is kept of a scene between runs."""
    paths, _, _ = voyage
    with rasterio.open(paths[2]) as file:
        classes, west, north = file.read(1), file.bounds.left, file.bounds.top
    (tmp_path / "new").mkdir()
    new = write(
        tmp_path / "new" / paths[2].name, np.where(classes == 2, 1, classes), west=west, north=north, side=1000.0
    )
    with pytest.raises(Refusal, match="two scenes have this name and differ") as refused:
        run([*paths[:4], new], tmp_path / "both")
    assert refused.value.code == "STATS.DUPLICATE_SCENE"
    one = run([*paths[:2], new, paths[3]], tmp_path / "one")
    other = run([new, paths[3], *paths[1::-1]], tmp_path / "other")
    assert files(one) == files(other)


def test_concentration_is_read_by_xarray_and_through_references(voyage):
    made = voyage[2]
    with xr.open_dataset(made["sic.nc"].path) as data:
        assert data.attrs["Conventions"] == "CF-1.10"
        assert str(data.time.to_numpy()[0])[:10] == "2018-08-01"
        assert data.sic.dims == ("time", "y", "x")
        assert data.sic.encoding["chunksizes"][0] == 1
        assert float(data.sic.min()) >= 0
        assert float(data.sic.max()) <= 1
        crs = CRS.from_cf(data.crs.attrs)
        assert crs == CRS("EPSG:3413")
        series = summary(made)["series"]
        area = (data.sic * data.cell_area).sum(("y", "x")).to_numpy()
        assert area == pytest.approx([row["ice_area_km2"] for row in series], rel=1e-6)
        sic = data.sic.to_numpy()
    with h5py.File(made["sic.nc"].path) as file:
        assert file["crs"].id.get_storage_size() == 4  # what was never written is read as noise
    references = json.loads(made["sic.json"].path.read_text())["refs"]
    told = {
        key: [str(made["sic.nc"].path), *one[1:]] if isinstance(one, list) else one for key, one in references.items()
    }
    assert {one[0] for one in references.values() if isinstance(one, list)} == {"sic.nc"}
    mapper = fsspec.get_mapper("reference://", fo={"version": 1, "refs": told}, remote_protocol="file")
    with xr.open_dataset(mapper, engine="zarr", consolidated=False, zarr_format=2) as through:
        assert np.array_equal(through.sic.to_numpy(), sic, equal_nan=True)
    assert made["sic.nc"].properties["cube:dimensions"]["time"]["extent"][0] == "2018-08-01T00:00:00Z"


def test_tables_say_the_same_in_both_forms(voyage):
    made = voyage[2]
    for name in ("series", "scenes"):
        table = pd.read_parquet(made[f"{name}.parquet"].path)
        text = pd.read_csv(made[f"{name}.csv"].path)
        assert list(table.columns) == list(text.columns)
        for column in table.columns:
            if table[column].dtype.kind == "f":
                assert text[column].to_numpy() == pytest.approx(table[column].to_numpy(), rel=1e-9)
        told = made[f"{name}.csv"].properties["table:columns"]
        assert [one["name"] for one in told] == list(table.columns)
    assert made["scenes.parquet"].media_type == "application/vnd.apache.parquet"


def test_maps_are_cogs_and_figures_are_figures(voyage):
    made = voyage[2]
    for name in ("frequency.tif", "dates.tif"):
        assert cog_validate(made[name].path)[0]
        assert made[name].properties["proj:code"] == "EPSG:3413"
    assert made["series.png"].path.read_bytes()[:4] == b"\x89PNG"
    assert b"Extent" not in made["series.svg"].path.read_bytes()[:100]
    assert set(made) == {
        "statistics.json", "series.csv", "series.parquet", "scenes.csv", "scenes.parquet", "sic.nc", "sic.json",
        "edges.geojson", "edges.csv", "frequency.tif", "dates.tif", "series.png", "series.svg", "frequency.png",
        "frequency.svg",
    }  # fmt: skip


CHOICES = [
    {"region": [-30, 78, 10, 82]}, {"grid_km": 25}, {"sic_threshold": 0.5}, {"min_valid_fraction": 0.95},
    {"min_coverage": 0.01}, {"min_observations": 1}, {"composite": "mean"}, {"start": "2018-08-02T00:00:00Z"},
    {"end": "2018-08-03T00:00:00Z"},
]  # fmt: skip


@pytest.mark.parametrize("choice", CHOICES, ids=lambda one: next(iter(one)))
def test_each_parameter_changes_an_outcome(voyage, tmp_path, choice):
    def outcome(folder, **given):
        made = run(voyage[0][:9], tmp_path / folder, **given)
        with rasterio.open(made["frequency.tif"].path) as file:
            return {**summary(made), "notes": []}, file.read(1).tobytes()

    assert outcome("usual") != outcome("other", **choice)


def zone_km2(south, north, degrees):
    """Area between two parallels over some degrees of longitude, on the ellipsoid."""
    around = np.linspace(0, degrees, 2001)
    lon = np.concatenate([around, around[::-1]])
    lat = np.concatenate([np.full(2001, south), np.full(2001, north)])
    return abs(Geod(ellps="WGS84").polygon_area_perimeter(lon, lat)[0]) / 1e6


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ([-10, 79, 20, 82], zone_km2(79, 82, 30)),
        ([170, 79, -170, 81], zone_km2(79, 81, 20)),
        ([-180, 88, 180, 90], zone_km2(88, 90, 359.99999)),
        ([-180, 86, 180, 88], zone_km2(86, 88, 359.99999)),
        ({"type": "Polygon", "coordinates": [[[-10, 79], [20, 79], [20, 82], [-10, 82], [-10, 79]]]},
         zone_km2(79, 82, 30)),
        ({"type": "Polygon", "coordinates": [[[-10, 79], [20, 79], [20, 82], [-10, 82], [-10, 79]],
                                             [[0, 80], [10, 80], [10, 81], [0, 81], [0, 80]]]},
         zone_km2(79, 82, 30) - zone_km2(80, 81, 10)),
    ],
    ids=str,
)  # fmt: skip
def test_regions_have_the_area_of_their_box(tmp_path, region, expected):
    classes = np.full((1500, 1500), 1, np.uint8)
    path = write(tmp_path / "a.tif", classes, west=-1_500_000.0, north=1_500_000.0, side=2000.0, when=DAY)
    found = summary(run([path], tmp_path / "out", region=region))
    assert found["sea_km2"] == pytest.approx(expected, rel=1e-3)
    assert found["series"][0]["coverage"] == pytest.approx(1)


def test_a_half_seen_region_does_not_stand(tmp_path):
    classes = np.full((200, 200), 2, np.uint8)
    path = write(tmp_path / "a.tif", classes, **AT, when=DAY)
    (day,) = summary(run([path], tmp_path / "out", region=[-50, 78, -30, 82]))["series"]
    assert (day["coverage"] < 0.8, day["stands"]) == (True, False)
    assert day["estimated_ice_km2"] == pytest.approx(summary_sea(tmp_path), rel=1e-9)


def summary_sea(folder):
    return json.loads((folder / "out" / "statistics.json").read_text())["sea_km2"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"region": [10, 80, 20, 70]}, r"no box of west, south, east and north \[STATS.REGION\]"),
        ({"region": [0, -80, 10, -70]}, r"no scene meets the region \[STATS.NO_OVERLAP\]"),
        ({"region": {"type": "Polygon", "coordinates": [[[0, 80], [1, 80], [0, 80]]]}}, "no closed ring"),
        ({"region": "north"}, "region"),
        ({"start": "2019-01-01T00:00:00Z"}, r"no scene is between `start` and `end` \[STATS.NO_OVERLAP\]"),
        ({"start": "2019-01-01T00:00:00Z", "end": "2018-01-01T00:00:00Z"}, "`end` is before `start`"),
        ({"start": "2019-01-01T00:00:00"}, "timezone"),
        ({"grid_km": 7}, "grid_km"),
    ],
    ids=str,
)
def test_mistakes_are_refused_in_one_line(voyage, tmp_path, given, message):
    with pytest.raises(Refusal, match=message):
        run(voyage[0][:3], tmp_path, **given)


def test_a_ring_without_area_is_no_region(voyage, tmp_path):
    ring = [[0, 80], [1, 80], [0, 80], [0, 80]]
    with pytest.raises(Refusal, match=r"has no area \[STATS.REGION\]"):
        run(voyage[0][:1], tmp_path, region={"type": "Polygon", "coordinates": [ring]})


def test_figures_are_drawn_where_they_are_wanted(voyage, tmp_path):
    assert set(voyage[2]) - set(run(voyage[0][:2], tmp_path)) == {
        "series.png", "series.svg", "frequency.png", "frequency.svg",
    }  # fmt: skip


def test_items_that_do_not_go_together_are_refused(tmp_path, shared_data):
    plain = np.full((60, 60), 1, np.uint8)
    good = write(tmp_path / "a.tif", plain, **AT, when=DAY)
    cases = {
        "another projection": write(tmp_path / "b.tif", plain, **AT, crs="EPSG:3995", when=DAY),
        "its pixels are not those of a": write(tmp_path / "c.tif", plain, **{**AT, "side": 500.0}, when=DAY),
        "from multiples of 1000 m": write(tmp_path / "d.tif", plain, **{**AT, "west": 300.0}, when=DAY),
        "tells no time": write(tmp_path / "e.tif", plain, **AT),
        "are mixed": shared_data / "science/netcdf/seaice/nsidc/nt_201301_f17_v1.1_n.bin",
    }
    for said, other in cases.items():
        with pytest.raises(Refusal, match=said):
            run([good, other], tmp_path / "out")
    uneven = write(tmp_path / "f.tif", plain, west=0.0, north=0.0, side=700.0, when=DAY)
    with pytest.raises(Refusal, match="cells of 10000 m are not whole pixels of 700 m"):
        run([uneven], tmp_path / "out")
    with pytest.raises(Refusal, match="goes with maps of concentration"):
        run([good], tmp_path / "out", slots={"regions": [good]})
    chance = write(tmp_path / "a_iceprob.tif", plain[:50], **AT)
    with pytest.raises(Refusal, match="does not lie on its scene"):
        run([good], tmp_path / "out", slots={"probability": [chance]})
    bare = write(tmp_path / "g.tif", plain * 0, **AT, when=DAY)
    with pytest.raises(Refusal, match="no scene shows sea inside the region"):
        run([bare], tmp_path / "out")
    broken = tmp_path / "h.tif"
    broken.write_bytes(good.read_bytes()[:400])
    with pytest.raises(Refusal, match=r"STATS.UNREADABLE"):
        run([broken], tmp_path / "out")


@pytest.fixture(scope="module")
def maps(shared_data):
    """Two days of NSIDC's maps with what goes with them."""
    folder = shared_data / "science/netcdf/seaice/nsidc"
    names = ["nt_20150204_f17_v1.1_n.bin", "nt_20150206_f17_v1.1_n.bin"]
    slots = {
        "areas": [folder / "psn25area_v3.dat"], "valid": [folder / "NIC_valid_ice_mask.N25km.01.1972-2007.nc"],
        "regions": [folder / "meier2007_region_mask_psn25.msk"],
    }  # fmt: skip
    return [folder / name for name in names], slots, json.loads((folder.parents[1] / "expected.json").read_text())


def test_published_maps_give_published_series(maps, tmp_path):
    paths, slots, expected = maps
    made = run(paths[::-1], tmp_path, slots=slots, region_codes=[4])
    rows = list(csv.DictReader(made["series.csv"].path.open()))
    assert [row["date"] for row in rows] == ["2015-02-04", "2015-02-06"]
    for row, path in zip(summary(made)["series"], paths, strict=True):
        told = expected["seaice/nsidc"][path.name]["hudson"]
        assert round(row["extent_km2"], 3) == told["extent_km2"]
        assert round(row["ice_area_in_extent_km2"], 3) == told["area_km2"]
        assert row["stands"]
    with rasterio.open(made["dates.tif"].path) as file:
        assert file.read(3).max() == 2
        assert file.transform.a == 25_000
    with xr.open_dataset(made["sic.nc"].path) as data:
        assert data.sizes == {"time": 2, "y": 448, "x": 304, "bound": 2}
    assert summary(run(paths, tmp_path / "all", slots={"areas": slots["areas"]}))["series"] != summary(made)["series"]
    other = run(paths, tmp_path / "codes", slots={"valid": slots["valid"]}, valid_codes=[0, 1])
    assert summary(other)["sea_km2"] > summary(run(paths, tmp_path / "one", slots={"valid": slots["valid"]}))["sea_km2"]


def test_two_published_records_are_compared(maps, shared_data, tmp_path):
    """NASA Team and Bootstrap of one day and file: Bootstrap has more ice in winter (Comiso et al. 1997)."""
    path = shared_data / "science/netcdf/seaice/seaice_conc_daily_nh_20211231_f17_v04r00.nc"
    made = run([path], tmp_path, slots={"reference": [path]}, variable="nsidc_nt_seaice_conc")
    assert summary(made)["comparison"]["scenes"][0]["rmse"] == 0
    nasa = summary(made)["series"][0]["ice_area_km2"]
    bootstrap = summary(run([path], tmp_path / "b", variable="nsidc_bt_seaice_conc"))["series"][0]["ice_area_km2"]
    assert bootstrap > nasa
    box = run([path], tmp_path / "box", region=[-30, 75, 30, 85])
    found = summary(box)
    grid = 25_000.0
    whole = cell_areas("EPSG:3411", (grid, 0, -3_850_000, 0, -grid, 5_850_000), (448, 304)).sum()
    assert 0 < found["sea_km2"] < whole / 20


def test_maps_that_do_not_go_together_are_refused(maps, shared_data, tmp_path):
    paths, slots, _ = maps
    folder = paths[0].parent
    with pytest.raises(Refusal, match="has another grid"):
        run([paths[0], folder / "nt_20150806_f17_nrt_s.bin"], tmp_path)
    copy = tmp_path / "nt_copy.bin"
    copy.write_bytes(paths[0].read_bytes()[:-1] + b"\x07")
    with pytest.raises(Refusal, match="shows the same day, 2015-02-04"):
        run([paths[0], copy], tmp_path)
    with pytest.raises(Refusal, match="region_codes: are needed with a mask of regions"):
        run(paths, tmp_path, slots={"regions": slots["regions"]})
    with pytest.raises(Refusal, match="no sea inside the region"):
        run(paths, tmp_path, region=[20, 45, 21, 46])
    with pytest.raises(Refusal, match="its coordinates need CF standard names"):
        run([shared_data / "science/netcdf/promice/TEST1_day.nc"], tmp_path)


@pytest.mark.parametrize("name", ["cersat_psi_20171002_12.5km.nc", "nsidc/nt_201301_f17_v1.1_s.bin",
                                  "seaice_conc_daily_nh_20211231_f17_v04r00.nc"])  # fmt: skip
def test_damaged_maps_are_read_or_refused(shared_data, tmp_path, name):
    """Never anything but a map or a refusal, whatever bytes of a header are others or missing."""
    whole = (shared_data / "science/netcdf/seaice" / name).read_bytes()
    chance, path = random.Random(4), tmp_path / "map.nc"
    read = refused = 0
    for number in range(18):
        damaged = bytearray(whole[: len(whole) if number % 3 else chance.randrange(len(whole))])
        for _ in range(4):
            damaged[chance.randrange(min(60, len(damaged) - 1), min(len(damaged), 3000))] = chance.randrange(256)
        path.write_bytes(damaged)
        try:
            read += read_concentration(path).share.ndim == 2
        except Refusal:
            refused += 1
    assert read + refused == 18
    assert refused >= 6


def test_command_line(voyage, tmp_path, capsys):
    arguments = ["process", "run", "ice-stats", *map(str, voyage[0][:3]), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--engine", "inline", "--param", "region=[-30,76,40,85]", "--cache", str(tmp_path / "kept")])
    assert not ended.value.code
    assert (tmp_path / "out" / "series.csv").exists()
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--param", "grid_km=10", "--param", "composit=mean"])
    assert ended.value.code == 2
    assert "did you mean `composite`" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["process", "describe", "ice-stats", "--as", "json-schema"])
    from jsonschema_rs import validator_for

    judge = validator_for(json.loads(capsys.readouterr().out))
    assert judge.is_valid({"region": [-25, 76, 40, 85], "grid_km": 10})
    assert judge.is_valid({"region": {"type": "Polygon", "coordinates": [[[0, 80], [1, 80], [1, 81], [0, 80]]]}})
    assert not judge.is_valid({"grid_km": 12})
