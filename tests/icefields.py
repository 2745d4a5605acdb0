"""Class rasters whose truth is known (discs of ice, random fields, whole campaigns), and statistics of them."""

from __future__ import annotations

import numpy as np
import rasterio
from pyproj import Geod, Transformer

from processors.engine import open_engine
from processors.icestats.processor import processor
from processors.protocol import Input
from processors.run import execute, resolve

GEOD = Geod(ellps="WGS84")


def write(path, classes, *, west, north, side, crs="EPSG:3413", when=None, **tags):
    """Write a class raster; its time goes to the tag, or is told by its name."""
    profile = {
        "driver": "GTiff", "height": classes.shape[0], "width": classes.shape[1], "count": 1, "dtype": "uint8",
        "crs": crs, "transform": rasterio.Affine(side, 0, west, 0, -side, north), "nodata": 0,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as file:
        file.write(np.asarray(classes, np.uint8), 1)
        file.update_tags(**tags, **({"DATETIME": when} if when else {}))
    return path


def places(west, north, side, shape, crs="EPSG:3413"):
    """Longitude and latitude of each pixel's centre."""
    x = west + side * (np.arange(shape[1]) + 0.5)
    y = north - side * (np.arange(shape[0]) + 0.5)
    return Transformer.from_crs(crs, 4326, always_xy=True).transform(*np.meshgrid(x, y))


def disc(radius_km, side, crs="EPSG:3413", lon=0.0, lat=80.0, margin_km=40):
    """West, north, and classes: ice inside a geodesic circle, water outside."""
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform(lon, lat)
    half = 10_000 * np.ceil((radius_km * 1.05 + margin_km) / 10)
    west, north = 10_000 * np.floor((x - half) / 10_000), 10_000 * np.ceil((y + half) / 10_000)
    count = int(2 * half / side) + int(10_000 / side)
    lons, lats = places(west, north, side, (count, count), crs)
    distance = GEOD.inv(np.full(lons.shape, lon), np.full(lons.shape, lat), lons, lats)[2]
    return west, north, np.where(distance < radius_km * 1000, 2, 1).astype(np.uint8)


def circle_km2(radius_km, lon=0.0, lat=80.0):
    """Area inside a geodesic circle."""
    around = np.linspace(0, 360, 3601)[:-1]
    ring = GEOD.fwd(np.full(3600, lon), np.full(3600, lat), around, np.full(3600, radius_km * 1000.0))
    return abs(GEOD.polygon_area_perimeter(ring[0], ring[1])[0]) / 1e6


def run(paths, folder, engine="inline", workers=None, slots=None, *, figures=False, **parameters):
    """Run the statistics and return the products by name."""
    parameters["figures"] = figures
    inputs = {"items": [Input.of(path) for path in paths]}
    for slot, files in (slots or {}).items():
        inputs[slot] = [Input.of(path) for path in files]
    folder.mkdir(exist_ok=True, parents=True)
    with open_engine(engine, folder, workers=workers) as opened:
        return {one.name: one for one in execute(processor, inputs, resolve(processor, parameters), opened)}


def campaign(folder, count=20, side=1000.0, seed=3):
    """Write scenes of random size, place and time, with gaps, land and probabilities; several on one day."""
    random = np.random.default_rng(seed)
    paths, chances = [], []
    for number in range(count):
        rows, columns = random.integers(120, 320, 2)
        west, north = 1000.0 * random.integers(300, 600), -1000.0 * random.integers(500, 800)
        row, column = np.mgrid[0:rows, 0:columns]
        x, y = west + side * column, north - side * row
        wave = 60_000 * np.sin(y / 90_000 + number)
        classes = np.where(x < 650_000 + wave + 4000 * number, 2, 1)
        classes[np.hypot(x - 600_000, y + 900_000) < 40_000] = 3
        classes[np.abs(column - 0.3 * row) < 8] = 0
        day, hour = 1 + number // 3, (7 * number) % 24
        name = f"S1A_EW_201808{day:02d}T{hour:02d}{number:02d}00"
        paths.append(write(folder / f"{name}_iceclass.tif", classes, west=west, north=north, side=side))
        percent = np.where(classes == 2, random.integers(50, 101, classes.shape), random.integers(0, 50, classes.shape))
        percent[(classes == 0) | (classes == 3)] = 255
        chances.append(write(folder / f"{name}_iceprob.tif", percent, west=west, north=north, side=side))
    return paths, chances
