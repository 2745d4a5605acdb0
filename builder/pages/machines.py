"""Code for programs that read the whole catalogue, one way per tool; tests run each where the tool is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from builder.pages.lists import Entry
from builder.pages.markup import safe_href
from builder.pages.snippets import Snippet, located, pystac_client_search, xarray_references
from builder.pages.values import mapping, text


@dataclass(frozen=True, slots=True)
class MachinesView:
    """What the page for machines shows: code, and whether files are there that need a base URL or a mailbox."""

    snippets: tuple[Snippet, ...]
    dcat: bool
    oai: bool


def machines_view(entries: Sequence[Entry], base: str, *, dcat: bool, oai: bool) -> MachinesView:
    """Choose an example for each tool from what the catalogue holds.

    Args:
        entries: The collections.
        base: Address of the catalogue with a slash at its end; empty if it is not known.
        dcat: Whether ``dcat.jsonld`` is written.
        oai: Whether ``oai.xml`` is written.
    """
    if not entries:
        return MachinesView((), dcat, oai)
    first = entries[0]
    folder = f"{base}{first.partner['id']}/{first.collection['id']}/"
    tables = [entry for entry in entries if "items" in mapping(entry.collection.get("assets"))]
    stacks = [entry for entry in entries if "references" in mapping(entry.collection.get("assets"))]
    found = [Snippet("client", pystac_client_search(f"{base}catalog.json", str(first.collection["id"])))]
    for entry in stacks[:1]:
        name = entry.collection["assets"]["references"]["href"].removeprefix("./")
        href = f"{base}{entry.partner['id']}/{entry.collection['id']}/{name}"
        found.append(Snippet("stack", xarray_references(href)))
    for entry in tables[:1]:
        table = f"{base}{entry.partner['id']}/{entry.collection['id']}/items.parquet"
        found += [Snippet("rustac", rustac_items(table)), Snippet("duckdb", duckdb_query(table))]
    found += [Snippet("r", r_collection(f"{folder}collection.json")), Snippet("gdal", gdal_table(base, tables))]
    return MachinesView(tuple(one for one in found if one.code), dcat, oai)


def rustac_items(href: str) -> str:
    """Read the table of a collection's items; rustac makes STAC Items of it."""
    place, target = located(href)
    return f"""import rustac  # pip install rustac

{place}items = rustac.read_sync({target})["features"]
print([item["id"] for item in items])"""


def duckdb_query(href: str) -> str:
    """Query the table of a collection's items with SQL; only the columns that are named are read."""
    place, target = located(href)
    return f"""import duckdb  # pip install duckdb

{place}items = duckdb.read_parquet({target})
print(duckdb.sql("SELECT id, title, datetime FROM items ORDER BY id LIMIT 10"))"""  # noqa: S608 - no values in it


def r_collection(href: str) -> str:
    """Read a Collection in R."""
    if "://" in href:
        return f"""library(jsonlite)  # install.packages("jsonlite")

collection <- fromJSON("{href}")
items <- collection$links[collection$links$rel == "item", c("title", "href")]
print(items)"""
    return f"""library(jsonlite)  # install.packages("jsonlite")

catalog <- "./"  # the catalogue's address or folder, with a slash at its end
collection <- fromJSON(paste0(catalog, "{href}"))
items <- collection$links[collection$links$rel == "item", c("title", "href")]
print(items)"""


def gdal_table(base: str, tables: Sequence[Entry]) -> str:
    """List what is known of one item on the command line; an Item is GeoJSON."""
    item = next((name for entry in tables if (name := _first_item(entry))), None)
    if item is None:
        return ""
    return f"ogrinfo -al -so {f'/vsicurl/{base}' if base else './'}{item}"


def _first_item(entry: Entry) -> str | None:
    links = entry.collection.get("links") or ()
    href = next((text(link.get("href")) for link in links if link.get("rel") == "item"), None)
    return f"{entry.partner['id']}/{entry.collection['id']}/{href.removeprefix('./')}" if href else None


def stac_browser_href(instance: str, document: str) -> str | None:
    """Return where an instance of STAC Browser shows a document (its paths ``/external/…``).

    STAC Browser leaves out ``https:`` and writes any other protocol as the first part of the path.

    >>> stac_browser_href("https://browser.example/", "https://data.example/catalog.json")
    'https://browser.example/#/external/data.example/catalog.json'
    """
    parts = urlsplit(document)
    if not instance or not parts.netloc:
        return None
    protocol = "" if parts.scheme == "https" else f"{parts.scheme}:/"
    address = instance if instance.endswith(("/", ".html")) else f"{instance}/"
    return safe_href(f"{address}#/external/{protocol}{parts.netloc}{parts.path}")
