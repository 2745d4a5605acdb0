"""Footprints that are right at the pole and across 180 degrees, from boxes, geometries, grids and tracks."""
