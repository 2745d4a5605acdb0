"""Relates lines and samples of a scene to places on a map, at sea level and in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import ceil, floor
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.protocol import JSON
from processors.sampling import Target
from processors.seaice.annotation import Annotation
from processors.seaice.markup import Floats
from processors.seaice.orbit import geographic, locate

MapCrs: TypeAlias = Literal["EPSG:3413", "EPSG:3995", "EPSG:6931"]
MARGIN = 200.0
"""Lines and samples around the scene for which places are known too, so that maps reach its edge."""
NODE_SAMPLES = 200.0
"""Spacing of nodes across the scene; along it there is one for each ground-range polynomial."""
SOUTHERNMOST = 40.0
"""Latitude, degrees, down to which the polar reference systems are used."""
_STEPS = 12
_GUESS = 20.0
"""Lines and samples by which the first guess may be off."""
_CLOSE = 1e-3
"""Lines: Newton doubles the digits with each step, so the place is then known to a thousandth of that."""


@dataclass(frozen=True, eq=False)
class Geolocation:
    """Places of a scene in one reference system.

    Attributes:
        crs: Reference system, in metres.
        shape: Lines and samples of the scene.
        line: Lines of the nodes, shape (n,).
        sample: Samples of the nodes, shape (m,).
        x: Metres, shape (n, m).
        y: Metres, shape (n, m).
    """

    crs: str
    shape: tuple[int, int]
    line: Floats
    sample: Floats
    x: Floats
    y: Floats

    @classmethod
    def of(cls, annotation: Annotation, crs: str = "EPSG:3413") -> Geolocation:
        """Locate the nodes of a scene by range and Doppler, at sea level.

        Ground-range polynomials change in steps, once a second. Nodes lie at their times, where each holds exactly, and
        cubic splines go smoothly between them.

        Raises:
            Refusal: Orbit vectors are missing (``S1.ORBIT_GAP``), or the scene lies too far south
                (``GRID.OUTSIDE_AREA_OF_USE``).
        """
        from pyproj import Transformer

        line, sample = _node_lines(annotation), _node_samples(annotation.shape[1])
        longitude, latitude = geographic(locate(annotation, line[:, None], sample))
        if latitude.min() < SOUTHERNMOST:
            _check_south(annotation, crs)
        x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(longitude, latitude)
        return cls(crs, annotation.shape, line, sample, np.asarray(x), np.asarray(y))

    def forward(self, line: npt.ArrayLike, sample: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return x and y, m, of lines and samples (centres of pixels are whole numbers), any shape."""
        line, sample = np.broadcast_arrays(np.asarray(line, np.float64), np.asarray(sample, np.float64))
        return self._splines[0].ev(line, sample), self._splines[1].ev(line, sample)

    def mesh(self, lines: Floats, samples: Floats) -> tuple[Floats, Floats]:
        """Return x and y, m, where lines and samples (both rising) cross, shape (lines, samples)."""
        x, y = (spline(lines, samples) for spline in self._splines)
        return x, y

    def lonlat(self, line: npt.ArrayLike, sample: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return longitude and latitude, degrees, of lines and samples."""
        from pyproj import Transformer

        change = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)
        longitude, latitude = change.transform(*self.forward(line, sample))
        return np.asarray(longitude), np.asarray(latitude)

    def inverse(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return lines and samples of places, any shape; NaN farther from the scene than its nodes reach."""
        x, y = np.broadcast_arrays(np.asarray(x, np.float64), np.asarray(y, np.float64))
        line, sample = self._guess(x, y)
        near = self._reached(line, sample, _GUESS)
        at = np.stack([line[near], sample[near]])
        goal = np.stack([x[near], y[near]])
        moving = np.arange(at.shape[1])
        for _ in range(_STEPS):
            step = self._step(at[:, moving], goal[:, moving])
            at[:, moving] += step
            inside = self._reached(at[0, moving], at[1, moving], _GUESS)
            moving = moving[inside & (np.abs(step).max(0, initial=0) > _CLOSE)]
            if moving.size == 0:
                break
        found = np.full((2, *x.shape), np.nan)
        at[:, ~self._reached(at[0], at[1], 0.0)] = np.nan
        found[:, near] = at
        return found[0], found[1]

    @cached_property
    def _splines(self) -> tuple[Any, Any]:
        from scipy.interpolate import RectBivariateSpline

        return (
            RectBivariateSpline(self.line, self.sample, self.x),
            RectBivariateSpline(self.line, self.sample, self.y),
        )

    def _step(self, at: Floats, goal: Floats) -> Floats:
        """Return one step of Newton's method, held within the nodes by the splines themselves."""
        x, y = self._splines
        off = goal - np.stack([x.ev(*at), y.ev(*at)])
        xl, xs, yl, ys = x.ev(*at, dx=1), x.ev(*at, dy=1), y.ev(*at, dx=1), y.ev(*at, dy=1)
        area = xl * ys - xs * yl
        step: Floats = np.stack([ys * off[0] - xs * off[1], xl * off[1] - yl * off[0]]) / area
        return step

    def _reached(self, line: Floats, sample: Floats, more: float) -> npt.NDArray[np.bool_]:
        inside = (line >= self.line[0] - more) & (line <= self.line[-1] + more)
        reached: npt.NDArray[np.bool_] = inside & (sample >= self.sample[0] - more) & (sample <= self.sample[-1] + more)
        return reached

    @cached_property
    def _fit(self) -> tuple[Floats, Floats, Floats]:
        """Return centre and size of the nodes and the cubic polynomials that guess line and sample from x and y."""
        places = np.stack([self.x.ravel(), self.y.ravel()])
        centre, size = places.mean(1), places.max(1) - places.min(1)
        wanted = np.stack(np.meshgrid(self.line, self.sample, indexing="ij")).reshape(2, -1)
        terms = _cubic((places - centre[:, None]) / size[:, None])
        weights = np.asarray(np.linalg.lstsq(terms, wanted.T, rcond=None)[0], np.float64)
        return centre, size, weights

    def _guess(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        centre, size, weights = self._fit
        terms = _cubic(np.stack([(x.ravel() - centre[0]) / size[0], (y.ravel() - centre[1]) / size[1]]))
        # term by term: a matrix product may round a place differently among other places
        line, sample = (sum((terms[:, k] * weight[k] for k in range(10)), np.zeros(x.size)) for weight in weights.T)
        return line.reshape(x.shape), sample.reshape(x.shape)

    def target(self, resolution: float) -> Target:
        """Return the smallest map that holds the scene, its edges at multiples of the resolution."""
        lines, samples = (np.linspace(-0.5, length - 0.5, 65) for length in self.shape)
        edge = [self.forward(lines, side) for side in samples[[0, -1]]]
        edge += [self.forward(side, samples) for side in lines[[0, -1]]]
        x, y = (np.concatenate(one) for one in zip(*edge, strict=True))
        west, south = (resolution * floor(low.min() / resolution) for low in (x, y))
        east, north = (resolution * ceil(high.max() / resolution) for high in (x, y))
        shape = (round((north - south) / resolution), round((east - west) / resolution))
        return Target(self.crs, west, north, resolution, shape)

    def footprint(self, per_side: int = 16) -> JSON:
        """Return the outline as GeoJSON, cut at the antimeridian and right at the pole.

        Args:
            per_side: Steps along each side; 16 give 64 corners.
        """
        import antimeridian
        import shapely

        longitude, latitude = self.lonlat(*self.outline(per_side))
        ring = np.round(np.stack([longitude, latitude], 1), 6)
        cut = antimeridian.fix_polygon(shapely.Polygon(ring), fix_winding=True, great_circle=False)
        return shapely.geometry.mapping(cut)

    def outline(self, per_side: int) -> tuple[Floats, Floats]:
        """Return lines and samples of points along the edge of the scene, ``per_side`` from each side."""
        part = np.linspace(0, 1, per_side, endpoint=False)
        bottom, right = self.shape[0] - 0.5, self.shape[1] - 0.5
        along = -0.5 + part * (bottom + 0.5)
        across = -0.5 + part * (right + 0.5)
        line = np.concatenate([along, np.full(per_side, bottom), bottom - along - 0.5, np.full(per_side, -0.5)])
        sample = np.concatenate([np.full(per_side, -0.5), across, np.full(per_side, right), right - across - 0.5])
        return line, sample


def _check_south(annotation: Annotation, crs: str) -> None:
    """Refuse a scene that lies too far south itself: nodes lie around it too."""
    line, sample = (np.linspace(0, length - 1, 17) for length in annotation.shape)
    south = float(geographic(locate(annotation, line[:, None], sample))[1].min())
    if south < SOUTHERNMOST:
        message = f"reaches down to {south:.1f} degrees north; maps in {crs} are for the Arctic"
        raise Refusal(message, annotation.polarisation, "take a northern scene", "GRID.OUTSIDE_AREA_OF_USE")


def _node_lines(annotation: Annotation) -> Floats:
    ends = -MARGIN, annotation.shape[0] - 1 + MARGIN
    own = annotation.ground_range.time / annotation.line_interval
    lines = np.unique([*ends, *own[(own > ends[0] + 1) & (own < ends[1] - 1)]])
    return lines if lines.size > 3 else np.linspace(*ends, 4)


def _node_samples(length: int) -> Floats:
    return np.linspace(-MARGIN, length - 1 + MARGIN, max(ceil((length - 1 + 2 * MARGIN) / NODE_SAMPLES) + 1, 4))


def _cubic(at: Floats) -> Floats:
    """Return the ten terms of a cubic polynomial of two variables, shape (n, 10)."""
    u, v = at
    return np.stack([u**i * v**j for i in range(4) for j in range(4 - i)], 1)
