"""Recordings for the tests of the acoustics processor, and a run of it."""

from __future__ import annotations

import numpy as np
import soundfile
import xarray as xr

from processors.acoustics.processor import PamParameters, processor
from processors.engine import open_engine
from processors.protocol import Input
from processors.run import execute

START = "2021-06-10T03:36:00Z"
PAMGUIDE_TEST = {"type": "TS", "Mh": -200, "G": 0, "vADC": 2}
"""Settings of PAMGuide's own test with a sine of ±0.5 full scale."""


def sound(path, values, rate=48_000, subtype="PCM_16"):
    soundfile.write(path, values, rate, subtype=subtype)
    return path


def sine(rate=48_000, seconds=10, amplitude=0.5, frequency=1000.0):
    return amplitude * np.sin(2 * np.pi * frequency * np.arange(rate * seconds) / rate)


def noise(rate=48_000, seconds=60, seed=7):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, rate * seconds)


def wifar(path, samples, start_time=20587210, rate=3906.25):
    """A file laid out as PROVENANCE.md of the acoustic data says WIFAR's are."""
    time = {"long_name": "Sampling start time", "calendar": "julian", "units": "seconds since 2013-12-31, 00:00:00 UTC"}
    data = {
        "start_time": ((), np.int32(start_time), time),
        "sample_rate": ((), np.float32(rate), {"long_name": "Data sample rate", "units": "Hz"}),
        "reception_flags": ((), np.int16(0)),
        "samples": ("nsamples", samples, {"long_name": "Acoustic data", "units": "ADC channel 4 counts"}),
    }
    xr.Dataset(data, attrs={"year": 2014}).to_netcdf(path, format="NETCDF3_CLASSIC")
    return path


def listen(paths, folder, kind="inline", curve=None, **parameters):
    """Run the processor; return its products by name."""
    work = folder / f"work-{len(list(folder.iterdir()))}"
    work.mkdir()
    paths = paths if isinstance(paths, list) else [paths]
    inputs = {"recording": [Input.of(path) for path in paths]} | ({"curve": [Input.of(curve)]} if curve else {})
    chosen = PamParameters(**({"plot": "none"} | parameters))
    with open_engine(kind, work, workers=2) as engine:
        return {product.name: product for product in execute(processor, inputs, chosen, engine)}


def levels(paths, folder, **parameters):
    """Run the processor and return its file of levels, read."""
    with xr.open_dataset(listen(paths, folder, **parameters)["levels.nc"].path, decode_timedelta=False) as made:
        return made.load()
