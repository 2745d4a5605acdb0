"""Makes the sound of a hydrophone under the ice: cracks, a passing ship and trills of bearded seals in noise."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
SENSITIVITY = -170.0
"""End-to-end sensitivity of the synthetic recorder, dB re full scale/µPa."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What is recorded.

    Attributes:
        start: Time of the first sample.
        hours: How long.
        rate: Samples per second.
        ship: Hour at which a ship is nearest.
        gap: Hour that is missing; None for none.
        minutes: How many minutes of each hour are recorded.
        seed: Of all that is random.
    """

    start: datetime = datetime(2018, 4, 20, tzinfo=UTC)
    hours: int = 48
    rate: int = 2000
    ship: float = 30.5
    gap: int | None = 17
    minutes: int = 60
    seed: int = 1


def write_deployment(folder: Path, deployment: Deployment) -> list[Path]:
    """Write a FLAC file of 16 bits for each hour, named by its start, and return them.

    Levels are like those measured under Arctic pack ice: some 75 dB re 1 µPa²/Hz at 100 Hz, falling by 17 dB a decade.
    """
    import soundfile

    paths = []
    for hour in range(deployment.hours):
        if hour == deployment.gap:
            continue
        begin = deployment.start + timedelta(hours=hour)
        paths.append(folder / f"hydrophone_{begin:%Y%m%dT%H%M%S}Z.flac")
        with soundfile.SoundFile(paths[-1], "w", deployment.rate, 1, "PCM_16") as file:
            for block in _minutes(deployment, hour):
                full = block * 10 ** (SENSITIVITY / 20)
                file.write(np.clip(np.rint(full * 2**15), -(2**15), 2**15 - 1).astype(np.int16))
    return paths


def _minutes(deployment: Deployment, hour: int) -> Iterator[Floats]:
    """Yield the pressure of each minute of an hour, µPa; each minute has random numbers of its own."""
    for minute in range(deployment.minutes):
        rng = np.random.default_rng([deployment.seed, hour, minute])
        time = hour + minute / 60 + np.arange(60 * deployment.rate) / deployment.rate / 3600
        pressure = _ambient(rng, time.size, deployment.rate)
        pressure += _ship(rng, time, deployment)
        for _ in range(rng.poisson(2 + 2 * np.sin(2 * np.pi * hour / 12) ** 2)):
            _add(pressure, _crack(rng, deployment.rate), rng)
        if rng.random() < (0.5 if 1 <= hour % 24 <= 7 else 0.1):
            _add(pressure, _trill(rng, deployment.rate), rng)
        yield pressure


def _coloured(rng: np.random.Generator, size: int, rate: int, slope: float, level: float) -> Floats:
    """Return noise whose density is ``level`` dB re 1 µPa²/Hz at 100 Hz and changes by ``slope`` dB a decade."""
    frequency = np.maximum(np.fft.rfftfreq(size, 1 / rate), 5.0)
    density = 10 ** ((level + slope * np.log10(frequency / 100)) / 10)
    spectrum = np.fft.rfft(rng.normal(size=size)) * np.sqrt(density * rate / 2)
    spectrum[0] = 0
    coloured: Floats = np.fft.irfft(spectrum, size)
    return coloured


def _ambient(rng: np.random.Generator, size: int, rate: int) -> Floats:
    return _coloured(rng, size, rate, -17.0, 75.0)


def _ship(rng: np.random.Generator, time: Floats, deployment: Deployment) -> Floats:
    """Return broadband noise and lines of a propeller, louder the nearer: passing at 1 km with 10 knots."""
    distance = np.hypot(1.0, (time - deployment.ship) * 18.5)
    if distance.min() > 40:
        return np.zeros(time.size)
    seconds = time * 3600
    lines = [90.0 * np.sin(2 * np.pi * 11.5 * order * seconds) / order for order in range(1, 9)]
    noise = _coloured(rng, time.size, deployment.rate, -10.0, 115.0)
    whole: Floats = (noise + 1e4 * np.sum(lines, axis=0)) / distance
    return whole


def _crack(rng: np.random.Generator, rate: int) -> Floats:
    """Return a thermal crack: a burst that rings and decays within a tenth of a second."""
    seconds = np.arange(int(0.3 * rate)) / rate
    ring = np.sin(2 * np.pi * rng.uniform(80, 600) * seconds) + rng.normal(size=seconds.size)
    burst: Floats = 10 ** (rng.uniform(112, 132) / 20) * ring * np.exp(-seconds / rng.uniform(0.01, 0.06))
    return burst


def _trill(rng: np.random.Generator, rate: int) -> Floats:
    """Return a bearded seal's trill: a long, wavering tone that falls from 800 to some 200 Hz."""
    length = rng.uniform(15, 40)
    seconds = np.arange(int(length * rate)) / rate
    falling = 800 * np.exp(-1.4 * seconds / length) + 25 * np.sin(2 * np.pi * 4 * seconds)
    tone = np.sin(2 * np.pi * np.cumsum(falling) / rate)
    trill: Floats = 10 ** (rng.uniform(105, 120) / 20) * tone * np.sin(np.pi * seconds / length) ** 0.5
    return trill


def _add(pressure: Floats, event: Floats, rng: np.random.Generator) -> None:
    at = int(rng.integers(0, pressure.size - event.size))
    pressure[at : at + event.size] += event
