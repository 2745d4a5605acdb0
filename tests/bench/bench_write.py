"""Items written per second: our linear writer against `pystac.Catalog.normalize_and_save` on the same items.

Both get the same finished items, each with a `via` link as every real one has. Pystac walks the whole catalogue for
every such link, so its cost grows with the square of the number of items; it is measured up to 4,000 and extrapolated.
Times are user processor seconds (what the kernel spends on files depends on disk and load), ours the best of five runs;
`--quick` takes small numbers and one run.
"""

from __future__ import annotations

import gc
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import pystac

from builder.dataset import Coverage, Link
from builder.stac.collection import build_collection, build_year_catalog, has_years
from builder.stac.item import build_item
from builder.stac.layout import Place
from builder.stac.serialize import to_bytes
from builder.stac.summaries import Summary
from tests.stac_sample import DEFINITION, INSTANT, context, point

Json = dict[str, Any]


def make_items(count: int) -> list[Json]:
    items = []
    for number in range(count):
        day = datetime(2000, 1, 1, tzinfo=UTC) + timedelta(days=number % 7000)
        dataset = replace(
            INSTANT,
            identifier=f"buoy-{number:06d}",
            title=f"Buoy {number}",
            coverage=Coverage(start=day, end=day),
            links=(Link("via", f"https://thredds.example.org/catalog.html?dataset={number}", "text/html"),),
        )
        around = context(dataset, by_year=has_years(count), references=False)
        items.append(build_item(dataset, point(number % 360 - 180, 60 + number % 30), around)[0])
    return items


def write_ours(items: list[Json], folder: Path) -> None:
    place, summary = Place(DEFINITION.partner.id, DEFINITION.id), Summary()
    (folder / place.folder).mkdir(parents=True)
    for item in items:
        (folder / place.item(item["id"])).write_bytes(to_bytes(item))
        summary.add(item)
    by_year = has_years(len(items))
    (folder / place.collection_json).write_bytes(to_bytes(build_collection(DEFINITION, summary, by_year=by_year)))
    for year in summary.years if by_year else ():
        file = folder / place.year(year)
        file.parent.mkdir()
        file.write_bytes(to_bytes(build_year_catalog(DEFINITION, summary, year)))


def write_pystac(items: list[Json], folder: Path) -> None:
    summary = Summary()
    for item in items:
        summary.add(item)
    head = build_collection(DEFINITION, summary)
    head["links"] = []
    root = pystac.Catalog("iaos", "Benchmark")
    collection = pystac.Collection.from_dict(head)
    root.add_child(collection)
    for item in items:
        read = pystac.Item.from_dict(item, preserve_dict=True)
        read.links = [link for link in read.links if link.rel == "via"]
        collection.add_item(read)
    root.normalize_and_save(str(folder), pystac.CatalogType.SELF_CONTAINED)


def user_seconds() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_utime


def processor_seconds(write: Callable[[list[Json], Path], None], items: list[Json], runs: int) -> float:
    times = []
    for _ in range(runs):
        folder = Path(tempfile.mkdtemp())
        gc.collect()
        start = user_seconds()
        write(items, folder)
        times.append(user_seconds() - start)
        shutil.rmtree(folder)
    return min(times)


def quadratic(few: tuple[int, float], many: tuple[int, float], count: int) -> float:
    """Seconds for `count` items on the curve a·n + b·n² through two measured points."""
    (n, t), (m, u) = few, many
    b = (u / m - t / n) / (m - n)
    a = t / n - b * n
    return a * count + b * count**2


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    sizes, target, runs = ([200, 400], 1000, 1) if quick else ([1000, 2000, 4000], 20_000, 5)
    items = make_items(target)
    gc.freeze()  # the benchmark's own items are no garbage of either side
    ours = {size: processor_seconds(write_ours, items[:size], runs) for size in [*sizes, target]}
    theirs = {size: processor_seconds(write_pystac, items[:size], 1) for size in sizes}
    guess = quadratic((sizes[0], theirs[sizes[0]]), (sizes[-1], theirs[sizes[-1]]), target)
    print("  items   pystac s   ours s  ours items/s   ratio")
    for size in sizes:
        print(row(size, f"{theirs[size]:.2f}", ours[size], theirs[size] / ours[size]))
    print(row(target, f"{guess:.1f}*", ours[target], guess / ours[target]), "  * extrapolated, a·n + b·n²")
    print("pystac ms per item: " + ", ".join(f"{size}: {theirs[size] / size * 1e3:.2f}" for size in sizes))
    growth = (ours[target] / target) / (ours[sizes[0]] / sizes[0])
    print(f"ours: cost per item at {target} is {growth:.2f} of that at {sizes[0]}")


def row(items: int, theirs: str, ours: float, ratio: float) -> str:
    return f"{items:>7} {theirs:>10} {ours:>8.3f} {items / ours:>13.0f} {ratio:>7.0f}"


if __name__ == "__main__":
    main(sys.argv[1:])
