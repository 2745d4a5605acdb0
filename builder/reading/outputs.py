"""Writes a cut as CSV, NetCDF or Parquet, with units and provenance in each."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from builder.errors import ReadingError
from builder.reading.cutting import WITHIN
from builder.reading.table import pieces, words
from builder.spreadsheet import harmless

if TYPE_CHECKING:
    import xarray as xr

_SAID = ("title", "iaos_source", "iaos_item", "iaos_query", "iaos_distance_m", "citation", "license")

SECONDS = {"units": "seconds since 1970-01-01", "calendar": "standard", "dtype": "float64"}
"""How times are written: every reader of CF knows it, which not all do of xarray's nanoseconds."""


def write(part: xr.Dataset, target: Path) -> None:
    """Write a cut to a file, in the format that its suffix names; the file appears only once it is complete.

    Raises:
        ReadingError: The suffix is none of .csv, .nc and .parquet, the variables do not fit into one table, or there is
            no writing there.
    """
    check_target(target)
    try:
        _put(part, target)
    except (OSError, RuntimeError) as trouble:
        reason = getattr(trouble, "strerror", None) or str(trouble).partition("\n")[0]
        hint = "is the disk full?" if isinstance(trouble, RuntimeError) else ""  # netCDF-C says "HDF error" to that
        raise ReadingError(f"cannot be written: {reason}", where=str(target), hint=hint) from trouble


def _put(part: xr.Dataset, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.stem}-", suffix=target.suffix)
    os.close(handle)
    try:
        WRITERS[target.suffix.lower()](part, Path(name))
        Path(name).chmod(0o644)
        Path(name).replace(target)
    finally:
        Path(name).unlink(missing_ok=True)


def check_target(target: Path | None) -> None:
    """Refuse a file name whose format is unknown, before anything is read.

    Raises:
        ReadingError: The suffix is none of those that can be written.
    """
    if target is not None and target.suffix.lower() not in WRITERS:
        raise ReadingError(f"cannot write {target.name}", hint=f"use one of {', '.join(WRITERS)}")


def csv_parts(part: xr.Dataset) -> Iterator[str]:
    """Yield a cut as CSV: lines of ``#`` that say where it comes from, names with units, a row for each value.

    Times are ISO 8601 in UTC, missing values empty; texts as `builder.spreadsheet` makes them.
    """
    tables = pieces(part)
    first = next(tables)
    for name in _SAID:
        if said := " ".join(str(part.attrs.get(name, "")).split()):
            yield f"# {name.removeprefix('iaos_')}: {said}\n"
    yield _lines([[harmless(_heading(str(name), variable)) for name, variable in first.variables.items()]])
    for table in chain((first,), tables):
        yield _lines(zip(*(_cells(variable) for variable in table.variables.values()), strict=True))


