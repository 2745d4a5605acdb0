"""The child process that opens one GeoTIFF: limited, alone, and free to crash; it prints JSON."""

from __future__ import annotations

import os
import resource
import sys
import warnings
from pathlib import Path

import orjson

MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
"""First bytes of TIFF and BigTIFF in both byte orders; other content may make GDAL read or fetch elsewhere."""

MEMORY_BYTES = 4 << 30


def main() -> None:
    """Describe the GeoTIFF named by the first argument on standard output.

    The answer has ``item`` (a STAC Item made by stactools) and ``cog``, or ``refused`` with a reason.
    """
    path = Path(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    os.environ |= {"GDAL_SKIP": "VRT,WMS,WCS,HTTP", "GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
    with path.open("rb") as file:
        magic = file.read(4)
    answer = describe(path) if magic in MAGIC else {"refused": "is not a TIFF, whatever its name says"}
    sys.stdout.buffer.write(orjson.dumps(answer))


def describe(path: Path) -> dict[str, object]:
    """Return what stactools and rio-cogeo say of a GeoTIFF."""
    import rasterio
    from rasterio.errors import RasterioError
    from rio_cogeo.cogeo import cog_validate
    from stactools.core.create import item

    warnings.simplefilter("ignore")
    try:
        with rasterio.open(path, driver="GTiff") as raster:
            if raster.crs is None:
                return {"refused": "has no coordinate reference system"}
            wkt, code = raster.crs.to_wkt(), raster.crs.to_epsg()
        made = item(str(path)).to_dict(include_self_link=False, transform_hrefs=False)
        valid, _, _ = cog_validate(path, quiet=True)
    except (RasterioError, OSError, ValueError) as trouble:
        return {"refused": f"cannot be read: {str(trouble).splitlines()[0]}"}
    return {"item": made["properties"], "wkt": None if code else wkt, "cog": valid}


if __name__ == "__main__":
    main()
