"""Reads maps of ice concentration as NSIDC, CERSAT and others by the CF conventions publish them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from processors.errors import Refusal
from processors.icestats.areas import Floats, Transform, cell_areas

Bools: TypeAlias = npt.NDArray[np.bool_]
HEADER = 300
"""Bytes before the cells of an NSIDC-0051 or NSIDC-0081 file, and of a region mask on the same grid."""
NORTH, SOUTH = "EPSG:3411", "EPSG:3412"
NSIDC: Mapping[tuple[int, int], tuple[str, Transform]] = {
    (448, 304): (NORTH, (25000.0, 0.0, -3850000.0, 0.0, -25000.0, 5850000.0)),
    (332, 316): (SOUTH, (25000.0, 0.0, -3950000.0, 0.0, -25000.0, 4350000.0)),
    (896, 608): (NORTH, (12500.0, 0.0, -3850000.0, 0.0, -12500.0, 5850000.0)),
    (664, 632): (SOUTH, (12500.0, 0.0, -3950000.0, 0.0, -12500.0, 4350000.0)),
}
"""Reference system and transform of NSIDC's polar stereographic grids, by rows and columns (NSIDC-0051 user guide)."""
POLE, MISSING = 251, 255
"""NSIDC's flags in a byte; 252 to 254 are lakes, coast and land."""


@dataclass(frozen=True, slots=True, eq=False)
class Concentration:
    """A map of ice concentration.

    Attributes:
        name: What it is called.
        when: Day it shows, ISO 8601; empty where it is not told.
        crs: Reference system.
        transform: Affine coefficients.
        share: Part of each cell that ice covers, 0 to 1; NaN where unknown.
        land: Cells that are land, coast or lake.
        pole: Cells at the pole that no satellite of the series sees.
    """

    name: str
    when: str
    crs: str
    transform: Transform
    share: Floats
    land: Bools
    pole: Bools

    @property
    def areas(self) -> Floats:
        """True areas of its cells, km²."""
        return cell_areas(self.crs, self.transform, (self.share.shape[0], self.share.shape[1]))


def read_concentration(path: Path, name: str | None = None, variable: str | None = None) -> Concentration:
    """Read a map of concentration: NSIDC's binary files, CERSAT's NetCDF, and any NetCDF by the CF conventions.

    Args:
        path: The file.
        name: What to call it; its file name by default.
        variable: Variable of a NetCDF file; needed where it has several.

    Raises:
        Refusal: It is none of these.
    """
    name = name or path.name
    with path.open("rb") as file:
        head = file.read(HEADER)
    if head[:4] in {b"\x89HDF", b"CDF\x01", b"CDF\x02", b"CDF\x05"}:
        return _netcdf(path, name, variable)
    if path.stat().st_size - HEADER in {rows * columns for rows, columns in NSIDC}:
        return _binary(path, name, head)
    raise Refusal("is no map of concentration", name, "give NetCDF or NSIDC-0051 files", "STATS.UNREADABLE")


def read_areas(path: Path, shape: tuple[int, int]) -> Floats:
    """Read NSIDC's areas of cells (``psn25area_v3.dat``), km²: rounded to 0.001, as in their published sums.

    Raises:
        Refusal: It belongs to another grid.
    """
    cells = np.fromfile(path, "<i4")
    if cells.size != shape[0] * shape[1] or path.stat().st_size != 4 * cells.size:
        raise Refusal(f"does not hold {shape[0]} × {shape[1]} cells", path.name, "", "STATS.MIXED_GRIDS")
    return cells.reshape(shape) / 1000.0


def read_mask(path: Path, shape: tuple[int, int], name: str | None = None) -> npt.NDArray[np.int64]:
    """Read codes of regions or of places where ice can be: a NetCDF variable with flags, or bytes after a header.

    Raises:
        Refusal: It belongs to another grid.
    """
    name = name or path.name
    with path.open("rb") as file:
        start = file.read(4)
    if start in {b"\x89HDF", b"CDF\x01", b"CDF\x02", b"CDF\x05"}:
        codes = _flags_in(path, shape, name)
    else:
        held = np.fromfile(path, np.uint8)
        codes = held[HEADER:] if held.size == HEADER + shape[0] * shape[1] else held
    if codes.size != shape[0] * shape[1]:
        raise Refusal(f"does not hold {shape[0]} × {shape[1]} cells", name, "", "STATS.MIXED_GRIDS")
    return codes.reshape(shape).astype(np.int64)


