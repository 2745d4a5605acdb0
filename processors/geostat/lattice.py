"""The grid that a map is made on: its reference system, cells, their places and areas, and how users name it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

import numpy as np

from processors.errors import Refusal
from processors.geostat.observations import Floats

MOST_NODES = 25_000_000
LONG_SIDE = 200
"""Cells along the longer side of a grid that nobody chose."""
_POLAR = ((180, 3571), (-150, 3572), (-100, 3573), (-40, 3574), (10, 3575), (90, 3576))
"""Central meridian and EPSG code of the equal-area planes about the North Pole."""
_CODE = r"(?P<crs>[A-Za-z]+:\w+)/(?P<size>[\d.]+)\s*(?P<unit>km|m)"
_BOX = r"(?P<box>-?[\d.]+(?:,-?[\d.]+){3})@(?P<step>[\d.]+)"


@dataclass(frozen=True, slots=True)
class Lattice:
    """Cells of a map, north up.

    Attributes:
        crs: Reference system.
        west: Left edge, in its units.
        north: Upper edge.
        step: Width and height of a cell, in its units.
        shape: Rows and columns.
    """

    crs: str
    west: float
    north: float
    step: tuple[float, float]
    shape: tuple[int, int]

    @property
    def size(self) -> int:
        """How many cells."""
        return self.shape[0] * self.shape[1]

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine coefficients (a, b, c, d, e, f)."""
        return self.step[0], 0.0, self.west, 0.0, -self.step[1], self.north

    @property
    def x(self) -> Floats:
        """Centres of the columns."""
        return np.asarray(self.west + (np.arange(self.shape[1]) + 0.5) * self.step[0], np.float64)

    @property
    def y(self) -> Floats:
        """Centres of the rows, from north to south."""
        return np.asarray(self.north - (np.arange(self.shape[0]) + 0.5) * self.step[1], np.float64)

    @property
    def is_geographic(self) -> bool:
        """Whether cells are counted in degrees."""
        from pyproj import CRS

        return bool(CRS.from_user_input(self.crs).is_geographic)

    @property
    def cell_km(self) -> float:
        """About how long a side of a cell is, km."""
        if not self.is_geographic:
            return min(self.step) / 1000.0
        south = self.north - self.shape[0] * self.step[1]
        middle = np.cos(np.radians((self.north + south) / 2))
        return 111.2 * min(self.step[1], self.step[0] * max(float(middle), 0.01))

    def places(self) -> tuple[Floats, Floats]:
        """Return longitude and latitude of all centres, degrees, shape (rows · columns,); infinite off the map."""
        from pyproj import Transformer

        x, y = np.meshgrid(self.x, self.y)
        there = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)
        longitude, latitude = there.transform(x.ravel(), y.ravel())
        return np.asarray(longitude, np.float64), np.asarray(latitude, np.float64)

    def areas(self) -> Floats:
        """Return the areas of all cells on the ellipsoid, km², shape (rows · columns,)."""
        from pyproj import CRS, Proj

        longitude, latitude = self.places()
        if self.is_geographic:
            squash = 0.00669438
            curve = 1 - squash * np.sin(np.radians(latitude)) ** 2
            metres = np.radians(1) ** 2 * 6378137.0**2 * (1 - squash) * np.cos(np.radians(latitude)) / curve**2
            return np.asarray(metres * self.step[0] * self.step[1] / 1e6, np.float64)
        scale = np.asarray(Proj(CRS.from_user_input(self.crs)).get_factors(longitude, latitude).areal_scale)
        return np.asarray(self.step[0] * self.step[1] / 1e6 / scale, np.float64)


def lattice_of(
    text: str, longitude: Floats, latitude: Floats, item: bytes | None = None, *, most: int = MOST_NODES
) -> Lattice:
    """Return the grid that a text names.

    Args:
        text: ``auto``; a reference system and a cell size such as ``EPSG:3995/10km``, which covers the data; or
            ``west,south,east,north@step`` in degrees.
        longitude: Of the data, degrees.
        latitude: Of the data, degrees.
        item: A STAC item with the projection extension, or another of which the grid is taken; goes before the text.
        most: Most cells.

    Raises:
        Refusal: It names no grid, or one with too many cells.
    """
    made = _of_item(item) if item is not None else _named(text, longitude, latitude)
    if made.size > most:
        said = f"the grid would have {made.shape[0]} × {made.shape[1]} cells, more than {most}"
        raise Refusal(said, "grid", "give larger cells, or raise `most_nodes`", "GEOSTAT.TOO_MANY_CELLS")
    return made


