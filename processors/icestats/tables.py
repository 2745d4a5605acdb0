"""Writes rows as CSV for people and as Parquet for programs, with the same columns and the same bytes each time."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from processors.protocol import JSON

Rows = Sequence[Mapping[str, JSON]]


def write_csv(path: Path, rows: Rows) -> None:
    """Write rows as CSV (RFC 4180); numbers with ten digits, nothing for None."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(rows[0])
        for row in rows:
            table.writerow([_text(value) for value in row.values()])


def write_parquet(path: Path, rows: Rows) -> None:
    """Write rows as Parquet: numbers as float64 or int64, texts as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = list(rows[0])
    columns = {name: _column([row[name] for row in rows]) for name in names}
    pq.write_table(pa.table(columns), path, compression="zstd")


def columns_of(rows: Rows) -> dict[str, JSON]:
    """Return the columns as the table extension 1.2 has them."""
    kinds = {str: "string", bool: "bool", int: "int64", float: "double"}
    listed = []
    for name in rows[0]:
        value = next((row[name] for row in rows if row[name] is not None), 0.0)
        listed.append({"name": name, "type": kinds.get(type(value), "double")})
    return {"table:columns": listed, "table:row_count": len(rows)}


def _column(values: Sequence[JSON]) -> JSON:
    import pyarrow as pa

    told = [value for value in values if value is not None]
    if told and all(isinstance(value, bool) for value in told):
        return pa.array(values, pa.bool_())
    if told and all(isinstance(value, str) for value in told):
        return pa.array(values, pa.string())
    if told and all(isinstance(value, int) for value in told):
        return pa.array(values, pa.int64())
    return pa.array([None if value is None else float(value) for value in values], pa.float64())


def _text(value: JSON) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in {"=", "+", "-", "@"} else value
    return str(value).lower() if isinstance(value, bool) else f"{value:.10g}"