def _lines(rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def _heading(name: str, variable: xr.Variable) -> str:
    if variable.dtype.kind == "M":
        return f"{name} [UTC]"
    units = str(variable.attrs.get("units", ""))
    return f"{name} [{units}]" if units else name


def _cells(variable: xr.Variable) -> list[str]:
    values = variable.values
    if values.dtype.kind == "M":
        return ["" if text == "NaT" else f"{text.removesuffix('.000')}Z" for text in _instants(values)]
    if values.dtype.kind == "f":
        return ["" if np.isnan(value) else str(value) for value in values]
    if values.dtype.kind in "iub":
        return [str(value) for value in values]
    return [harmless(str(value)) for value in _written(values)]


def _written(values: np.ndarray) -> np.ndarray:
    """Return times of model calendars, which no table format knows, as ISO 8601 writes them; others as they are."""
    if values.dtype.kind != "O":
        return values
    return np.array([v.isoformat() if hasattr(v, "isoformat") else v for v in values], dtype=object)


def _instants(values: np.ndarray) -> list[str]:
    """Return times as text; whole seconds are restored where floating point lost up to five milliseconds."""
    exact = values.astype("datetime64[ms]")
    whole = (exact + np.timedelta64(500, "ms")).astype("datetime64[s]").astype("datetime64[ms]")
    near = np.abs(whole - exact) <= np.timedelta64(5, "ms")
    return [str(text) for text in np.datetime_as_string(np.where(near, whole, exact))]


def _write_csv(part: xr.Dataset, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        file.writelines(csv_parts(part))


def _write_netcdf(part: xr.Dataset, path: Path) -> None:
    masked = part
    if WITHIN in part.coords:
        within = part.variables[WITHIN]
        masked = part.drop_vars(WITHIN)
        masked = masked.assign({name: _outside(v.variable, within) for name, v in masked.data_vars.items()})
    masked = masked.assign({name: _unknown(v) for name, v in masked.variables.items() if _is_unknown(v)})
    encoding = {
        str(name): _encoding(variable) for name, variable in masked.variables.items() if variable.dtype.kind != "O"
    }
    masked.to_netcdf(path, engine="netcdf4", encoding=encoding)


def _is_unknown(variable: xr.Variable) -> bool:
    return bool(variable.dtype.kind == "M" and variable.size and np.isnat(variable.values).all())


def _unknown(variable: xr.Variable) -> xr.Variable:
    """Return times all of which are missing as numbers, since xarray encodes times by the first that is known."""
    said = variable.attrs | {"units": SECONDS["units"], "calendar": SECONDS["calendar"]}
    return variable.to_base_variable().copy(data=np.full(variable.shape, np.nan))._replace(attrs=said, encoding={})


def _outside(variable: xr.Variable, within: xr.Variable) -> xr.Variable:
    """Make missing what lies outside of what was asked for; whole numbers stay such, with a fill value."""
    from netCDF4 import default_fillvals

    kind = variable.dtype.kind
    if not set(within.dims) <= set(variable.dims) or kind not in "iufM":
        return variable
    if variable.dtype.itemsize == 1:  # all values of a byte may be in use
        variable = variable.astype("i2")
    fill = {"f": np.nan, "M": np.datetime64("NaT")}.get(kind, default_fillvals.get(variable.dtype.str[1:]))
    asked: xr.Variable = within.set_dims(variable.sizes)  # type: ignore[no-untyped-call]
    kept = np.where(asked.transpose(*variable.dims).values, variable.values, variable.dtype.type(fill))
    return variable.copy(data=kept)._replace(encoding={"_FillValue": fill} if kind in "iu" else variable.encoding)


def _encoding(variable: xr.Variable) -> dict[str, Any]:
    if variable.dtype.kind == "M":
        gaps = {} if np.isnat(variable.values).any() else {"_FillValue": None}
        return gaps | SECONDS | ({"zlib": True, "complevel": 4} if variable.ndim else {})
    filled = (
        {"_FillValue": variable.encoding.get("_FillValue")}
        if variable.dtype.kind in "iuf" and not _has_gaps(variable)
        else {}
    )
    return filled | ({"zlib": True, "complevel": 4} if variable.ndim and variable.dtype.kind in "iuf" else {})


def _has_gaps(variable: xr.Variable) -> bool:
    return variable.dtype.kind == "f" and bool(np.isnan(variable.values).any())


def _write_parquet(part: xr.Dataset, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    tables = pieces(part)
    first = next(tables)
    types = {str(name): _type(part.variables.get(name, variable)) for name, variable in first.variables.items()}
    fields = [pa.field(str(name), types[str(name)], metadata=_facts(v)) for name, v in first.variables.items()]
    said = {name.removeprefix("iaos_"): str(part.attrs[name]) for name in _SAID if name in part.attrs}
    schema = pa.schema(fields, metadata=said)
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        for table in chain((first,), tables):
            columns = {str(name): _written(variable.values) for name, variable in table.variables.items()}
            arrays = [pa.array(columns[one.name], one.type, from_pandas=True) for one in schema]
            file.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _type(variable: xr.Variable) -> Any:
    """Return the type of a column, which all rows tell where they hold objects."""
    import pyarrow as pa

    values = variable.values.ravel()
    return pa.array(_written(words(values)) if values.dtype.kind in "OS" else values[:0], from_pandas=True).type


def _facts(variable: xr.Variable) -> dict[str, str]:
    kept = ("units", "standard_name", "long_name")
    return {name: str(variable.attrs[name]) for name in kept if variable.attrs.get(name) not in {None, ""}}


WRITERS: dict[str, Callable[[xr.Dataset, Path], None]] = {
    ".csv": _write_csv,
    ".nc": _write_netcdf,
    ".parquet": _write_parquet,
}
"""Suffix → writer."""
