"""Writes cloud-optimised GeoTIFFs window by window in flat memory, with statistics, colours, units and provenance."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.overviews import write_overviews

if TYPE_CHECKING:
    from processors.protocol import JSON

Block: TypeAlias = tuple[int, int, npt.NDArray[Any]]
"""First row, first column, and values of shape (rows, columns) or (bands, rows, columns)."""

Compression: TypeAlias = Literal["deflate", "zstd", "lerc_zstd"]
Kind: TypeAlias = Literal["continuous", "decibels", "classes"]

TILE = 512
CACHE_MB = 128
"""GDAL's block cache; without a cap it takes 5 % of the machine and is no faster."""

NODATA_SHARE = "STATISTICS_VALID_PERCENT"


@dataclass(frozen=True, slots=True)
class Band:
    """What one band holds.

    Attributes:
        name: Short name, e.g. ``ice_conc``.
        unit: Unit in UDUNITS spelling; empty for none.
        scale: What its numbers are multiplied with.
        offset: What is added to them then.
    """

    name: str
    unit: str = ""
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Raster:
    """Everything about a raster but its values.

    Attributes:
        shape: Rows and columns.
        dtype: A numpy type that GDAL knows (``uint8`` … ``float64``).
        crs: Reference system, as EPSG code or WKT.
        transform: Six affine coefficients (a, b, c, d, e, f): x = a·column + b·row + c, y = d·column + e·row + f.
        bands: Name and unit of each band.
        nodata: Value of missing cells; NaN for floats.
        kind: ``continuous`` values are averaged in overviews, ``decibels`` in power; of ``classes`` the most
            frequent is kept.
        colours: Value → (red, green, blue) or with alpha; for one band of ``uint8``.
        tags: Metadata of the file, e.g. its lineage as JSON.
    """

    shape: tuple[int, int]
    dtype: str
    crs: str
    transform: tuple[float, float, float, float, float, float]
    bands: tuple[Band, ...]
    nodata: float | None = None
    kind: Kind = "continuous"
    colours: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def blocks_of(values: npt.NDArray[Any], rows: int = TILE) -> Iterator[Block]:
    """Cut an array of shape (rows, columns) or (bands, rows, columns) into strips."""
    for row in range(0, values.shape[-2], rows):
        yield row, 0, values[..., row : row + rows, :]


def write_cog(
    target: Path,
    raster: Raster,
    blocks: Iterable[Block],
    *,
    compression: Compression = "deflate",
    max_error: float | None = None,
) -> dict[str, JSON]:
    """Write a COG; the same values give the same bytes, however they are cut into blocks.

    The blocks go to an uncompressed file beside the target first, from which GDAL's COG driver makes tiles of
    512 × 512 with a predictor and internal overviews: exact statistics need all values, overviews too.

    Args:
        target: File to write; it appears when it is complete.
        raster: Shape, type, place and description.
        blocks: Values, in any order, each cell once.
        compression: ``lerc_zstd`` keeps every value within ``max_error`` and halves the size of noisy floats.
        max_error: Greatest change of a value, in its unit; for ``lerc_zstd`` only.

    Returns:
        Fields of its STAC asset: ``proj:*`` and ``bands`` with statistics.

    Raises:
        Refusal: The blocks do not cover the raster, or the description contradicts itself.
        OSError: The folder cannot be written.
    """
    import rasterio
    from rasterio.shutil import copy

    _check(raster, compression, max_error)
    with (
        tempfile.TemporaryDirectory(prefix=".cog-", dir=target.parent) as folder,
        rasterio.Env(GDAL_CACHEMAX=CACHE_MB, GDAL_NUM_THREADS=1, GDAL_PAM_ENABLED=False),
    ):
        flat, made = Path(folder) / "flat.tif", Path(folder) / "made.tif"
        _write_flat(flat, raster, blocks, max_error)
        if raster.kind == "decibels":
            write_overviews(flat, TILE)
        error = {"max_z_error": max_error} if max_error is not None else {}
        copy(
            flat,
            made,
            driver="COG",
            compress=compression,
            predictor="YES",
            blocksize=TILE,
            bigtiff="IF_SAFER",
            overview_resampling="mode" if raster.kind == "classes" else "average",
            **error,
        )
        os.replace(made, target)  # noqa: PTH105  (over an older one too)
    return asset_fields(target)


