"""Makes processors/geostat/land.json: Natural Earth land north of 40° in EPSG:3575, rings of whole kilometres.

Run once, by hand: `python -m tests.tools.make_land_mask land-50m.json processors/geostat/land.json`, where
`land-50m.json` is the file of that name in the npm package world-atlas 2.0.2 (Natural Earth 1:50m, public domain).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import Point, box

from tests.tools.make_land import rings

TOLERANCE_KM = 2.0
LEAST_AREA_KM2 = 50
SOUTH = 40


def main(source: str, target: str) -> None:
    transformer = Transformer.from_crs(4326, 3575, always_xy=True)

    def kilometres(degrees):
        return np.column_stack(transformer.transform(degrees[:, 0], degrees[:, 1])) / 1000

    polygons = rings(json.loads(Path(source).read_text()))
    north = [shapely.make_valid(p).intersection(box(-540, 20, 540, 90)) for p in polygons]
    plane = [shapely.transform(shapely.segmentize(p, 0.5), kilometres) for p in north if not p.is_empty]
    land = shapely.union_all([shapely.make_valid(p).buffer(0.5) for p in plane]).buffer(-0.5)
    radius = abs(transformer.transform(10, SOUTH)[1]) / 1000
    land = land.intersection(Point(0, 0).buffer(radius, 128)).simplify(TOLERANCE_KM)
    parts = sorted((p for p in land.geoms if p.area > LEAST_AREA_KM2), key=lambda p: -p.area)
    outlines = [
        [np.rint(np.array(ring.coords)[:-1]).astype(int).tolist() for ring in (p.exterior, *p.interiors)] for p in parts
    ]
    Path(target).write_text(json.dumps(outlines, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
