"""Gives the cells of a scene their class, from a truth or a chart on the same cells, and draws samples of them."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from processors.errors import Refusal
from processors.protocol import JSON
from processors.seaice.features import Cells, Mask, Settings
from processors.seaice.postprocess import ICE, UNKNOWN, WATER, Bytes
from processors.seaice.radiometry import NoiseRule
from processors.seaice.safe import Scene
from processors.seaice.strips import describe_strip, strips_of
from processors.seaice.textures import Floats
from processors.seaice.training import Labelled

LABELS = "MODEL.LABELS"
SUMMER = range(6, 10)
"""Months that count as summer: ice melts on its surface in some of each."""


@dataclass(frozen=True, slots=True, eq=False)
class Sheet:
    """Cells of one scene with their features and, where it is known, their class.

    Attributes:
        scene: Name of the scene.
        names: Names of the features.
        values: Features, shape (features, rows, columns).
        classes: 1 open water, 2 sea ice, 0 not known; shape (rows, columns).
        known: Whether there are features.
        season: ``winter`` or ``summer``.
        about: What else the record of the training should tell of the scene.
    """

    scene: str
    names: tuple[str, ...]
    values: Floats
    classes: Bytes
    known: Mask
    season: str = ""
    about: Mapping[str, JSON] = field(default_factory=dict)

    def sample(self, cells: int) -> Labelled:
        """Return so many cells whose class is known, in an order that depends on the scene's name alone.

        Raises:
            Refusal: No class is known (``MODEL.LABELS``).
        """
        places = np.flatnonzero((self.classes.ravel() != UNKNOWN) & self.known.ravel())
        if not places.size:
            hint = "give a chart that covers the scene, of the same days"
            raise Refusal("no cell has a label", self.scene, hint, LABELS)
        np.random.default_rng(zlib.crc32(self.scene.encode())).shuffle(places)
        places = places[:cells]
        values = np.ascontiguousarray(self.values.reshape(len(self.names), -1)[:, places].T)
        ice: Mask = self.classes.ravel()[places] == ICE
        return Labelled(self.scene, self.names, values, ice, self.season, self.about)


def described(scene: Scene, settings: Settings, noise: NoiseRule) -> Cells:
    """Compute the features of all cells of a scene.

    Raises:
        Refusal: The scene cannot be read, or its noise does not cover it.
    """
    parts = [describe_strip(scene, noise, settings, strip) for strip in strips_of(scene, settings)]
    return Cells(
        parts[0].names,
        np.concatenate([one.values for one in parts], axis=1),
        np.concatenate([one.known for one in parts]),
        np.concatenate([one.snr_db for one in parts]),
    )


def pure(classes: Bytes, pixels: int) -> Bytes:
    """Return the class of cells of ``pixels`` × ``pixels`` that hold one class only; 0 for all others.

    Args:
        classes: 0 not known, 1 water, 2 and above ice; shape (lines, samples).
        pixels: Side of a cell; what does not fill one is left out.
    """
    rows, columns = (length // pixels for length in classes.shape)
    blocks = classes[: rows * pixels, : columns * pixels].reshape(rows, pixels, columns, pixels)
    least, most = blocks.min(axis=(1, 3)), blocks.max(axis=(1, 3))
    made: Bytes = np.select([(least == WATER) & (most == WATER), least >= ICE], [WATER, ICE], UNKNOWN).astype(np.uint8)
    return made


def season_of(month: int) -> str:
    """Return the season of a month in the Arctic, as models are told apart by it."""
    return "summer" if month in SUMMER else "winter"
