"""The processor `band-maths`: rasters on one grid and on others, classes, areas, and what each parameter changes."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import rasterio
from rio_cogeo import cog_validate

from builder.cli import main
from processors.bandmaths.processor import BandMathsParameters, processor
from processors.bandmaths.rasters import STRIP
from processors.engine import open_engine
from processors.errors import Refusal
from processors.icestats.areas import cell_areas
from processors.protocol import Input
from processors.run import execute, resolve

WEST, NORTH, SIDE = 100_000.0, -1_000_000.0, 200.0
SHAPE = (STRIP + 88, 300)


def write(path, values, *, side=SIDE, west=WEST, north=NORTH, crs="EPSG:3413", nodata=None, scale=1.0, palette=None):
    values = np.asarray(values)
    values = values[None] if values.ndim == 2 else values
    profile = {
        "driver": "GTiff", "height": values.shape[1], "width": values.shape[2], "count": len(values),
        "dtype": values.dtype, "crs": crs, "nodata": nodata,
        "transform": rasterio.Affine(side, 0, west, 0, -side, north),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(values)
        file.scales = (scale,) * len(values)
        if palette:
            file.write_colormap(1, palette)
    return path


def run(paths, folder, engine="inline", workers=None, **parameters):
    inputs = {"raster": [Input.of(path) for path in paths]}
    folder.mkdir(exist_ok=True)
    with open_engine(engine, folder, workers=workers) as opened:
        return {one.name: one for one in execute(processor, inputs, resolve(processor, parameters), opened)}


def read(product):
    with rasterio.open(product.path) as file:
        return file.read(1)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Backscatter in hundredths of a decibel and heights on one grid, with places where each is missing."""
    folder, random = tmp_path_factory.mktemp("scene"), np.random.default_rng(4)
    stored = random.integers(-2200, 0, SHAPE).astype(np.int16)
    stored[:20, :30] = -32768
    dem = random.integers(0, 3000, SHAPE).astype(np.float32)
    dem[40:50, 100:200] = -500
    paths = write(folder / "sigma0.tif", stored, nodata=-32768, scale=0.01), write(folder / "dem.tif", dem)
    return paths, stored, dem


def test_the_default_tells_snow_from_ice(scene, tmp_path):
    (sigma0, dem), stored, height = scene
    made = run([sigma0, dem], tmp_path)
    inner = np.where((stored < -600) & (height < 1650), 20, 30)
    expected = np.where(height == -500, 0, np.where(stored < -1400, 10, inner))
    expected[stored == -32768] = 255
    assert np.array_equal(read(made["map.tif"]), expected)
    assert cog_validate(made["map.tif"].path)[0]
    with rasterio.open(made["map.tif"].path) as file:
        assert (file.crs.to_epsg(), file.nodata, file.transform) == (
            3413,
            255,
            rasterio.Affine(SIDE, 0, WEST, 0, -SIDE, NORTH),
        )
        assert file.colormap(1)[20] == (0x8C, 0x51, 0x0A, 255)
        assert json.loads(file.tags()["CLASSES"])["10"] == "wet snow"
    told = made["map.tif"].properties["classification:classes"]
    assert [one["value"] for one in told] == [0, 10, 20, 30]
    assert told[1] == {"value": 10, "name": "wet_snow", "title": "wet snow", "color_hint": "2166AC"}
    assert made["map.tif"].properties["processing:expression"]["expression"].startswith("if dem == -500")
    rows = {row["name"]: row for row in csv.DictReader(made["areas.csv"].path.open())}
    areas = cell_areas("EPSG:3413", (SIDE, 0, WEST, 0, -SIDE, NORTH), SHAPE)
    for name, one in (("bare ice", 20), ("no data", 255), ("unclassified", 0)):
        assert int(rows[name]["pixels"]) == (expected == one).sum()
        assert float(rows[name]["area_km2"]) == pytest.approx(areas[expected == one].sum(), rel=1e-8)


def test_every_engine_gives_the_same_bytes(scene, tmp_path):
    files = [
        {name: one.path.read_bytes() for name, one in run(scene[0], tmp_path / kind, kind, workers=2).items()}
        for kind in ("inline", "threads", "dask")
    ]
    assert files[0] == files[1] == files[2]


