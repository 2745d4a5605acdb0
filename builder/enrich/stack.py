"""Writes the combined reference of granules in order, and proves it against the single ones."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import orjson

from builder.enrich.combine import Granule, Refs, inlined
from builder.enrich.guard import first_line
from builder.errors import UnreferenceableError

Times = dict[str, Any]
EPOCH = "1970-01-01 00:00:00"
_WIDEST: Mapping[str, Callable[[list[Any]], Any]] = {
    "valid_min": min,
    "valid_max": max,
    "valid_range": lambda ends: [min(ends), max(ends)],
}
"""Bounds of valid values, and how those of several files become one."""


def decoded_times(granules: Sequence[Granule]) -> Times:
    """Return the times of each granule as numpy ``datetime64[ns]``, by its name.

    Times that are counted alike are decoded together.

    Raises:
        UnreferenceableError: There are none, or they are dates of a model calendar.
    """
    alike: dict[str, list[Granule]] = {}
    for granule in granules:
        alike.setdefault(_dump(granule.attributes[granule.time]), []).append(granule)
    return {name: times for group in alike.values() for name, times in _decoded_together(group)}


def _decoded_together(granules: Sequence[Granule]) -> Iterator[tuple[str, Any]]:
    raw = [_raw_times(granule) for granule in granules]
    attributes = granules[0].attributes[granules[0].time]
    try:
        together = _decode(np.concatenate(raw), attributes, granules[0].name)
    except UnreferenceableError:  # one by one, to name the right file
        for granule, own in zip(granules, raw, strict=True):
            yield granule.name, _decode(own, attributes, granule.name)
    else:
        parts = np.split(together, np.cumsum([own.size for own in raw])[:-1])
        yield from zip((granule.name for granule in granules), parts, strict=True)


def _raw_times(granule: Granule) -> Any:
    raw, fill = _inline_values(granule, granule.time), granule.arrays[granule.time]["fill_value"]
    if not raw.size or not np.isfinite(raw).all() or (isinstance(fill, int | float) and (raw == fill).any()):
        raise UnreferenceableError(f"{granule.time} has missing values", where=granule.name)
    return raw


def join(granules: Sequence[Granule], times: Times) -> Refs:
    """Return the references of all granules as one, with every chunk at its new place.

    Raises:
        UnreferenceableError: A granule's length is no multiple of its chunks, so the next cannot follow.
    """
    first = granules[0]
    root = {k: v for k, v in first.root.items() if all(g.root.get(k) == v for g in granules)}
    refs: Refs = {".zgroup": _dump({"zarr_format": 2}), ".zattrs": _dump(root)}
    for variable in sorted(first.arrays):
        attributes = [granule.attributes[variable] for granule in granules]
        common = {k: v for k, v in attributes[0].items() if all(a.get(k) == v for a in attributes)}
        common |= _valid(attributes) if variable != first.time else {}
        axis = first.axis(variable)
        if axis is None:
            array, chunks = first.arrays[variable], first.chunks.get(variable, {})
            _same_values(granules, variable)
        elif _all_inlined(granules, variable):
            array, chunks, common = _concatenated(granules, variable, axis, common, times)
        else:
            array, chunks = _moved(granules, variable, axis)
        refs[f"{variable}/.zarray"] = _dump(array)
        refs[f"{variable}/.zattrs"] = _dump(common)
        refs.update({_key(variable, index): value for index, value in chunks.items()})
    return refs


def _valid(attributes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the widest of valid ranges that files give otherwise, so that flags beyond all of them stay missing."""
    if any("_Unsigned" in one for one in attributes):
        return {}  # their numbers are not in order
    found: dict[str, Any] = {}
    for name, widest in _WIDEST.items():
        said = [one.get(name) for one in attributes]
        numbers = [end for one in said for end in (one if isinstance(one, list) else [one])]
        if numbers and all(isinstance(end, int | float) for end in numbers):
            found[name] = widest(numbers)
    return found


def check(combined: Refs, granules: Sequence[Granule], times: Times) -> None:
    """Compare the combined reference with the single ones: every chunk's address, every inlined value.

    Raises:
        UnreferenceableError: They differ; this is a fault of this program and nothing is published.
    """
    for variable in granules[0].arrays:
        axis = granules[0].axis(variable)
        if axis is not None and _all_inlined(granules, variable):
            equal = _inlined_alike(combined, granules, variable, axis, times)
        else:
            equal = _placed_alike(combined, granules, variable, axis)
        for granule, is_equal in zip(granules, equal, strict=True):
            if not is_equal:
                raise UnreferenceableError(
                    f"variable {variable} would read differently when combined", where=granule.name
                )


def _inlined_alike(
    combined: Refs, granules: Sequence[Granule], variable: str, axis: int, times: Times
) -> Iterator[bool]:
    """Tell of each granule whether the combined values hold its own, or its times, in its place."""
    whole = orjson.loads(combined[f"{variable}/.zarray"])
    data = _values(whole, combined[_key(variable, (0,) * len(whole["shape"]))])
    is_time, start = variable == granules[0].time, 0
    if is_time:
        data = _decode(data, orjson.loads(combined[f"{variable}/.zattrs"]), granules[0].name)
    for granule in granules:
        part = data[(slice(None),) * axis + (slice(start, start + granule.length),)]
        own = times[granule.name] if is_time else _inline_values(granule, variable)
        yield np.array_equal(part, own) if is_time else part.tobytes() == own.tobytes()
        start += granule.length


