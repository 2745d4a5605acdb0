"""Writes stac-geoparquet: rows go to a scratch file one by one, then sorted into row groups; memory stays flat."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from builder.geometry.polar import HALF_KM, Integers, cells_of, hilbert, polar_bounds
from builder.spool import Spool
from builder.stac.extensions import BY_FIELD, BY_PREFIX
from builder.tables.rows import FIRST, POLAR, TIMES, Json
from builder.tables.shape import Shape, Told

if TYPE_CHECKING:
    import pyarrow as pa

ROW_GROUP = 4096
"""Rows that a reader gets or skips together."""

_SIDES = ("xmin", "ymin", "xmax", "ymax")
_NOWHERE = (np.nan,) * 4


class RowShare(NamedTuple):
    """What the layout of a table has to know of each row; `shapes_of` it is the other half.

    Attributes:
        id: Its id.
        year: In which it begins; -1 where nobody knows.
        polar: West, south, east and north of its place, if it has one.
        box: The same as its column has it.
        kind: Type of its geometry.
    """

    id: str
    year: int
    polar: Sequence[float] | None
    box: Sequence[float] | None
    kind: str | None


def share_of(row: Json) -> RowShare:
    """Return what the layout of a table has to know of each row that `builder.tables.rows` made."""
    return RowShare(
        row["id"],
        int(str(row.get("datetime") or row.get("start_datetime") or "-1")[:4]),
        row.get(POLAR),
        [row["bbox"][side] for side in _SIDES] if row["bbox"] else None,
        orjson.loads(row["geometry"])["type"] if row["geometry"] else None,
    )


def shapes_of(row: Json) -> bytes:
    """Return as JSON the shape of each of its fields, which many rows have in common."""
    shapes: dict[str, Told] = {}
    for name, value in row.items():
        if name != POLAR:
            shape = Shape()
            shape.learn(value)
            shapes[name] = shape.told()
    return orjson.dumps(shapes)


class Layout:
    """Schema and order of a table, from the shares of its rows in any order."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self._boxes = array("d")
        self._years = array("i")
        self._shapes: dict[str, Shape] = {}
        self._known: set[str | bytes] = set()
        self._geometries: set[str] = set()
        self._bounds = 180.0, 90.0, -180.0, -90.0

    def add(self, shares: Sequence[RowShare | Sequence[Any]], shapes: Iterable[str | bytes]) -> None:
        """Take in what `share_of` says of rows, also as JSON has it, and what `shapes_of` says of any of them."""
        ids, years, polar, boxes, kinds = zip(*shares, strict=True)
        self.ids += ids
        self._years.extend(years)
        self._boxes.extend(chain.from_iterable(box or _NOWHERE for box in polar))
        placed = [number for number, box in enumerate(polar) if box]
        if placed:
            self._geometries.update(kinds[number] for number in placed)
            west, south, east, north = zip(self._bounds, *(boxes[number] for number in placed), strict=True)
            self._bounds = min(west), min(south), max(east), max(north)
        for told in shapes:
            if told not in self._known:
                self._known.add(told)
                for name, shape in orjson.loads(told).items():
                    self._shapes.setdefault(name, Shape()).merge(shape)

    def polar(self) -> Integers:
        """Return the polar boxes of all rows; those of rows without a place are not to be used."""
        boxes = np.frombuffer(self._boxes, np.float64).reshape(-1, 4) if self._boxes else np.empty((0, 4))
        placed = ~np.isnan(boxes[:, 0])
        bounds = np.full(boxes.shape, HALF_KM + 1, np.int64)
        bounds[placed] = polar_bounds(boxes[placed])
        return bounds

    def order(self, polar: Integers) -> Integers:
        """Sort by year, then along a Hilbert curve through polar space, then by id."""
        curve = hilbert(*cells_of(polar), bits=14)
        ids = sorted(range(len(self.ids)), key=self.ids.__getitem__)
        rank = np.empty(len(self.ids), np.int64)
        rank[ids] = np.arange(len(self.ids))
        return np.lexsort((rank, curve, np.array(self._years)))

    def schema(self, about: Mapping[str, Any]) -> tuple[pa.Schema, frozenset[str]]:
        """Return the schema with its metadata, and the extensions whose fields no column can hold."""
        import pyarrow as pa

        box = {"bbox": _box(pa.float64()), POLAR: _box(pa.int32())}
        fixed = box | {"geometry": pa.binary()} | {name: pa.timestamp("us", "UTC") for name in TIMES}
        found = {name: fixed.get(name) or shape.arrow() for name, shape in self._shapes.items()} | {POLAR: box[POLAR]}
        held = {name: kind for name, kind in found.items() if kind is not None}
        names = [name for name in FIRST if name in held] + sorted(held.keys() - set(FIRST))
        lost = {_extension(name) for name in found.keys() - held.keys() if self._shapes[name].kinds}
        schema = pa.schema([(name, held[name]) for name in names])
        return schema.with_metadata(self._metadata(about)), frozenset(lost - set(map(_extension, names)) - {""})

    def _metadata(self, about: Mapping[str, Any]) -> dict[str, bytes]:
        column: Json = {"encoding": "WKB", "geometry_types": sorted(self._geometries), "edges": "planar"}
        column["covering"] = {"bbox": {side: ["bbox", side] for side in _SIDES}}
        if self._geometries:
            column["bbox"] = self._bounds
        geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": column}}
        return {"geo": orjson.dumps(geo), "stac-geoparquet": orjson.dumps({"version": "1.0.0", **about})}


