"""Item pages per second on one core, and where the time goes."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

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

ROUNDS = 300


def rate(work, rounds=ROUNDS):
    work(0)
    start = time.perf_counter()
    for number in range(1, rounds + 1):
        work(number)
    return rounds / (time.perf_counter() - start)


def main() -> None:
    renderer = Renderer()
    cases = {"ctd": (CTD, CTD_COLLECTION, IMR), "table": (TABLE, TABLE_COLLECTION, AWI)}
    cases |= {"grid": (ICE, ICE_COLLECTION, NERSC), "cruise": (CRUISE, TABLE_COLLECTION, AWI)}
    for name, (item, collection, partner) in cases.items():

        def page(number, item=item, collection=collection, partner=partner):
            fields = item["properties"] | {"description": f"Description **number** {number}."}
            renderer.item(item | {"properties": fields}, collection, partner, explain=EXPLAIN)

        def chart(_, item=item):
            draw([item["geometry"]])

        print(f"{name:7} {rate(page):7.0f} pages/s   map alone {rate(chart):7.0f}/s")


if __name__ == "__main__":
    main()
