"""Opens recordings: WAV, RF64, FLAC and AIFF by libsndfile, NetCDF by netCDF4; any stretch of samples can be read."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.acoustics.timestamps import SECOND, from_name, from_text, from_variable
from processors.errors import Refusal

Samples: TypeAlias = npt.NDArray[Any]
Units: TypeAlias = Literal["counts", "fullscale", "volt", "pascal", "micropascal"]
NETCDF = {".nc", ".nc4", ".cdf", ".netcdf"}
_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_RATES = ("sample_rate", "sampling_rate", "sampling_frequency", "sample_frequency", "fs")


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of samples.

    Attributes:
        name: How messages and products call it.
        path: Where it can be read now.
        start: Time of the first sample, nanoseconds since 1970.
        rate: Samples per second, exact.
        frames: Number of samples.
        bits: Bits of a sample; 0 where unknown.
        dtype: What `read` gives: int16, int32, float32 or float64.
        scale: What makes full scale (or volts, or a pressure) of a value of ``dtype``.
        channel: Channel that is read.
        variable: Variable of a NetCDF file; empty for sound files.
        note: What a reader of the product should know.
    """

    name: str
    path: Path
    start: int
    rate: Fraction
    frames: int
    bits: int
    dtype: str
    scale: float
    channel: int = 0
    variable: str = ""
    note: str | None = None

    @property
    def end(self) -> int:
        """Time after the last sample, nanoseconds since 1970."""
        return self.start + int(self.frames * SECOND / self.rate)


@dataclass(frozen=True, slots=True)
class Reading:
    """What a recording cannot tell about itself.

    Attributes:
        timestamp: ISO 8601 time or pattern of the file name; None for what the file tells.
        sample_units: What the samples of a NetCDF file are.
        bits: Bits of the converter, for counts.
        channel: Channel to read, from 0.
    """

    timestamp: str | None = None
    sample_units: Units | None = None
    bits: int | None = None
    channel: int = 0


def look_into(path: Path, name: str, reading: Reading) -> Recording:
    """Find out what a file holds, without reading its samples.

    Raises:
        Refusal: It is no recording, has no such channel, or does not say what is needed.
    """
    if path.suffix.lower() in NETCDF or path.open("rb").read(3) == b"CDF":
        return _look_into_netcdf(path, name, reading)
    return _look_into_sound(path, name, reading)


def _look_into_sound(path: Path, name: str, reading: Reading) -> Recording:
    import soundfile

    try:
        about = soundfile.info(path)
    except soundfile.LibsndfileError as trouble:
        raise Refusal(f"cannot be read: {trouble.error_string}", name, "give WAV, RF64, FLAC, AIFF or NetCDF") from None
    if reading.channel >= about.channels:
        raise Refusal(f"has no channel {reading.channel}", name, f"`channel` counts from 0; it has {about.channels}")
    if about.frames == 0:
        raise Refusal("holds no samples", name, "leave it out")
    bits = _BITS.get(about.subtype, 0)
    whole = about.subtype.startswith("PCM")
    dtype = ("int16" if bits <= 16 else "int32") if whole else ("float32" if bits == 32 else "float64")
    scale = {"int16": 2.0**-15, "int32": 2.0**-31}.get(dtype, 1.0)
    start = _start(name, reading)
    return Recording(name, path, start, Fraction(about.samplerate), about.frames, bits, dtype, scale, reading.channel)


def _start(name: str, reading: Reading) -> int:
    if reading.timestamp is None or "%" in reading.timestamp:
        return from_name(name, reading.timestamp)
    return from_text(reading.timestamp)


