"""Draws the ice edge as the contour of a concentration, measures it, and tells how far two edges lie apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from processors.icestats.areas import Floats, Transform
from processors.protocol import JSON

STEP_M = 1000.0
"""Distance of the points at which two edges are compared."""


def edge_of(sic: Floats, transform: Transform, level: float) -> list[Floats]:
    """Return the contours of a concentration between the centres of cells (marching squares), each of shape (n, 2).

    Points are x and y on the map. Where one of four neighbours is unknown there is no contour, so that neither the rim
    of the data nor the coast becomes an edge.
    """
    from contourpy import LineType, contour_generator

    if min(sic.shape) < 2:
        return []
    x = transform[2] + transform[0] * (np.arange(sic.shape[1]) + 0.5)
    y = transform[5] + transform[4] * (np.arange(sic.shape[0]) + 0.5)
    made = contour_generator(
        x, y, np.ma.masked_invalid(sic), name="serial", corner_mask=False, line_type=LineType.Separate
    )
    lines: Sequence[Any] = made.lines(level)
    return [np.asarray(line) for line in lines]


def to_degrees(lines: Sequence[Floats], crs: str) -> list[Floats]:
    """Return lines of x and y as lines of longitude and latitude."""
    from pyproj import Transformer

    there = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    return [np.stack(there.transform(line[:, 0], line[:, 1]), axis=1) for line in lines]


def length_of(lines: Sequence[Floats], ellipsoid: str = "WGS84") -> float:
    """Return the length of lines of longitude and latitude along geodesics, km."""
    from pyproj import Geod

    geod = Geod(ellps=ellipsoid)
    return sum(float(geod.line_length(line[:, 0], line[:, 1])) for line in lines) / 1000


def latitudes_of(lines: Sequence[Floats]) -> dict[int, float]:
    """Return the mean latitude of the edge in each degree of longitude that it crosses, by the bin's western limit.

    The mean is taken over points along the edge every kilometre or less.
    """
    points = np.concatenate([_dense(line) for line in lines]) if lines else np.zeros((0, 2))
    bins = np.floor(np.mod(points[:, 0] + 180, 360) - 180).astype(int)
    return {int(one): float(points[bins == one, 1].mean()) for one in np.unique(bins)}


def displacement_of(ours: Sequence[Floats], theirs: Sequence[Floats]) -> float | None:
    """Return how far two edges lie apart, km: the mean distance to the nearest point of the other, both ways.

    After Melsom et al. (2019), doi:10.5194/os-15-615-2019, equation 3. None where one of them is missing.

    Args:
        ours: Lines of longitude and latitude.
        theirs: Lines of longitude and latitude.
    """
    from scipy.spatial import cKDTree

    if not ours or not theirs:
        return None
    one, other = (_on_ellipsoid(np.concatenate([_dense(line) for line in lines])) for lines in (ours, theirs))
    there, back = cKDTree(other).query(one)[0], cKDTree(one).query(other)[0]
    return float((there.mean() + back.mean()) / 2 / 1000)


def feature_of(lines: Sequence[Floats], properties: Mapping[str, JSON]) -> dict[str, JSON]:
    """Return lines as one GeoJSON feature, cut at the antimeridian, with six decimals (a decimetre)."""
    import antimeridian
    from shapely.geometry import LineString

    parts: list[list[tuple[float, float]]] = []
    for line in lines:
        fixed = antimeridian.fix_line_string(LineString(line), great_circle=True)
        parts.extend(
            [(round(float(lon), 6), round(float(lat), 6)) for lon, lat, *_ in piece.coords]
            for piece in getattr(fixed, "geoms", [fixed])
        )
    return {
        "type": "Feature",
        "geometry": {"type": "MultiLineString", "coordinates": parts},
        "properties": dict(properties),
    }


def _dense(line: Floats) -> Floats:
    """Add points so that none is farther than a kilometre from the next."""
    turned = np.unwrap(line[:, 0], period=360)
    corners = np.stack([turned, line[:, 1]], axis=1)
    scale = np.array([111_320.0, 111_320.0])
    parts = []
    for start, end in pairwise(corners):
        across = np.array([np.cos(np.radians((start[1] + end[1]) / 2)), 1.0])
        count = max(1, int(np.ceil(np.hypot(*((end - start) * scale * across)) / STEP_M)))
        parts.append(start + (end - start) * np.arange(count)[:, None] / count)
    return np.concatenate([*parts, corners[-1:]])


def _on_ellipsoid(points: Floats) -> Floats:
    """Return points in metres from the centre of WGS 84, shape (n, 3)."""
    from pyproj import Transformer

    there = Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)
    return np.stack(there.transform(points[:, 0], points[:, 1], np.zeros(len(points))), axis=1)