def _named(text: str, longitude: Floats, latitude: Floats) -> Lattice:
    if text == "auto":
        code = _plane(longitude, latitude)
        return _covering(code, None, longitude, latitude)
    if found := re.fullmatch(_CODE, text.strip()):
        side = float(found["size"]) * (1000.0 if found["unit"] == "km" else 1.0)
        if side > 0:
            return _covering(found["crs"], side, longitude, latitude)
    if found := re.fullmatch(_BOX, text.strip()):
        west, south, east, north = (float(one) for one in found["box"].split(","))
        step = float(found["step"])
        if east <= west:
            east += 360.0
        if step > 0 and -90 <= south < north <= 90 and east - west <= 360:
            shape = max(1, round((north - south) / step)), max(1, round((east - west) / step))
            return Lattice("EPSG:4326", west, north, (step, step), shape)
    raise Refusal(f"{text!r} names no grid", "grid", "write EPSG:3995/10km, or west,south,east,north@0.1 in degrees")


def _plane(longitude: Floats, latitude: Floats) -> str:
    """Return an equal-area reference system in metres that suits the data."""
    from processors.geostat.metric import centre_of

    lon, lat = centre_of(longitude, latitude)
    if lat >= 45:
        return f"EPSG:{min(_POLAR, key=lambda one: abs((lon - one[0] + 180) % 360 - 180))[1]}"
    return "EPSG:6932" if lat <= -45 else "EPSG:6933"


def _covering(code: str, side: float | None, longitude: Floats, latitude: Floats) -> Lattice:
    """Return the smallest grid whose edges are multiples of a cell and that holds the data."""
    from pyproj import CRS, Transformer
    from pyproj.exceptions import CRSError

    try:
        crs = CRS.from_user_input(code)
    except CRSError:
        raise Refusal(f"{code!r} is no reference system", "grid", "give a code such as EPSG:3995") from None
    if not crs.is_projected or crs.axis_info[0].unit_name != "metre":
        hint = "give a code such as EPSG:3995, or west,south,east,north@0.1"
        raise Refusal(f"{code} is not projected in metres", "grid", hint)
    x, y = (
        np.asarray(one) for one in Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
    )
    known = np.isfinite(x) & np.isfinite(y)
    if not known.any():
        raise Refusal(f"no observation lies on the plane of {code}", "grid", "choose another reference system")
    west, east, south, north = x[known].min(), x[known].max(), y[known].min(), y[known].max()
    cell = side or _round(max(east - west, north - south, 1000.0) / LONG_SIDE)
    left, low = cell * floor(west / cell), cell * floor(south / cell)
    shape = max(1, ceil((north - low) / cell)), max(1, ceil((east - left) / cell))
    return Lattice(code, left, low + shape[0] * cell, (cell, cell), shape)


def _round(size: float) -> float:
    """Round up to 1, 2 or 5 times a power of ten."""
    power = 10.0 ** floor(log10(size))
    return next(step * power for step in (1, 2, 5, 10) if step * power >= size * (1 - 1e-9))


def _of_item(document: bytes) -> Lattice:
    """Return the grid of a STAC item, by its projection extension."""
    try:
        item = json.loads(document)
    except ValueError:
        raise Refusal("is no JSON", "grid", "give a STAC item with proj:code, proj:shape and proj:transform") from None
    places: list[Any] = [item.get("properties", {}), *item.get("assets", {}).values()] if isinstance(item, dict) else []
    for one in places:
        if isinstance(one, dict) and {"proj:shape", "proj:transform"} <= one.keys():
            code = one.get("proj:code") or (f"EPSG:{one['proj:epsg']}" if one.get("proj:epsg") else None)
            code = code or one.get("proj:wkt2") or item["properties"].get("proj:code")
            return _described(code, one["proj:shape"], one["proj:transform"])
    raise Refusal("has no grid", "grid", "give a STAC item with proj:code, proj:shape and proj:transform")


def _described(code: Any, shape: Any, transform: Any) -> Lattice:
    try:
        rows, columns = (int(one) for one in shape)
        a, b, west, d, e, north = (float(one) for one in transform[:6])
    except (TypeError, ValueError):
        raise Refusal("has a grid that cannot be understood", "grid", "see the projection extension of STAC") from None
    if not code or b or d or a <= 0 or e >= 0 or rows < 1 or columns < 1:
        raise Refusal("has a grid that is not north up, or without reference system", "grid", "see `proj:transform`")
    return Lattice(str(code), west, north, (a, -e), (rows, columns))
