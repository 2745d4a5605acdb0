"""Reads observations from whatever a user has: STAC items, kerchunk references, NetCDF files and CSV tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from processors.errors import Refusal
from processors.geostat.observations import Observations, join
from processors.geostat.profiles import read_profiles
from processors.geostat.tabular import read_csv
from processors.protocol import JSON, Input

GOOD_FLAGS = (1, 2, 5, 7, 8)
"""Good, probably good, changed, nominal and interpolated (Copernicus Marine in situ reference table 2)."""

_NETCDF = ("application/netcdf", "application/x-netcdf")
_KINDS = {".nc": "netcdf", ".nc4": "netcdf", ".cdf": "netcdf", ".csv": "csv", ".json": "json", ".geojson": "json"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of each file.

    Attributes:
        variable: Name of the variable.
        second: Name of a second one.
        flags: Quality flags whose values are kept.
    """

    variable: str
    second: str | None = None
    flags: tuple[int, ...] = GOOD_FLAGS


def read_observations(inputs: Sequence[Input], wanted: Wanted) -> tuple[Observations, tuple[Input, ...]]:
    """Read all files, and name those that held the data: an item's data file stands for the item.

    Raises:
        Refusal: A file cannot be read, holds no such variable, or differs in unit from another.
    """
    parts, files = [], []
    for one in inputs:
        for file in data_files(one):
            parts.append(_read(file, wanted))
            files.append(file)
    table = join(parts)
    return table, tuple(files)


def data_files(one: Input) -> tuple[Input, ...]:
    """Return the data files of an input: itself, or what the assets of a STAC item lead to.

    Raises:
        Refusal: An item leads to no file that can be read here, or to another file than it says.
    """
    document = _document(one) if _kind(one.path) == "json" else None
    if document is None or document.get("type") != "Feature":
        return (one,)
    assets = document.get("assets")
    chosen = [
        asset for asset in (assets.values() if isinstance(assets, Mapping) else ()) if isinstance(asset, Mapping)
        and "data" in (asset.get("roles") or ["data"]) and _readable(asset)
    ]  # fmt: skip
    if not chosen:
        raise Refusal("its item has no asset with NetCDF or CSV data", Path(one.href).name, "give the file itself")
    return tuple(_asset(asset, one) for asset in chosen)


def _readable(asset: Mapping[str, JSON]) -> bool:
    kind = str(asset.get("type", "")).partition(";")[0]
    return kind in (*_NETCDF, "text/csv") or _kind(Path(urlsplit(str(asset.get("href", ""))).path)) in {"netcdf", "csv"}


def _asset(asset: Mapping[str, JSON], item: Input) -> Input:
    where, href = Path(item.href).name, str(asset.get("href", ""))
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        hint = "download it and put it beside the item, or give it as input"
        raise Refusal(f"its item leads to {href[:200]}, which is not on this machine", where, hint, "GEOSTAT.NOT_HERE")
    path = _beside(item.path, unquote(parts.path), where)
    file = Input.of(path, href)
    stated = str(asset.get("file:checksum", ""))
    if stated.startswith("1220") and stated[4:].lower() != file.sha256:
        raise Refusal(f"{href} is not the file that its item describes", where, "its checksum differs: get it anew")
    return file


def _beside(document: Path, relative: str, where: str) -> Path:
    """Return a file named by a document; it must lie in the document's folder or below."""
    folder = document.resolve().parent
    path = (folder / relative).resolve()
    if not path.is_relative_to(folder):
        raise Refusal(f"leads to {relative[:200]!r}, outside its folder", where, "give the file itself")
    if not path.is_file():
        raise Refusal(f"leads to {relative[:200]!r}, which is not there", where, "put the file beside it")
    return path


def _kind(path: Path) -> str:
    return _KINDS.get(path.suffix.lower(), "")


def _document(one: Input) -> Mapping[str, JSON]:
    try:
        document = json.loads(one.path.read_bytes())
    except (OSError, ValueError) as trouble:
        raise Refusal(f"is no JSON: {trouble}", Path(one.href).name) from None
    if not isinstance(document, Mapping):
        raise Refusal("is neither a STAC item nor kerchunk references", Path(one.href).name)
    return document


def _read(file: Input, wanted: Wanted) -> Observations:
    where, kind = Path(file.href).name, _kind(file.path) or _sniff(file.path)
    if kind == "csv":
        return read_csv(file.path, wanted.variable, wanted.second, where)
    if kind == "json":
        return _read_references(file, wanted, where)
    if kind == "netcdf":
        return _read_dataset(str(file.path), {}, wanted, where)
    raise Refusal("is no NetCDF, CSV, STAC item or kerchunk reference", where, "see `iaos process describe geostat`")


def _sniff(path: Path) -> str:
    """Tell the kind of a file by its first bytes."""
    with path.open("rb") as file:
        head = file.read(8)
    return "netcdf" if head[:3] == b"CDF" or head == b"\x89HDF\r\n\x1a\n" else ""


def _read_dataset(source: Any, options: Mapping[str, Any], wanted: Wanted, where: str) -> Observations:
    import xarray as xr

    try:
        with xr.open_dataset(
            source, decode_times=False, mask_and_scale=True, decode_coords=False, **options
        ) as dataset:
            return read_profiles(dataset, wanted.variable, wanted.second, wanted.flags, where)
    except (OSError, ValueError, KeyError) as trouble:
        raise Refusal(f"cannot be read: {str(trouble).splitlines()[0]}", where, "check it with ncdump -h") from None


def _read_references(file: Input, wanted: Wanted, where: str) -> Observations:
    """Read through kerchunk references, whose data files must lie beside them."""
    from fsspec.implementations.asyn_wrapper import AsyncFileSystemWrapper
    from fsspec.implementations.local import LocalFileSystem
    from fsspec.implementations.reference import ReferenceFileSystem
    from zarr.storage import FsspecStore

    refs = _document(file).get("refs")
    if not isinstance(refs, Mapping):
        raise Refusal("is neither a STAC item nor kerchunk references", where)
    local = {key: _local(value, file, where) for key, value in refs.items()}
    disk = AsyncFileSystemWrapper(LocalFileSystem(), asynchronous=True)
    known = {None: disk, "file": disk, "local": disk}
    files = ReferenceFileSystem({"version": 1, "refs": local}, fs=known, asynchronous=True, skip_instance_cache=True)
    store = FsspecStore(files, read_only=True, path="")
    return _read_dataset(store, {"engine": "zarr", "consolidated": False, "zarr_format": 2}, wanted, where)


def _local(value: JSON, file: Input, where: str) -> JSON:
    if not isinstance(value, list):
        return value
    parts = urlsplit(str(value[0]))
    if parts.scheme or parts.netloc:
        hint = "put the data file beside the references, and its name into them"
        raise Refusal(f"refers to {str(value[0])[:200]}, which is not beside it", where, hint, "GEOSTAT.NOT_HERE")
    return [str(_beside(file.path, unquote(parts.path), where)), *value[1:]]