def _placed_alike(combined: Refs, granules: Sequence[Granule], variable: str, axis: int | None) -> Iterator[bool]:
    """Tell of each granule whether every one of its chunks is found at its new place."""
    start = 0
    for granule in granules:
        shift = 0 if axis is None else start // granule.arrays[variable]["chunks"][axis]
        yield axis is None or all(
            combined.get(_key(variable, _shifted(index, axis, shift))) == value
            for index, value in granule.chunks.get(variable, {}).items()
        )
        start += granule.length


def _moved(granules: Sequence[Granule], variable: str, axis: int) -> tuple[dict[str, Any], dict[tuple[int, ...], Any]]:
    array = dict(granules[0].arrays[variable])
    size, start = array["chunks"][axis], 0
    chunks: dict[tuple[int, ...], Any] = {}
    for granule in granules:
        if start % size:
            message = (
                f"variable {variable} comes in chunks of {size} along {granule.dimension}, but {start} steps lie "
                "before this file: it cannot be joined without rewriting the data"
            )
            raise UnreferenceableError(message, where=granule.name)
        for index, value in granule.chunks.get(variable, {}).items():
            chunks[_shifted(index, axis, start // size)] = value
        start += granule.arrays[variable]["shape"][axis]
    array["shape"] = [start if i == axis else n for i, n in enumerate(array["shape"])]
    return array, chunks


def _concatenated(
    granules: Sequence[Granule], variable: str, axis: int, attributes: dict[str, Any], times: Times
) -> tuple[dict[str, Any], dict[tuple[int, ...], Any], dict[str, Any]]:
    array = dict(granules[0].arrays[variable])
    units = {granule.attributes[variable].get("units") for granule in granules}
    if variable == granules[0].time and len(units) > 1:
        data, attributes = _recounted(granules, times, attributes)
        array["dtype"], array["fill_value"] = data.dtype.str, None
    else:
        data = np.concatenate([_inline_values(granule, variable) for granule in granules], axis=axis)
    array["shape"] = array["chunks"] = list(data.shape)
    text = "base64:" + base64.b64encode(np.ascontiguousarray(data).tobytes()).decode("ascii")
    return array, {(0,) * data.ndim: text}, attributes


def _recounted(granules: Sequence[Granule], times: Times, attributes: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Count times that each granule counts from another date from one date, in whole units."""
    if {"bounds", "climatology"} & set(granules[0].attributes[granules[0].time]):
        message = "time bounds are counted from another date in each file"
        raise UnreferenceableError(message, where=granules[0].name)
    nanoseconds = np.concatenate([times[granule.name] for granule in granules]).astype("int64")
    sizes = {"seconds": 10**9, "microseconds": 10**3, "nanoseconds": 1}
    unit, size = next((unit, size) for unit, size in sizes.items() if not (nanoseconds % size).any())
    unpacked = {name: value for name, value in attributes.items() if name not in {"scale_factor", "add_offset"}}
    return (nanoseconds // size).astype("<i8"), unpacked | {"units": f"{unit} since {EPOCH}"}


def _same_values(granules: Sequence[Granule], variable: str) -> None:
    """Check that an inlined variable without time is the same everywhere; for others the combine key vouches."""
    wanted = inlined(granules[0].arrays[variable], granules[0].chunks.get(variable, {}))
    for granule in granules[1:]:
        if inlined(granule.arrays[variable], granule.chunks.get(variable, {})) != wanted:
            raise UnreferenceableError(
                f"variable {variable} has other values than in the first file", where=granule.name
            )


def _all_inlined(granules: Sequence[Granule], variable: str) -> bool:
    return all(inlined(g.arrays[variable], g.chunks.get(variable, {})) is not None for g in granules)


def _inline_values(granule: Granule, variable: str) -> Any:
    data = inlined(granule.arrays[variable], granule.chunks[variable]) or b""
    return _from_bytes(granule.arrays[variable], data)


def _values(array: dict[str, Any], text: str) -> Any:
    return _from_bytes(array, base64.b64decode(text.removeprefix("base64:")))


def _from_bytes(array: dict[str, Any], data: bytes) -> Any:
    return np.frombuffer(data, array["dtype"], count=math.prod(array["shape"])).reshape(array["shape"])


def _decode(raw: Any, attributes: dict[str, Any], where: str) -> Any:
    import xarray as xr

    kept = {
        name: attributes[name] for name in ("units", "calendar", "scale_factor", "add_offset") if name in attributes
    }
    try:
        decoded = xr.decode_cf(xr.Dataset({"t": ("t_", raw, kept)}))["t"].to_numpy()
    except (ValueError, OverflowError, TypeError) as trouble:
        raise UnreferenceableError(f"its times cannot be read: {first_line(trouble)}", where=where) from trouble
    if decoded.dtype.kind != "M" or np.isnat(decoded).any():
        raise UnreferenceableError("its times are not real dates", where=where)
    return decoded.astype("datetime64[ns]")


def _shifted(index: tuple[int, ...], axis: int | None, shift: int) -> tuple[int, ...]:
    return index if axis is None else (*index[:axis], index[axis] + shift, *index[axis + 1 :])


def _key(variable: str, index: tuple[int, ...]) -> str:
    return f"{variable}/{'.'.join(map(str, index)) or '0'}"


def _dump(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