def convert(source: Path, target: Path, *, kind: Kind = "continuous") -> dict[str, JSON]:
    """Write any raster that GDAL reads as a COG, in flat memory; see `write_cog`.

    Raises:
        Refusal: The file cannot be read, or has no reference system.
    """
    import rasterio
    from rasterio.errors import RasterioError

    try:
        with rasterio.open(source) as dataset:
            return write_cog(target, describe(dataset, kind), read_blocks(dataset))
    except RasterioError as trouble:
        raise Refusal(str(trouble).splitlines()[0], source.name, "check the file with gdalinfo") from trouble


def describe(dataset: Any, kind: Kind = "continuous") -> Raster:
    """Return what an open rasterio dataset says of itself.

    Raises:
        Refusal: It has no reference system, or a mask beside its values, which would be lost.
    """
    from rasterio.enums import MaskFlags

    name = dataset.name.rsplit("/", 1)[-1]
    if dataset.crs is None:
        raise Refusal("has no coordinate reference system", name, "set one first")
    if any(MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags for flags in dataset.mask_flag_enums):
        raise Refusal("has a mask beside its values", name, "give masked cells a nodata value: gdalwarp -dstnodata")
    palette = dataset.colorinterp[0].name == "palette" and dataset.count == 1
    names = [name or f"band{number}" for number, name in enumerate(dataset.descriptions, 1)]
    return Raster(
        shape=dataset.shape,
        dtype=dataset.dtypes[0],
        crs=dataset.crs.to_wkt(),
        transform=tuple(dataset.transform)[:6],
        bands=tuple(
            Band(name, unit or "", scale, offset)
            for name, unit, scale, offset in zip(names, dataset.units, dataset.scales, dataset.offsets, strict=True)
        ),
        nodata=dataset.nodata,
        kind="classes" if palette else kind,
        colours=dataset.colormap(1) if palette else {},
    )


def read_blocks(dataset: Any, rows: int = TILE) -> Iterator[Block]:
    """Read an open rasterio dataset in strips."""
    from rasterio.windows import Window

    for row in range(0, dataset.height, rows):
        window = Window(0, row, dataset.width, min(rows, dataset.height - row))
        yield row, 0, dataset.read(window=window)


def asset_fields(path: Path) -> dict[str, JSON]:
    """Return the STAC fields of a COG of ours: projection 2.0, ``bands``, and ``raster:bands`` of packed numbers."""
    import rasterio

    with rasterio.open(path) as dataset:
        code = dataset.crs.to_epsg()
        place = {"proj:code": f"EPSG:{code}"} if code else {"proj:wkt2": dataset.crs.to_wkt(version="WKT2_2019")}
        return {
            **place,
            "proj:shape": list(dataset.shape),
            "proj:bbox": list(dataset.bounds),
            "proj:transform": list(dataset.transform),
            "bands": [_band(dataset, number) for number in dataset.indexes],
            **({"raster:bands": packed} if (packed := packing(dataset)) else {}),
        }


def packing(dataset: Any) -> list[JSON]:
    """Return scale and offset of each band of an open dataset (raster extension 1.1); empty if none has any."""
    pairs = [_packed(dataset, number) for number in dataset.indexes]
    if all(pair == (1, 0) for pair in pairs):
        return []
    return [{"scale": scale, "offset": offset} for scale, offset in pairs]


def _packed(dataset: Any, number: int) -> tuple[float, float]:
    """Return scale and offset of a band; a pair that is not of numbers counts for none."""
    pair = dataset.scales[number - 1], dataset.offsets[number - 1]
    return pair if np.isfinite(pair).all() else (1.0, 0.0)


def unpacked(statistics: Mapping[str, float], dataset: Any, number: int) -> dict[str, float]:
    """Return the statistics of a band's numbers as those of the values that they stand for."""
    scale, offset = _packed(dataset, number)
    ends = sorted(scale * statistics[name] + offset for name in ("minimum", "maximum"))
    about = {"minimum": ends[0], "maximum": ends[1], "mean": scale * statistics["mean"] + offset}
    return about | {"stddev": abs(scale) * statistics["stddev"]}


