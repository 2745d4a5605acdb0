"""Writes the table of a collection's items: rows of unchanged items come from the table of the build before."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import sha256
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from builder.tables.rows import POLAR, Json, item_row
from builder.tables.writer import Layout, table_of, write_parts

if TYPE_CHECKING:
    import pyarrow as pa

    from builder.geometry.polar import Integers
    from builder.tables.writer import RowShare


BATCH = 1024
"""Rows of the table before that are read together."""


class ItemsTable:
    """Takes items in any order and writes their rows sorted; in memory are places, years and ids.

    Args:
        read: Gives the bytes of the Item with an id.
    """

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._layout = Layout()
        self._same = bytearray()

    def add(self, shares: Sequence[RowShare | Sequence[Any]], shapes: Iterable[str | bytes], *, same: bool) -> None:
        """Take in Items.

        Args:
            shares: What `builder.tables.writer.share_of` says of each row.
            shapes: What `builder.tables.writer.shapes_of` says of them, once.
            same: All are as before.
        """
        self._layout.add(shares, shapes)
        self._same.extend(repeat(same, len(shares)))

    def write(self, path: Path, about: Json, before: tuple[Path, str] | None) -> str:
        """Write the table; the bytes are the same whether rows of the table before are used or not.

        Args:
            path: Where to write.
            about: As for `TableWriter.write`.
            before: Table of the build before and what this function returned for it, where both are known.

        Returns:
            The key of the table: rows may go over into another table of the same key.
        """
        schema, dropped = self._layout.schema(about)
        key = sha256(schema.remove_metadata().serialize().to_pybytes() + orjson.dumps(sorted(dropped))).hexdigest()
        polar = self._layout.polar()
        same = np.frombuffer(self._same, bool) & bool(before and before[1] == key)
        old = (
            _Old(before[0], [self._layout.ids[row] for row in np.flatnonzero(same)], schema)
            if before and same.any()
            else None
        )

        def part(rows: Integers) -> pa.Table:
            fresh = rows[~same[rows]]
            made = table_of(self._lines(fresh), schema, polar[fresh], dropped) if len(fresh) else None
            if old is None or len(fresh) == len(rows):
                return made
            return _woven(old.take(len(rows) - len(fresh)), made, same[rows])

        write_parts(path, schema, self._layout.order(polar), part)
        return key

    def _lines(self, rows: Integers) -> bytes:
        return b"".join(self._line(self._layout.ids[row]) for row in rows)

    def _line(self, name: str) -> bytes:
        row = item_row(orjson.loads(self._read(name)))
        row.pop(POLAR, None)
        return orjson.dumps(row) + b"\n"


class _Old:
    """The rows of an earlier table that are wanted again, in their order, a few thousand in memory."""

    def __init__(self, path: Path, ids: Sequence[str], schema: pa.Schema) -> None:
        self._rows = self._wanted(path, ids, schema)
        self._rest: list[pa.Table] = []

    def take(self, count: int) -> pa.Table:
        """Return the next rows."""
        import pyarrow as pa

        while sum(map(len, self._rest)) < count:
            self._rest.append(next(self._rows))
        joined = pa.concat_tables(self._rest)
        self._rest = [joined.slice(count)]
        return joined.slice(0, count)

    @staticmethod
    def _wanted(path: Path, ids: Sequence[str], schema: pa.Schema) -> Iterator[pa.Table]:
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        with pq.ParquetFile(path, pre_buffer=False) as file:
            wanted = pc.is_in(file.read(["id"], use_threads=False)["id"], pa.array(ids))
            for batch in file.iter_batches(BATCH, use_threads=False):
                yield pa.Table.from_batches([batch]).cast(schema).filter(wanted.slice(0, len(batch)))
                wanted = wanted.slice(len(batch))


def _woven(old: pa.Table, made: pa.Table | None, same: Any) -> pa.Table:
    """Return the rows of both in the order of the flags; in one piece, on which the bytes of a file depend."""
    import pyarrow as pa

    if made is None:
        return old.combine_chunks()
    places = np.where(same, np.cumsum(same) - 1, len(old) + np.cumsum(~same) - 1)
    return pa.concat_tables([old, made]).combine_chunks().take(pa.array(places)).combine_chunks()
