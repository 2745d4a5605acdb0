"""A hundred thousand items a night: what a build costs in processor time and memory, against named peers in one run.

- catalogue JSON (items, summary, year catalogues) against `cp -r` of the same files, in turns of 1,000 items, beside
  what it takes to serialise and write them at all, and its growth from 1,000 items;
- the same items beside pystac's own save, with a `via` link each and without (`--pystac N`, default 10,000);
- validation of every object against the vendored schemas, offline;
- a whole build with pages against one with 1 % of the records changed, all over the collection, each in its own
  process, with its wall time, its peak memory and that of its largest child (processor seconds are those of all);
- one search for a box across ±180° against brute force over the same table.

`--items N` sets the size (default 100,000), `--build N` that of the whole build (default as many; 0 for none);
`--quick` takes 1,000. Processor seconds: user and system. Modules are compiled beforehand, as an installation does.
Files stay until all that is measured beside each other is done, so that nothing is created where much was just deleted.
"""

from __future__ import annotations

import gc
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median, quantiles
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import orjson

from builder.checks.validate import validate
from builder.search import Client
from builder.spool import Spool
from builder.stac.collection import build_collection, build_year_catalog, has_years
from builder.stac.layout import Place
from builder.stac.serialize import to_bytes
from builder.stac.summaries import Summary
from builder.tree import write_new
from tests import synthetic
from tests.bench.bench_write import make_items, write_ours, write_pystac
from tests.stac_sample import DEFINITION

BOX = (170.0, 60.0, -170.0, 80.0)
CHUNK = 1000
TURNS = 99


def seconds(who: int = resource.RUSAGE_SELF) -> float:
    used = resource.getrusage(who)
    return used.ru_utime + used.ru_stime


def items(count: int) -> Iterator[list[dict[str, Any]]]:
    """Yield a thousand items at a time, so that none but these is in memory, nor in the way of the collector."""
    template = make_items(CHUNK)
    gc.collect()
    gc.freeze()
    for first in range(0, count, CHUNK):
        yield [{**item, "id": f"{item['id']}-{first}"} for item in template]


def write_json(count: int, folder: Path) -> float:
    place, by_year = Place(DEFINITION.partner.id, DEFINITION.id), has_years(count)
    (folder / place.folder).mkdir(parents=True)
    summary = Summary(Spool(folder))
    spent = 0.0
    for some in items(count):
        start = seconds()
        for item in some:
            write_new(f"{folder}/{place.item(item['id'])}", to_bytes(item))
        summary.add_all(some)
        spent += seconds() - start
    start = seconds()
    (folder / place.collection_json).write_bytes(to_bytes(build_collection(DEFINITION, summary, by_year=by_year)))
    for year in summary.years if by_year else ():
        file = folder / place.year(year)
        file.parent.mkdir()
        file.write_bytes(to_bytes(build_year_catalog(DEFINITION, summary, year)))
    return spent + seconds() - start


def copy(folder: Path, target: Path) -> float:
    start = seconds(resource.RUSAGE_CHILDREN)
    subprocess.run(["cp", "-r", str(folder), str(target)], check=True)
    return seconds(resource.RUSAGE_CHILDREN) - start


def validated(folder: Path) -> tuple[int, float]:
    """Validate every object; return how many they are and the seconds without reading them."""
    spent, count = 0.0, 0
    for file in folder.rglob("*.json"):
        stac = orjson.loads(file.read_bytes())
        start = time.process_time()
        assert validate(stac) == []
        spent += time.process_time() - start
        count += 1
    return count, spent


def beside_pystac(count: int, *, via: bool) -> None:
    """Save the same items with both; the links of other kinds are what makes pystac quadratic."""
    items = make_items(count)
    for item in items if not via else ():
        item["links"] = [link for link in item["links"] if link["rel"] != "via"]
    gc.freeze()  # the benchmark's own items are no garbage of either side
    spent = []
    with tempfile.TemporaryDirectory() as name:
        for write in (write_ours, write_pystac):
            start = seconds()
            write(items, Path(name) / write.__name__)
            spent.append(seconds() - start)
    ours, theirs = spent
    links = "with" if via else "without"
    print(f"{count} items {links} via: pystac {theirs:.1f} s, ours {ours:.2f} s, ratio {theirs / ours:.0f}", flush=True)


def build_apart(folder: Path) -> tuple[float, str]:
    """Build in a process of its own; return processor seconds, and words on wall time and peak memory."""
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("build_apart.py")), str(folder)],
        check=True,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")},
    )
    spent, wall, own, child = done.stdout.split()
    return float(spent), f"in {float(wall):.1f} s; peak memory {own} MB, of any child {child} MB"