def _look_into_netcdf(path: Path, name: str, reading: Reading) -> Recording:
    if reading.sample_units is None:
        raise Refusal(
            "NetCDF does not say whether samples are scaled", name,
            "give `sample_units`: counts, fullscale, volt, pascal or micropascal",
        )  # fmt: skip
    if reading.sample_units == "counts" and reading.bits is None:
        raise Refusal("counts need the bits of the converter", name, "give `bits`, e.g. 24")
    if reading.channel:
        raise Refusal(f"has no channel {reading.channel}", name, "a NetCDF recording has one: `channel` is 0")
    with _netcdf(path, name) as file:
        waves = [one for one in file.variables.values() if one.ndim == 1 and one.dtype.kind in "if" and one.size > 1]
        if not waves:
            raise Refusal("has no variable of samples", name, "it needs a one-dimensional numeric variable")
        wave = max(waves, key=lambda one: (one.size, one.name == "samples"))
        start, note = _netcdf_start(file, name, reading)
        bits = reading.bits or 0
        scale = 2.0 ** (1 - bits) if reading.sample_units == "counts" else 1.0
        return Recording(
            name, path, start, _netcdf_rate(file, wave, name), wave.size, bits, _native(wave.dtype), scale,
            variable=wave.name, note=note,
        )  # fmt: skip


def _native(dtype: np.dtype[Any]) -> str:
    return {"i2": "int16", "i1": "int16", "i4": "int32", "f4": "float32"}.get(dtype.str[1:], "float64")


def _netcdf(path: Path, name: str) -> AbstractContextManager[Any]:
    import netCDF4

    try:
        file = netCDF4.Dataset(path)
    except OSError as trouble:
        raise Refusal(f"cannot be read: {trouble.strerror or trouble}", name, "give a NetCDF 3 or 4 file") from None
    file.set_auto_maskandscale(False)
    opened: AbstractContextManager[Any] = file
    return opened


def _netcdf_rate(file: Any, wave: Any, name: str) -> Fraction:
    for rate in _RATES:
        if rate in file.variables:
            return Fraction(float(file.variables[rate][...]))
        for holder in (wave, file):
            if rate in holder.ncattrs():
                return Fraction(float(holder.getncattr(rate)))
    raise Refusal("does not say its sample rate", name, "it needs a variable or attribute `sample_rate`, in Hz")


def _netcdf_start(file: Any, name: str, reading: Reading) -> tuple[int, str | None]:
    if reading.timestamp is not None or "start_time" not in file.variables:
        return _start(name, reading), None
    told = file.variables["start_time"]
    attributes = {key: str(told.getncattr(key)) for key in told.ncattrs()}
    return from_variable(told[...].item(), attributes.get("units", ""), attributes.get("calendar", ""), name)


@dataclass(slots=True)
class Reader:
    """Reads stretches of recordings, keeping the last file open; use it in a ``with`` block."""

    _stack: ExitStack = field(default_factory=ExitStack)
    _open: Recording | None = None
    _take: Callable[[int, int], Samples] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def read(self, recording: Recording, first: int, last: int) -> Samples:
        """Return samples ``first`` up to ``last``, shape (last - first,), as they are stored (see ``Recording.scale``).

        Raises:
            Refusal: The file ends before its header says.
        """
        if self._take is None or recording is not self._open:
            self._stack.close()
            self._take, self._open = self._opened(recording), recording
        samples = self._take(first, last)
        if samples.size != last - first:
            raise Refusal(
                f"ends after {first + samples.size} of {recording.frames} samples", recording.name, "fetch it again"
            )
        return samples

    def _opened(self, recording: Recording) -> Callable[[int, int], Samples]:
        if recording.variable:
            wave = self._stack.enter_context(_netcdf(recording.path, recording.name)).variables[recording.variable]
            return lambda first, last: np.asarray(wave[first:last]).astype(recording.dtype)
        import soundfile

        file = self._stack.enter_context(soundfile.SoundFile(recording.path))

        def take(first: int, last: int) -> Samples:
            if file.tell() != first:
                file.seek(first)
            block: Samples = file.read(last - first, dtype=recording.dtype, always_2d=True)
            return np.ascontiguousarray(block[:, recording.channel])

        return take
