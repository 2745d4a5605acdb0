"""Pages per processor second on one core, of items of other places and texts: item pages, with frames, maps."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import shapely
from shapely.affinity import translate

from builder.pages.polarmap import draw
from builder.pages.render import Renderer
from tests.unit.pages_samples import (
    AWI,
    CRUISE,
    CTD,
    CTD_COLLECTION,
    EXPLAIN,
    ICE,
    ICE_COLLECTION,
    IMR,
    NERSC,
    TABLE,
    TABLE_COLLECTION,
)

ROUNDS, TURNS = 200, 5


def rate(work):
    """Return the median over some turns of how often a second of the processor suffices for the work."""
    work(0)
    found = []
    for turn in range(TURNS):
        start = time.process_time()
        for number in range(1, ROUNDS + 1):
            work(turn * ROUNDS + number)
        found.append(ROUNDS / (time.process_time() - start))
    return statistics.median(found)


def moved(item, number):
    """Return another item: its text and place differ from all others."""
    fields = item["properties"] | {"description": f"Description **number** {number}."}
    place = translate(shapely.geometry.shape(item["geometry"]), number * 1e-3)
    return item | {"properties": fields, "geometry": shapely.geometry.mapping(place), "id": f"{item['id']}-{number}"}


def main() -> None:
    renderer = Renderer()
    cases = {"ctd": (CTD, CTD_COLLECTION, IMR), "table": (TABLE, TABLE_COLLECTION, AWI)}
    cases |= {"grid": (ICE, ICE_COLLECTION, NERSC), "cruise": (CRUISE, TABLE_COLLECTION, AWI)}
    for name, (item, collection, partner) in cases.items():
        items = [moved(item, number) for number in range(TURNS * ROUNDS + 1)]
        pages = rate(lambda number: renderer.item(items[number], collection, partner, explain=EXPLAIN))  # noqa: B023
        both = rate(lambda number: list(renderer.pages(items[number], collection, partner, explain=EXPLAIN)))  # noqa: B023
        maps = rate(lambda number: draw([items[number]["geometry"]]))  # noqa: B023
        print(f"{name:7} item pages {pages:5.0f}/s; as built, with frames, {2 * both:5.0f}/s; maps {maps:5.0f}/s")


if __name__ == "__main__":
    main()
