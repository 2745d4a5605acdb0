"""COGs of ours: valid to two validators, the same bytes however they are written, and with truthful statistics."""

from __future__ import annotations

import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pyproj
import pytest
import rasterio
from rio_cogeo.cogeo import cog_validate

from processors.cog import Band, Raster, blocks_of, convert, write_cog
from processors.errors import Refusal
from processors.overviews import mean_power

GDAL_VALIDATOR = Path("/usr/lib/python3/dist-packages/osgeo_utils/samples/validate_cloud_optimized_geotiff.py")
POLAR = (1000.0, 0.0, -500_000.0, 0.0, -1000.0, 500_000.0)


def raster(values, **changes):
    fields = {
        "shape": values.shape[-2:],
        "dtype": str(values.dtype),
        "crs": "EPSG:3413",
        "transform": POLAR,
        "bands": (Band("ice_conc", "%"),),
        "nodata": np.nan if values.dtype.kind == "f" else 255,
    }
    return Raster(**fields | changes)


@pytest.fixture(scope="module")
def field():
    values = np.random.default_rng(3).normal(50, 20, (1300, 1100)).astype("float32")
    values[:300, :700] = np.nan
    return values


def judge(path):
    """What GDAL's own validator says, with the system's Python where Debian's python3-gdal is installed."""
    if not GDAL_VALIDATOR.exists():
        return "is a valid cloud optimized GeoTIFF"
    command = ["/usr/bin/python3", str(GDAL_VALIDATOR), "--full-check=yes", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("compression", ["deflate", "zstd"])
def test_valid_to_rio_cogeo_and_gdal_and_lossless(field, compression, tmp_path):
    target = tmp_path / "x.tif"
    write_cog(target, raster(field), blocks_of(field), compression=compression)
    valid, errors, warnings = cog_validate(target, strict=True)
    assert (valid, errors, warnings) == (True, [], [])
    assert "is a valid cloud optimized GeoTIFF" in judge(target)
    with rasterio.open(target) as made:
        assert np.array_equal(made.read(1), field, equal_nan=True)
        structure = made.tags(ns="IMAGE_STRUCTURE")
        assert (structure["LAYOUT"], structure["PREDICTOR"]) == ("COG", "3")
        assert made.crs.to_epsg() == 3413
        assert tuple(made.transform)[:6] == POLAR
        assert (made.units, made.descriptions) == (("%",), ("ice_conc",))
    assert list(tmp_path.iterdir()) == [target]


def test_statistics_are_those_of_all_valid_values(field, tmp_path):
    said = write_cog(tmp_path / "x.tif", raster(field), blocks_of(field))
    known = field[np.isfinite(field)].astype(np.float64)
    (band,) = said["bands"]
    assert band["statistics"]["minimum"] == known.min()
    assert band["statistics"]["maximum"] == known.max()
    assert band["statistics"]["mean"] == pytest.approx(known.mean(), rel=1e-12)
    assert band["statistics"]["stddev"] == pytest.approx(known.std(), rel=1e-12)
    assert band["statistics"]["valid_percent"] == pytest.approx(100 * known.size / field.size, abs=0.01)
    assert band["nodata"] == "nan"
    assert said["proj:code"] == "EPSG:3413"
    assert said["proj:bbox"] == [-500_000, -800_000, 600_000, 500_000]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[1, 2], [3, 255]], "uint8"), (1, 3, 75)),
        (np.array([[1, 2], [np.inf, np.nan]], "float32"), (1, 2, 50)),
        (np.full((2, 2), 255, "uint8"), (None, None, 0)),
    ],
    ids=["nodata", "infinity", "nothing"],
)
def test_what_is_missing_is_not_counted(values, expected, tmp_path):
    crs = "+proj=stere +lat_0=90 +lat_ts=75 +lon_0=-33 +datum=WGS84"
    said = write_cog(tmp_path / "x.tif", raster(values, crs=crs), blocks_of(values))
    statistics = said["bands"][0]["statistics"]
    assert tuple(statistics.get(name) for name in ("minimum", "maximum", "valid_percent")) == expected
    assert "proj:code" not in said
    assert pyproj.CRS(said["proj:wkt2"]).to_dict()["lon_0"] == -33


