"""Draws footprints on a polar stereographic map as plain SVG paths, right at the pole and at ±180°.

Map units: the drawing is 1000 units wide and high with the origin in its middle and y downwards,
whatever stretch of the Arctic it shows, so that the style sheet can state text sizes once.
Footprints are written in tenths of a unit: the live map, which reads them from the page, is zoomed into.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import orjson

from builder.pages.footprints import densify, gather
from builder.pages.graticule import Graticule, disc_graticule, square_graticule
from builder.pages.projection import CLAMP, DISC, SOUTH, Array, View, project, radius_km

LAND_KM = 5200.0
"""Half the width of static/land.svg."""
GRID_KM = 50
"""Squares are centred on multiples of this, so that neighbours share a graticule."""
MOST_DOTS = 800
FINE = 10
"""Parts of a map unit in which footprints are written."""


@dataclass(frozen=True, slots=True)
class PolarMap:
    """Everything a template needs to draw the map.

    Attributes:
        disc: Whether it is the disc about the pole.
        rim: Latitude at the rim of the disc; 0 on a square.
        land: x, y and width of the land picture, map units.
        origin: Middle of the map in EPSG:3413 and size of a unit of the footprints' paths: x, y, metres per unit.
        graticule: Meridians, parallels and degrees.
        areas: Path of the polygons, to be filled.
        outlines: Path of the polygons' edges without the cuts at ±180° and at the pole.
        lines: Path of tracks.
        dots: Path of zero-length strokes, one per point.
        outside: ``all`` or ``part`` of it lies south of what is drawn; empty if nothing does.
        locator: Where the square lies on a small disc: x, y and half width there; None on a disc.
        bar: A scale bar on a square: its length in kilometres and in map units.
    """

    disc: bool
    rim: int
    land: tuple[float, float, float]
    origin: tuple[int, int, float]
    graticule: Graticule
    areas: str = ""
    outlines: str = ""
    lines: str = ""
    dots: str = ""
    outside: str = ""
    locator: tuple[int, int, int] | None = None
    bar: tuple[int, int] | None = None


def draw(geometries: Iterable[Mapping[str, Any] | None], *, zoom: bool = True) -> PolarMap | None:
    """Draw geometries on the view that suits them.

    Args:
        geometries: GeoJSON in WGS 84; those that cross ±180° are cut there as RFC 7946 wants.
        zoom: Whether small footprints are shown on an enlarged square.

    Returns:
        None where there is nothing with a position.
    """
    shapes = gather(geometries)
    rings = [densify(ring) for polygon in shapes.polygons for ring in polygon]
    tracks = [densify(line) for line in shapes.lines]
    if not (rings or tracks or shapes.points):
        return None
    positions = np.concatenate([*rings, *tracks, *shapes.points])
    view = _view(positions, zoom=zoom)
    seams = _has_both_seams(rings)
    size = round(2 * LAND_KM * view.scale, 1)
    fine = replace(view, scale=view.scale * FINE)
    return PolarMap(
        disc=view.rim is not None,
        rim=int(view.rim or 0),
        land=(round((-LAND_KM - view.x) * view.scale, 1), round((view.y - LAND_KM) * view.scale, 1), size),
        origin=(round(view.x * 1000), round(view.y * 1000), round(1000 / fine.scale, 4)),
        graticule=disc_graticule(view.rim) if view.rim is not None else square_graticule(view),
        areas="".join(_path(_place(fine, ring), close=True) for ring in rings),
        outlines="".join(_outline(fine, ring, seams=seams) for ring in rings),
        lines="".join(_path(_place(fine, track)) for track in tracks),
        dots=_dots(fine, shapes.points),
        outside=_outside(positions[:, 1]),
        locator=_locator(view),
        bar=None if view.rim else (200, round(200 * view.scale)),
    )


def draw_one(geometry: Mapping[str, Any]) -> PolarMap | None:
    """Draw the geometry of an item; that of the one before, or of a station with many items, is not drawn again."""
    try:
        return _drawn(orjson.dumps(geometry))
    except orjson.JSONEncodeError:
        return draw([geometry])


@lru_cache(maxsize=16)
def _drawn(geometry: bytes) -> PolarMap | None:
    return draw([orjson.loads(geometry)])


def _outside(latitudes: Array) -> str:
    if latitudes.min() >= SOUTH:
        return ""
    return "part" if latitudes.max() > SOUTH else "all"


def _view(degrees: Array, *, zoom: bool) -> View:
    x, y = project(degrees[:, 0], np.maximum(degrees[:, 1], CLAMP))
    half = max(float(np.ptp(x)), float(np.ptp(y))) / 2
    if zoom and half < 500 and degrees[:, 1].min() > SOUTH + 5:
        shown = next(step for step in (500.0, 1000.0) if half <= step / 2)
        middle_x, middle_y = (round(float(side.min() + side.max()) / 2 / GRID_KM) * GRID_KM for side in (x, y))
        return View(middle_x, middle_y, 500 / shown, None)
    rim = 60.0 if degrees[:, 1].min() >= 60 else SOUTH
    return View(0.0, 0.0, DISC / radius_km(rim), rim)


def _place(view: View, degrees: Array) -> Array:
    placed = view.place(degrees[:, 0], degrees[:, 1])
    moved = np.ones(len(placed), bool)
    moved[1:] = (np.diff(placed, axis=0) != 0).any(axis=1)
    return placed[moved]


def _path(units: Array, *, close: bool = False) -> str:
    """Write points as an SVG path: an absolute start, then relative steps."""
    start, steps = units[0].astype(int).tolist(), np.diff(units, axis=0).astype(int).tolist()
    if not steps:
        return f"M{start[0]} {start[1]}h0"
    numbers = " ".join([f"{dx} {dy}" for dx, dy in steps]).replace(" -", "-")
    return f"M{start[0]} {start[1]}l{numbers}{'z' if close else ''}"


def _has_both_seams(rings: Sequence[Array]) -> bool:
    longitudes = np.concatenate([ring[:, 0] for ring in rings]) if rings else np.empty(0)
    return bool((longitudes >= 180).any() and (longitudes <= -180).any())


def _outline(view: View, ring: Array, *, seams: bool) -> str:
    """Draw a ring's edge, leaving out cuts along ±180° that only exist because GeoJSON demands them.

    An edge between two meridians at the pole is a point there.
    """
    on_seam = (np.abs(ring[:, 0]) >= 180) if seams else np.zeros(len(ring), bool)
    on_pole = ring[:, 1] >= 90
    hidden = (on_seam[:-1] & on_seam[1:] & (ring[:-1, 0] == ring[1:, 0])) | (on_pole[:-1] & on_pole[1:])
    if not hidden.any():
        return _path(_place(view, ring), close=True)
    breaks = np.flatnonzero(np.diff(np.concatenate(([True], hidden, [True])).astype(int)))
    return "".join(_path(_place(view, ring[first : last + 1])) for first, last in breaks.reshape(-1, 2))


def _dots(view: View, points: Sequence[Array]) -> str:
    if not points:
        return ""
    degrees = np.concatenate(points)
    placed = _thinned(view.place(degrees[:, 0], degrees[:, 1])[degrees[:, 1] >= SOUTH], 3 * FINE)
    if len(placed) > MOST_DOTS:
        placed = _thinned(placed, 12 * FINE)
    return "".join(f"M{int(x)} {int(y)}h0" for x, y in placed[:: max(1, len(placed) // MOST_DOTS)])


def _thinned(placed: Array, cell: int) -> Array:
    """Keep the first point of each square cell, where it is."""
    _, kept = np.unique(placed // cell, axis=0, return_index=True)
    return placed[kept]


def _locator(view: View) -> tuple[int, int, int] | None:
    if view.rim is not None:
        return None
    scale = 100 / radius_km(SOUTH)
    return round(view.x * scale), round(-view.y * scale), max(3, round(500 / view.scale * scale))
