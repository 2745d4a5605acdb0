"""Opens what the catalogue describes as an xarray Dataset, by the fastest path that is right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from builder.errors import IaosError, ReadingError, UnsuitedError
from builder.reading.locate import Source, fetch, locate

if TYPE_CHECKING:
    import netCDF4
    import xarray as xr

CONCURRENCY = 64
"""Chunks read at a time; zarr's own default of 10 makes a series three to four times slower over a slow line."""

MAX_WHOLE_BYTES = 512 * 2**20
"""Largest remote file that is fetched whole for want of references."""


@dataclass(frozen=True)
class Opened:
    """An open dataset, what it was opened from, its chunk references by key (None for a file), and other groups."""

    dataset: xr.Dataset
    source: Source
    references: Mapping[str, Any] | None = None
    groups: tuple[str, ...] = ()


def open(  # noqa: A001
    item_or_url: Any, *, group: str | None = None, time_major: bool = False, **options: Any
) -> xr.Dataset:
    """Open an item, a collection with combined references, a reference file or a NetCDF file as an xarray Dataset.

    A group has with it what it uses of the groups around it, which `xarray.open_dataset` leaves out: coordinates of
    its dimensions and what its variables name. Nothing but coordinates is read until values are asked for. References
    are read with 64 chunks at a time, for which zarr's ``async.concurrency`` is raised in this process. Every part that
    is read is checked against the size and ETag that were recorded when the references were made.

    Args:
        item_or_url: A `pystac.Item` or `pystac.Collection`, the same as a dictionary, or the path or address of
            either, of kerchunk references (JSON or a Parquet folder) or of a NetCDF file.
        group: Group of the file, such as ``data/profiles``; the root where not given.
        time_major: Open the collection's copy with all times of a place together, for series at few places.
        options: Passed on to `xarray.open_dataset` (``decode_cf``, ``chunks``, …).

    Raises:
        ReadingError: There is nothing that can be opened; the message says what to do.
        StaleError: The data file changed after its references were made. Values read later raise fsspec's
            ``ReferenceNotReachable`` with this as cause.
        FetchError: The address does not answer.
    """
    source = locate(item_or_url)
    if time_major:
        if source.time_major is None:
            raise ReadingError("there is no copy with all times of a place together", where=source.item or source.href)
        source = source.time_major
    return opened(source, group, **options).dataset


def opened(source: Source, group: str | None = None, **options: Any) -> Opened:
    """Open a located source; arguments and errors as for `open`."""
    return _references(source, group, options) if source.kind == "references" else _netcdf(source, group, options)


def _references(source: Source, group: str | None, options: dict[str, Any]) -> Opened:
    import xarray as xr
    import zarr
    from zarr.storage import FsspecStore

    from builder.reading.store import reference_files

    wanted = (group or "").strip("/")
    files, groups = reference_files(source, wanted)
    if files is None:
        raise _no_group(source, wanted, groups)
    if zarr.config.get("async.concurrency") < CONCURRENCY:
        zarr.config.set({"async.concurrency": CONCURRENCY})
    settings: dict[str, Any] = {"zarr_format": 2, "consolidated": False} | options
    store: Any = FsspecStore(files, read_only=True, path="")
    try:
        dataset = xr.open_dataset(store, engine="zarr", **settings)
    except RuntimeError as trouble:
        raise told(trouble) from trouble
    except (OSError, ValueError) as trouble:
        raise _unreadable(trouble, "references", source.href) from trouble
    if not dataset.variables and not wanted and len(groups) > 1:
        raise _no_group(source, wanted, groups)
    return Opened(dataset, source, files.references, _others(groups, wanted))


def _no_group(source: Source, wanted: str, groups: list[str]) -> UnsuitedError:
    listed = ", ".join(filter(None, groups))
    message = f"there is no group {wanted!r}" if wanted else "all variables are in groups"
    return UnsuitedError(
        message, where=source.item or source.href, hint=f"choose a group: {listed}" if listed else "it has none"
    )


def _netcdf(source: Source, group: str | None, options: dict[str, Any]) -> Opened:
    import netCDF4
    import xarray as xr

    from builder.enrich.groupstore import group_store

    name, wanted = source.href, (group or "").strip("/")
    if "://" not in name and not Path(name).is_file():
        raise ReadingError("no such file", where=name)
    try:
        # all through one handle: netCDF-C 4.10 may crash where one is closed while another of the file is read
        root = group_store(
            name if "://" not in name else netCDF4.Dataset("data.nc", memory=fetch(name, MAX_WHOLE_BYTES))
        )
        with ExitStack() as stack:
            stack.callback(root.close)
            others = _check_group(root.ds, source, wanted)
            opened = xr.open_dataset(root.inside(wanted), **options)
            stack.pop_all()
        opened.encoding["source"] = name
        return Opened(opened, source, groups=others)
    except (OSError, ValueError) as trouble:
        raise _unreadable(trouble, "NetCDF", name) from trouble


def _check_group(file: netCDF4.Dataset, source: Source, wanted: str) -> tuple[str, ...]:
    groups = dict(_groups(file))
    holding = [path for path, holds in groups.items() if holds]
    if wanted not in groups or (not (wanted or groups[""]) and holding):
        raise _no_group(source, wanted, holding)
    return _others(holding, wanted)


def _others(groups: list[str], wanted: str) -> tuple[str, ...]:
    return tuple(name for name in groups if name and name != wanted)


def _groups(group: netCDF4.Dataset | netCDF4.Group, path: str = "") -> Iterator[tuple[str, bool]]:
    """Yield the path of each group, and whether it holds variables."""
    yield path, bool(group.variables)
    for name, inner in group.groups.items():
        yield from _groups(inner, f"{path}/{name}".strip("/"))


def _unreadable(trouble: OSError | ValueError, kind: str, where: str) -> UnsuitedError:
    reason = getattr(trouble, "strerror", None) or str(trouble).partition("\n")[0]
    return UnsuitedError(f"cannot be opened as {kind}: {reason}", where=where)


def told(trouble: BaseException) -> IaosError:
    """Return our own error that lies behind one of fsspec's, or one that says the same."""
    cause: BaseException | None = trouble
    while cause is not None:
        if isinstance(cause, IaosError):
            return cause
        cause = cause.__cause__
    return ReadingError(str(trouble).partition("\n")[0])