def test_a_height_model_on_another_grid_is_resampled(tmp_path):
    """A plane stays that plane between the cells of a coarser grid, and is missing where the model is."""
    down, across = np.mgrid[0:40, 0:30]
    plane = (100 + 3 * across + 2 * down).astype(np.int16)
    plane[0:8, 0:8] = -9999
    sigma0 = write(tmp_path / "s.tif", np.zeros((60, 50), np.float32), west=WEST + 2000, north=NORTH - 2000)
    dem = write(tmp_path / "d.tif", plane, side=1000.0, nodata=-9999)
    made = run([sigma0, dem], tmp_path / "out", expression="sigma0 + dem", dtype="float32", nodata=-1)
    found = read(made["map.tif"])
    row, column = np.mgrid[0:60, 0:50]
    x, y = 2000 + 200 * (column + 0.5), 2000 + 200 * (row + 0.5)
    expected = 100 + 3 * (x / 1000 - 0.5) + 2 * (y / 1000 - 0.5)
    inner = (x > 9500) | (y > 9500)
    assert found[inner] == pytest.approx(expected[inner], abs=0.001)
    assert found[2, 2] == -1
    nearest = read(run([sigma0, dem], tmp_path / "near", expression="sigma0 + dem", dtype="float32", nodata=-1,
                       resampling="nearest")["map.tif"])  # fmt: skip
    assert np.all(nearest % 1 == 0)
    assert not np.array_equal(found, nearest)
    other = run([sigma0, dem], tmp_path / "grid", expression="sigma0 + dem", dtype="float32", nodata=-1, grid="dem")
    assert read(other["map.tif"]).shape == (40, 30)


def test_classes_on_another_grid_are_never_blended(tmp_path):
    classes = np.where(np.arange(30) < 15, 10, 30)[None].repeat(30, 0).astype(np.uint8)
    coarse = write(tmp_path / "c.tif", classes, side=1000.0, palette={10: (1, 2, 3), 30: (4, 5, 6)})
    fine = write(tmp_path / "f.tif", np.zeros((60, 60), np.uint8), west=WEST + 9000, north=NORTH - 5000)
    bands = {"fine": "f.tif", "coarse": "c.tif#1"}
    found = read(run([coarse, fine], tmp_path / "out", bands=bands, expression="fine + coarse")["map.tif"])
    assert set(np.unique(found)) == {10, 30}


def test_another_projection_is_warped(tmp_path):
    from pyproj import Transformer

    across = np.linspace(0, 500, 400)[None].repeat(400, 0).astype(np.float32)
    utm = write(tmp_path / "u.tif", across, crs="EPSG:32633", west=400_000, north=8_800_000, side=250.0)
    x, y = Transformer.from_crs(32633, 3413, always_xy=True).transform(450_000, 8_750_000)
    grid = write(tmp_path / "g.tif", np.zeros((20, 20), np.uint8), west=x - 2000, north=y + 2000)
    bands = {"g": "g.tif", "u": "u.tif"}
    made = run([utm, grid], tmp_path / "out", bands=bands, expression="g + u", dtype="float32", nodata=-1)
    row, column = np.mgrid[0:20, 0:20]
    east, _ = Transformer.from_crs(3413, 32633, always_xy=True).transform(
        x - 2000 + 200 * (column + 0.5), y + 2000 - 200 * (row + 0.5)
    )
    expected = ((east - 400_000) / 250 - 0.5) * 500 / 399
    assert read(made["map.tif"]) == pytest.approx(expected, abs=0.001)


def test_a_much_finer_grid_is_averaged(tmp_path):
    """Stripes of 0 and 100 on a grid of a tenth of the step become their mean, not one of them."""
    stripes = np.where(np.arange(600) % 2, 100, 0)[None].repeat(600, 0).astype(np.float32)
    fine = write(tmp_path / "f.tif", stripes, side=20.0)
    grid = write(tmp_path / "g.tif", np.zeros((40, 40), np.uint8), west=WEST + 2000, north=NORTH - 2000)
    bands = {"g": "g.tif", "f": "f.tif"}
    made = run([fine, grid], tmp_path / "out", bands=bands, expression="g + f", dtype="float32", nodata=-1)
    assert read(made["map.tif"]) == pytest.approx(np.full((40, 40), 50.0), abs=1)


CHOICES = [
    {"expression": "sigma0"}, {"numbers": {"wet_db": -10, "ice_db": -6, "ela_m": 1650}}, {"dtype": "int16"},
    {"nodata": 254}, {"classes": [{"value": 20, "name": "ice"}]}, {"bands": {"dem": "1", "sigma0": "2"}},
    {"unit": "dB"},
]  # fmt: skip


