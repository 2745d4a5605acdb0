"""Writes levels as CSV in the layout of PAMGuide, so that its users can compare and go on with their scripts."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from processors.acoustics.netcdf import Layout, Series, blocks_of
from processors.acoustics.timestamps import SECOND

_ANALYSES = {"PSD": 1, "HMB": 1, "PowerSpec": 2, "TOL": 3, "TOLf": 3, "Broadband": 4, "Waveform": 5}
"""PAMGuide's codes of an analysis; it knows no hybrid millidecades, which are densities as PSD are."""


def write_table(path: Path, layout: Layout, series: Series, *, water: bool) -> None:
    """Write rows of seconds since the start and levels, with a code in the first cell and frequencies beside it.

    The code is PAMGuide's (PAMGuide.R, Merchant et al. 2015): 2000 for times from the start, 200 for water or 100
    for air, 10 for calibrated levels or 20, and the analysis. Where there are no frequencies, it replaces the first
    time, as it does there.
    """
    code = 2000 + (200 if water else 100) + (10 if layout.calibration.reference else 20) + _ANALYSES[layout.analysis]
    seconds = (series.start - series.start[0]) / SECOND
    with path.open("w", encoding="ascii", newline="") as file:
        if layout.has_bands:
            file.write(",".join([str(code), *(f"{centre:.10g}" for centre in layout.bands.centre)]) + "\n")
        else:
            seconds = np.concatenate([[code], seconds[1:]])
        for first, levels in blocks_of(path.with_name("levels.nc"), layout):
            times = seconds[first : first + len(levels), None]
            np.savetxt(file, np.hstack([times, levels]), fmt="%.10g", delimiter=",")
