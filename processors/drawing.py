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


def save(drawn: Figure, folder: Path, name: str) -> list[Path]:
    """Save a figure as PNG and SVG, without a date."""
    png, svg = folder / f"{name}.png", folder / f"{name}.svg"
    drawn.savefig(png, dpi=160, metadata={"Software": None})
    drawn.savefig(svg, dpi=150, metadata={"Date": None, "Creator": None})
    return [png, svg]
