"""Python code that opens what a page describes; tests run it as it stands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from builder.pages.values import Json, mapping, text, texts

PARQUET = "application/vnd.apache.parquet"
DELIMITERS = {"text/csv": ",", "text/tab-separated-values": r"\t"}


@dataclass(frozen=True, slots=True)
class Snippet:
    """Code and the key of its heading in the messages (``snippet.<key>``)."""

    key: str
    code: str


def quoted(words: str) -> str:
    """Return a Python string literal in double quotes."""
    return json.dumps(words, ensure_ascii=False).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def pystac_item(href: str) -> str:
    """Read an Item."""
    return f"""import pystac

item = pystac.Item.from_file({quoted(href)})
print(item.properties, item.assets)"""


def pystac_collection(href: str) -> str:
    """Walk through the Items of a Collection."""
    return f"""import pystac

collection = pystac.Collection.from_file({quoted(href)})
for item in collection.get_items(recursive=True):
    print(item.id, item.datetime, item.bbox)"""


def pystac_client_search(href: str, collection: str) -> str:
    """Walk through one Collection of the whole catalogue with pystac-client."""
    return f"""from pystac_client import Client

catalog = Client.open({quoted(href)})
collection = catalog.get_child({quoted(collection)}, recursive=True)
for item in collection.get_items(recursive=True):
    print(item.id, item.datetime, item.bbox)"""


def xarray_references(href: str) -> str:
    """Open data through kerchunk references: only the chunks that are asked for are read."""
    return f"""import xarray as xr  # needs kerchunk and fsspec

dataset = xr.open_dataset({quoted(href)}, engine="kerchunk", chunks={{}})
print(dataset)"""


def xarray_opendap(href: str) -> str:
    """Open data through OPeNDAP."""
    return f"""import xarray as xr  # needs netCDF4

dataset = xr.open_dataset({quoted(href)})
print(dataset)"""


def pandas_table(href: str, media_type: str) -> str:
    """Read a table; the ``/* … */`` preamble of PANGAEA's text files is skipped."""
    if media_type == PARQUET:
        return f"""import pandas as pd

table = pd.read_parquet({quoted(href)})
print(table)"""
    delimiter = DELIMITERS[media_type]
    if media_type == "text/csv":
        return f"""import pandas as pd

table = pd.read_csv({quoted(href)})
print(table)"""
    return f"""import io

import fsspec
import pandas as pd

with fsspec.open({quoted(href)}, "rt", encoding="utf-8") as file:
    text = file.read().split("*/\\n", 1)[-1]  # after the description in /* */
table = pd.read_csv(io.StringIO(text), sep="{delimiter}")
print(table)"""


def raster(href: str) -> str:
    """Open a GeoTIFF."""
    return f"""import rasterio

with rasterio.open({quoted(href)}) as image:
    print(image.profile)
    first_band = image.read(1)"""


def item_snippets(item: Json, page: str, base: str) -> tuple[Snippet, ...]:
    """Return the code that fits an Item's assets.

    Args:
        item: The STAC Item.
        page: Path of its page from the catalogue root; its JSON lies beside it.
        base: Address of the catalogue with a slash at its end; empty for paths from the root.
    """
    folder = base + page.rpartition("/")[0] + "/"
    document = base + page.removesuffix(".html") + ".json"
    return (Snippet("pystac", pystac_item(document)), *_assets(item, folder))


def collection_snippets(collection: Json, page: str, base: str) -> tuple[Snippet, ...]:
    """Return the code that fits a Collection; arguments as for `item_snippets`."""
    folder = base + page.rpartition("/")[0] + "/"
    walk = Snippet("pystac", pystac_collection(folder + "collection.json"))
    return (walk, *_assets(collection, folder))


def _assets(item: Json, folder: str) -> Iterator[Snippet]:
    done: set[str] = set()
    for key, entry in mapping(item.get("assets")).items():
        asset = mapping(entry)
        href = text(asset.get("href"))
        if href is None or asset.get("auth:refs"):
            continue
        absolute = href if "://" in href else folder + href.removeprefix("./")
        found = _asset(key, asset, absolute)
        if found and found.key not in done:
            done.add(found.key)
            yield found


def _asset(key: str, asset: Json, href: str) -> Snippet | None:
    media, roles = (text(asset.get("type")) or "").split(";")[0], texts(asset.get("roles"))
    if "references" in roles:
        return Snippet("kerchunk", xarray_references(href)) if media == "application/json" else None
    if key.startswith("opendap"):
        return Snippet("opendap", xarray_opendap(href))
    if "data" in roles and media in {*DELIMITERS, PARQUET}:
        return Snippet("pandas", pandas_table(href, media))
    return Snippet("rasterio", raster(href)) if "data" in roles and media == "image/tiff" else None
