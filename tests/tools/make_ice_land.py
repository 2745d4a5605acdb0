"""Makes processors/seaice/land.json.gz: Natural Earth land north of 50° in EPSG:3413, rings of steps of 50 metres.

Run once, by hand: `python -m tests.tools.make_ice_land land-10m.json processors/seaice/land.json.gz`, where
`land-10m.json` is the file of that name in the npm package world-atlas 2.0.2 (Natural Earth 1:10m, public domain).
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import shapely
from pyproj import Transformer
from shapely.geometry import Point, box

from tests.tools.make_land import rings

UNIT = 50.0
TOLERANCE = 60.0
LEAST_AREA = 0.2e6
SOUTH = 50


def main(source: str, target: str) -> None:
    transformer = Transformer.from_crs(4326, 3413, always_xy=True)

    def metres(degrees):
        return np.column_stack(transformer.transform(degrees[:, 0], degrees[:, 1]))

    polygons = rings(json.loads(Path(source).read_text()))
    north = [shapely.make_valid(p).intersection(box(-540, 45, 540, 90)) for p in polygons if p.bounds[3] > 45]
    plane = [shapely.transform(shapely.segmentize(p, 0.25), metres) for p in north if not p.is_empty]
    land = shapely.union_all([shapely.make_valid(p).buffer(5, join_style="mitre") for p in plane])
    radius = abs(transformer.transform(-45, SOUTH)[1])
    land = shapely.make_valid(land.intersection(Point(0, 0).buffer(radius, 128)).simplify(TOLERANCE))
    parts = sorted((p for p in land.geoms if p.area > LEAST_AREA), key=lambda p: -p.area)
    outlines = []
    for part in parts:
        steps = [np.rint(np.array(ring.coords)[:-1] / UNIT).astype(int) for ring in (part.exterior, *part.interiors)]
        outlines.append([np.diff(one, axis=0, prepend=0).ravel().tolist() for one in steps if len(one) > 3])
    text = json.dumps([one for one in outlines if one], separators=(",", ":")).encode()
    Path(target).write_bytes(gzip.compress(text, 9, mtime=0))


if __name__ == "__main__":
    main(*sys.argv[1:])
