"""Python code that opens what a page describes; tests run it as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from posixpath import normpath
from typing import NamedTuple
from urllib.parse import urljoin

from builder.pages.values import Json, items, mapping, text, texts

PARQUET = "application/vnd.apache.parquet"
OPTIONS = 'engine="zarr", zarr_format=2, consolidated=False'
UNDATED = ", decode_times=False"
"""Option without which xarray refuses a file whose times are no dates, such as months since a day."""

DELIMITERS = {"text/csv": ",", "text/tab-separated-values": r"\t"}
_literal = json.JSONEncoder(ensure_ascii=False).encode


class Snippet(NamedTuple):
    """Code and the key of its heading in the messages (``snippet.<key>``)."""

    key: str
    code: str


def quoted(words: str) -> str:
    """Return a Python string literal in double quotes."""
    return _literal(words).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def located(href: str) -> tuple[str, str]:
    """Return a line that says where the catalogue is and the expression of an address.

    The line is empty for full addresses and absolute paths; any other path begins at the catalogue's root, and
    whoever runs the code says where that is.
    """
    if "://" in href or href.startswith("/"):
        return "", quoted(href)
    return f"catalog = {quoted('./')}  # the catalogue's address or folder, with a slash at its end\n", (
        f"catalog + {quoted(href)}"
    )


def pystac_item(href: str) -> str:
    """Read an Item."""
    place, target = located(href)
    return f"""import pystac  # pip install pystac

{place}item = pystac.Item.from_file({target})
print(item.properties, item.assets)"""


def pystac_collection(href: str) -> str:
    """Walk through the Items of a Collection."""
    place, target = located(href)
    return f"""import pystac  # pip install pystac

{place}collection = pystac.Collection.from_file({target})
for item in collection.get_items(recursive=True):
    print(item.id, item.datetime, item.bbox)"""


def pystac_client_search(href: str, collection: str) -> str:
    """Walk through one Collection of the whole catalogue with pystac-client."""
    place, target = located(href)
    return f"""from pystac_client import Client  # pip install pystac-client

{place}client = Client.open({target})
collection = client.get_child({quoted(collection)}, recursive=True)
for item in collection.get_items(recursive=True):
    print(item.id, item.datetime, item.bbox)"""


def xarray_references(href: str, remote: str = "https", group: str = "", *, dated: bool = True) -> str:
    """Open data through kerchunk references: only the chunks that are asked for are read, 64 at a time.

    Not ``engine="kerchunk"``, which reads through dask, as many at a time as the computer has cores, and does not
    honour options such as ``decode_cf=False``.

    Args:
        href: Address of the references, JSON or a folder of Parquet.
        remote: Protocol by which the data are reached.
        group: Group of the file; nothing for its root.
        dated: Whether its times are known to be dates; xarray opens nothing where one of them cannot be one.
    """
    options = OPTIONS + ("" if dated else UNDATED)
    packages = "xarray zarr kerchunk fsspec aiohttp" + (" fastparquet" if href.endswith(".parquet") else "")
    inner = f"store.path = {quoted(group)}  # the group\n" if group else ""
    place, target = located(href)
    if not place:
        target += f', target_protocol="{protocol(href)}"'
    return f"""import xarray as xr  # pip install {packages}
import zarr
from kerchunk.utils import refs_as_store

zarr.config.set({{"async.concurrency": 64}})
{place}store = refs_as_store({target}, remote_protocol="{remote}")
{inner}dataset = xr.open_dataset(store, {options})
print(dataset)"""


def xarray_references_beside(href: str) -> str:
    """Open data through kerchunk references, JSON, that name the data file as it lies beside them."""
    folder, _, name = href.rpartition("/")
    place, target = located(folder + "/")
    return f"""import json

import fsspec
import xarray as xr  # pip install xarray zarr kerchunk fsspec aiohttp
from kerchunk.utils import refs_as_store

{place}folder = {target}
with fsspec.open(folder + {quoted(name)}) as file:
    references = json.load(file)
for reference in references["refs"].values():
    if isinstance(reference, list):
        reference[0] = folder + reference[0]
protocol = folder.partition("://")[0] if "://" in folder else "file"
store = refs_as_store(references, remote_protocol=protocol)
dataset = xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=False)
print(dataset)"""


def xarray_group(href: str, group: str) -> str:
    """Open one group of a file through references of its own."""
    place, target = located(href)
    return f"""import xarray as xr  # pip install xarray zarr kerchunk fsspec aiohttp

# the group {quoted(group)}; references of the others are listed as files
{place}dataset = xr.open_dataset({target}, engine="kerchunk")
print(dataset)"""


def protocol(href: str) -> str:
    """Return the protocol of an address; ``file`` for a path."""
    return href.partition("://")[0] if "://" in href else "file"


def xarray_opendap(href: str) -> str:
    """Open data through OPeNDAP."""
    place, target = located(href)
    return f"""import xarray as xr  # pip install xarray netCDF4

