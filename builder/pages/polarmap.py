"""Draws footprints on a polar stereographic map as plain SVG paths, right at the pole and at ±180°.

Map units: the drawing is 1000 units wide and high with the origin in its middle and y downwards,
whatever stretch of the Arctic it shows, so that the style sheet can state text sizes once.
Footprints are written in tenths of a unit: the live map, which reads them from the page, is zoomed into.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from builder.pages.footprints import densify, gather
from builder.pages.projection import DISC, SOUTH, Array, Units, View, on_plane, radius_km
from builder.pages.sheet import FINE, Sheet, sheet
from builder.pages.values import remembered

GRID_KM = 50
"""Squares are centred on multiples of this, so that neighbours share a graticule."""
MOST_DOTS = 800


@dataclass(frozen=True, slots=True)
class PolarMap:
    """Everything a template needs to draw the map.

    Attributes:
        sheet: What it is drawn on.
        areas: Path of the polygons, to be filled.
        outlines: Path of the polygons' edges without the cuts at ±180° and at the pole.
        lines: Path of tracks.
        dots: Path of zero-length strokes, one per point.
        outside: ``all`` or ``part`` of it lies south of what is drawn; empty if nothing does.
    """

    sheet: Sheet
    areas: str = ""
    outlines: str = ""
    lines: str = ""
    dots: str = ""
    outside: str = ""


def draw(geometries: Iterable[Mapping[str, Any] | None], *, zoom: bool = True) -> PolarMap | None:
    """Draw geometries on the view that suits them.

    Args:
        geometries: GeoJSON in WGS 84; those that cross ±180° are cut there as RFC 7946 wants.
        zoom: Whether small footprints are shown on an enlarged square.

    Returns:
        None where there is nothing with a position.
    """
    shapes = gather(geometries)
    rings = [ring for polygon in shapes.polygons for ring in polygon]
    edges, ends = densify([*rings, *shapes.lines])
    degrees = np.concatenate((edges, *shapes.points))
    if not len(degrees):
        return None
    south, north = float(degrees[:, 1].min()), float(degrees[:, 1].max())
    plane = on_plane(degrees)
    view = _view(plane, south, zoom=zoom)
    placed = View(view.x, view.y, view.scale * FINE, view.rim).units(plane)
    spans = list(pairwise((0, *ends)))
    drawn = [placed[first:last] for first, last in spans]
    areas = [_path(ring, close=True) for ring in drawn[: len(rings)]]
    return PolarMap(
        sheet=sheet(view),
        areas="".join(areas),
        outlines="".join(_outlines([edges[first:last] for first, last in spans[: len(rings)]], drawn, areas)),
        lines="".join(map(_path, drawn[len(rings) :])),
        dots=_dots(placed[len(edges) :][degrees[len(edges) :, 1] >= SOUTH]),
        outside="" if south >= SOUTH else "part" if north > SOUTH else "all",
    )


@remembered(16)
def draw_one(geometry: Mapping[str, Any]) -> PolarMap | None:
    """Draw the geometry of an item; that of the one before, or of a station with many items, is not drawn again."""
    return draw([geometry])


def _view(plane: Array, south: float, *, zoom: bool) -> View:
    low, high = plane.min(axis=1), plane.max(axis=1)
    half = float((high - low).max()) / 2
    if zoom and half < 500 and south > SOUTH + 5:
        shown = next(step for step in (500.0, 1000.0) if half <= step / 2)
        middle_x, middle_y = (round(side / 2 / GRID_KM) * GRID_KM for side in (low + high).tolist())
        return View(middle_x, middle_y, 500 / shown, None)
    rim = 60.0 if south >= 60 else SOUTH
    return View(0.0, 0.0, DISC / radius_km(rim), rim)


def _path(units: Units, *, close: bool = False) -> str:
    """Write points as an SVG path: an absolute start, then relative steps; none for a point that stays."""
    steps = units[1:] - units[:-1]
    steps = steps[steps.any(axis=1)]
    start = f"M{units[0, 0]} {units[0, 1]}"
    if not len(steps):
        return f"{start}h0"
    numbers = orjson.dumps(steps.ravel(), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1].decode()
    return f"{start}l{numbers.replace(',-', '-').replace(',', ' ')}{'z' if close else ''}"


def _outlines(rings: Sequence[Array], placed: Sequence[Units], areas: Sequence[str]) -> Iterator[str]:
    """Draw the rings' edges, leaving out cuts along ±180° that only exist because GeoJSON demands them.

    An edge between two meridians at the pole is a point there.
    """
    seams = any((ring[:, 0] >= 180).any() for ring in rings) and any((ring[:, 0] <= -180).any() for ring in rings)
    for ring, units, area in zip(rings, placed, areas, strict=False):
        on_pole = ring[:, 1] >= 90
        hidden = on_pole[:-1] & on_pole[1:]
        if seams:
            on_seam = np.abs(ring[:, 0]) >= 180
            hidden |= on_seam[:-1] & on_seam[1:] & (ring[:-1, 0] == ring[1:, 0])
        yield _edges(units, hidden) if hidden.any() else area


def _edges(units: Units, hidden: NDArray[np.bool_]) -> str:
    gaps = [-1, *np.flatnonzero(hidden).tolist(), len(hidden)]
    return "".join([_path(units[gap + 1 : end + 1]) for gap, end in pairwise(gaps) if end > gap + 1])


def _dots(placed: Units) -> str:
    if len(placed) > 1:
        placed = _thinned(placed, 3 * FINE)
    if len(placed) > MOST_DOTS:
        placed = _thinned(placed, 12 * FINE)
    return "".join([f"M{x} {y}h0" for x, y in placed[:: max(1, len(placed) // MOST_DOTS)].tolist()])


def _thinned(placed: Units, cell: int) -> Units:
    """Keep the first point of each square cell, where it is."""
    column, row = (placed // cell).T
    _, kept = np.unique((column << 32) + row, return_index=True)
    return placed[kept]
