"""Reads one variable of a gridded NetCDF file: values, axes and reference system, by the CF conventions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.lengths import metres_of

Floats: TypeAlias = npt.NDArray[np.float64]
TimeRule: TypeAlias = Literal["first", "last", "mean"]

X_NAMES = frozenset({"projection_x_coordinate", "grid_longitude", "longitude"})
Y_NAMES = frozenset({"projection_y_coordinate", "grid_latitude", "latitude"})
_CRS_TEXTS = ("spatial_ref", "crs_wkt", "proj4text", "proj4", "proj4_params", "proj4string")
GEOGRAPHIC = "EPSG:4326"
_REAL_CALENDARS = frozenset({"standard", "gregorian", "proleptic_gregorian"})


@dataclass(frozen=True, slots=True)
class Grid:
    """One variable on one map.

    Attributes:
        name: Name of the variable.
        unit: Its unit, empty where there is none.
        values: Shape (rows, columns); NaN where missing.
        x: Centres of the columns, or of all cells in a curvilinear grid, in units of ``crs``.
        y: Centres of the rows, or of all cells.
        crs: WKT or code of the reference system of ``x`` and ``y``.
        is_classes: Whether values are flags, which have no mean.
        meanings: Value → meaning of flags.
        time: When, ISO 8601 in UTC; empty for means, for files without time and for calendars of models.
    """

    name: str
    unit: str
    values: npt.NDArray[Any]
    x: Floats
    y: Floats
    crs: str
    is_classes: bool
    meanings: Mapping[int, str]
    time: str = ""

    @property
    def is_curvilinear(self) -> bool:
        """Whether every cell has coordinates of its own."""
        return self.x.ndim == 2


def read_grid(path: Path, variable: str | None = None, time: TimeRule | int = "last") -> Grid:
    """Read a variable as a map.

    Args:
        path: NetCDF file.
        variable: Its name; needed where more than one variable is a map.
        time: Which time step (a number counts from 0), or the mean of those that have a value.

    Raises:
        Refusal: The file has no such map, or does not say where its cells are.
    """
    with _opened(path, variable) as (dataset, name):
        return _grid(dataset, name, time, path.name)


def count_steps(path: Path, variable: str | None = None) -> int:
    """Return how many time steps a variable has; 1 where it has no time.

    Raises:
        Refusal: As `read_grid`.
    """
    with _opened(path, variable) as (dataset, name):
        data = dataset[name]
        return int(np.prod([data.sizes[one] for one in data.dims if _clock(dataset, one) is not None], dtype=int))


@contextmanager
def _opened(path: Path, variable: str | None) -> Iterator[tuple[Any, str]]:
    """Open a file and name its map."""
    import xarray as xr

    try:
        with xr.open_dataset(path, decode_times=False, mask_and_scale=True, decode_coords=False) as dataset:
            name = variable or _only_map(dataset, path.name)
            if name not in dataset.variables:
                raise Refusal(
                    f"has no variable `{name}`", path.name, f"it has: {', '.join(_maps(dataset)) or 'no map'}"
                )
            yield dataset, name
    except (OSError, ValueError) as trouble:
        raise Refusal(f"cannot be read: {str(trouble).splitlines()[0]}", path.name, "check it with ncdump -h") from None


def _maps(dataset: Any) -> list[str]:
    """Name the variables with a horizontal grid."""
    return [name for name in dataset.data_vars if _axis(dataset, name, X_NAMES) and _axis(dataset, name, Y_NAMES)]


def _only_map(dataset: Any, where: str) -> str:
    names = [name for name in _maps(dataset) if dataset[name].dtype.kind in "fiu" and dataset[name].ndim >= 2]
    names = [name for name in names if dataset[name].attrs.get("standard_name") not in X_NAMES | Y_NAMES]
    if len(names) != 1:
        hint = f"choose one of: {', '.join(names)}" if names else "its coordinates need CF standard names"
        raise Refusal(f"{len(names)} of its variables are maps", where, hint)
    return str(names[0])


def _axis(dataset: Any, name: str, standard_names: frozenset[str]) -> str:
    """Name the coordinate variable of a variable for one direction; empty where there is none."""
    dimensions = set(dataset[name].dims)
    named = str(dataset[name].attrs.get("coordinates", "")).split()
    found = [
        other
        for other in dataset.variables
        if dataset[other].attrs.get("standard_name") in standard_names
        and dataset[other].ndim in {1, 2}
        and set(dataset[other].dims) <= dimensions
    ]
    found.sort(key=lambda other: (dataset[other].ndim, other not in named))
    return str(found[0]) if found else ""


def _grid(dataset: Any, name: str, time: TimeRule | int, where: str) -> Grid:
    x_name, y_name = _axis(dataset, name, X_NAMES), _axis(dataset, name, Y_NAMES)
    if not (x_name and y_name):
        raise Refusal(f"does not say where the cells of `{name}` are", where, "its coordinates need CF standard names")
    x, y, data = dataset[x_name], dataset[y_name], dataset[name]
    if min(dataset.sizes[one] for one in (*y.dims, *x.dims)) < 2:
        raise Refusal(f"the map of `{name}` is a single row or column", where, "choose a variable with two of each")
    flags, is_classes = _flags(data)
    if is_classes and time == "mean":
        raise Refusal(f"`{name}` holds classes, which have no mean", "time", "use first or last")
    known = data if is_classes else data.where(~_isin(data, flags))
    values, when = _one_map(dataset, known, [*y.dims, *x.dims] if x.ndim == 1 else list(x.dims), time, where)
    return Grid(
        name,
        "" if is_classes else str(data.attrs.get("units", "")),
        np.asarray(values, np.float32 if data.dtype.itemsize <= 4 else np.float64),
        _metres(x),
        _metres(y),
        _crs(dataset, data, x.attrs.get("standard_name"), where),
        is_classes,
        flags if is_classes else {},
        when,
    )


def _one_map(
    dataset: Any, data: Any, across: list[Any], time: TimeRule | int, where: str
) -> tuple[npt.NDArray[Any], str]:
    """Choose the time step, or take the mean, bring rows before columns, and say when it is."""
    further = [one for one in data.dims if one not in across]
    clocks = {one: _clock(dataset, one) for one in further}
    strange = [str(one) for one in further if clocks[one] is None and data.sizes[one] > 1]
    if strange:
        said = f"`{data.name}` has further dimensions: {', '.join(strange)}"
        raise Refusal(said, where, "choose a variable that is one map per time")
    when = ""
    for one in further:
        if time == "mean" and data.sizes[one] > 1:
            data = data.mean(one)
            continue
        step = _step_of(time, data.sizes[one], where) if clocks[one] is not None else 0
        data = data.isel({one: step})
        when = _instant(clocks[one], step) if clocks[one] is not None else when
    return data.transpose(*across).values, when


def _step_of(time: TimeRule | int, steps: int, where: str) -> int:
    if isinstance(time, int) and time >= steps:
        raise Refusal(f"has {steps} time steps, so none is number {time} counted from 0", where, "choose a smaller one")
    return time if isinstance(time, int) else 0 if time == "first" else steps - 1


def _clock(dataset: Any, dimension: Any) -> Any | None:
    """Return the variable that tells the time along a dimension."""
    found = (v for v in dataset.variables.values() if v.dims == (dimension,))
    return next((v for v in found if " since " in str(v.attrs.get("units", ""))), None)


def _instant(clock: Any, step: int) -> str:
    import cftime  # type: ignore[import-untyped]

    value = float(clock.values[step])
    calendar = str(clock.attrs.get("calendar", "standard")).lower()
    if calendar not in _REAL_CALENDARS or not np.isfinite(value):
        return ""
    try:
        when = cftime.num2date(value, clock.attrs["units"], calendar)
    except (ValueError, OverflowError):
        return ""
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


def _flags(data: Any) -> tuple[dict[int, str], bool]:
    """Return flags and whether the variable is nothing else; packed values have flags among them (G02202)."""
    stated = next((data.attrs[key] for key in ("flag_values", "flag_masks") if key in data.attrs), None)
    if stated is None:
        return {}, False
    numbers = np.atleast_1d(stated).tolist()
    stored = np.dtype(data.encoding.get("dtype", data.dtype))
    if str(data.encoding.get("_Unsigned", "")).lower() == "true":
        numbers = [number % (1 << 8 * stored.itemsize) for number in numbers]
    words = str(data.attrs.get("flag_meanings", "")).split()
    words += [""] * (len(numbers) - len(words))
    packed = "scale_factor" in data.encoding or "add_offset" in data.encoding
    whole = stored.kind in "iu"
    scale, offset = data.encoding.get("scale_factor", 1), data.encoding.get("add_offset", 0)
    scaled = [number * scale + offset for number in numbers] if packed else numbers
    return dict(zip(scaled, words, strict=False)), whole and not packed


def _isin(data: Any, flags: Mapping[Any, str]) -> Any:
    found = data.isnull()
    for value in flags:
        found |= abs(data - value) < 1e-6 * max(1.0, abs(value))
    return found


def _crs(dataset: Any, data: Any, standard_name: str | None, where: str) -> str:
    """Return the reference system; a stated WKT goes before single parameters, which are more often wrong."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    mapping = dataset.variables.get(str(data.attrs.get("grid_mapping", "")).partition(":")[0])
    if standard_name == "longitude":
        return GEOGRAPHIC
    if mapping is None:
        raise Refusal("does not name its projection", where, "the variable needs a CF `grid_mapping`")
    texts = [str(mapping.attrs[key]) for key in _CRS_TEXTS if mapping.attrs.get(key)]
    try:
        crs = CRS.from_user_input(texts[0]) if texts else CRS.from_cf(dict(mapping.attrs))
    except (CRSError, KeyError, ValueError, TypeError) as trouble:
        raise Refusal(f"its projection cannot be understood: {trouble}", where, "see CF appendix F") from None
    return str(crs.to_wkt())


def _metres(axis: Any) -> Floats:
    return np.asarray(axis.values, np.float64) * (metres_of(str(axis.attrs.get("units", ""))) or 1.0)
