"""The processor `pam`: calibrated spectra, band levels and noise statistics of passive acoustic recordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field, field_validator

from processors.acoustics.calibration import Calibration, Environment, Form, calibrate, check_levels
from processors.acoustics.deployment import Chunk, Framing, Span, chunks_of, gaps_of, spans_of
from processors.acoustics.netcdf import Layout, Series, add_statistics, global_attributes, write_levels
from processors.acoustics.plots import Scale, draw_statistics, draw_time
from processors.acoustics.recordings import Reader, Reading, Recording, Samples, Units, look_into
from processors.acoustics.rows import count_rows, rows_of
from processors.acoustics.spectra import Analysis, Plan, Window, analyse, weights_of
from processors.acoustics.statistics import exposure_level
from processors.acoustics.tables import write_table
from processors.acoustics.timestamps import SECOND
from processors.errors import Refusal
from processors.protocol import JSON, Inputs, Lineage, Parameters, Product, Slot
from processors.references import references_beside

if TYPE_CHECKING:
    from processors.engine import Engine

AUDIO = ("audio/wav", "audio/x-wav", "audio/flac", "audio/aiff", "application/netcdf", "application/x-netcdf")
TITLES = {
    "levels.nc": "Levels and their statistics, NetCDF",
    "levels.json": "References into levels.nc (kerchunk): put both files side by side",
    "levels.csv": "Levels in the layout of PAMGuide, where `csv` is true",
    "spectrogram.png": "Levels over time and frequency",
    "spectrogram.svg": "Levels over time and frequency, to print",
    "series.png": "Level over time, where there is no frequency",
    "series.svg": "Level over time, to print",
    "statistics.png": "Percentiles, RMS level and probability density over frequency",
    "statistics.svg": "Percentiles, RMS level and probability density, to print",
    "distribution.png": "Distribution of levels, where there is no frequency",
    "distribution.svg": "Distribution of levels, to print",
}


class PamParameters(Parameters):
    """How sound becomes levels."""

    analysis: Analysis = Field(
        examples=["HMB"],
        description="PSD, PowerSpec, TOLf (decidecades by DFT), TOL (by IEC 61260-1 class 1 filters), HMB (hybrid "
        "millidecades), Broadband or Waveform.",
    )
    plot: Literal["Both", "Time", "Stats", "none"] = Field("Both", description="What is drawn.")
    environment: Environment = Field("water", description="Decides the reference pressure: 1 µPa or 20 µPa.")
    calibration: Form | Literal["none"] = Field(
        "none",
        description='`{"type": "TS", "Mh": -168, "G": 12, "vADC": 2.5}` (technical specification), `{"type": "EE", '
        '"Si": -172.8}` (end to end), `{"type": "RC", "Si": 0, "Mh": -168}` (recorder), or none: levels re full scale.',
    )
    sample_units: Units | None = Field(None, description="What samples of NetCDF files are; needed for them.")
    bits: Literal[8, 16, 24, 32] | None = Field(None, description="Bits of the converter, for samples in counts.")
    timestamp: str | None = Field(
        None, description="Start as ISO 8601 time, or pattern of the file name such as %Y%m%d_%H%M%S; UTC."
    )
    join_s: float = Field(
        1.0, ge=0, le=60, description="Files that begin this close to the end of the one before go on without a gap, s."
    )
    channel: int = Field(0, ge=0, description="Channel, from 0.")
    window_s: float = Field(1.0, gt=0, le=3600, description="Length of a segment, s.")
    window: Window = Field("Hann", description="Window of a segment.")
    overlap: float = Field(0.5, ge=0, le=0.95, description="Share that neighbouring segments have in common.")
    average_s: float = Field(60.0, ge=0, le=86400, description="Length of a time bin, s; 0 keeps each segment.")
    remove_dc: bool = Field(False, description="Take the mean off each segment.")
    lcut_hz: float | None = Field(
        None, ge=0, description="Lowest frequency; 25 Hz for decidecades, else 0, by default."
    )
    hcut_hz: float | None = Field(None, gt=0, description="Highest frequency; half the sample rate by default.")
    precision: Literal["auto", "float32", "float64"] = Field(
        "auto", description="Of the computation; auto takes float32 for 16 bits and float64 for more."
    )
    percentiles: tuple[float, ...] = Field(
        (1, 5, 25, 50, 75, 95, 99), min_length=1, description="Percentiles over time."
    )
    freq_scale: Scale = Field("log", description="Axis of frequency in plots.")
    csv: bool = Field(False, description="Also write levels.csv in the layout of PAMGuide.")
    allow_implausible: bool = Field(False, description="Accept levels that no place under water has.")
    latitude: float | None = Field(None, ge=-90, le=90, description="Of the hydrophone, degrees north.")
    longitude: float | None = Field(None, ge=-180, le=180, description="Of the hydrophone, degrees east.")
    depth_m: float | None = Field(None, description="Of the hydrophone, m.")
    about: Mapping[str, str] = Field(
        {}, description="Attributes of the products: title, platform, instrument, license …"
    )

    @field_validator("percentiles")
    @classmethod
    def _of_hundred(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0 <= one <= 100 for one in value):
            raise ValueError("percentiles lie between 0 and 100")
        return tuple(sorted(set(value)))


class Pam:
    """Listens to a deployment; an instance is registered as processor."""

    name = "pam"
    version = "2"
    title = "Passive acoustics: spectra, band levels, noise statistics"
    description = (
        "Reads WAV, RF64, FLAC, AIFF and NetCDF recordings of a deployment, orders them by time, and computes "
        "calibrated spectra of windowed segments, averaged in time bins aligned to UTC, as power spectral density, "
        "power spectrum, decidecade (third-octave) levels, hybrid millidecade levels, broadband levels or an envelope "
        "of the waveform, with percentiles, mode and RMS level over time, as NetCDF and plots. After Merchant et al. "
        "(2015, PAMGuide; doi:10.1111/2041-210X.12330), Martin et al. (2021; doi:10.1121/10.0003324), IEC 61260-1, "
        "ISO 18405."
    )
    inputs = (
        Slot("recording", "Recordings of one hydrophone", AUDIO, most=None),
        Slot("curve", "Sensitivity over frequency: CSV or NetCDF", ("text/csv", "application/netcdf"), least=0),
    )
    products = TITLES
    parameters = PamParameters

    def run(self, inputs: Inputs, parameters: PamParameters, engine: Engine) -> Iterator[Product]:
        """Yield levels, references and plots.

        Raises:
            Refusal: The recordings, their calibration or the frequencies wanted give no truthful levels.
        """
        lineage = Lineage.of(self, inputs, parameters)
        recordings = _look(inputs, parameters)
        spans = spans_of(recordings, parameters.join_s)
        curve = inputs.get("curve", ())
        calibration = calibrate(
            parameters.calibration, parameters.sample_units, parameters.environment, curve[0].path if curve else None
        )
        plan, framing = plan_of(recordings[0], calibration, parameters)
        notes = [one.note for one in recordings if one.note] + gaps_of(spans)
        if note := calibration.note(plan.highest):
            notes.append(note)
        count = count_rows(chunks_of(spans, framing), framing)
        if not count:
            raise Refusal(
                f"no recording is as long as a segment of {parameters.window_s:g} s", "window_s", "shorten it"
            )
        given = parameters.model_dump(mode="json")["calibration"]
        attributes = global_attributes(parameters.about, lineage, plan.analysis, notes, given) | _place(parameters)
        scale = plan.scale * float(np.sqrt(calibration.power(0.0)))
        layout = Layout(plan.analysis, weights_of(plan).bands, calibration, count, scale, attributes)
        parts = engine.map(partial(analyse, plan), _batches(spans, framing), task="minutes")
        levels = engine.folder / "levels.nc"
        series = write_levels(levels, layout, rows_of(parts, plan, framing))
        check_levels(series.spl, calibration, allow=parameters.allow_implausible)
        add_statistics(levels, layout, parameters.percentiles)
        notes += _findings(series, plan)
        fields = _fields(layout, series, notes, parameters)
        title = parameters.about.get("title", layout.quantity.title)
        yield Product("levels.nc", "netcdf", levels, title, lineage, ("data",), fields)
        yield from _others(engine.folder, layout, series, lineage, parameters)


def plan_of(recording: Recording, calibration: Calibration, parameters: PamParameters) -> tuple[Plan, Framing]:
    """Return what is done with chunks, and how they are cut.

    Raises:
        Refusal: A frequency lies above half the sample rate, or the segment is too short.
    """
    nyquist = float(recording.rate) / 2
    highest = parameters.hcut_hz if parameters.hcut_hz is not None else nyquist
    if highest > nyquist:
        raise Refusal(f"{highest:g} Hz is above half the sample rate, {nyquist:g} Hz", "hcut_hz", "lower it")
    if parameters.lcut_hz is not None and parameters.lcut_hz >= highest:
        raise Refusal(f"{parameters.lcut_hz:g} Hz is not below {highest:g} Hz", "lcut_hz", "lower it")
    length = round(parameters.window_s * recording.rate)
    if length < 8:
        raise Refusal(f"a segment of {parameters.window_s:g} s has {length} samples", "window_s", "lengthen it")
    if parameters.analysis == "HMB" and parameters.window_s < 1:
        raise Refusal("hybrid millidecades need lines of 1 Hz or less", "window_s", "give 1 s or more")
    hop = max(1, round(length * (1 - parameters.overlap)))
    double = parameters.precision == "float64" or (
        parameters.precision == "auto" and (recording.bits > 16 or recording.dtype != "int16")
    )
    plan = Plan(
        parameters.analysis, recording.rate, length, hop, parameters.window, recording.scale, calibration,
        parameters.lcut_hz, highest, double, parameters.average_s == 0, parameters.remove_dc,
    )  # fmt: skip
    if parameters.analysis == "Waveform":
        return plan, Framing(1, 1, round((parameters.average_s or parameters.window_s) * SECOND))
    return plan, Framing(length, hop, round(parameters.average_s * SECOND))


def _look(inputs: Inputs, parameters: PamParameters) -> list[Recording]:
    reading = Reading(parameters.timestamp, parameters.sample_units, parameters.bits, parameters.channel)
    given = inputs["recording"]
    if len(given) > 1 and reading.timestamp and "%" not in reading.timestamp:
        raise Refusal("one time is given for many recordings", "timestamp", "give a pattern of their names")
    found = []
    for one in given:
        recording = look_into(one.path, Path(one.href).name, reading)
        if not recording.variable and parameters.sample_units not in {None, "fullscale"}:
            raise Refusal("sound files are in full scale", "sample_units", "leave it out")
        found.append(recording)
    return found


def _batches(spans: Sequence[Span], framing: Framing) -> Iterator[tuple[Chunk, Samples]]:
    with Reader() as reader:
        for chunk in chunks_of(spans, framing):
            yield chunk, spans[chunk.span].read(reader, chunk.first, chunk.last)


def _findings(series: Series, plan: Plan) -> list[str]:
    """Return what a reader should know of the samples."""
    found = []
    if series.clipped.any():
        found.append(f"{series.clipped.mean():.2%} of the samples are clipped")
    power = 10 ** (series.spl / 10)
    steady = (series.mean * plan.scale) ** 2 * plan.calibration.power(0.0)
    if plan.lowest is None and not plan.remove_dc and np.median(steady) > 0.1 * np.median(power):
        found.append("the samples have an offset that raises broadband levels: give `remove_dc` or `lcut_hz`")
    return found


def _place(parameters: PamParameters) -> dict[str, JSON]:
    place: dict[str, JSON] = {}
    for name, value in (("lat", parameters.latitude), ("lon", parameters.longitude)):
        if value is not None:
            place |= {f"geospatial_{name}_min": value, f"geospatial_{name}_max": value}
    if parameters.latitude is not None and parameters.longitude is not None:
        place["geospatial_bounds"] = f"POINT ({parameters.latitude} {parameters.longitude})"
    if parameters.depth_m is not None:
        place |= {"geospatial_vertical_min": parameters.depth_m, "geospatial_vertical_max": parameters.depth_m}
        place["geospatial_vertical_positive"] = "down"
    return place


def _fields(layout: Layout, series: Series, notes: list[str], parameters: PamParameters) -> dict[str, JSON]:
    """Return what the item of the product tells: position, calibration, findings and figures."""
    unit = layout.quantity.unit(layout.calibration)
    power = 10 ** (series.spl / 10)
    fields: dict[str, JSON] = {
        "unit": unit,
        "notes": notes,
        "pam:analysis": layout.analysis,
        "pam:calibration": parameters.model_dump(mode="json")["calibration"],
        "pam:effort_s": round(float(series.effort.sum()), 3),
        "pam:rms_level": round(float(10 * np.log10(power.mean())), 2),
        "pam:median_level": round(float(np.median(series.spl)), 2),
        "pam:exposure_level": round(exposure_level(power, series.effort), 2),
    }
    if parameters.latitude is not None and parameters.longitude is not None:
        fields["geometry"] = {"type": "Point", "coordinates": [parameters.longitude, parameters.latitude]}
    return fields


def _others(
    folder: Path, layout: Layout, series: Series, lineage: Lineage, parameters: PamParameters
) -> Iterator[Product]:
    references = folder / "levels.json"
    references.write_bytes(references_beside(folder / "levels.nc"))
    yield Product("levels.json", "json", references, TITLES["levels.json"], lineage, ("references",))
    if parameters.csv:
        table = folder / "levels.csv"
        write_table(table, layout, series, water=parameters.environment == "water")
        yield Product("levels.csv", "table", table, TITLES["levels.csv"], lineage)
    drawn: list[Path] = []
    if parameters.plot in {"Both", "Time"}:
        drawn += draw_time(folder, layout, series, parameters.freq_scale)
    if parameters.plot in {"Both", "Stats"}:
        drawn += draw_statistics(folder, layout, series, parameters.freq_scale)
    for path in drawn:
        role = "overview" if path.suffix == ".png" else "visual"
        yield Product(path.name, "figure", path, TITLES[path.name], lineage, (role,))


processor = Pam()