def _band(dataset: Any, number: int) -> dict[str, JSON]:
    said = dataset.tags(number)
    keys = {"minimum": "MINIMUM", "maximum": "MAXIMUM", "mean": "MEAN", "stddev": "STDDEV"}
    found = {name: float(said[f"STATISTICS_{key}"]) for name, key in keys.items() if f"STATISTICS_{key}" in said}
    statistics = unpacked(found, dataset, number) if found else {}
    if NODATA_SHARE in said:
        statistics["valid_percent"] = float(said[NODATA_SHARE])
    band = {"name": dataset.descriptions[number - 1], "data_type": dataset.dtypes[number - 1]}
    nodata, unit = dataset.nodata, dataset.units[number - 1]
    if nodata is not None:
        band["nodata"] = nodata if np.isfinite(nodata) else str(nodata)
    return band | ({"unit": unit} if unit else {}) | ({"statistics": statistics} if statistics else {})


def _check(raster: Raster, compression: Compression, max_error: float | None) -> None:
    if (max_error is None) == (compression == "lerc_zstd"):
        raise Refusal("`max_error` goes with `lerc_zstd`, and `lerc_zstd` needs it", "compression")
    if raster.colours and (raster.dtype != "uint8" or len(raster.bands) != 1):
        raise Refusal("a colour table needs one band of uint8", "colours")


def _write_flat(path: Path, raster: Raster, blocks: Iterable[Block], max_error: float | None) -> None:
    """Write all values without compression, and their statistics into the tags."""
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    rows, columns = raster.shape
    profile = {
        "driver": "GTiff",
        "height": rows,
        "width": columns,
        "count": len(raster.bands),
        "dtype": raster.dtype,
        "crs": raster.crs,
        "transform": Affine(*raster.transform),
        "nodata": raster.nodata,
        "tiled": True,
        "blockxsize": TILE,
        "blockysize": TILE,
        "interleave": "band",
        "bigtiff": "IF_SAFER",
    }
    written = 0
    with rasterio.open(path, "w", **profile) as file:
        for row, column, values in blocks:
            cube = values[np.newaxis] if values.ndim == 2 else values
            file.write(cube, window=Window(column, row, cube.shape[2], cube.shape[1]))
            written += cube.shape[1] * cube.shape[2]
        _describe_bands(file, raster.bands)
        if raster.colours:
            file.write_colormap(1, dict(raster.colours))
        stated = {"MAX_ERROR": repr(max_error)} if max_error is not None else {}
        file.update_tags(**raster.tags, **stated)
    if written != rows * columns:
        raise Refusal(f"the blocks hold {written} cells of {rows * columns}", path.name, "cover each cell once")
    with rasterio.open(path, "r+") as file:
        for number in file.indexes:
            file.update_tags(number, **_statistics(file, number))


def _describe_bands(file: Any, bands: tuple[Band, ...]) -> None:
    file.descriptions = tuple(band.name for band in bands)
    file.units = tuple(band.unit for band in bands)
    if any(band.scale != 1 for band in bands):
        file.scales = tuple(band.scale for band in bands)
    if any(band.offset for band in bands):
        file.offsets = tuple(band.offset for band in bands)


def _statistics(dataset: Any, number: int) -> dict[str, str]:
    """Compute exact statistics of a band in strips that do not depend on how it was written.

    Mean and variance are merged after Chan, Golub and LeVeque (1979), equations 2.1.
    """
    least, most, count, mean, squares = np.inf, -np.inf, 0, 0.0, 0.0
    for _, _, cube in read_blocks(dataset):
        values = _valid(cube[number - 1], dataset.nodata)
        if values.size:
            least, most = min(least, float(values.min())), max(most, float(values.max()))
            here = float(values.mean(dtype=np.float64))
            spread = float(np.square(values - here).sum(dtype=np.float64))
            both, shift = count + values.size, here - mean
            squares += spread + shift * shift * count * values.size / both
            mean, count = mean + shift * values.size / both, both
    share = {NODATA_SHARE: f"{100 * count / (dataset.width * dataset.height):.4g}"}
    if not count:
        return share
    found = {"MINIMUM": least, "MAXIMUM": most, "MEAN": mean, "STDDEV": (squares / count) ** 0.5}
    return {f"STATISTICS_{name}": repr(value) for name, value in found.items()} | share


def _valid(values: npt.NDArray[Any], nodata: float | None) -> npt.NDArray[Any]:
    if values.dtype.kind in "fc":
        values = values[np.isfinite(values)].astype(np.float64)
    return values if nodata is None or np.isnan(nodata) else values[values != nodata]
