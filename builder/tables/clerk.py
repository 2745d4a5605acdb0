"""The child process that writes tables and the search index; see `builder.desk`."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.abc import MetaPathFinder
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import orjson

from builder.apart import end_with_parent
from builder.index.described import Shelf
from builder.index.writer import IndexWriter, write_index
from builder.tables.items import ItemsTable
from builder.tables.writer import TableWriter

Order = dict[str, Any]


class _NoPandas(MetaPathFinder):
    """Does without pandas, which pyarrow would load only to ask of an array whether it came from there."""

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError(fullname)


def main() -> None:
    """Carry out the orders on standard input."""
    sys.meta_path.insert(0, _NoPandas())
    carry_out(sys.stdin.buffer.read())


def carry_out(orders: bytes) -> None:
    """Carry out what `builder.desk.Desk` has collected, as JSON."""
    said = orjson.loads(orders)
    target, staging = Path(said["target"]), Path(said["staging"])
    kinds: dict[str, Callable[[Order, Path, Path], None]] = {"items": _items, "rows": _rows, "index": _index}
    for order in sorted(said["orders"], key=itemgetter("kind")):  # the index first, which needs no pyarrow
        kinds[order["kind"]](order, target, staging)


def _items(order: Order, target: Path, staging: Path) -> None:
    def read(name: str) -> bytes:
        path = f"{order['folder']}/{name}.json"
        staged = staging / path
        return (staged if staged.exists() else target / path).read_bytes()

    table = ItemsTable(read)
    with Path(order["items"]).open("rb") as lines:
        for shares, shapes, same in map(orjson.loads, lines):
            table.add(shares, shapes, same=same)
    before = order["before"]
    key = table.write(Path(order["result"]), order["about"], (Path(before[0]), before[1]) if before else None)
    Path(f"{order['result']}.key").write_text(key)


def _rows(order: Order, target: Path, staging: Path) -> None:
    del target
    table = TableWriter(staging)
    for row in order["rows"]:
        table.add(row)
    table.write(Path(order["result"]), {})
    table.close()


def _index(order: Order, target: Path, staging: Path) -> None:
    del target
    writer = IndexWriter(staging)
    for collection, name in order["lines"]:
        with Path(name or "/dev/null").open("rb") as lines:
            while some := list(islice(lines, 1000)):
                writer.add(collection, orjson.loads(b"[%b]" % b",".join(some)))
    result = Path(order["result"])
    result.mkdir()
    for path, body in write_index(writer, [Shelf(*fields) for fields in order["shelves"]], result):
        if not isinstance(body, Path):
            (result / Path(path).name).write_bytes(body)
        else:
            body.rename(result / Path(path).name)


if __name__ == "__main__":
    end_with_parent()
    main()