@pytest.mark.parametrize("choice", CHOICES, ids=lambda one: next(iter(one)))
def test_each_parameter_changes_an_outcome(scene, tmp_path, choice):
    def outcome(folder, **given):
        with rasterio.open(run(scene[0], tmp_path / folder, **given)["map.tif"].path) as file:
            colours = file.colormap(1) if file.colorinterp[0].name == "palette" else None
            return file.read(1).tobytes(), file.dtypes, file.units, file.nodata, colours

    assert outcome("usual") != outcome("other", **choice)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"expression": "sigma0 +"}, r"expected a value but found 'end of expression' at column 9 \[EXPR.SYNTAX\]"),
        ({"expression": "1 + 2"}, r"reads no band \[EXPR.UNKNOWN_BAND\] \(use: sigma0, dem\)"),
        ({"bands": {"sigma0": "x.tif", "dem": "2"}}, r"bands.sigma0: no raster is `x.tif`"),
        ({"bands": {"sigma0": "sigma0.tif#2", "dem": "2"}}, "sigma0.tif: has 1 bands, none is number 2"),
        ({"bands": {"sigma0": "1#0", "dem": "2"}}, "`0` is no band"),
        ({"bands": {"if": "1"}}, "`if` is a word of the language"),
        ({"bands": {"2x": "1"}}, "bands"),
        ({"bands": {"dem": "1", "ela_m": "2"}}, "`ela_m` is a band and a number"),
        ({"grid": "x"}, "`x`, whose grid is wanted, is no band"),
        ({"nodata": -1}, "-1 does not fit uint8"),
        ({"nodata": 10}, "a class and no-data, have one value"),
        ({"dtype": "float32"}, "classes are whole numbers"),
        ({"expression": "x" * 9000}, "at most 8192"),
    ],
    ids=str,
)
def test_mistakes_are_refused_in_one_line(scene, tmp_path, given, message):
    with pytest.raises(Refusal, match=message):
        run(scene[0], tmp_path, **given)


def test_a_raster_beyond_the_limit_is_refused(scene, tmp_path, monkeypatch):
    monkeypatch.setattr("processors.bandmaths.rasters.MOST_PIXELS", 1000)
    with pytest.raises(Refusal, match=r"has 600 × 300 pixels, more than 1000 \[EXPR.LIMIT\]"):
        run(scene[0], tmp_path)


def test_rasters_that_cannot_be_used_are_refused(scene, tmp_path):
    text = tmp_path / "a.tif"
    text.write_text("no raster")
    with pytest.raises(Refusal, match=r"a\.tif: cannot be read") as refused:
        run([text, scene[0][1]], tmp_path / "out")
    assert str(tmp_path) not in str(refused.value)
    virtual = tmp_path / "v.tif"
    virtual.write_text(f'<VRTDataset rasterXSize="5" rasterYSize="5"><!-- {scene[0][0]} --></VRTDataset>')
    with pytest.raises(Refusal, match="cannot be read"):
        run([virtual, scene[0][1]], tmp_path / "out")
    bare = write(tmp_path / "bare.tif", np.zeros((4, 4), np.uint8), crs=None)
    with pytest.raises(Refusal, match="no coordinate reference system"):
        run([bare, scene[0][1]], tmp_path / "out")
    complex_ = write(tmp_path / "slc.tif", np.ones((4, 4), np.complex64))
    with pytest.raises(Refusal, match=r"slc\.tif: holds complex numbers"):
        run([complex_, scene[0][1]], tmp_path / "out")
    nowhere, size = tmp_path / "nowhere.tif", {"width": 4, "height": 4, "count": 1, "dtype": "uint8"}
    with rasterio.open(nowhere, "w", driver="GTiff", crs="EPSG:3413", **size) as file:
        file.write(np.zeros((1, 4, 4), np.uint8))
    with pytest.raises(Refusal, match="no place in its coordinate reference system"):
        run([nowhere, scene[0][1]], tmp_path / "out")


def test_command_line(scene, tmp_path, capsys):
    arguments = ["process", "run", "band-maths", str(scene[0][0]), str(scene[0][1]), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--engine", "inline"])
    assert not ended.value.code
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"map.tif", "map.png", "areas.csv", "lineage.json"}
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--param", "expression=foo + 1"])
    assert ended.value.code == 2
    assert "unknown band 'foo' at column 1" in capsys.readouterr().err


def test_default_parameters_are_the_seeds():
    chosen = BandMathsParameters()
    assert dict(chosen.numbers) == {"wet_db": -14, "ice_db": -6, "ela_m": 1650}
    assert [(one.value, one.name) for one in chosen.meanings] == [
        (0, "unclassified"), (10, "wet snow"), (20, "bare ice"), (30, "frozen snow"),
    ]  # fmt: skip
