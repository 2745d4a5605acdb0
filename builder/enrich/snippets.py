"""How to open a published reference with nothing but public libraries; shown on pages and run by a test."""

from __future__ import annotations

REQUIREMENTS = "pip install xarray zarr kerchunk fsspec aiohttp requests dask"
"""What the snippets need; nothing of this project."""

SIMPLE = """\
import xarray as xr

ds = xr.open_dataset("{url}", engine="kerchunk")
"""
"""The shortest way; reads with as many requests at a time as the computer has cores."""

FAST = """\
import xarray as xr
import zarr
from kerchunk.utils import refs_as_store

zarr.config.set({{"async.concurrency": 64}})
store = refs_as_store("{url}", target_protocol="{protocol}", remote_protocol="{remote_protocol}")
ds = xr.open_dataset(store, engine="zarr", zarr_format=2, consolidated=False)
"""
"""The fast way for many chunks; honours decoding options such as ``decode_cf=False`` too."""


def simple(url: str) -> str:
    """Return the short snippet for a reference at a URL."""
    return SIMPLE.format(url=url)


def fast(url: str, href: str) -> str:
    """Return the fast snippet for a reference at a URL whose data are at ``href``."""
    return FAST.format(url=url, protocol=_protocol(url), remote_protocol=_protocol(href))


def _protocol(url: str) -> str:
    return url.partition("://")[0] if "://" in url else "file"
