"""Draws site/static/land.svg: Natural Earth land north of 45° in EPSG:3413, in kilometres, y downwards.

Run once, by hand: `python tests/tools/make_land.py land-50m.json site/static/land.svg`, where `land-50m.json` is the
file of that name in the npm package world-atlas 2.0.2 (Natural Earth 1:50m, public domain).
"""

from __future__ import annotations

import json
import sys
from itertools import accumulate
from pathlib import Path

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import Point, Polygon, box

FJORD_KM = 5
"""Inlets narrower than twice this are closed: they are below a pixel on any of the maps."""
TOLERANCE_KM = 7
LEAST_AREA_KM2 = 1500
SOUTH = 45
HALF = 5200
HEAD = f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="{-HALF} {-HALF} {2 * HALF} {2 * HALF}">\
<style>path{{fill:#c4cfd3;stroke:#9fb0b8;stroke-width:1px;vector-effect:non-scaling-stroke}}\
@media (prefers-color-scheme:dark){{path{{fill:#33444f;stroke:#566a77}}}}</style><path d=\""""


def rings(topology: dict) -> list[Polygon]:
    """Decode the quantised arcs of a TopoJSON object named land into polygons in degrees."""
    scale, shift = (np.array(topology["transform"][key]) for key in ("scale", "translate"))
    arcs = [np.array(list(accumulate(map(np.array, arc)))) * scale + shift for arc in topology["arcs"]]

    def ring(indices: list[int]) -> np.ndarray:
        degrees = np.concatenate([(arcs[i] if i >= 0 else arcs[~i][::-1]) for i in indices])
        return np.column_stack((np.unwrap(degrees[:, 0], period=360), degrees[:, 1]))

    shapes = topology["objects"]["land"]["geometries"]
    faces = [face for s in shapes for face in (s["arcs"] if s["type"] == "MultiPolygon" else [s["arcs"]])]
    return [Polygon(ring(face[0]), [ring(hole) for hole in face[1:]]) for face in faces]


def project(polygons: list[Polygon]) -> shapely.Geometry:
    """Project, heal the seam at ±180°, clip to the disc and simplify."""
    transformer = Transformer.from_crs(4326, 3413, always_xy=True)

    def kilometres(degrees: np.ndarray) -> np.ndarray:
        return np.column_stack(transformer.transform(degrees[:, 0], degrees[:, 1])) / 1000

    north = [shapely.make_valid(p).intersection(box(-540, 25, 540, 90)) for p in polygons]
    plane = [shapely.transform(shapely.segmentize(p, 1), kilometres) for p in north if not p.is_empty]
    land = shapely.union_all([shapely.make_valid(p).buffer(FJORD_KM) for p in plane]).buffer(-FJORD_KM)
    radius = abs(transformer.transform(-45, SOUTH)[1]) / 1000
    return land.intersection(Point(0, 0).buffer(radius, 64)).simplify(TOLERANCE_KM)


def path(ring: shapely.LinearRing) -> str:
    """Write a ring as an SVG subpath of relative whole kilometres."""
    points = np.rint(np.array(ring.coords) * (1, -1)).astype(int)
    steps = [step for step in np.diff(points, axis=0)[:-1] if step.any()]
    numbers = " ".join(f"{dx} {dy}" for dx, dy in steps).replace(" -", "-")
    return f"M{points[0][0]} {points[0][1]}l{numbers}z"


def main(source: str, target: str) -> None:
    land = project(rings(json.loads(Path(source).read_text())))
    parts = sorted((p for p in land.geoms if p.area > LEAST_AREA_KM2), key=lambda p: -p.area)
    outlines = [r for p in parts for r in (p.exterior, *(h for h in p.interiors if Polygon(h).area > LEAST_AREA_KM2))]
    Path(target).write_text(HEAD + "".join(map(path, outlines)) + '"/></svg>\n')


if __name__ == "__main__":
    main(*sys.argv[1:])
