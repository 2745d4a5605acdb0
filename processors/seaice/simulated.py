"""Simulates labelled scenes for training, each with its own noise, wind, season and place."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from processors.seaice.features import Settings
from processors.seaice.labels import Sheet, described, pure
from processors.seaice.radiometry import NoiseRule
from processors.seaice.safe import open_safe
from processors.seaice.synth import SceneSpec, simulate

FIRST_LINE = 500
"""Below the staggered upper edge of a product."""
SEASONS = {"winter": "winter", "melt": "summer"}


@dataclass(frozen=True, slots=True)
class Asked:
    """Which scenes are simulated.

    Attributes:
        seed: Seed of the scene.
        lines: Lines; all five sub-swaths are always there.
        settings: Size of cells.
        noise: What is subtracted.
    """

    seed: int
    lines: int = 700
    settings: Settings = field(default_factory=Settings)
    noise: NoiseRule = "esa"


def simulated_sheet(asked: Asked) -> Sheet:
    """Simulate a scene and label the cells that hold only water or only ice."""
    import rasterio

    with tempfile.TemporaryDirectory(prefix="iaos-simulated-") as folder:
        made = simulate(SceneSpec(asked.seed, lines=asked.lines, first_line=FIRST_LINE), Path(folder))
        cells = described(open_safe(made.safe), asked.settings, asked.noise)
        with rasterio.open(made.truth) as truth:
            classes = pure(truth.read(1), asked.settings.pixels)
    drawn = made.plan
    about = {
        "simulated": True,
        "seed": asked.seed,
        "lines": asked.lines,
        "ipf": drawn.identity.ipf,
        "wind_m_s": round(drawn.weather.wind, 1),
        "ice_share": round(drawn.weather.ice, 2),
        "ascending": drawn.identity.ascending,
    }
    name, season = f"simulated-{asked.seed}", SEASONS[drawn.weather.season]
    return Sheet(name, cells.names, cells.values, classes, cells.known, season, about)