def test_a_colour_table_is_for_one_band(tmp_path):
    values = np.ones((2, 4, 4), "uint8")
    with pytest.raises(Refusal, match="one band of uint8"):
        write_cog(
            tmp_path / "x.tif", raster(values, bands=(Band("a"), Band("b")), colours={1: (0, 0, 0)}), blocks_of(values)
        )


def test_the_same_bytes_however_the_values_are_cut(field, tmp_path):
    tiles = [
        (row, column, field[row : row + 400, column : column + 256])
        for column in range(0, 1100, 256)
        for row in range(0, 1300, 400)
    ]
    for name, blocks in {"strips": blocks_of(field), "whole": [(0, 0, field)], "tiles": reversed(tiles)}.items():
        write_cog(tmp_path / f"{name}.tif", raster(field), blocks)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_overviews_average_values_and_keep_classes(tmp_path):
    classes = np.ones((1024, 1024), "uint8")
    classes[::2, ::2] = 3  # a quarter of each cell of the first overview
    continuous = classes.astype("float32")
    colours = {1: (0, 0, 255), 3: (255, 255, 255)}
    write_cog(tmp_path / "c.tif", raster(classes, kind="classes", colours=colours), blocks_of(classes))
    write_cog(tmp_path / "f.tif", raster(continuous), blocks_of(continuous))
    with rasterio.open(tmp_path / "c.tif", overview_level=0) as half:
        assert set(np.unique(half.read(1))) == {1}
        assert half.colormap(1)[3] == (255, 255, 255, 255)
    with rasterio.open(tmp_path / "f.tif", overview_level=0) as half:
        assert np.unique(half.read(1)) == pytest.approx([1.5])
    shades = {1: (0, 0, 0), 2: (64, 64, 64), 3: (255, 255, 255)}  # the mean of the colours is that of another class
    write_cog(tmp_path / "s.tif", raster(classes, kind="classes", colours=shades), blocks_of(classes))
    with rasterio.open(tmp_path / "s.tif", overview_level=0) as half:
        assert set(np.unique(half.read(1))) == {1}


