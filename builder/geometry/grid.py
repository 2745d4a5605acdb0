"""The footprint of data on a projected grid: densified, and holding the pole where the grid holds it."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from builder.errors import IaosError

if TYPE_CHECKING:
    from builder.dataset import GeoJSON

POINTS_PER_SIDE = 64
"""Points along each side of the grid; a side is curved on the globe."""


def grid_footprint(x: tuple[float, float], y: tuple[float, float], crs: Any) -> GeoJSON:
    """Return the outline of a projected rectangle as GeoJSON in WGS 84, cut at the antimeridian.

    Args:
        x: Least and greatest easting, in the units of ``crs``.
        y: Least and greatest northing.
        crs: Anything `pyproj.CRS.from_user_input` understands (``EPSG:3413``, WKT, PROJ string).

    Raises:
        IaosError: The reference system is not understood, or a corner has no place on the globe.
    """
    import numpy as np
    import shapely
    from antimeridian import fix_polygon
    from pyproj import Transformer
    from pyproj.exceptions import CRSError, ProjError

    try:
        to_globe = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        ring = shapely.box(x[0], y[0], x[1], y[1]).exterior
        xs, ys = shapely.segmentize(ring, ring.length / (4 * POINTS_PER_SIDE)).xy
        longitude, latitude = to_globe.transform(np.asarray(xs), np.asarray(ys), errcheck=True)
        north, south = (_inside(to_globe, pole, x, y) for pole in (90.0, -90.0))
    except (CRSError, ProjError) as trouble:
        raise IaosError(f"no footprint: {str(trouble).splitlines()[0]}", where=str(crs)) from trouble
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the winding of a ring round the pole cannot be told from it
        outline = shapely.Polygon(np.column_stack([longitude, latitude]))
        shape = fix_polygon(
            outline,
            great_circle=False,
            force_north_pole=north,
            force_south_pole=south,
            fix_winding=not (north or south),
        )
    return dict(shapely.geometry.mapping(shape))


def _inside(to_globe: Any, latitude: float, x: tuple[float, float], y: tuple[float, float]) -> bool:
    """Tell whether a pole lies in the rectangle; a pole that the projection cannot show does not."""
    import math

    east, north = to_globe.transform(0.0, latitude, direction="INVERSE")
    inside = math.isfinite(east) and math.isfinite(north) and x[0] < east < x[1] and y[0] < north < y[1]
    if not inside:
        return False
    back = to_globe.transform(east, north)
    return math.isclose(back[1], latitude, abs_tol=1e-6)