{place}dataset = xr.open_dataset({target})
print(dataset)"""


def pandas_table(href: str, media_type: str) -> str:
    """Read a table; the ``/* … */`` preamble of PANGAEA's text files is skipped."""
    place, target = located(href)
    if media_type == PARQUET:
        return f"""import pandas as pd  # pip install pandas pyarrow aiohttp fsspec

{place}table = pd.read_parquet({target})
print(table)"""
    delimiter = DELIMITERS[media_type]
    if media_type == "text/csv":
        return f"""import pandas as pd  # pip install pandas

{place}table = pd.read_csv({target})
print(table)"""
    return f"""import io

import fsspec  # pip install fsspec aiohttp pandas
import pandas as pd

{place}with fsspec.open({target}, "rt", encoding="utf-8") as file:
    text = file.read().split("*/\\n", 1)[-1]  # after the description in /* */
table = pd.read_csv(io.StringIO(text), sep="{delimiter}")
print(table)"""


def raster(href: str) -> str:
    """Open a GeoTIFF."""
    place, target = located(href)
    return f"""import rasterio  # pip install rasterio

{place}with rasterio.open({target}) as image:
    print(image.profile)
    first_band = image.read(1)"""


def item_snippets(item: Json, page: str, base: str) -> tuple[Snippet, ...]:
    """Return the code that fits an Item's assets.

    Args:
        item: The STAC Item, or the Collection that a record became.
        page: Path of its page from the catalogue root; its JSON lies beside it.
        base: Address of the catalogue with a slash at its end; empty for paths from the root.
    """
    folder = base + page.rpartition("/")[0] + "/"
    if item.get("type") == "Collection":
        return collection_snippets(item, page, base)
    document = base + page.removesuffix(".html") + ".json"
    return (Snippet("pystac", pystac_item(document)), *_assets(item, folder))


def collection_snippets(collection: Json, page: str, base: str) -> tuple[Snippet, ...]:
    """Return the code that fits a Collection; arguments as for `item_snippets`."""
    folder = base + page.rpartition("/")[0] + "/"
    walk = Snippet("pystac", pystac_collection(folder + "collection.json"))
    return (walk, *_assets(collection, folder))


class _File(NamedTuple):
    """An asset that needs no login."""

    key: str
    href: str
    media: str
    roles: list[str]
    group: str


def _through(file: _File, remote: str, item: Json) -> str:
    """Open references: those the build makes hold whole addresses, those of a processor names of files beside them."""
    if file.key != "references":
        return xarray_references_beside(file.href)
    return xarray_references(file.href, remote, _group(item), dated=_is_dated(item))


def _is_dated(item: Json) -> bool:
    """Tell whether the dates of all dimensions of time are known, as far as there are any."""
    dimensions = mapping((mapping(item.get("properties")) or item).get("cube:dimensions"))
    times = [mapping(one) for one in dimensions.values() if mapping(one).get("type") == "temporal"]
    return all(any(items(one.get("extent"))) or not one.get("iaos:size", 1) for one in times)


def _assets(item: Json, folder: str) -> Iterator[Snippet]:
    done: set[str] = set()
    files = list(_open(item, folder))
    for file in files:
        if "references" in file.roles:
            remote = next(_protocols(files), "https")
            found: Snippet | None = Snippet("kerchunk", _through(file, remote, item))
        elif "time-major-references" in file.roles:
            found = Snippet("time-major-references", xarray_references(file.href, protocol(file.href)))
        elif "group-references" in file.roles:
            found = Snippet("group", xarray_group(file.href, file.group))
        else:
            found = _asset(file)
        if found and found.key not in done:
            done.add(found.key)
            yield found


def _open(item: Json, folder: str) -> Iterator[_File]:
    for key, entry in mapping(item.get("assets")).items():
        asset = mapping(entry)
        href = text(asset.get("href"))
        if href and not asset.get("auth:refs"):
            whole = urljoin(folder, href) if "://" in folder + href else normpath(folder + href)
            media = (text(asset.get("type")) or "").partition(";")[0]
            yield _File(key, whole, media, texts(asset.get("roles")), text(asset.get("iaos:group")) or "")


def _protocols(files: list[_File]) -> Iterator[str]:
    """Yield by which protocols the files are reached that references may lead into; a readable copy comes first."""
    for role in ("readable-copy", "data"):
        for file in files:
            if role in file.roles:
                yield protocol(file.href)


def _group(item: Json) -> str:
    """Return the group to open: the first of a file that has nothing in its root."""
    said = mapping(item.get("properties")) or item
    names = list(mapping(said.get("cube:variables")))
    return "" if any("/" not in name for name in names) else next(iter(names), "").rpartition("/")[0]


def _asset(file: _File) -> Snippet | None:
    if file.key.startswith("opendap"):
        return Snippet("opendap", xarray_opendap(file.href))
    if "data" not in file.roles:
        return None
    if file.media in {*DELIMITERS, PARQUET}:
        return Snippet("pandas", pandas_table(file.href, file.media))
    return Snippet("rasterio", raster(file.href)) if file.media == "image/tiff" else None
