"""Draws levels as a journal would print them: spectrogram or series, statistics with density, distribution."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.acoustics.netcdf import Layout, Series, blocks_of, read_statistics
from processors.acoustics.statistics import ENOUGH, STEP_DB, cumulative_of, density_of, exposure_level
from processors.acoustics.timestamps import SECOND
from processors.drawing import figure, save

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Floats: TypeAlias = npt.NDArray[np.float64]
Scale: TypeAlias = Literal["log", "linear"]
ACROSS, UPWARDS = 1200, 480
"""Most cells of a picture along time and along frequency."""
SATURATED = 0.05
"""Probability density, 1/dB, from which on its colour stays the same (Merchant et al. 2013)."""
DPI = 200


def draw_time(folder: Path, layout: Layout, series: Series, scale: Scale) -> list[Path]:
    """Draw levels over time: a spectrogram, or a line where there is no frequency; return its PNG and SVG."""
    with figure(7.0, 3.2) as drawn:
        axes = drawn.add_subplot()
        if layout.has_bands:
            _spectrogram(drawn, axes, folder / "levels.nc", layout, series, scale)
        else:
            times = np.stack([series.start, series.end]).mean(axis=0) / SECOND
            axes.plot(_dates(times), _broken(series), color="#1b3a5c", linewidth=0.7)
            axes.set_ylabel(f"{layout.quantity.title}\n({layout.quantity.unit(layout.calibration)})")
        _time_axis(axes)
        return save(drawn, folder, "spectrogram" if layout.has_bands else "series", DPI)


def draw_statistics(folder: Path, layout: Layout, series: Series, scale: Scale) -> list[Path]:
    """Draw percentiles and RMS level over frequency with their probability density, or the distribution of levels."""
    with figure(5.2, 4.1) as drawn:
        axes = drawn.add_subplot()
        if layout.has_bands:
            _by_frequency(drawn, axes, folder / "levels.nc", layout, scale)
            return save(drawn, folder, "statistics", DPI)
        _distribution(axes, layout, series)
        return save(drawn, folder, "distribution", DPI)


def picture_of(path: Path, layout: Layout, series: Series, scale: Scale) -> tuple[Floats, Floats, Floats]:
    """Return edges in time (seconds since 1970) and frequency (Hz), and the level of the mean power in each cell, dB.

    Cells are as many as fit; those without sound are NaN. Powers are averaged, a few rows at a time.
    """
    first, last = series.start[0], series.end[-1]
    step = int(series.start[1] - first) if series.start.size > 1 else int(last - first)
    step *= max(1, -(-(last - first) // (step * ACROSS)))
    column = (series.start - first) // step
    shown, edges = _frequency_cells(layout, scale)
    power, count = np.zeros((int(column[-1]) + 1, edges.size - 1)), np.zeros(int(column[-1]) + 1)
    for begin, levels in blocks_of(path, layout):
        mean = np.add.reduceat(10 ** (levels[:, shown[0] :].astype(np.float64) / 10), shown - shown[0], axis=1)
        some = column[begin : begin + len(levels)]
        np.add.at(power, some, mean / np.diff(np.append(shown, layout.bands.centre.size)))
        np.add.at(count, some, 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        level = 10 * np.log10(power / count[:, None])
    return (first + np.arange(power.shape[0] + 1) * step) / SECOND, edges, level


def _frequency_cells(layout: Layout, scale: Scale) -> tuple[npt.NDArray[np.int64], Floats]:
    """Return the first band of each cell of a picture, and the edges of the cells."""
    lower, upper = layout.bands.lower, layout.bands.upper
    begin = int(np.argmax(lower > 0)) if scale == "log" and (lower > 0).any() else 0
    low, high = lower[begin], upper[-1]
    wanted = np.geomspace(low, high, UPWARDS + 1) if scale == "log" and low > 0 else np.linspace(low, high, UPWARDS + 1)
    shown = np.unique(np.clip(np.searchsorted(lower, wanted[:-1]), begin, lower.size - 1))
    return shown, np.append(lower[shown], high)


def _spectrogram(drawn: Figure, axes: Any, path: Path, layout: Layout, series: Series, scale: Scale) -> None:
    times, edges, level = picture_of(path, layout, series, scale)
    heard = level[np.isfinite(level)]
    low, high = np.percentile(heard, (1, 99.5)) if heard.size else (0.0, 1.0)
    mesh = axes.pcolormesh(
        _dates(times),
        edges,
        level.T,
        cmap="viridis",
        vmin=low,
        vmax=max(high, low + 1),
        rasterized=True,
        shading="flat",
    )
    axes.set_facecolor("#dddddd")
    axes.set_yscale(scale)
    axes.set_ylim(edges[0], edges[-1])
    axes.set_ylabel("Frequency (Hz)")
    _frequency_ticks(axes.yaxis, scale)
    bar = drawn.colorbar(mesh, ax=axes, extend="both", pad=0.01, aspect=30)
    bar.set_label(f"Level ({layout.quantity.unit(layout.calibration)})")
    bar.outline.set_linewidth(0.6)


def _by_frequency(drawn: Figure, axes: Any, path: Path, layout: Layout, scale: Scale) -> None:
    found = read_statistics(path)
    frequency = layout.bands.centre
    shown = frequency > 0 if scale == "log" else np.ones(frequency.size, bool)
    if layout.rows >= ENOUGH:
        _density(drawn, axes, path, layout, scale)
    greys = ["#222222", "#555555", "#888888"]
    for number, (percentile, levels) in enumerate(zip(found["percentile"], found["level_percentile"], strict=True)):
        label = f"P{percentile:g} (exceeded {100 - percentile:g} % of time)"
        style = "-" if percentile == 50 else ("--", ":", "-.")[number % 3]
        axes.plot(frequency[shown], levels[shown], style, color=greys[number % 3], linewidth=0.8, label=label)
    axes.plot(frequency[shown], found["rms_level"][shown], color="#c1272d", label="RMS level")
    axes.set_xscale(scale)
    axes.set_xlim(frequency[shown][0], frequency[shown][-1])
    axes.set_xlabel("Frequency (Hz)")
    axes.set_ylabel(f"Level ({layout.quantity.unit(layout.calibration)})")
    _frequency_ticks(axes.xaxis, scale)
    drawn.legend(loc="outside lower center", ncols=3, fontsize=6, handlelength=2, columnspacing=1)


def _density(drawn: Figure, axes: Any, path: Path, layout: Layout, scale: Scale) -> None:
    shown, edges = _frequency_cells(layout, scale)
    levels = np.concatenate([block[:, shown] for _, block in blocks_of(path, layout)])
    density, centres = density_of(levels)
    level_edges = np.append(centres, centres[-1] + STEP_DB) - STEP_DB / 2
    mesh = axes.pcolormesh(
        edges,
        level_edges,
        np.where(density > 0, density, np.nan),
        cmap="YlGnBu",
        vmin=0,
        vmax=SATURATED,
        rasterized=True,
    )
    bar = drawn.colorbar(mesh, ax=axes, extend="max", pad=0.01, aspect=30)
    bar.set_label("Empirical probability density (1/dB)")
    bar.outline.set_linewidth(0.6)


def _distribution(axes: Any, layout: Layout, series: Series) -> None:
    levels, share = cumulative_of(series.spl)
    axes.step(levels, share, where="post", color="#1b3a5c")
    rms = 10 * np.log10(np.mean(10 ** (series.spl / 10)))
    exposure = exposure_level(10 ** (series.spl / 10), series.effort)
    unit = layout.quantity.unit(layout.calibration)
    for value, label, colour in (
        (rms, f"RMS level {rms:.1f}", "#c1272d"),
        (float(np.median(series.spl)), f"Median {np.median(series.spl):.1f}", "#555555"),
    ):
        axes.axvline(value, color=colour, linewidth=0.8, linestyle="--", label=f"{label} {unit}")
    axes.plot(
        [],
        [],
        " ",
        label=f"SEL {exposure:.1f} {unit.replace(layout.calibration.unit, layout.calibration.unit + '²')} s",
    )
    axes.set_xlabel(f"{layout.quantity.title} ({unit})")
    axes.set_ylabel("Cumulative share of time")
    axes.set_ylim(0, 1)
    axes.legend(loc="upper left")


def _broken(series: Series) -> Floats:
    """Return levels with NaN where the next bin does not follow, so that no line crosses a gap."""
    levels = series.spl.astype(np.float64)
    step = np.diff(series.start)
    gap = np.append(step > 1.5 * (np.median(step) if step.size else 1), False)
    return np.where(gap, np.nan, levels)


def _dates(seconds: Floats) -> Any:
    from matplotlib.dates import date2num

    start = date2num(datetime.fromtimestamp(float(seconds[0]), UTC))
    return start + (seconds - seconds[0]) / 86400


def _frequency_ticks(axis: Any, scale: Scale) -> None:
    """Label a logarithmic axis at 1, 2 and 5 of each decade, in plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if scale == "log":
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_minor_locator(LogLocator(subs=(3, 4, 6, 7, 8, 9)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())


def _time_axis(axes: Any) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    locator = AutoDateLocator(maxticks=10)
    axes.xaxis_date()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    axes.set_xlabel("Time (UTC)")
