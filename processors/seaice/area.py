"""Cuts a map of a scene to a box of longitudes and latitudes, across the antimeridian and at the pole too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, floor
from typing import TYPE_CHECKING

import numpy as np

from processors.errors import Refusal
from processors.icestats.region import Box, inside, outline_of
from processors.protocol import JSON
from processors.sampling import Target
from processors.seaice.features import Mask
from processors.seaice.geolocation import Geolocation
from processors.seaice.markup import Floats
from processors.seaice.warp import Warp

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

CODE = "GRID.NO_OVERLAP"
PER_SIDE = 16
"""Points along each side of a scene in its outline."""


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """What is mapped of a scene.

    Attributes:
        geolocation: Places of the scene in the map's reference system.
        outline: The box on the map; None for the whole scene.
    """

    geolocation: Geolocation
    outline: BaseGeometry | None

    @classmethod
    def of(cls, geolocation: Geolocation, box: Box | None) -> Area:
        """Take a box of west, south, east, north (west above east crosses the antimeridian), or the whole scene.

        Raises:
            Refusal: ``STATS.REGION``: it is no box.
        """
        return cls(geolocation, outline_of(box, geolocation.crs, "bbox") if box else None)

    def target(self, resolution: float) -> Target:
        """Return the smallest map that holds what is wanted, its edges at multiples of the resolution.

        Raises:
            Refusal: ``GRID.NO_OVERLAP``: the scene lies outside the box.
        """
        whole = self.geolocation.target(resolution)
        if self.outline is None:
            return whole
        part = self._part()
        low, high = np.floor(np.array(part.bounds[:2]) / resolution), np.ceil(np.array(part.bounds[2:]) / resolution)
        first = max(0, floor(low[0] - whole.west / resolution)), max(0, floor(whole.north / resolution - high[1]))
        last = (
            min(whole.shape[1], ceil(high[0] - whole.west / resolution)),
            min(whole.shape[0], ceil(whole.north / resolution - low[1])),
        )
        return replace(
            whole,
            west=whole.west + first[0] * resolution,
            north=whole.north - first[1] * resolution,
            shape=(last[1] - first[1], last[0] - first[0]),
        )

    def rows(self, target: Target, pixels: int, more: int) -> slice:
        """Return the rows of cells that a map needs.

        Args:
            target: The map.
            pixels: Lines of a cell.
            more: Rows that are wanted on either side.
        """
        if self.outline is None:
            return slice(None)
        first, last = Warp.onto(self.geolocation, target).lines_of(slice(None))
        return slice(max(0, first // pixels - more), -(-last // pixels) + more)

    def outside(self, target: Target) -> Mask:
        """Return the cells of a map whose centre lies outside the box, shape (rows, columns)."""
        if self.outline is None:
            return np.zeros(target.shape, bool)
        found: Mask = ~inside(self.outline, target.transform, target.shape)
        return found

    def holds(self, lines: Floats, samples: Floats) -> Mask:
        """Return which places of the scene are wanted, where lines and samples cross; shape (lines, samples)."""
        import shapely

        if self.outline is None:
            return np.ones((lines.size, samples.size), bool)
        shapely.prepare(self.outline)
        found: Mask = shapely.contains_xy(self.outline, *self.geolocation.mesh(lines, samples))
        return found

    def footprint(self) -> JSON:
        """Return the outline of what is mapped as GeoJSON, cut at the antimeridian and right at the pole."""
        import antimeridian
        import shapely
        from pyproj import Transformer

        if self.outline is None:
            return self.geolocation.footprint(PER_SIDE)
        to_degrees = Transformer.from_crs(self.geolocation.crs, "EPSG:4326", always_xy=True)
        cut = []
        for polygon in shapely.get_parts(self._part()):
            dense = shapely.segmentize(shapely.Polygon(polygon.exterior), max(polygon.length / 256, 1000.0))
            ring = np.round(np.stack(to_degrees.transform(*dense.exterior.coords.xy), axis=1), 6)
            made = antimeridian.fix_polygon(shapely.Polygon(ring), fix_winding=True, great_circle=False)
            cut += list(shapely.get_parts(made))
        return shapely.geometry.mapping(cut[0] if len(cut) == 1 else shapely.MultiPolygon(cut))

    def _part(self) -> BaseGeometry:
        """Return the part of the scene that lies in the box, on the map."""
        import shapely

        scene = shapely.Polygon(np.stack(self.geolocation.forward(*self.geolocation.outline(PER_SIDE)), axis=1))
        found = shapely.make_valid(scene).intersection(self.outline)
        polygons = [one for one in shapely.get_parts(found) if one.geom_type == "Polygon" and one.area > 0]
        if not polygons:
            raise Refusal("the scene lies outside the box", "bbox", "widen it, or take another scene", CODE)
        return shapely.MultiPolygon(polygons)
