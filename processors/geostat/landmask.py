"""Tells land from water: by Natural Earth's coast north of 40°, or by a user's polygons or raster."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.geostat.observations import Floats

Rule: TypeAlias = Literal["land", "none"]
PLANE = "EPSG:3575"
SOUTH = 40.0
"""South of this latitude there is no coast here, and everything counts as water."""
FAR_KM = 10.0


def on_land(longitude: Floats, latitude: Floats, *, further_km: float = 0.0) -> npt.NDArray[np.bool_]:
    """Tell which places lie on land (Natural Earth 1:50m, simplified to 2 km), shape (n,).

    Args:
        longitude: Degrees.
        latitude: Degrees.
        further_km: Only count what lies further than this from water.
    """
    import shapely
    from pyproj import Transformer

    there = np.isfinite(longitude) & np.isfinite(latitude) & (latitude >= SOUTH)
    found = np.zeros(longitude.shape, bool)
    if not there.any():
        return found
    x, y = Transformer.from_crs("EPSG:4326", PLANE, always_xy=True).transform(longitude[there], latitude[there])
    land = _land(further_km)
    found[there] = shapely.contains_xy(land, np.asarray(x) / 1000, np.asarray(y) / 1000)
    return found


@lru_cache(maxsize=4)
def _land(further_km: float) -> Any:
    """Return the land as one prepared shape, in kilometres."""
    import shapely
    from shapely.geometry import Polygon

    rings = json.loads(files("processors.geostat").joinpath("land.json").read_bytes())
    land = shapely.union_all([shapely.make_valid(Polygon(shell, holes)) for shell, *holes in rings])
    shrunk = land.buffer(-further_km) if further_km else land
    shapely.prepare(shrunk)
    return shrunk


def masked(path: Path, longitude: Floats, latitude: Floats, where: str) -> npt.NDArray[np.bool_]:
    """Tell which places a user's mask covers: polygons of GeoJSON, or cells of a raster that are neither 0 nor missing.

    Raises:
        Refusal: The file is neither, or has no reference system.
    """
    if path.suffix.lower() in {".json", ".geojson"}:
        return within(polygons_of(path, where), longitude, latitude)
    return np.asarray(np.nan_to_num(raster_at(path, longitude, latitude, where), nan=0.0) != 0)


def polygons_of(path: Path, where: str) -> Any:
    """Return the polygons of a GeoJSON file as one prepared shape, degrees.

    Raises:
        Refusal: It holds no polygon.
    """
    import shapely
    from shapely.errors import GEOSException
    from shapely.geometry import shape

    try:
        document = json.loads(path.read_bytes())
        features = document["features"] if document.get("type") == "FeatureCollection" else [document]
        shapes = [shape(one.get("geometry", one)) for one in features]
        land = shapely.union_all([shapely.make_valid(one) for one in shapes if "Polygon" in one.geom_type])
    except (ValueError, KeyError, TypeError, AttributeError, GEOSException) as trouble:
        raise Refusal(f"is no GeoJSON: {str(trouble).splitlines()[0] if str(trouble) else trouble!r}", where) from None
    if land.is_empty:
        raise Refusal("holds no polygon", where, "give GeoJSON with Polygon or MultiPolygon")
    shapely.prepare(land)
    return land


def within(land: Any, longitude: Floats, latitude: Floats) -> npt.NDArray[np.bool_]:
    """Tell which places lie in a shape of degrees, whether it counts longitudes from -180 or from 0."""
    import shapely

    inside: npt.NDArray[np.bool_] = shapely.contains_xy(land, longitude, latitude)
    inside |= shapely.contains_xy(land, longitude % 360, latitude)
    return inside


def raster_at(path: Path, longitude: Floats, latitude: Floats, where: str) -> Floats:
    """Return the values of a raster's first band at places: that of the cell they lie in; NaN outside.

    Raises:
        Refusal: It cannot be read, or has no reference system.
    """
    import rasterio
    from pyproj import Transformer
    from rasterio.errors import RasterioError

    try:
        with rasterio.Env(GDAL_PAM_ENABLED=False), rasterio.open(path) as dataset:
            if dataset.crs is None:
                raise Refusal("has no reference system", where, "give a GeoTIFF that has one")
            x, y = Transformer.from_crs("EPSG:4326", dataset.crs.to_wkt(), always_xy=True).transform(
                longitude, latitude
            )
            a, b, west, d, e, north = (~dataset.transform)[:6]
            column, row = a * x + b * y + west, d * x + e * y + north
            values = dataset.read(1, masked=True).astype(np.float64).filled(np.nan)
    except RasterioError as trouble:
        raise Refusal(f"cannot be read as a raster: {str(trouble).splitlines()[0]}", where) from None
    with np.errstate(invalid="ignore"):
        inside = (column >= 0) & (column < values.shape[1]) & (row >= 0) & (row < values.shape[0])
    found = np.full(np.shape(longitude), np.nan)
    found[inside] = values[row[inside].astype(int), column[inside].astype(int)]
    return found
