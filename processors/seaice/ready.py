"""Reads scenes of the AI4Arctic sea-ice challenge (NetCDF, ready to train: 80 m, backscatter and chart on one grid)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

from processors.errors import Refusal
from processors.seaice.features import Channel, Settings, compute_features
from processors.seaice.labels import LABELS, Sheet, season_of
from processors.seaice.postprocess import ICE, UNKNOWN, WATER, Bytes
from processors.seaice.sensor import EDGES
from processors.seaice.textures import Floats

SETTINGS = Settings(looks=2)
"""Pixels of 80 m are two by two of those of a product, so a model of them has cells of 400 m."""
PIXEL = 2
SCALED = {"nersc_sar_primary": (-14.508255, 5.659746), "nersc_sar_secondary": (-24.701205, 4.746759)}
"""Mean and standard deviation, dB, by which backscatter was scaled where it was (published with the challenge)."""
ANGLE = "sar_incidenceangle"
ANGLE_SCALED = (33.998018, 8.322267)
"""The same of the incidence angle, degrees."""
NO_CHART = "_reference.nc"
"""End of the name of the file that has the chart of a scene of the challenge's test, where the scene has none."""
DECIBEL = -6.0
"""Medians of backscatter lie below this in dB, and above where it was scaled."""
LEAST_ICE = 3
MOST_ICE = 10
THETA = ((0, 2100, 4200, 6300, 8400, 10_486), (18.92, 25.54, 31.60, 37.09, 42.01, 46.39))
"""Samples of 40 m of extra wide swath products, and incidence there, degrees (S1A, 30 November 2022)."""
_DAY = re.compile(r"(?<!\d)20\d\d(\d\d)\d\dT")


def ready_sheet(path: Path) -> Sheet:
    """Describe and label a scene: water where the chart has 0/10, ice from 3/10 on.

    Noise was taken off before and its level is not in the file: the feature of signal to noise is left out. Scaled
    backscatter that is 0 is land or no data. Where a scene comes without its chart, as in the challenge's test, it is
    read from the file of the same name that ends in ``_reference.nc``.

    Raises:
        Refusal: The file cannot be read, or lacks a variable (``MODEL.LABELS``).
    """
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            raw = {name: _values(file, name, path) for name in SCALED}
            angle = _angle(file, raw["nersc_sar_primary"].shape)
            chart = _chart(file, path)
    except OSError as trouble:
        raise Refusal("cannot be read as NetCDF", path.name, "give a ready-to-train file", LABELS) from trouble
    if any(one.shape != chart.shape for one in raw.values()):
        raise Refusal("backscatter and chart differ in size", path.name, "give a ready-to-train file", LABELS)
    co, cross = (_channel(name, kind, raw[name]) for name, kind in zip(SCALED, ("HH", "HV"), strict=True))
    side = SETTINGS.side
    rows, columns = (length // side for length in chart.shape)
    centres = slice(side // 2, None, side)
    incidence = angle[centres, centres][:rows, :columns].astype(np.float32)
    first = np.arange(columns) * side * PIXEL < EDGES[1]
    plain = Settings(side, 1)
    cells = compute_features(co, cross, incidence, np.broadcast_to(first, (rows, columns)), plain)
    keep = [place for place, name in enumerate(cells.names) if not name.endswith("_snr")]
    names = tuple(cells.names[place] for place in keep)
    month = _DAY.search(path.name)
    season = season_of(int(month[1])) if month else ""
    about = {"file": path.name, "scaled": {name: _is_scaled(raw[name]) for name in SCALED}}
    return Sheet(path.stem, names, cells.values[keep], labels_of(chart), cells.known, season, about)


def labels_of(tenths: Floats) -> Bytes:
    """Return the class of cells whose pixels are all of one: 0/10 is water, 3/10 to 10/10 ice, else nothing is known.

    Args:
        tenths: Concentration in tenths; NaN or anything above 10 is not known.
    """
    side = SETTINGS.side
    rows, columns = (length // side for length in tenths.shape)
    blocks = tenths[: rows * side, : columns * side].reshape(rows, side, columns, side)
    least, most = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    made: Bytes = np.select(
        [(least == 0) & (most == 0), (least >= LEAST_ICE) & (most <= MOST_ICE)], [WATER, ICE], UNKNOWN
    ).astype(np.uint8)
    return made


def _chart(file: Any, path: Path) -> Floats:
    """Return concentration in tenths, NaN where it is not known; from the file beside where this one has none."""
    import netCDF4

    beside = path.with_name(path.stem + NO_CHART)
    own = _values(file, "SIC", path) if "SIC" in file.variables or not beside.exists() else None
    if (own is None or not (own <= MOST_ICE).any()) and beside.exists():
        with netCDF4.Dataset(beside) as other:
            return _values(other, "SIC", beside)
    return own if own is not None else np.full(0, np.nan)


def _values(file: Any, name: str, path: Path) -> Floats:
    if name not in file.variables:
        raise Refusal(f"has no variable {name}", path.name, "give a ready-to-train file", LABELS)
    return np.ma.filled(file.variables[name][:].astype(np.float32), np.nan)


def _is_scaled(values: Floats) -> bool:
    told = values[np.isfinite(values) & (values != 0)]
    return bool(told.size and np.median(told) > DECIBEL)


def _channel(name: str, kind: str, values: Floats) -> Channel:
    mean, spread = SCALED[name]
    decibels = values
    if _is_scaled(values):
        decibels = np.where(values == 0, np.float32(np.nan), values * np.float32(spread) + np.float32(mean))
    linear = (np.float32(10) ** (decibels / 10)).astype(np.float32)
    return Channel(kind, linear, np.zeros_like(linear))


def _angle(file: Any, shape: tuple[int, ...]) -> Floats:
    """Return incidence, degrees: as the file gives it, scaled or not, else by the place across the swath."""
    if ANGLE in file.variables:
        given = np.ma.filled(file.variables[ANGLE][:].astype(np.float32), np.nan)
        scaled = given * np.float32(ANGLE_SCALED[1]) + np.float32(ANGLE_SCALED[0])
        for angle in (given, scaled):
            if np.nanmin(angle) > 15 and np.nanmax(angle) < 50:
                return np.broadcast_to(angle, shape)
    samples = (np.arange(shape[1]) + 0.5) * PIXEL
    across: Floats = np.interp(samples, THETA[0], THETA[1]).astype(np.float32)
    return np.broadcast_to(across, shape)
