"""Observations for the tests of the geostatistics processor, and a run of it."""

from __future__ import annotations

import json

import numpy as np

from processors.engine import open_engine
from processors.geostat.processor import GeostatParameters, processor
from processors.protocol import Input
from processors.run import execute

MODEL = {"nugget": 0.05, "structures": [{"kind": "exponential", "sill": 2.0, "range": 120.0}]}
"""A covariance that spares tests the fit."""
PUBLIC = "science/geostat/imr_barents/scientist_AA-GS-GT_20030901-20031130_0-50m_TEMP.csv"


def casts(path, count=80, seed=1, levels=range(5, 45, 5), days=60, value=None, platforms=("A", "B")):
    """A table of casts in the Barents Sea whose temperature falls northwards and varies over some 100 km."""
    random = np.random.default_rng(seed)
    lon, lat = np.round(random.uniform(20, 40, count), 4), np.round(random.uniform(72, 77, count), 4)
    day = np.sort(random.uniform(0, days, count))
    lines = ["Longitude,Latitude,Time,Temperature [degC],Salinity,Depth,Vessel_name,Profil_id"]
    for cast in range(count):
        wave = np.sin(lon[cast] / 2) + np.cos(lat[cast] * 1.5)
        for depth in levels:
            temp = 12 - 0.8 * (lat[cast] - 72) + wave - depth / 40 if value is None else value(cast)
            stamp = np.datetime64("2003-08-01") + np.timedelta64(round(day[cast] * 86400), "s")
            salinity = 34.2 + 0.01 * depth + 0.1 * wave
            lines.append(f"{lon[cast]},{lat[cast]},{stamp}Z,{temp:.4f},{salinity:.4f},{depth},"
                         f"{platforms[cast % len(platforms)]},{cast}")  # fmt: skip
    path.write_text("\n".join(lines) + "\n")
    return path


def krige(paths, folder, kind="inline", **parameters):
    """Run the processor; return its products by name.

    Inputs of other slots are given as ``mask_``, ``region_``, ``grid_`` and ``external_drift_``.
    """
    work = folder / f"work-{len(list(folder.iterdir()))}"
    work.mkdir()
    others = {name.removesuffix("_"): [Input.of(parameters.pop(name))] for name in list(parameters) if name[-1] == "_"}
    inputs = {"observations": [Input.of(one) for one in (paths if isinstance(paths, list) else [paths])]} | others
    usual = {"depth": 25, "grid": "EPSG:3575/40km", "model": MODEL, "realisations": 0, "report": False}
    chosen = GeostatParameters(**(usual | parameters))
    with open_engine(kind, work, workers=2) as engine:
        return {product.name: product for product in execute(processor, inputs, chosen, engine)}


def told(products, name):
    return json.loads(products[name].path.read_bytes())
