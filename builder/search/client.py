"""The catalogue as something to ask, and the answer, both in the manner of pystac-client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import orjson

from builder.errors import FetchError, UsageError
from builder.search.area import Area, box_area, geometry_area
from builder.search.conditions import Json, column_of, names_in, of_query
from builder.search.period import Moment, interval
from builder.search.places import CatalogueFiles, files_of
from builder.search.scan import TIMES, Question, scan, values_of
from builder.search.sorting import Order, orders, sort
from builder.stac.layout import COLLECTIONS_TABLE

if TYPE_CHECKING:
    import pyarrow as pa
    import pystac

PAGE = 100


@dataclass(frozen=True, slots=True)
class Found:
    """One item: its collection, its id, and the path of its JSON below the catalogue's root."""

    collection: str
    id: str
    path: str


class Client:
    """A catalogue that this program built, in a folder or on a web server.

    Args:
        files: Its files.
    """

    def __init__(self, files: CatalogueFiles) -> None:
        self.files = files

    @classmethod
    def open(cls, href: str) -> Client:
        """Open the catalogue in a folder or at an http(s) address, with or without ``catalog.json``.

        Raises:
            UsageError: There is no such folder.
        """
        return cls(files_of(str(href)))

    @cached_property
    def tables(self) -> Mapping[str, str]:
        """Collection → path of its table of items; those without items have none.

        Raises:
            UsageError: The catalogue has no tables.
            FetchError: Its server does not answer.
        """
        import pyarrow.parquet as pq

        try:
            stream = self.files.open(COLLECTIONS_TABLE)
        except (FileNotFoundError, FetchError) as trouble:
            if isinstance(trouble, FetchError) and trouble.status is None:
                raise
            where = self.files.href(COLLECTIONS_TABLE)
            raise UsageError(
                "the catalogue has no table of collections", where=where, hint="build it with `iaos build`"
            ) from trouble
        with stream:
            rows = pq.read_table(stream, columns=["id", "links", "assets"]).to_pylist()
        found = {}
        for row in rows:
            own = next(link["href"] for link in row["links"] if link["rel"] == "self")
            table = (row["assets"] or {}).get("items")
            found[row["id"]] = urljoin(own.removeprefix("./"), table["href"]) if table else ""
        return dict(sorted(found.items()))

    def search(
        self,
        *,
        bbox: Sequence[float] | str | None = None,
        intersects: Mapping[str, Any] | str | Any | None = None,
        datetime: Moment | Sequence[Moment] = None,
        ids: Sequence[str] | str | None = None,
        collections: Sequence[str] | str | None = None,
        query: Mapping[str, Any] | Sequence[str] | None = None,
        filter: Mapping[str, Any] | str | None = None,  # noqa: A002  (pystac-client's name)
        sortby: str | Sequence[str | Mapping[str, str]] | None = None,
        max_items: int | None = None,
        limit: int = PAGE,
    ) -> ItemSearch:
        """Ask for items. All conditions must hold; nothing is read before the answer is.

        Args:
            bbox: West, south, east, north in degrees; west > east crosses the antimeridian.
            intersects: GeoJSON geometry or Feature, as dict, text or object with ``__geo_interface__``.
            datetime: ``2019``, ``2019-05-01/2019-06``, ``../2019``, a datetime or two.
            ids: Ids of items.
            collections: Ids of collections; all where not given.
            query: ``{"platform": {"eq": "Oden"}}`` or ``["platform=Oden"]``.
            filter: CQL2 as JSON: and, or, not, comparisons, between, in, like, isNull.
            sortby: ``-datetime,+id``, a list of such, or ``{"field": …, "direction": "desc"}``.
            max_items: Most items to return; `ItemSearch.matched` counts all.
            limit: Items per page of `ItemSearch.pages`.

        Raises:
            UsageError: A value cannot be understood, or a collection is not there.
        """
        if bbox is not None and intersects is not None:
            raise UsageError("bbox and intersects exclude each other")
        if limit < 1 or (max_items or 0) < 0:
            raise UsageError(f"limit {limit} or max_items {max_items} is no number of items")
        by_property = [*of_query(query or ()), *([_loaded(filter)] if filter else [])]
        order = orders(sortby)
        question = Question(
            area=_area(bbox, intersects),
            period=None if datetime is None else interval(datetime),
            ids=None if ids is None else frozenset(_listed(ids)),
            conditions=tuple(by_property),
            wanted=tuple(name for key in order for name in key.columns),
        )
        asked = None if collections is None else _listed(collections)
        return ItemSearch(self, question, asked, order, max_items, limit)


