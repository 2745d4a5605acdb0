"""What a product holds, told by a few numbers and digests that no other library version, clock or processor changes."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re

import numpy as np

TOLERANCE = 2e-4
"""Share of the span of values by which their numbers may differ: last digits of another BLAS, cells on an edge."""
LEAST = 1e-9
"""What counts as no difference at all."""
SUMMARY = 6
"""Numbers that tell of several."""
SHADES = 2
"""Pixels and levels of grey by which a picture's sides and mean colour may differ: other letters, thinner lines."""
UNTOLD = re.compile(r"lineage|history|software|^date_|sha256|md5|checksum|:wkt2|^file:|^covariances$")
"""Names of what changes with the versions of libraries, the clock, the version of a processor itself or, as fits of
models that were not chosen, with the last digits of a sum."""


def numbers(values):
    """How many there are, range, mean, spread, and a mean that weighs each by where it stands; of one, that one."""
    values = np.asarray(values, np.float64).ravel()
    valid = np.isfinite(values)
    if not valid.any():
        return []
    weights = (np.arange(values.size) * 0.6180339887498949 % 1)[valid]
    known = values[valid]
    if values.size == 1:
        return [float(f"{known[0]:.7g}")]
    found = [known.min(), known.max(), known.mean(), known.std(), (known * weights).mean()]
    return [int(valid.sum()), *(float(f"{one:.7g}") for one in found)]


def words(texts):
    """A digest of texts in their order, whatever numbers stand in them."""
    plain = "\n".join(re.sub(r"[-+]?\d[\d.,:]*(e[-+]?\d+)?", "#", one) for one in texts)
    return hashlib.sha256(plain.encode()).hexdigest()[:12]


def leaves(value, at=""):
    """All numbers and texts of JSON, each with the path of names to it."""
    if isinstance(value, dict):
        for name in sorted(value):
            if not UNTOLD.search(name):
                yield from leaves(value[name], f"{at}.{name}".lstrip("."))
    elif isinstance(value, list):
        for one in value:
            yield from leaves(one, f"{at}[]")
    else:
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and np.isfinite(value)
        yield at, value if is_number else str(value)


def tree(document):
    """The numbers of JSON by their path, and its words."""
    found, texts = {}, []
    for at, value in leaves(document):
        if isinstance(value, str):
            texts.append(f"{at}={value}")
        else:
            found.setdefault(at, []).append(value)
    return {name: numbers(values) for name, values in found.items()} | {"words": words(texts)}


def _raster(path):
    import rasterio

    with rasterio.open(path) as file:
        tags = {name: value for name, value in file.tags().items() if not UNTOLD.search(name.lower())}
        told = {"palette": words([json.dumps(file.colormap(1))])} if file.colorinterp[0].name == "palette" else {}
        bands = {f"band {one}": _cells(file.read(one), file.nodata) for one in file.indexes}
        smaller = file.overviews(1)
    if smaller:
        with rasterio.open(path, overview_level=0) as file:
            bands |= {f"overview of band {one}": _cells(file.read(one), file.nodata) for one in file.indexes}
    return (
        told | bands | {"overviews": numbers(smaller), "words": words(f"{name}={tags[name]}" for name in sorted(tags))}
    )


def _cells(values, nodata):
    values = values.astype(np.float64)
    return numbers(values if nodata is None else np.where(values == nodata, np.nan, values))


def _netcdf(path):
    import netCDF4

    with netCDF4.Dataset(path) as file:
        texts = _attributes(file)
        found = {}
        for name, one in sorted(file.variables.items()):
            texts += [f"{name} {one.dtype} {one.dimensions}", *_attributes(one)]
            if one.dtype is not str and one.dtype.kind in "iuf":
                found[name] = numbers(np.ma.filled(one[:].astype(np.float64), np.nan))
        sizes = {f"dimension {name}": [len(one)] for name, one in file.dimensions.items()}
    return found | sizes | {"words": words(texts)}


def _attributes(of):
    return [f"{name}={of.getncattr(name)}" for name in sorted(of.ncattrs()) if not UNTOLD.search(name.lower())]


def _table(path):
    header, *rows = csv.reader(io.StringIO(path.read_text("utf-8")))
    found, texts = {"rows": [len(rows)]}, header.copy()
    for name, column in zip(header, zip(*rows, strict=True), strict=False):
        try:
            found[f"column {name}"] = numbers([float(one or "nan") for one in column])
        except ValueError:
            texts += column
    return found | {"words": words(texts)}


def _parquet(path):
    import pyarrow.parquet as pq

    schema = pq.read_schema(path)
    texts = [f"{name} {kind}" for name, kind in zip(schema.names, schema.types, strict=True)]
    return {"rows": [pq.read_metadata(path).num_rows], "words": words(texts)}


def _picture(path):
    from PIL import Image

    with Image.open(path) as file:
        seen = np.asarray(file.convert("RGBA"), np.float64)
    return {"size": [*seen.shape[1::-1]], "colour": [round(one, 1) for one in seen.mean(axis=(0, 1))]}


READERS = {
    ".tif": _raster, ".nc": _netcdf, ".csv": _table, ".parquet": _parquet, ".png": _picture,
    ".json": lambda path: tree(json.loads(path.read_bytes())),
    ".geojson": lambda path: tree(json.loads(path.read_bytes())),
    ".svg": lambda path: {},
}  # fmt: skip


def outcome(product):
    """Title, roles and fields of a product, and what is in its file; of references nothing, which follow their file."""
    said = {"title": product.title, "roles": list(product.roles), "kind": product.kind, **product.properties}
    inside = {} if "references" in product.roles else READERS[product.path.suffix](product.path)
    told = list(leaves(said))
    figures = [float(f"{value:.7g}") for _, value in told if not isinstance(value, str)]
    return {"item": words(at if not isinstance(value, str) else f"{at}={value}" for at, value in told),
            "figures of item": figures} | inside  # fmt: skip


def differences(before, after):
    """Lines that say what differs between two mappings of names to products to numbers, words and colours."""
    lines = []
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            lines.append(f"{name}: {'is new' if name in after else 'is missing'}")
            continue
        one, other = before[name], after[name]
        if isinstance(one, dict) and isinstance(other, dict):
            lines += [f"{name}, {line}" for line in differences(one, other)]
        elif not same(name, one, other):
            lines.append(f"{name}: {_spell(one)}, now {_spell(other)}")
    return lines


def same(name, one, other):
    """Tell whether two lists of numbers, or two digests of words, are what a user would call the same."""
    if isinstance(one, str) or isinstance(other, str) or len(one) != len(other):
        return one == other
    if name in {"size", "colour"}:
        return all(abs(a - b) <= SHADES for a, b in zip(one, other, strict=True))
    if len(one) != SUMMARY or name == "figures of item":
        return all(abs(a - b) <= TOLERANCE * abs(a) + LEAST for a, b in zip(one, other, strict=True))
    low, high = min(one[1], other[1]), max(one[2], other[2])
    allowed = TOLERANCE * (high - low) + LEAST * (1 + abs(high))
    if abs(one[0] - other[0]) > TOLERANCE * one[0]:
        return False
    return all(abs(a - b) <= allowed for a, b in zip(one[1:], other[1:], strict=True))


def _spell(value):
    return value if isinstance(value, str) else " ".join(f"{one:g}" for one in value)
