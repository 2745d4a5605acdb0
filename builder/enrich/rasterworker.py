"""The child process that opens one GeoTIFF: limited, alone, and free to crash; it prints JSON."""

from __future__ import annotations

import os
import resource
import sys
import warnings
from base64 import b64encode
from contextlib import suppress
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from builder.apart import end_with_parent, limit

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""First bytes of TIFF and BigTIFF in both byte orders; other content may make GDAL read or fetch elsewhere."""

NOWHERE = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
"""Transform of a file that has none, by which its cells would be metres or degrees that begin at 0, 0."""

MEMORY_BYTES = 4 << 30

DATA_TYPES = frozenset(
    {"int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"}
    | {"float16", "float32", "float64", "cint16", "cint32", "cfloat32", "cfloat64"}
)
"""Types of cells that STAC's common metadata names."""


def main() -> None:
    """Describe the GeoTIFF named by the first argument on standard output: see `describe`, or ``refused``."""
    path = Path(sys.argv[1])
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_AS, MEMORY_BYTES)
    os.environ |= {"GDAL_SKIP": "VRT,WMS,WCS,HTTP", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    sys.stdout.buffer.write(orjson.dumps(describe(path)))


def describe(path: Path) -> dict[str, object]:
    """Return the grid of a GeoTIFF, what rio-cogeo says of it, and a small picture.

    Returns:
        ``code``, ``wkt`` (both None without a reference system, or a place in it), ``shape``, ``transform``, ``errors``
        (empty for a COG), ``bands`` (see `bands_of`), ``packing`` (see `processors.cog.packing`) and ``thumbnail``
        (base64 of a PNG); or ``refused`` with a reason.
    """
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            return {"refused": "is not a TIFF, whatever its name says"}
    import rasterio
    from rasterio.errors import RasterioError
    from rio_cogeo.cogeo import cog_validate

    from processors.cog import packing
    from processors.thumbnail import thumbnail

    warnings.simplefilter("ignore")
    try:
        with rasterio.Env(GDAL_PAM_ENABLED=False), rasterio.open(path, driver="GTiff") as raster:
            crs, shape, transform = raster.crs, raster.shape, tuple(raster.transform)[:6]
            bands, packed = bands_of(raster), packing(raster)
        valid, errors, _ = cog_validate(path, quiet=True)
        picture = b64encode(thumbnail(path)).decode("ascii")
    except (RasterioError, OSError, ValueError) as trouble:
        return {"refused": f"cannot be read: {str(trouble).splitlines()[0]}"}
    if valid and path.with_name(f"{path.name}.ovr").exists():
        errors = ["Overviews found in external .ovr file. They should be internal"]
    placed = crs and transform != NOWHERE and all(map(isfinite, transform))
    code = crs.to_epsg() if placed else None
    return {
        "code": f"EPSG:{code}" if code else None,
        "wkt": crs.to_wkt(version="WKT2_2019") if placed and not code else None,
        "shape": shape,
        "transform": transform,
        "errors": errors,
        "bands": bands,
        "packing": packed,
        "thumbnail": picture,
    }


def bands_of(raster: DatasetReader) -> list[dict[str, object]]:
    """Return the bands as STAC's common metadata (1.1, section Bands) has them, with statistics of all valid cells.

    Statistics are of values in the band's unit, after scale and offset.

    GDAL reads block by block, so memory stays flat. A band without a valid cell, and one of complex numbers, has
    no statistics; what is not known of a band is left out.
    """
    return [_band(raster, number) for number in raster.indexes]


def _band(raster: DatasetReader, number: int) -> dict[str, object]:
    from rasterio.errors import StatisticsError

    from processors.cog import unpacked

    kind, nodata = raster.dtypes[number - 1], raster.nodatavals[number - 1]
    said: dict[str, object] = {
        "name": raster.descriptions[number - 1],
        "data_type": kind if kind in DATA_TYPES else "other",
        "nodata": nodata if nodata is None or isfinite(nodata) else str(nodata),
        "unit": raster.units[number - 1],
    }
    with suppress(StatisticsError):
        found = raster.statistics(number, approx=False)
        values = {"minimum": found.min, "maximum": found.max, "mean": found.mean, "stddev": found.std}
        if all(map(isfinite, values.values())):
            said["statistics"] = unpacked(values, raster, number)
    return {key: value for key, value in said.items() if value is not None and value != ""}


if __name__ == "__main__":
    end_with_parent()
    main()
