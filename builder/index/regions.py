"""Boxes round the seas of the Arctic, by name: a choice of the search page and of `iaos search --region`.

Seas are those of *Limits of Oceans and Seas* (International Hydrographic Organization, Special Publication 23, 3rd
edition, 1953): the smallest boxes of whole degrees round the limits described there, and round the coasts between
them. Svalbard is as in article 1 of the Spitsbergen Treaty (1920). Fram Strait, which neither names, is the water
between 77°N and 81°N from Greenland to Spitsbergen. A box holds land and neighbouring waters, too.
"""

from __future__ import annotations

REGIONS: dict[str, tuple[int, int, int, int]] = {
    "baffin-bay": (-81, 70, -51, 83),
    "barents-sea": (16, 66, 69, 82),
    "beaufort-sea": (-157, 68, -122, 77),
    "canadian-archipelago": (-128, 61, -61, 84),  # S-23: the Northwestern Passages
    "chukchi-sea": (177, 66, -156, 72),
    "east-siberian-sea": (138, 68, -179, 78),
    "fram-strait": (-20, 77, 15, 81),
    "greenland-sea": (-33, 65, 17, 84),
    "kara-sea": (55, 66, 105, 82),
    "laptev-sea": (95, 70, 143, 82),
    "norwegian-sea": (-14, 61, 26, 77),
    "svalbard": (10, 74, 35, 81),
    "white-sea": (32, 63, 45, 69),
    "north-of-80": (-180, 80, 180, 90),
    "north-of-arctic-circle": (-180, 66, 180, 90),
}
"""West, south, east, north in degrees; west > east crosses ±180°."""


def box_text(name: str) -> str:
    """Return the box of a region as `bbox` takes it.

    >>> box_text("chukchi-sea")
    '177,66,-156,72'
    """
    return ",".join(map(str, REGIONS[name]))
