"""One look for all figures, and files of them that are the same whenever and wherever they are drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

STYLE: Mapping[str, Any] = {
    "svg.hashsalt": "iaos", "svg.fonttype": "path", "font.family": "DejaVu Sans", "font.size": 8, "axes.linewidth": 0.6,
    "axes.titlesize": 8, "xtick.direction": "out", "ytick.direction": "out", "xtick.major.width": 0.6,
    "ytick.major.width": 0.6, "lines.linewidth": 1.0, "legend.frameon": False, "legend.fontsize": 7, "timezone": "UTC",
    "figure.constrained_layout.use": True, "path.simplify": True,
}  # fmt: skip


@contextmanager
def figure(width: float, height: float) -> Iterator[Figure]:
    """Give an empty figure in the house style, whatever a user's matplotlibrc says; sizes in inches."""
    import matplotlib as mpl
    from matplotlib.figure import Figure as Drawn

    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE, "backend": "agg"}):
        yield Drawn(figsize=(width, height))


def save(drawn: Figure, folder: Path, name: str, dpi: float = 160, *, settled: bool = False) -> list[Path]:
    """Save a figure as PNG of so many dots per inch and as SVG, without a date.

    Args:
        drawn: The figure.
        folder: Where they go.
        name: How both are called.
        dpi: Dots per inch of the PNG.
        settled: All keeps in the SVG the place that it found in the PNG, which takes half the time.
    """
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    drawn.savefig(png, dpi=dpi, metadata={"Software": None})
    if settled:
        drawn.set_layout_engine("none")
    drawn.savefig(svg, dpi=150, metadata={"Date": None, "Creator": None})
    return [png, svg]
