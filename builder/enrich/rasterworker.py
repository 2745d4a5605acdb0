"""The child process that opens one GeoTIFF: limited, alone, and free to crash; it prints JSON."""

from __future__ import annotations

import os
import resource
import sys
import warnings
from base64 import b64encode
from pathlib import Path

import orjson

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""First bytes of TIFF and BigTIFF in both byte orders; other content may make GDAL read or fetch elsewhere."""

MEMORY_BYTES = 4 << 30


def main() -> None:
    """Describe the GeoTIFF named by the first argument on standard output: see `describe`, or ``refused``."""
    path = Path(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.environ |= {"GDAL_SKIP": "VRT,WMS,WCS,HTTP", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    sys.stdout.buffer.write(orjson.dumps(describe(path)))


def describe(path: Path) -> dict[str, object]:
    """Return the grid of a GeoTIFF, what rio-cogeo says of it, and a small picture.

    Returns:
        ``code``, ``wkt`` (both None without a reference system), ``shape``, ``transform``, ``errors`` (empty for a
        COG) and ``thumbnail`` (base64 of a PNG); or ``refused`` with a reason.
    """
    with path.open("rb") as file:
        if file.read(4) not in MAGIC:
            return {"refused": "is not a TIFF, whatever its name says"}
    import rasterio
    from rasterio.errors import RasterioError
    from rio_cogeo.cogeo import cog_validate

    from processors.thumbnail import thumbnail

    warnings.simplefilter("ignore")
    try:
        with rasterio.open(path, driver="GTiff") as raster:
            crs, shape, transform = raster.crs, raster.shape, tuple(raster.transform)[:6]
        valid, errors, _ = cog_validate(path, quiet=True)
        picture = b64encode(thumbnail(path)).decode("ascii")
    except (RasterioError, OSError, ValueError) as trouble:
        return {"refused": f"cannot be read: {str(trouble).splitlines()[0]}"}
    if valid and path.with_name(f"{path.name}.ovr").exists():
        errors = ["Overviews found in external .ovr file. They should be internal"]
    code = crs.to_epsg() if crs else None
    return {
        "code": f"EPSG:{code}" if code else None,
        "wkt": crs.to_wkt() if crs and not code else None,
        "shape": shape,
        "transform": transform,
        "errors": errors,
        "thumbnail": picture,
    }


if __name__ == "__main__":
    main()
