"""Reads of a table of items only the row groups and columns a search needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from builder.search.area import Area, Mask
from builder.search.conditions import Json, column_of, holds, names_in
from builder.search.period import FIRST, LAST, Period
from builder.tables.rows import POLAR

if TYPE_CHECKING:
    import pyarrow as pa

SIDES = ("xmin", "ymin", "xmax", "ymax")
TIMES = ("datetime", "start_datetime", "end_datetime", "iaos:ongoing")


@dataclass(frozen=True)
class Question:
    """What items must fulfil to be found.

    Attributes:
        area: Where.
        period: When: first and last instant.
        ids: Which; None for any.
        conditions: On properties, as CQL2 JSON.
        wanted: Properties to return with the id of each hit.
    """

    area: Area | None = None
    period: Period | None = None
    ids: frozenset[str] | None = None
    conditions: tuple[Json, ...] = ()
    wanted: tuple[str, ...] = field(default=())

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that have to be read, without those of the place."""
        names = [column_of(name)[0] for name in (*names_in(list(self.conditions)), *self.wanted)]
        return tuple(dict.fromkeys(["id", *(TIMES if self.period else ()), *names]))


def scan(stream: BinaryIO, question: Question) -> Iterator[pa.Table]:
    """Yield the rows of a table of items that answer a question, group by group.

    Args:
        stream: The Parquet file.
        question: What is asked.

    Yields:
        Tables of ``id`` and the columns of the wanted properties.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.PythonFile(stream, "r"), pre_buffer=True)
    held = set(file.schema_arrow.names)
    for group in _groups(file, question):
        first = [*question.columns, *([POLAR] if question.area else [])]
        table = file.read_row_group(group, [name for name in first if name in held], use_threads=False)
        found = _answering(table, question)
        if question.area is not None and found.any():
            found[found] = _near(table.filter(pa.array(found)), question.area)
            if found.any():
                geometries = file.read_row_group(group, ["geometry"], use_threads=False)["geometry"]
                found[found] = _meeting(geometries.filter(pa.array(found)), question.area)
        if found.any():
            yield table.filter(pa.array(found)).select([name for name in question.columns if name in held])


def values_of(table: pa.Table, name: str) -> pa.Array:
    """Return the values of a property; nulls where the table has none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    first, *rest = column_of(name)
    if first not in table.column_names:
        return pa.nulls(len(table))
    values = table[first].combine_chunks()
    for step in rest:
        if not pa.types.is_struct(values.type) or step not in {f.name for f in values.type}:
            return pa.nulls(len(table))
        values = pc.struct_field(values, step)
    return values


def _answering(table: pa.Table, question: Question) -> Mask:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = np.ones(len(table), bool)
    if question.ids is not None:
        found &= pc.is_in(table["id"], value_set=pa.array(sorted(question.ids), pa.string())).to_numpy()
    if question.period:
        found &= _during(table, question.period)
    for condition in question.conditions:
        answer = holds(condition, lambda name: values_of(table, name))
        found &= pc.fill_null(answer, fill_value=False).to_numpy(zero_copy_only=False)
    return found


def _during(table: pa.Table, period: Period) -> Mask:
    """Tell which items meet a period; one that goes on meets all that is later."""
    import pyarrow as pa
    import pyarrow.compute as pc

    stamp = pa.timestamp("us", "UTC")
    moment, start, end, ongoing = (values_of(table, name) for name in TIMES)
    moment, start, end = (pc.cast(values, stamp) for values in (moment, start, end))
    end = pc.if_else(pc.fill_null(pc.cast(ongoing, pa.bool_()), fill_value=False), pa.scalar(LAST, stamp), end)
    starts = pc.coalesce(start, moment, pa.scalar(FIRST, stamp))
    ends = pc.coalesce(end, moment, pa.scalar(LAST, stamp))
    inside = pc.and_(
        pc.less_equal(starts, pa.scalar(period[1], stamp)), pc.greater_equal(ends, pa.scalar(period[0], stamp))
    )
    during: Mask = inside.to_numpy(zero_copy_only=False)
    return during


def _near(table: pa.Table, area: Area) -> Mask:
    import pyarrow.compute as pc

    boxes = table[POLAR].combine_chunks()
    placed: Mask = boxes.is_valid().to_numpy(zero_copy_only=False)
    near = np.zeros(len(table), bool)
    sides = [pc.fill_null(pc.struct_field(boxes, side), 0).to_numpy() for side in SIDES]
    near[placed] = area.near(np.vstack(sides).T[placed])
    return near


def _meeting(geometries: pa.ChunkedArray, area: Area) -> Mask:
    import shapely

    return area.meets(shapely.from_wkb(geometries.to_numpy()))


def _groups(file: Any, question: Question) -> Iterator[int]:
    """Yield the row groups that may hold an answer, by the statistics in the file's footer."""
    about = file.metadata
    place = {about.schema.column(number).path: number for number in range(len(about.schema))}
    for group in range(about.num_row_groups):
        said = about.row_group(group)

        def ends(name: str, said: Any = said) -> tuple[Any, Any] | None:
            statistics = said.column(place[name]).statistics if name in place else None
            return (statistics.min, statistics.max) if statistics is not None and statistics.has_min_max else None

        if said.num_rows and _may_be_near(ends, question.area) and _may_be_during(ends, question.period):
            yield group


def _may_be_near(ends: Any, area: Area | None) -> bool:
    sides = [ends(f"{POLAR}.{side}") for side in SIDES]
    if area is None:
        return True
    if None in sides:
        return False
    (low_x, _), (low_y, _), (_, high_x), (_, high_y) = sides
    return bool(area.near([[low_x, low_y, high_x, high_y]])[0])


def _may_be_during(ends: Any, period: Period | None) -> bool:
    if period is None or ends("iaos:ongoing"):
        return True
    known: list[tuple[datetime, datetime]] = [found for name in TIMES[:3] if (found := ends(name))]
    return not known or (min(low for low, _ in known) <= period[1] and max(high for _, high in known) >= period[0])