@pytest.mark.parametrize(("rows", "columns"), [(1024, 1024), (1301, 2103)])
def test_overviews_of_decibels_are_means_in_power(tmp_path, rows, columns):
    """Against means of power by numpy, in hundredths of a decibel; the file's values are as given."""
    random = np.random.default_rng(2)
    steps = np.rint(100 * random.normal(-20, 6, (rows, columns))).astype("int16")
    steps[:300, :401] = -32768
    said = raster(steps, kind="decibels", nodata=-32768, bands=(Band("sigma0_hh", "dB", 0.01),))
    write_cog(tmp_path / "a.tif", said, blocks_of(steps))
    write_cog(tmp_path / "b.tif", said, blocks_of(steps, 100))
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert cog_validate(tmp_path / "a.tif", strict=True)[0]
    assert "is a valid cloud optimized GeoTIFF" in judge(tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as made:
        assert np.array_equal(made.read(1), steps)
        assert made.scales == (0.01,)
        levels = made.overviews(1)
    assert levels == ([2] if rows == 1024 else [2, 4, 8])
    power = np.full((rows + rows % 2, columns + columns % 2), np.nan)
    power[:rows, :columns] = np.where(steps == -32768, np.nan, 10 ** (steps / 1000))
    with np.errstate(invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        mean = np.nanmean(power.reshape(power.shape[0] // 2, 2, -1, 2), axis=(1, 3))
    expected = 1000 * np.log10(mean)
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as half:
        found = half.read(1)
    assert found.shape == mean.shape
    assert np.array_equal(found == -32768, np.isnan(expected))
    assert np.nanmax(np.abs(found - expected)[found != -32768]) <= 0.5 + 1e-6
    assert list(tmp_path.glob("*.ovr")) == []


def test_overviews_of_decibels_in_floats_keep_what_is_missing(tmp_path):
    values = np.random.default_rng(4).normal(-20, 6, (700, 600)).astype("float32")
    values[:100] = np.nan
    write_cog(tmp_path / "a.tif", raster(values, kind="decibels"), blocks_of(values))
    with rasterio.open(tmp_path / "a.tif", overview_level=0) as half:
        found = half.read(1)
    power = 10 ** (values.astype(float) / 10)
    expected = 10 * np.log10(power.reshape(350, 2, 300, 2).mean(axis=(1, 3)))
    assert np.allclose(found, expected, atol=1e-5, equal_nan=True)


def test_packed_decibels_are_averaged_as_what_they_stand_for():
    """-20 and -10 dB have a mean of 0.055, -12.596 dB; packed by 0.5 and -30 these are 20 and 40, and 34.807."""
    found = mean_power(np.array([[[20.0, 40.0, np.nan, -99.0], [-99.0, np.inf, 7.0, 7.0]]]), -99, 0.5, -30.0)
    assert found[0, 0] == pytest.approx([34.8073, 7], abs=1e-4)


def test_scale_and_offset_are_kept_and_told(tmp_path):
    """A file of packed temperatures: what is converted unpacks to the same values."""
    packed = np.random.default_rng(5).integers(-3000, 3000, (600, 500)).astype("int16")
    profile = {"driver": "GTiff", "height": 600, "width": 500, "count": 3, "dtype": "int16", "nodata": -32768,
               "crs": "EPSG:3413", "transform": rasterio.Affine(*POLAR)}  # fmt: skip
    with rasterio.open(tmp_path / "source.tif", "w", **profile) as file:
        file.write(np.stack([packed] * 3))
        file.scales, file.offsets, file.units = (0.01, -0.5, 1), (273.15, 4.0, 0), ("K", "1", None)
    said = convert(tmp_path / "source.tif", tmp_path / "x.tif")
    with rasterio.open(tmp_path / "x.tif") as made:
        assert (made.scales, made.offsets, made.units) == ((0.01, -0.5, 1), (273.15, 4.0, 0), ("K", "1", None))
        assert np.array_equal(made.read(1), packed)
    packings = ((0.01, 273.15), (-0.5, 4.0), (1, 0))
    assert said["raster:bands"] == [{"scale": scale, "offset": offset} for scale, offset in packings]
    for band, (scale, offset) in zip(said["bands"], packings, strict=True):
        true = packed * scale + offset
        assert band["statistics"]["minimum"] == pytest.approx(true.min())
        assert band["statistics"]["maximum"] == pytest.approx(true.max())
        assert band["statistics"]["mean"] == pytest.approx(true.mean())
        assert band["statistics"]["stddev"] == pytest.approx(true.std())


def test_lerc_keeps_within_the_stated_error_and_says_so(field, tmp_path):
    write_cog(tmp_path / "x.tif", raster(field), blocks_of(field), compression="lerc_zstd", max_error=0.01)
    write_cog(tmp_path / "y.tif", raster(field), blocks_of(field))
    with rasterio.open(tmp_path / "x.tif") as made:
        assert 0 < np.nanmax(np.abs(made.read(1) - field)) <= 0.01 + 1e-5  # and the rounding of float32 near 100
        assert made.tags()["MAX_ERROR"] == "0.01"
    assert (tmp_path / "x.tif").stat().st_size < 0.6 * (tmp_path / "y.tif").stat().st_size
    for wrong in ({"compression": "lerc_zstd"}, {"max_error": 0.01}):
        with pytest.raises(Refusal, match="max_error"):
            write_cog(tmp_path / "z.tif", raster(field), blocks_of(field), **wrong)


def test_cells_left_out_are_refused_and_leave_nothing(field, tmp_path):
    with pytest.raises(Refusal, match="blocks hold 563200 cells of 1430000"):
        write_cog(tmp_path / "x.tif", raster(field), list(blocks_of(field))[:1])
    assert list(tmp_path.iterdir()) == []


def test_a_raster_without_reference_system_is_refused(shared_data, tmp_path):
    source = shared_data / "science/cloud/cog_rio_cogeo/validate/cog_no_offest.tif"
    with pytest.raises(Refusal, match="no coordinate reference system"):
        convert(source, tmp_path / "x.tif")


def test_a_raster_with_a_mask_beside_its_values_is_refused_until_the_mask_is_nodata(tmp_path):
    values = np.arange(1, 17, dtype="uint8").reshape(1, 4, 4)
    profile = {"driver": "GTiff", "height": 4, "width": 4, "count": 1, "dtype": "uint8", "crs": "EPSG:3413",
               "transform": rasterio.Affine(*POLAR)}  # fmt: skip
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(tmp_path / "source.tif", "w", **profile) as file:
        file.write(values)
        file.write_mask(values[0] > 8)
    with pytest.raises(Refusal, match="mask beside its values"):
        convert(tmp_path / "source.tif", tmp_path / "x.tif")
    with (
        rasterio.open(tmp_path / "source.tif") as file,
        rasterio.open(tmp_path / "plain.tif", "w", nodata=0, **profile) as plain,
    ):
        plain.write(file.read(masked=True).filled(0))
    convert(tmp_path / "plain.tif", tmp_path / "x.tif")
    with rasterio.open(tmp_path / "x.tif") as made:
        assert np.array_equal(made.read_masks(1) > 0, values[0] > 8)


def test_bands_of_which_one_claims_a_palette_are_bands(tmp_path):
    values = np.arange(16, dtype="uint8").reshape(4, 2, 2)
    profile = {"driver": "GTiff", "height": 2, "width": 2, "count": 4, "dtype": "uint8", "crs": "EPSG:3413",
               "transform": rasterio.Affine(*POLAR)}  # fmt: skip
    with rasterio.open(tmp_path / "source.tif", "w", **profile) as file:
        file.write(values)
        file.write_colormap(1, {0: (0, 0, 0, 255)})  # which a file of four bands does not keep
    convert(tmp_path / "source.tif", tmp_path / "x.tif")
    with rasterio.open(tmp_path / "x.tif") as made:
        assert np.array_equal(made.read(), values)


def test_real_rasters_keep_every_value(shared_data, tmp_path):
    for number, source in enumerate(sorted((shared_data / "science/cloud/stac_noaa_cdr").rglob("*.tif"))):
        target = tmp_path / f"{number}.tif"
        convert(source, target, kind="classes")
        assert cog_validate(target, strict=True)[0]
        with rasterio.open(source) as before, rasterio.open(target) as after:
            assert np.array_equal(before.read(), after.read(), equal_nan=True)
            assert before.crs == after.crs


GROWTH = """
import re, sys
from pathlib import Path
import numpy as np
from processors.cog import Band, Raster, write_cog
def peak(): return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024
def make(side):
    strips = ((row, 0, np.full((500, side), row, "float32")) for row in range(0, side, 500))
    place = (100.0, 0.0, 0.0, 0.0, -100.0, 0.0)
    write_cog(Path(sys.argv[1]), Raster((side, side), "float32", "EPSG:3413", place, (Band("x"),)), strips)
make(1000); small = peak()
make(8000); print(peak(), peak() - small)
"""


def test_memory_stays_below_the_size_of_the_raster(tmp_path):
    """8,000 x 8,000 float32 is 244 MiB; tests/bench/bench_cog.py measures 10,000 x 10,000 of noise."""
    done = subprocess.run(
        [sys.executable, "-c", GROWTH, str(tmp_path / "x.tif")], capture_output=True, text=True, check=True
    )
    peak, grown = map(int, re.findall(r"\d+", done.stdout))
    assert peak < 450
    assert grown < 200


def test_an_infinite_value_of_missing_cells_is_named(tmp_path):
    values = np.array([[1, np.inf]], "float32")
    said = write_cog(tmp_path / "x.tif", raster(values, nodata=np.inf), blocks_of(values))
    assert said["bands"][0]["nodata"] == "inf"