@contextmanager
def _opened(path: Path, name: str) -> Iterator[Any]:
    """Open a NetCDF file; what is damaged or missing in it is a refusal."""
    import netCDF4

    try:
        with netCDF4.Dataset(path) as file:
            yield file
    except (OSError, RuntimeError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as trouble:
        said = str(trouble).replace(str(path), name).splitlines()[0] if str(trouble) else type(trouble).__name__
        raise Refusal(f"cannot be read: {said}", name, "check it with ncdump -h", "STATS.UNREADABLE") from trouble


def _flags_in(path: Path, shape: tuple[int, int], name: str) -> npt.NDArray[Any]:
    with _opened(path, name) as file:
        file.set_auto_maskandscale(False)
        found = [one for one in file.variables.values() if one.shape == shape and "flag_values" in one.ncattrs()]
        return np.asarray(found[0][:]) if len(found) == 1 else np.zeros(0)


def _binary(path: Path, name: str, head: bytes) -> Concentration:
    fields = [head[at : at + 6].strip(b"\x00 ").decode("ascii", "replace") for at in range(0, 126, 6)]
    try:
        columns, rows, scale, year, day = (int(fields[at]) for at in (1, 2, 20, 17, 11))
        crs, transform = NSIDC[rows, columns]
        when = (date(year, 1, 1) + timedelta(day - 1)).isoformat()
    except (ValueError, KeyError, OverflowError):
        raise Refusal(
            "does not begin with a header of NSIDC-0051", name, "give a file as NSIDC publishes it", "STATS.UNREADABLE"
        ) from None
    cells = np.fromfile(path, np.uint8, offset=HEADER)
    if cells.size != rows * columns or not scale:
        raise Refusal(f"does not hold {rows} × {columns} cells", name, "fetch it again", "STATS.UNREADABLE")
    cells = cells.reshape(rows, columns)
    share = np.where(cells <= scale, cells / scale, np.nan)
    land = (cells > POLE) & (cells < MISSING)
    return Concentration(name, when, crs, transform, share, land, cells == POLE)


def _netcdf(path: Path, name: str, variable: str | None) -> Concentration:
    with _opened(path, name) as file:
        attributes = {key.lower(): str(file.getncattr(key)) for key in file.ncattrs()}
        if attributes.get("grid") == "NSIDC" and "pole" in attributes:
            return _cersat(file, name)
    return _by_conventions(path, name, variable)


def _cersat(file: Any, name: str) -> Concentration:
    """Read CERSAT's product, which names NSIDC's grid and has no coordinates; its quality flag 1 is land."""
    import cftime  # type: ignore[import-untyped]

    stored = file["concentration"]
    shape = stored.shape[-2:]
    if shape not in NSIDC or file["quality_flag"].shape != stored.shape:
        raise Refusal("lies on no grid of NSIDC's", name, "", "STATS.UNREADABLE")
    crs, transform = NSIDC[shape]
    stored.set_auto_maskandscale(False)
    cells = np.asarray(stored[0]).astype(np.float64)
    share = np.where((cells >= 0) & (cells <= 100), cells / 100, np.nan)
    land = np.ma.filled(file["quality_flag"][0], 0) == 1
    when = cftime.num2date(float(file["time"][0]), file["time"].units).isoformat()[:10]
    return Concentration(name, when, crs, transform, share, land, np.zeros(cells.shape, bool))


def _by_conventions(path: Path, name: str, variable: str | None) -> Concentration:
    from processors.grids import read_grid

    variable = variable or _variable_of(path, name)
    grid = read_grid(path, variable)
    if grid.is_curvilinear:
        raise Refusal("has a curvilinear grid", name, "regrid it first", "STATS.UNREADABLE")
    if grid.x.size < 2 or grid.y.size < 2:
        raise Refusal("has fewer than 2 × 2 cells", name, "", "STATS.UNREADABLE")
    across, down = (float(axis[-1] - axis[0]) / (axis.size - 1) for axis in (grid.x, grid.y))
    transform = (across, 0.0, float(grid.x[0]) - across / 2, 0.0, down, float(grid.y[0]) - down / 2)
    per_cent = grid.unit in {"%", "percent", "per cent"}
    share = np.round(grid.values.astype(np.float64), 6) / (100 if per_cent else 1)  # 0.15 is less in float32
    if np.nanmax(share, initial=0) > 1.005 or np.nanmin(share, initial=0) < 0:
        raise Refusal(f"`{variable}` is no share between 0 and 1", name, "choose the variable", "STATS.UNREADABLE")
    meant = _meanings(path, name, variable, share.shape)
    return Concentration(
        name,
        grid.time[:10],
        grid.crs,
        transform,
        share,
        meant(lambda word: any(part in word for part in ("land", "coast", "lake"))),
        meant(lambda word: "pole" in word),
    )


def _variable_of(path: Path, name: str) -> str | None:
    """Choose the variable that the file calls its own record, or the only one that is an ice concentration."""
    with _opened(path, name) as file:
        own = str(getattr(file, "cdr_variable", ""))
        if own in file.variables:
            return own
        shares = [
            key
            for key, one in file.variables.items()
            if str(getattr(one, "standard_name", "")) == "sea_ice_area_fraction"
        ]
    if len(shares) > 1:
        hint = f"choose one of: {', '.join(shares)}"
        raise Refusal(f"has {len(shares)} concentrations", f"{name}, variable", hint, "STATS.UNREADABLE")
    return shares[0] if shares else None


def _meanings(
    path: Path, name: str, variable: str | None, shape: tuple[int, ...]
) -> Callable[[Callable[[str], bool]], Bools]:
    """Return what marks the last map's cells whose flag has a meaning that is wanted."""
    with _opened(path, name) as file:
        file.set_auto_maskandscale(False)
        stored: Any = file.variables.get(variable or "")
        flags = np.atleast_1d(getattr(stored, "flag_values", ()))
        words = str(getattr(stored, "flag_meanings", "")).lower().split()
        cells = np.asarray(stored[:]).reshape(-1, *shape)[-1] if len(flags) else np.zeros(shape)

    def marks(wanted: Callable[[str], bool]) -> Bools:
        chosen = [flag for flag, word in zip(flags, words, strict=False) if wanted(word)]
        found: Bools = np.isin(cells, chosen)
        return found

    return marks