@dataclass(frozen=True)
class ItemSearch:
    """The answer to a search; read when it is asked for."""

    client: Client
    question: Question
    collections: Sequence[str] | None
    order: tuple[Order, ...]
    max_items: int | None = None
    limit: int = PAGE

    def matched(self) -> int:
        """Count all items that answer, whatever ``max_items`` says."""
        bare = replace(self.question, wanted=())
        return sum(len(table) for path in self._tables().values() for table in self._scan(path, bare))

    def found(self) -> Iterator[Found]:
        """Yield where the items are, without reading them; by collection and place where no order is asked for."""
        hits = self._sorted() if self.order else self._unsorted()
        return islice(hits, self.max_items)

    def ids(self) -> Iterator[str]:
        """Yield the ids of the items."""
        return (hit.id for hit in self.found())

    def items_as_dicts(self) -> Iterator[Json]:
        """Yield the items as they stand in the catalogue, with absolute addresses."""
        files = self.client.files
        hits = iter(self.found())
        while several := list(islice(hits, self.limit)):
            for hit, body in zip(several, files.read(hit.path for hit in several), strict=True):
                yield _absolute(orjson.loads(body), files.href(hit.path))

    def items(self) -> Iterator[pystac.Item]:
        """Yield the items as pystac objects."""
        import pystac

        return (pystac.Item.from_dict(item) for item in self.items_as_dicts())

    def item_collection_as_dict(self) -> Json:
        """Return all items as one GeoJSON FeatureCollection."""
        return {"type": "FeatureCollection", "features": list(self.items_as_dicts())}

    def item_collection(self) -> pystac.ItemCollection:
        """Return all items as one pystac ItemCollection."""
        import pystac

        return pystac.ItemCollection(list(self.items()))

    def pages_as_dicts(self) -> Iterator[Json]:
        """Yield the items as FeatureCollections of ``limit`` items."""
        items = self.items_as_dicts()
        while page := list(islice(items, self.limit)):
            yield {"type": "FeatureCollection", "features": page}

    def unknown(self) -> dict[str, list[str]]:
        """Return the properties that are asked for and no table has, each with those of nearly the same name."""
        import pyarrow.parquet as pq

        asked = {*names_in(list(self.question.conditions)), *self.question.wanted} - {*TIMES}
        held: set[str] = set()
        for path in self._tables().values() if asked else ():
            with self.client.files.open(path) as stream:
                held.update(pq.read_schema(stream).names)
        missing = {name: column_of(name)[0] for name in sorted(asked) if column_of(name)[0] not in held}
        return {name: get_close_matches(column, sorted(held)) for name, column in missing.items()}

    def _tables(self) -> dict[str, str]:
        known = self.client.tables
        unknown = sorted(set(self.collections or ()) - known.keys())
        if unknown:
            raise UsageError(f"no collection is called {unknown[0]!r}", hint=f"there are: {', '.join(known)}")
        asked = known.keys() if self.collections is None else set(self.collections)
        return {name: path for name, path in known.items() if path and name in asked}

    def _scan(self, path: str, question: Question) -> Iterator[pa.Table]:
        with self.client.files.open(path) as stream:
            yield from scan(stream, question)

    def _unsorted(self) -> Iterator[Found]:
        for collection, path in self._tables().items():
            for table in self._scan(path, self.question):
                for name in table["id"].to_pylist():
                    yield _hit(collection, path, name)

    def _sorted(self) -> Iterator[Found]:
        rows: list[tuple[str, str, tuple[Any, ...]]] = []
        for collection, path in self._tables().items():
            for table in self._scan(path, self.question):
                keys = zip(*(values_of(table, name).to_pylist() for name in self.question.wanted), strict=True)
                rows += zip([collection] * len(table), table["id"].to_pylist(), keys, strict=True)
        paths = self._tables()
        for collection, name in sort(rows, self.order):
            yield _hit(collection, paths[collection], name)


def _hit(collection: str, table: str, name: str) -> Found:
    return Found(collection, name, urljoin(table, f"./{name}.json"))


def _area(bbox: Sequence[float] | str | None, intersects: Any) -> Area | None:
    if isinstance(bbox, str):
        try:
            bbox = [float(number) for number in bbox.split(",")]
        except ValueError as trouble:
            raise UsageError(f"bbox {bbox!r} is not four numbers with commas between") from trouble
    if bbox is not None:
        return box_area(bbox)
    if intersects is None:
        return None
    return geometry_area(_loaded(getattr(intersects, "__geo_interface__", intersects)))


def _loaded(document: Any) -> Json:
    """Return a JSON object given as such or as text."""
    try:
        loaded = orjson.loads(document) if isinstance(document, str) else document
    except orjson.JSONDecodeError as trouble:
        raise UsageError(f"{document[:60]!r} is not JSON: {trouble}") from trouble
    if not isinstance(loaded, Mapping):
        raise UsageError(f"{str(document)[:60]!r} is not a JSON object")
    return dict(loaded)


def _listed(names: Iterable[str] | str) -> list[str]:
    return names.split(",") if isinstance(names, str) else list(names)


def _absolute(item: Json, href: str) -> Json:
    """Make the addresses in an item absolute, and say where it stands."""
    own = {"rel": "self", "href": href, "type": "application/geo+json"}
    links = [{**link, "href": urljoin(href, link["href"])} for link in item["links"]]
    assets = {key: {**asset, "href": urljoin(href, asset["href"])} for key, asset in item["assets"].items()}
    return {**item, "links": [own, *links], "assets": assets}