class TableWriter:
    """Takes rows in any order and writes them sorted.

    Args:
        folder: Where the scratch file may lie.
    """

    def __init__(self, folder: Path) -> None:
        self._spool = Spool(folder)
        self._layout = Layout()

    def add(self, row: Json) -> None:
        """Take in a row that `builder.tables.rows` made."""
        self._layout.add([share_of(row)], [shapes_of(row)])
        self._spool.append({name: value for name, value in row.items() if name != POLAR})

    def write(self, path: Path, about: Mapping[str, Any]) -> None:
        """Write the file; the same rows give the same bytes, whatever their order was.

        Args:
            path: Where to write.
            about: What the key ``stac-geoparquet`` of its metadata says besides the version.
        """
        schema, dropped = self._layout.schema(about)
        polar = self._layout.polar()

        def part(rows: Integers) -> pa.Table:
            return table_of(self._spool.lines(rows), schema, polar[rows], dropped)

        write_parts(path, schema, self._layout.order(polar), part)

    def close(self) -> None:
        """Give the scratch file back."""
        self._spool.close()


def write_parts(path: Path, schema: pa.Schema, order: Integers, part: Callable[[Integers], pa.Table]) -> None:
    """Write a table by row groups; ``part`` gives the rows of one."""
    import pyarrow.parquet as pq

    with pq.ParquetWriter(path, schema, compression="zstd", write_page_index=True) as writer:
        for first in range(0, len(order), ROW_GROUP):
            writer.write_table(part(order[first : first + ROW_GROUP]), row_group_size=ROW_GROUP)
        if not len(order):
            writer.write_table(schema.empty_table())


def _extension(name: str) -> str:
    return BY_PREFIX.get(name.partition(":")[0], "") if ":" in name else BY_FIELD.get(name, "")


def _box(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    return pa.struct([(side, kind) for side in _SIDES])


def table_of(lines: bytes, schema: pa.Schema, polar: Integers, dropped: frozenset[str]) -> pa.Table:
    """Read rows as JSON into columns; what the schema does not hold is passed over."""
    import pyarrow as pa
    import pyarrow.json as pj

    asked = pa.schema([pa.field("geometry", pa.string()) if f.name == "geometry" else f for f in schema])
    table = pj.read_json(
        pa.BufferReader(lines),
        read_options=pj.ReadOptions(use_threads=False, block_size=len(lines) + 1),
        parse_options=pj.ParseOptions(explicit_schema=asked, unexpected_field_behavior="ignore"),
    )
    made = {"geometry": _wkb(table["geometry"]), POLAR: _sides(polar)}
    if dropped:
        made["stac_extensions"] = _without(table["stac_extensions"], dropped)
    return pa.table([made.get(name, table[name]) for name in schema.names], schema=schema)


def _wkb(texts: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa
    import shapely

    return pa.array(shapely.to_wkb(shapely.from_geojson(texts.to_numpy())), pa.binary())


def _sides(polar: Integers) -> pa.Array:
    import pyarrow as pa

    nowhere = pa.array(polar[:, 0] > HALF_KM)
    return pa.StructArray.from_arrays([pa.array(side, pa.int32()) for side in polar.T], _SIDES, mask=nowhere)


def _without(extensions: pa.ChunkedArray, dropped: frozenset[str]) -> pa.Array:
    import pyarrow as pa

    kept: Iterator[list[str]] = ([uri for uri in row or () if uri not in dropped] for row in extensions.to_pylist())
    return pa.array(list(kept), pa.list_(pa.string()))
