"""Where things are on the globe: boxes, outlines, tracks and grids, right at the poles and at the antimeridian."""
