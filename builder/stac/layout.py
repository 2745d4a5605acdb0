"""Where everything stands in the catalogue: safe identifiers, paths, and relative links between them."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from dataclasses import dataclass
from hashlib import sha256

ROOT = "catalog.json"
ROOT_PAGE = "index.html"
COLLECTIONS_TABLE = "collections.parquet"
YEARS_ABOVE = 1000
"""Collections with more items than this get one sub-catalogue per year."""

_LONGEST = 80
_DIGITS = 8
_RESERVED = re.compile(
    # Files and folders the catalogue itself uses, years (sub-catalogues), and the device names of Windows.
    r"(index|catalog|collection|datapackage|manifest|changes|items?|records|references|thumbnails|explain|data|embed|static|\d{4}|page-\d+"
    r"|(con|prn|aux|nul|com\d|lpt\d)(\..*)?)"
)
_LOOKS_HASHED = re.compile(r".*-(?=\d*[a-f])[0-9a-f]{8}")
_SUFFIXES = {
    "application/json": "json",
    "application/geo+json": "json",
    "application/ld+json": "json",
    "application/xml": "xml.txt",
    "text/xml": "xml.txt",
    "application/yaml": "yaml",
}


def item_id(identifier: str, *, prefix: str = "") -> str:
    """Turn a partner's identifier into one that is safe as STAC id, file name and part of a URL.

    An identifier that is already safe stays as it is. Any other is folded to ``[a-z0-9._-]`` and
    gets a hyphen and eight hexadecimal digits of the SHA-256 of the whole identifier, so that
    two identifiers which fold to the same text never meet. The digits always include a letter,
    and an identifier that ends as if it had been given some is given its own: hence no unchanged
    identifier can collide with a changed one, whoever chose it.

    >>> item_id("ice-20240101")
    'ice-20240101'
    >>> item_id("Ice 2024")
    'ice-2024-754ceafc'
    """
    whole = prefix + identifier
    folded = unicodedata.normalize("NFKD", whole).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9._-]+", "-", folded).lstrip("-._").rstrip("-.")
    reserved = _RESERVED.fullmatch(slug)
    if slug and slug == whole and len(slug) <= _LONGEST and not reserved and not _LOOKS_HASHED.fullmatch(slug):
        return slug
    if reserved:
        slug = slug.replace(".", "-")
    short = slug[: _LONGEST - _DIGITS - 1].rstrip("-.") or "record"
    return f"{short}-{_digits(whole)}"


def _digits(whole: str) -> str:
    digest = sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
    start = next((i for i in range(len(digest) - _DIGITS) if not digest[i : i + _DIGITS].isdigit()), 0)
    return digest[start : start + _DIGITS]


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one collection and the paths of everything in it, relative to the catalogue root.

    Attributes:
        partner: Identifier of the partner.
        collection: Identifier of the collection.
    """

    partner: str
    collection: str

    @property
    def folder(self) -> str:
        """The collection's folder."""
        return f"{self.partner}/{self.collection}"

    @property
    def partner_catalog(self) -> str:
        """The partner's catalogue, parent of the collection."""
        return f"{self.partner}/catalog.json"

    @property
    def collection_json(self) -> str:
        """The collection."""
        return f"{self.folder}/collection.json"

    @property
    def page(self) -> str:
        """The collection's page."""
        return f"{self.folder}/index.html"

    @property
    def datapackage(self) -> str:
        """The collection as a Data Package."""
        return f"{self.folder}/datapackage.json"

    @property
    def iso_record(self) -> str:
        """The collection as an ISO 19115-3 record."""
        return f"{self.folder}/iso19115-3.xml"

    @property
    def items_table(self) -> str:
        """The items as stac-geoparquet."""
        return f"{self.folder}/items.parquet"

    def combined_references(self, media_type: str = "application/json") -> str:
        """The kerchunk references of all items in one: a JSON document, or a folder of Parquet files."""
        return f"{self.folder}/references.{'json' if media_type == 'application/json' else 'parquet'}"

    def time_major(self, name: str) -> str:
        """A file of the copy that holds all times of a place together."""
        return f"{self.folder}/time-major/{name}"

    def item(self, item: str) -> str:
        """The item; does not depend on whether the collection has years."""
        return f"{self.folder}/{item}.json"

    def item_page(self, item: str) -> str:
        """The item's page."""
        return f"{self.folder}/{item}.html"

    def year(self, year: str) -> str:
        """The catalogue of one year's items."""
        return f"{self.folder}/{year}/catalog.json"

    def child(self, item: str) -> str:
        """The Collection made from a record that cannot be an Item."""
        return f"{self.folder}/{item}/collection.json"

    def child_page(self, item: str) -> str:
        """The page of such a Collection."""
        return f"{self.folder}/{item}/index.html"

    def record(self, item: str, media_type: str) -> str:
        """The source record, byte for byte; never under a suffix whose content a browser would run."""
        return f"{self.folder}/records/{item}.{_SUFFIXES.get(_bare(media_type), 'txt')}"

    def references(self, item: str, media_type: str = "application/json") -> str:
        """The kerchunk references of one item: a JSON document, or a folder of Parquet files."""
        return f"{self.folder}/references/{item}.{'json' if media_type == 'application/json' else 'parquet'}"

    def group_references(self, item: str, group: str) -> str:
        """The kerchunk references of one group of an item's file."""
        return f"{self.folder}/references/{item}/{item_id(group)}.json"

    def thumbnail(self, item: str) -> str:
        """A small picture of the item's data."""
        return f"{self.folder}/thumbnails/{item}.png"

    def explain(self, item: str) -> str:
        """The explanation of one item."""
        return f"{self.folder}/explain/{item}.json"

    def data(self, name: str) -> str:
        """A data file that the build copies into the catalogue; the name is made safe."""
        return f"{self.folder}/data/{item_id(name)}"


def record_type(media_type: str) -> str:
    """Return what a source record is, whatever the suffix it is kept under."""
    bare = _bare(media_type)
    return bare if bare in _SUFFIXES else "text/plain"


def _bare(media_type: str) -> str:
    return media_type.partition(";")[0].strip().lower()


def partner_catalog(partner: str) -> str:
    """Return the path of a partner's catalogue."""
    return f"{partner}/catalog.json"


def page_of(path: str) -> str:
    """Return the path of the page beside a STAC object."""
    if posixpath.basename(path) in {"catalog.json", "collection.json"}:
        return posixpath.join(posixpath.dirname(path), "index.html")
    return f"{path.removesuffix('.json')}.html"


def is_stac(path: str) -> bool:
    """Tell whether the file at a catalogue path should be a STAC object, by its place alone."""
    folder, _, name = path.rpartition("/")
    if name in {"catalog.json", "collection.json"}:
        return True
    stem = name.removesuffix(".json")
    return stem != name and folder.count("/") == 1 and not _RESERVED.fullmatch(stem)


def relative(source: str, target: str) -> str:
    """Return the href that leads from the file at one catalogue path to another.

    >>> relative("imr/ctd/a.json", "imr/catalog.json")
    '../catalog.json'
    >>> relative("imr/ctd/a.json", "imr/ctd/a.html")
    './a.html'
    """
    href = posixpath.relpath(target, posixpath.dirname(source) or ".")
    return href if href.startswith("../") else f"./{href}"


def resolve(source: str, href: str) -> str:
    """Return the catalogue path that a relative href in the file at ``source`` leads to.

    A path that begins with ``../`` lies outside the catalogue.
    """
    return posixpath.normpath(posixpath.join(posixpath.dirname(source), href.partition("#")[0].partition("?")[0]))
