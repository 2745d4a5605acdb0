"""Knows where land is in the Arctic (Natural Earth, 1:10 million), on any map of a scene."""

from __future__ import annotations

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from processors.sampling import Target
from processors.seaice.features import Mask

FILE = Path(__file__).with_name("land.json.gz")
UNIT = 50.0
"""Metres of a step in the file."""
CRS = "EPSG:3413"


def land_on(target: Target, buffer_m: float) -> Mask:
    """Return the cells of a map whose centre is on land or within a distance of it; shape (rows, columns)."""
    from rasterio.features import rasterize
    from rasterio.transform import Affine
    from scipy.ndimage import distance_transform_edt

    margin = int(buffer_m // target.resolution) + 1
    shape = (target.shape[0] + 2 * margin, target.shape[1] + 2 * margin)
    side, west, north = target.resolution, target.west, target.north
    transform = Affine(side, 0, west - margin * side, 0, -side, north + margin * side)
    polygons = _near(target, margin * side)
    if not polygons:
        return np.zeros(target.shape, bool)
    land = rasterize(polygons, shape, transform=transform, dtype="uint8") > 0
    if buffer_m > 0 and land.any():
        land = distance_transform_edt(~land) * side <= buffer_m
    inner: Mask = land[margin : margin + target.shape[0], margin : margin + target.shape[1]]
    return inner


def _near(target: Target, margin: float) -> list[Any]:
    import shapely
    from pyproj import Transformer

    shapes = _polygons()
    if target.crs != CRS:
        change = Transformer.from_crs(CRS, target.crs, always_xy=True)
        shapes = shapely.transform(shapes, lambda at: np.column_stack(change.transform(at[:, 0], at[:, 1])))
    east = target.west + target.shape[1] * target.resolution
    south = target.north - target.shape[0] * target.resolution
    frame = shapely.box(target.west - margin, south - margin, east + margin, target.north + margin)
    return [one for one in shapes if frame.intersects(shapely.envelope(one))]


@cache
def _polygons() -> Any:
    """Return all polygons of the file, in EPSG:3413."""
    import shapely

    outlines = json.loads(gzip.decompress(FILE.read_bytes()))
    made = np.empty(len(outlines), object)
    for place, rings in enumerate(outlines):
        lines = [np.cumsum(np.reshape(one, (-1, 2)), axis=0) * UNIT for one in rings]
        made[place] = shapely.Polygon(lines[0], lines[1:])
    return made
