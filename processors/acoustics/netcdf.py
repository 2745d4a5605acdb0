"""Writes levels as NetCDF (CF-1.10, ACDD-1.3, SoundCoop) row by row, adds statistics, and reads blocks of it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from processors.acoustics.bands import Bands
from processors.acoustics.calibration import Calibration
from processors.acoustics.rows import CLIPPING, PARTIAL, Row
from processors.acoustics.statistics import statistics_of
from processors.acoustics.timestamps import SECOND, iso
from processors.protocol import JSON, Lineage

Floats = npt.NDArray[np.float64]
BLOCK_BYTES = 16_000_000
EXACT_BYTES = 64_000_000
COLUMNS = 256
"""Bands of a chunk of the file, and of a step of the statistics."""
REFERENCES = (
    "Single-sided mean-square sound pressure spectral density: ISO 18405:2017, 3.1.3.13. Hybrid millidecade bands: "
    "Martin et al. (2021a) doi:10.1121/10.0003324, Martin et al. (2021b) doi:10.1121/10.0005818. "
    "Calibration and statistics: Merchant et al. (2015) doi:10.1111/2041-210X.12330."
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """What the levels of an analysis are.

    Attributes:
        variable: Name of the variable.
        title: Long name.
        per_hertz: Whether it is a density.
    """

    variable: str
    title: str
    per_hertz: bool = False

    def unit(self, calibration: Calibration) -> str:
        """Spell what levels are relative to: dB re 1 µPa²/Hz."""
        squared = f"{calibration.unit}²" if self.per_hertz else calibration.unit
        return f"dB re {squared}" + ("/Hz" if self.per_hertz else "")


QUANTITIES: Mapping[str, Quantity] = {
    "PSD": Quantity("psd", "Single-sided mean-square sound pressure spectral density level", per_hertz=True),
    "HMB": Quantity(
        "psd", "Mean-square sound pressure spectral density level in hybrid millidecade bands", per_hertz=True
    ),
    "PowerSpec": Quantity("power_spectrum", "Mean-square sound pressure level of each spectral line"),
    "TOLf": Quantity("band_level", "Decidecade band sound pressure level, by DFT"),
    "TOL": Quantity("band_level", "Decidecade band sound pressure level, by IEC 61260-1 class 1 filters"),
    "Broadband": Quantity("spl", "Broadband sound pressure level"),
    "Waveform": Quantity("spl", "Root-mean-square sound pressure level"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """What a file of levels holds, but for its rows.

    Attributes:
        analysis: Which analysis.
        bands: Its bands.
        calibration: Its calibration.
        rows: How many rows there will be.
        scale: What makes pressure re reference of a stored sample; for extremes of the waveform.
        attributes: Global attributes.
    """

    analysis: str
    bands: Bands
    calibration: Calibration
    rows: int
    scale: float
    attributes: Mapping[str, JSON]

    @property
    def quantity(self) -> Quantity:
        """What the levels are."""
        return QUANTITIES[self.analysis]

    @property
    def has_bands(self) -> bool:
        """Whether there is more than the broadband level."""
        return self.quantity.variable != "spl"

    @property
    def block(self) -> int:
        """Rows that are written, and read, at once."""
        return max(1, min(self.rows, 1440, BLOCK_BYTES // (4 * self.bands.centre.size)))


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """What is known of each row beside its spectrum; each of shape (rows,).

    Attributes:
        start: Nanoseconds since 1970.
        end: Nanoseconds since 1970.
        effort: Seconds.
        spl: Broadband level, dB.
        clipped: Share of samples at full scale.
        mean: Mean of the samples, as stored.
    """

    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    effort: Floats
    spl: Floats
    clipped: Floats
    mean: Floats


def write_levels(path: Path, layout: Layout, rows: Iterable[Row]) -> Series:
    """Write a file of levels in flat memory.

    Args:
        path: File to make.
        layout: What it holds.
        rows: ``layout.rows`` of them.
    """
    kept: list[tuple[int, int, float, float, float, float]] = []
    with _opened(path, "w") as file:
        _define(file, layout)
        block: list[Row] = []
        for row in rows:
            block.append(row)
            kept.append((row.start, row.end, row.effort, row.broadband, row.clipped, row.offset))
            if len(block) == layout.block:
                _put(file, layout, block, len(kept) - len(block))
                block = []
        if block:
            _put(file, layout, block, len(kept) - len(block))
        start, end, effort, broadband, clipped, mean = (np.array(column) for column in zip(*kept, strict=True))
        file.time_coverage_start, file.time_coverage_end = iso(int(start[0])), iso(int(end[-1]))
        file.time_coverage_duration = f"PT{(int(end[-1]) - int(start[0])) / SECOND:g}S"
        file.time_coverage_resolution = f"PT{(int(end[0]) - int(start[0])) / SECOND:g}S"
    return Series(start, end, effort, decibels(broadband), clipped, mean)


def add_statistics(path: Path, layout: Layout, percentiles: Sequence[float]) -> None:
    """Add RMS level, mode and percentiles of each band, exact, a few bands at a time."""
    with _opened(path, "a") as file:
        levels, size = file[layout.quantity.variable], layout.bands.centre.size
        file.createDimension("percentile", len(percentiles))
        file.createVariable("percentile", "f8", ("percentile",))[:] = list(percentiles)
        file["percentile"].setncatts(
            {"long_name": "Percentile of the levels (type 7); 100 - p is exceeded p % of the time", "units": "%"}
        )
        dims = ("frequency",) if layout.has_bands else ()
        made = {}
        for name, title, extra in (
            ("rms_level", "Level of the mean power over all times", ()),
            ("mode_level", "Most frequent level, in classes of 0.1 dB", ()),
            ("level_percentile", "Percentiles of the levels over all times", ("percentile",)),
        ):
            made[name] = file.createVariable(name, "f4", (*extra, *dims), compression="zlib", complevel=4)
            made[name].setncatts(
                {"long_name": title, "units": "dB", "comment": layout.quantity.unit(layout.calibration)}
            )
        step = max(1, min(COLUMNS, EXACT_BYTES // (8 * layout.rows)))
        for first in range(0, size, step):
            some = slice(first, first + step)
            taken = levels[:, some] if layout.has_bands else levels[:][:, None]
            found = statistics_of(taken, percentiles)
            if layout.has_bands:
                made["rms_level"][some], made["mode_level"][some] = found.rms, found.mode
                made["level_percentile"][:, some] = found.percentiles
            else:
                made["rms_level"][...], made["mode_level"][...] = found.rms[0], found.mode[0]
                made["level_percentile"][:] = found.percentiles[:, 0]


def blocks_of(path: Path, layout: Layout) -> Iterator[tuple[int, npt.NDArray[np.float32]]]:
    """Yield the number of a first row and levels, dB, shape (some rows, bands), from a finished file."""
    with _opened(path, "r") as file:
        levels = file[layout.quantity.variable]
        for first in range(0, layout.rows, layout.block):
            taken = np.asarray(levels[first : first + layout.block])
            yield first, taken if layout.has_bands else taken[:, None]


def read_statistics(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """Return ``rms_level``, ``mode_level``, ``level_percentile`` and ``percentile`` of a finished file."""
    with _opened(path, "r") as file:
        names = ("rms_level", "mode_level", "level_percentile", "percentile")
        return {name: np.atleast_1d(np.asarray(file[name][...])) for name in names}


def decibels(power: npt.ArrayLike) -> Floats:
    """Return 10 log10 of powers; silence is -999 dB, which is finite."""
    power = np.asarray(power, np.float64)
    with np.errstate(divide="ignore"):
        level: Floats = np.maximum(10 * np.log10(power), -999.0)
    return level


def global_attributes(
    about: Mapping[str, str], lineage: Lineage, analysis: str, notes: Sequence[str], calibration: JSON
) -> dict[str, JSON]:
    """Return the global attributes of CF, ACDD and SoundCoop; what ``about`` says goes before.

    Args:
        about: Attributes the maker of the recording gives, e.g. title, platform, instrument, institution, license.
        lineage: Where the product comes from.
        analysis: Which analysis.
        notes: What a reader should know.
        calibration: The calibration as it was given.
    """
    title = f"{QUANTITIES[analysis].title} of passive acoustic recordings"
    told = {
        "Conventions": "CF-1.10, ACDD-1.3",
        "title": title,
        "summary": f"{title}, computed from {len(lineage.inputs)} recordings.",
        "keywords": "ocean acoustics, ambient noise, soundscapes, sound_intensity_level_in_water",
        "standard_name_vocabulary": "CF Standard Name Table v86",
        "cdm_data_type": "TimeSeries",
        "references": REFERENCES,
        "source": "passive acoustic recordings: " + ", ".join(sorted(href for _, href, _ in lineage.inputs)[:20]),
        "comment": "; ".join(notes) or "no gaps, clipping or other findings",
        "iaos_calibration_json": json.dumps(calibration, sort_keys=True),
        "iaos_lineage_json": json.dumps(lineage.to_dict(), sort_keys=True),
    }
    return told | dict(about)


def _opened(path: Path, mode: Literal["r", "a", "w"]) -> AbstractContextManager[Any]:
    from netCDF4 import Dataset

    file = Dataset(path, mode)
    file.set_auto_mask(False)
    opened: AbstractContextManager[Any] = file
    return opened


def _define(file: Any, layout: Layout) -> None:
    file.setncatts(dict(layout.attributes))
    for name, size in (("time", layout.rows), ("bound", 2), ("frequency", layout.bands.centre.size)):
        if name != "frequency" or layout.has_bands:
            file.createDimension(name, size)
    clock = {"units": "seconds since 1970-01-01T00:00:00Z", "calendar": "standard", "axis": "T"}
    _variable(
        file,
        "time",
        "f8",
        ("time",),
        {"standard_name": "time", "bounds": "time_bounds", "long_name": "Start of the time bin"} | clock,
    )
    _variable(file, "time_bounds", "f8", ("time", "bound"))
    _variable(file, "effort", "f8", ("time",), {"long_name": "Duration of the sound that was analysed", "units": "s"})
    unit = QUANTITIES["Broadband"].unit(layout.calibration)
    title = QUANTITIES["Waveform" if layout.analysis == "Waveform" else "Broadband"].title
    _variable(file, "spl", "f4", ("time",), {"long_name": f"{title} ({unit})", "units": "dB"})
    meanings = {"flag_masks": np.array([PARTIAL, CLIPPING], "i1"), "flag_meanings": "incomplete_bin clipped_samples"}
    _variable(file, "quality_flag", "i1", ("time",), {"long_name": "Quality of the time bin"} | meanings)
    if layout.analysis == "Waveform":
        for name in ("lowest", "highest"):
            said = {"long_name": f"{name.title()} instantaneous value (re {layout.calibration.unit})", "units": "1"}
            _variable(file, f"pressure_{name}", "f4", ("time",), said)
    if layout.has_bands:
        _define_bands(file, layout)


def _define_bands(file: Any, layout: Layout) -> None:
    bands, quantity = layout.bands, layout.quantity
    _variable(
        file,
        "frequency",
        "f8",
        ("frequency",),
        {"long_name": "Centre of the band", "units": "Hz", "bounds": "frequency_bounds"},
    )
    file["frequency"][:] = bands.centre
    _variable(file, "frequency_bounds", "f8", ("frequency", "bound"))
    file["frequency_bounds"][:] = np.stack([bands.lower, bands.upper], axis=1)
    _variable(
        file,
        "sensitivity",
        "f4",
        ("frequency",),
        {"long_name": "Sensitivity S: level = 10 log10(power/reference²) - S", "units": "dB"},
    )
    file["sensitivity"][:] = layout.calibration.at(bands.centre)
    said = {
        "long_name": f"{quantity.title} ({quantity.unit(layout.calibration)})",
        "units": "dB",
        "cell_methods": "time: mean",
    }
    _variable(
        file,
        quantity.variable,
        "f4",
        ("time", "frequency"),
        said,
        chunksizes=(layout.block, min(COLUMNS, bands.centre.size)),
    )


def _variable(
    file: Any, name: str, kind: str, dims: tuple[str, ...], attributes: Mapping[str, JSON] | None = None, **how: Any
) -> None:
    made = file.createVariable(name, kind, dims, compression="zlib", complevel=4, fill_value=False, **how)
    made.setncatts(dict(attributes or {}))


def _put(file: Any, layout: Layout, rows: Sequence[Row], first: int) -> None:
    here = slice(first, first + len(rows))
    bounds = np.array([(row.start, row.end) for row in rows]) / SECOND
    file["time"][here], file["time_bounds"][here] = bounds[:, 0], bounds
    file["effort"][here] = [row.effort for row in rows]
    file["spl"][here] = decibels([row.broadband for row in rows])
    file["quality_flag"][here] = [row.quality for row in rows]
    if layout.analysis == "Waveform":
        file["pressure_lowest"][here] = [row.low * layout.scale for row in rows]
        file["pressure_highest"][here] = [row.high * layout.scale for row in rows]
    if layout.has_bands:
        file[layout.quantity.variable][here] = decibels([row.powers for row in rows])
