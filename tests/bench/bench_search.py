"""The search page over a million invented items: what is read for the first titles, beside the whole index.

- the index: bytes, seconds to take in and to write the items, peak memory of the process;
- per kind of question: requests and KiB until the first count and twenty titles, as a share of the limit of 300 KiB,
  then what the exact number costs, and how long the answer takes beside brute force over the same columns in memory,
  which must find the same.

Ships, parameters and words are spread at random over 40 collections, which is the worst case for lists of rows.
Figures in brackets are those of a prototype over a million items, Parquet read by ranges.

`--items N` sets the size (default 1,000,000); `--quick` takes 20,000. Ends with status 1 where the limit is passed.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from builder.index.writer import IndexWriter
from builder.search.asked import asked_of
from builder.search.page import Index
from builder.search.places import files_of
from tests import searching

PROTOTYPE_KIB = {"word": 282, "box, month, collection": 607, "box, month": 2.3 * 1024}
PROTOTYPE_MB, PROTOTYPE_S = 33, 26


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def write(items: searching.Items, folder: Path) -> None:
    count, before = len(items), peak_mb()
    writer, spent = IndexWriter(folder), 0.0
    for first in range(0, count, 1000):
        lines = defaultdict(list)
        for number in range(first, min(first + 1000, count)):
            lines[searching.SHELVES[items.shelf[number]].id].append(searching.line(items, number))
        start = time.perf_counter()
        for collection, some in lines.items():
            writer.add(collection, some)
        spent += time.perf_counter() - start
    start = time.perf_counter()
    searching.finish(writer, folder)
    written = time.perf_counter() - start
    size = sum(file.stat().st_size for file in (folder / "search").iterdir()) / 1e6
    print(f"{count:,} items: index {size:.1f} MB [{PROTOTYPE_MB}]")
    print(f"{spent:.1f} s to take in and {written:.1f} s to write [{PROTOTYPE_S} s]")
    print(f"peak memory {peak_mb():.0f} MB, of which {before:.0f} MB are columns of the benchmark\n")


def ask(kind: str, items: searching.Items, folder: Path) -> bool:
    address, answers = searching.QUESTIONS[kind]
    index, asked = Index(files_of(str(folder))), asked_of(address)
    start = time.perf_counter()
    shown = searching.first_result(index, asked)
    seconds, first, requests = time.perf_counter() - start, index.read, index.requests
    start = time.perf_counter()
    rows = index.rows(asked)
    whole = time.perf_counter() - start
    start = time.perf_counter()
    wanted = answers(items)
    brute = time.perf_counter() - start
    few = int(wanted.sum()) <= 20_000
    same = int(rows.sum()) == int(wanted.sum())
    if few:
        ids = sorted(int(name[5:]) for _, name in index.ids(asked))
        same = same and ids == np.flatnonzero(wanted).tolist()
    known = f"[{PROTOTYPE_KIB[kind]:.0f}]" if kind in PROTOTYPE_KIB else ""
    print(
        f"{kind:24} {shown:>3} {int(rows.sum()):>8,} {requests:>5} {first / 1024:>7.0f} {first / searching.LIMIT:>6.2f}"
        f" {known:>7} {index.read / 1024:>8.0f} {seconds * 1e3:>6.0f} {whole * 1e3:>6.0f} {brute * 1e3:>6.0f}  {same}"
    )
    return same and first <= searching.LIMIT


def main(arguments: list[str]) -> int:
    count = 20_000 if "--quick" in arguments else 1_000_000
    if "--items" in arguments:
        count = int(arguments[arguments.index("--items") + 1])
    items = searching.invent(count)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write(items, folder)
        print("question               shown   found  requ. KiB 1st  limit  [KiB] KiB all ms 1st ms all  brute  same")
        kept = [ask(kind, items, folder) for kind in searching.QUESTIONS]
    print(f"\nwithin the limit, and what brute force finds: {sum(kept)} of {len(kept)}")
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