def searched(folder: Path) -> None:
    import pyarrow.parquet as pq
    import shapely

    client = Client.open(str(folder / "out"))
    set(client.search(bbox=BOX).ids())  # loads what a search needs, as shapely is loaded for the other side
    start = time.process_time()
    found = set(client.search(bbox=BOX).ids())
    ours = time.process_time() - start
    start = time.process_time()
    table = pq.read_table(folder / "out" / "bench" / "synthetic" / "items.parquet", columns=["id", "geometry"])
    parts = shapely.union_all([shapely.box(BOX[0], BOX[1], 180, BOX[3]), shapely.box(-180, BOX[1], BOX[2], BOX[3])])
    met = shapely.intersects(parts, shapely.from_wkb(table["geometry"].to_numpy()))
    brute = time.process_time() - start
    assert found == {name for name, hit in zip(table["id"].to_pylist(), met, strict=True) if hit}
    print(f"search of a box: {ours:.3f} s, {ours / brute:.2f} of brute force with shapely ({len(found)} found)")


def main(arguments: list[str]) -> None:
    quick = "--quick" in arguments
    count = option(arguments, "--items", 1000 if quick else 100_000)
    copied = json_rows(count)
    saved = option(arguments, "--pystac", 500 if quick else 10_000)
    for via in (False, True) if saved else ():
        beside_pystac(saved, via=via)
    built = option(arguments, "--build", count)
    if built:
        build_rows(built, copied * built / count)


def option(arguments: list[str], name: str, usual: int) -> int:
    return int(arguments[arguments.index(name) + 1]) if name in arguments else usual


def json_rows(count: int) -> float:
    """Print what the catalogue's JSON costs; return the seconds that `cp -r` of as much takes."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        few = write_json(CHUNK, scratch / "few")
        many = write_json(count, scratch / "many")
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"catalogue JSON of {count}: {many:.2f} s; peak memory {memory} MB")
        print(f"cost of an item is {many / count / (few / CHUNK):.2f} of that at {CHUNK} items")
        objects, spent = validated(scratch / "many")
        print(f"validation of {objects} objects: {spent:.2f} s, {spent / objects * 1e5:.2f} s per 100,000")
        turns = [beside_cp(CHUNK, scratch / f"turn-{turn}") for turn in range(TURNS if count > CHUNK else 2)]
        low, middle, high = quantiles([ours / theirs for ours, theirs, _ in turns])
        least = median(bare / theirs for _, theirs, bare in turns)
        print(
            f"catalogue JSON: {middle:.2f} of cp -r of the same files, half of all turns {low:.2f} to {high:.2f}; "
            f"orjson and open, write, close alone {least:.2f}",
            flush=True,
        )
    return median(theirs for _, theirs, _ in turns) * count / CHUNK


def beside_cp(count: int, folder: Path) -> tuple[float, float, float]:
    """Write items, copy them with `cp`, and write them bare; return the processor seconds of each."""
    ours = write_json(count, folder / "written")
    return ours, copy(folder / "written", folder / "copy"), write_bare(count, folder / "bare")


def write_bare(count: int, folder: Path) -> float:
    """Do what no writer of JSON files in Python can leave out."""
    folder.mkdir()
    spent = 0.0
    for some in items(count):
        start = seconds()
        for item in some:
            write_new(f"{folder}/{item['id']}.json", orjson.dumps(item, option=orjson.OPT_INDENT_2))
        spent += seconds() - start
    return spent


def build_rows(count: int, copied: float) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        synthetic.write_definition(folder / "collections")
        synthetic.fill(folder / "state", 1)
        build_apart(folder)  # compiles the modules
        shutil.rmtree(folder / "out")
        shutil.rmtree(folder / "state")
        synthetic.fill(folder / "state", count)
        full, memory = build_apart(folder)
        print(
            f"whole build with pages: {full:.1f} s, {full / count * 1e3:.2f} ms per item, "
            f"{full / copied:.0f} times `cp -r` of its JSON; {memory}",
            flush=True,
        )
        none, memory = build_apart(folder)
        print(f"nothing changed: {none:.1f} s, {none / full:.1%} of the whole; {memory}", flush=True)
        synthetic.fill(folder / "state", count, changed=max(1, count // 100))
        some, memory = build_apart(folder)
        print(f"1 % changed: {some:.1f} s, {some / full:.1%} of the whole; {memory}", flush=True)
        searched(folder)


if __name__ == "__main__":
    main(sys.argv[1:])
