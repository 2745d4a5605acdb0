"""Asks kerchunk where the chunks of a NetCDF file lie and how they are encoded; imported in the child process only."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numcodecs  # type: ignore[import-untyped]
from kerchunk.hdf import SingleHdf5ToZarr
from kerchunk.netCDF3 import NetCDF3ToZarr

from builder.enrich.guard import first_line
from builder.errors import UnreferenceableError

MAX_REFERENCES = 50_000

_DEFLATE, _SHUFFLE, _FLETCHER32, _ZSTD, _BLOSC = 1, 2, 3, 32015, 32001
_BLOSC_COMPRESSORS = ("blosclz", "lz4", "lz4hc", "snappy", "zlib", "zstd")


def translate(path: Path, kind: str) -> dict[str, Any]:
    """Return kerchunk's references of one file, with the local path as target and nothing inlined.

    Attributes and fill values in it are not to be trusted; `builder.enrich.correct` replaces them.

    Raises:
        UnreferenceableError: The file uses an encoding that a Zarr reader cannot undo, or needs more
            references than are worth publishing.
    """
    try:
        if kind == "hdf5":
            return _translate_hdf5(path)
        if kind == "netcdf3":
            return _translate_netcdf3(path)
    except (ValueError, TypeError, KeyError, RuntimeError, OverflowError, AssertionError) as trouble:
        message = f"kerchunk cannot translate the file: {type(trouble).__name__}: {first_line(trouble)}"
        raise UnreferenceableError(message) from trouble
    raise UnreferenceableError("kerchunk does not read the 64-bit data variant (CDF-5)", hint="publish it as NetCDF-4")


class _Hdf5(SingleHdf5ToZarr):  # type: ignore[misc]
    """Kerchunk's translator with the filter pipeline taken in its true order and chunks in full size."""

    def _translator(self, name: str, h5obj: Any) -> None:
        if isinstance(h5obj, h5py.Dataset) and h5obj.dtype.kind == "V":
            return  # compound and opaque types: netCDF-C either leaves them out too, or the file is refused
        super()._translator(name, h5obj)

    def _transfer_attrs(self, *_: Any) -> None:
        """Transfer nothing: netCDF-C gives the attributes."""

    def _get_array_dims(self, _: h5py.Dataset) -> list[str]:
        return []

    def _decode_filters(self, h5obj: h5py.Dataset) -> list[Any]:
        if h5obj.dtype.kind == "O":
            return []
        creation = h5obj.id.get_create_plist()
        return [_codec(h5obj, *creation.get_filter(i)) for i in range(creation.get_nfilters())]

    def _storage_info_and_adj_filters(self, dset: h5py.Dataset, filters: list[Any]) -> dict[Any, Any]:
        chunk = dset.chunks
        if dset.shape is None or chunk is None:
            return dict(super()._storage_info_and_adj_filters(dset, filters))
        # kerchunk takes four bytes off every chunk of a dataset with checksums; the codec needs them
        checksum = 4 if dset.fletcher32 and dset.dtype.kind != "O" else 0
        found: dict[Any, Any] = {}
        masks: set[int] = set()

        def take(blob: Any) -> None:
            key = tuple(offset // size for offset, size in zip(blob.chunk_offset, chunk, strict=True))
            found[key] = {"offset": blob.byte_offset, "size": blob.size + checksum}
            masks.add(blob.filter_mask)

        dset.id.chunk_iter(take)
        if masks - {0}:
            raise UnreferenceableError(f"variable {dset.name} has chunks with filters left out")
        return found


class _NetCDF3(NetCDF3ToZarr):  # type: ignore[misc]
    """Kerchunk's translator without its reading of attributes, which fails on fill values of another type."""

    def strip(self) -> None:
        """Forget all attributes."""
        self._attributes.clear()
        for variable in self.variables.values():
            variable._attributes.clear()  # noqa: SLF001 - kerchunk reads them from there

    def count(self) -> int:
        """Return how many references the record variables will need."""
        return int(self._recs) * sum(name not in self.chunks for name in self.variables)


def _codec(dataset: h5py.Dataset, code: int, _flags: int, values: tuple[int, ...], _name: bytes) -> Any:
    if code == _DEFLATE:
        return numcodecs.Zlib(level=values[0])
    if code == _SHUFFLE:
        return numcodecs.Shuffle(elementsize=dataset.dtype.itemsize)
    if code == _FLETCHER32:
        return numcodecs.Fletcher32()
    if code == _ZSTD:
        return numcodecs.Zstd(level=values[0])
    if code == _BLOSC and len(values) == 7:
        cname = _BLOSC_COMPRESSORS[values[6]]
        return numcodecs.Blosc(blocksize=values[3], clevel=values[4], shuffle=values[5], cname=cname)
    raise UnreferenceableError(f"variable {dataset.name} uses HDF5 filter {code}, which Zarr readers do not know")


def _translate_hdf5(path: Path) -> dict[str, Any]:
    with h5py.File(path, "r") as file:
        datasets = list(_datasets(file))
        wanted = sum(map(_count_chunks, datasets))
        if wanted > MAX_REFERENCES:
            raise UnreferenceableError(f"the file needs {wanted} references, more than {MAX_REFERENCES}")
        linked = len({dataset.id for dataset in datasets}) < len(datasets)
        translator = _Hdf5(file, str(path), inline_threshold=0, error="raise", vlen_encode="leave")
        try:
            return dict(translator.translate(preserve_linked_dsets=linked)["refs"])
        finally:
            translator.close()


def _datasets(group: h5py.Group) -> Iterator[h5py.Dataset]:
    for child in group.values():
        if isinstance(child, h5py.Group):
            yield from _datasets(child)
        elif isinstance(child, h5py.Dataset):
            yield child


def _count_chunks(dataset: h5py.Dataset) -> int:
    if not dataset.chunks:
        return 1
    return math.prod(-(-length // size) for length, size in zip(dataset.shape, dataset.chunks, strict=True))


def _translate_netcdf3(path: Path) -> dict[str, Any]:
    translator = _NetCDF3(str(path), inline_threshold=0)
    try:
        translator.strip()
        if translator.count() > MAX_REFERENCES:
            message = f"one reference per record would make {translator.count()} references, more than {MAX_REFERENCES}"
            raise UnreferenceableError(message, hint="publish the file as NetCDF-4 with larger chunks")
        return dict(translator.translate()["refs"])
    finally:
        translator.fp.close()
