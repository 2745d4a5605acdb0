"""Reads a remote static STAC catalogue or STAC API, also along a cruise track."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin

import orjson

from builder.crosswalks.times import parse_time
from builder.errors import DefinitionError, FetchError, ProtocolError, SourceError
from builder.findings import Finding, error
from builder.geometry.cruise import Fix, near, read_track, windows
from builder.sources.protocol import Ask, Record, Refused, refused

if TYPE_CHECKING:
    from pystac_client import Client

    from builder.definitions.model import StacSource
    from builder.sources.http import HttpGate

MAX_CATALOGUES = 50_000


@dataclass
class StacAdapter:
    """Yields the items of a catalogue that match the selection.

    An API that conforms to item search is asked with `search`; a static catalogue is walked and
    each item compared here.

    Args:
        source: The definition's source block.
        gate: What everything is fetched through.
        base: Folder of the definition, where a track file lies.
    """

    source: StacSource
    gate: HttpGate
    base: Path
    complete: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)
    bookmark: None = None
    total: None = None

    def named(self, identifiers: Sequence[str]) -> Iterator[Record | Finding]:
        """Yield nothing: static catalogues are walked."""
        del identifiers
        yield from ()

    def scan(self, ask: Ask | None = None) -> Iterator[Record | Finding]:
        """Yield one record per matching item; all are asked for, unchanged documents by their validators.

        Raises:
            SourceError: The root cannot be read, or a page of a search is broken.
            DefinitionError: The track file cannot be read.
        """
        del ask
        self._seen: set[str] = set()
        self._catalogues = self._failures = 0
        track = self._track()
        root = self._json(self.source.url)
        searchable = any("item-search" in str(uri) for uri in root.get("conformsTo", ()))
        found = self._search(track) if searchable else self._walk(self.source.url)
        for entry in found:
            if isinstance(entry, Finding):
                self._failures += not isinstance(entry, Refused)
                yield entry
                continue
            url, item, body = entry
            if url not in self._seen and self._matches(item, track):
                if len(self._seen) == self.source.limit:
                    self._finish(complete=False)
                    yield error("stac.limit", self.source.url, f"more than {self.source.limit} items", "raise `limit`")
                    return
                self._seen.add(url)
                yield self._record(url, item, body)
        self._finish(complete=not self._failures)

    def _finish(self, *, complete: bool) -> None:
        self.complete = complete
        self.counts = {"items": len(self._seen), "catalogues": self._catalogues}

    def _track(self) -> tuple[Fix, ...]:
        if self.source.track is None:
            return ()
        file = self.base / self.source.track
        try:
            return read_track(file.read_bytes(), str(file))
        except OSError as trouble:
            raise DefinitionError("the track file cannot be opened", where=str(file)) from trouble

    def _json(self, url: str) -> dict[str, Any]:
        return self._document(url)[1]

    def _document(self, url: str) -> tuple[bytes, dict[str, Any]]:
        return self.gate.read(url, lambda answer: (answer.body, _object(answer.body, url)))

    def _search(self, track: tuple[Fix, ...]) -> Iterator[tuple[str, dict[str, Any], bytes]]:
        client = _client(self.source.url, self.gate)
        for bbox, times in self._queries(track):
            search = client.search(
                collections=list(self.source.collections) or None,
                bbox=bbox,
                datetime=times,
                max_items=self.source.limit + 1,
                limit=250,
            )
            for item in search.items_as_dicts():
                links = {link["rel"]: link["href"] for link in item.get("links", ())}
                url = urljoin(self.source.url, links.get("self", f"#{item['id']}"))
                yield url, item, orjson.dumps(item, option=orjson.OPT_SORT_KEYS)

    def _queries(self, track: tuple[Fix, ...]) -> Iterator[tuple[tuple[float, ...] | None, Any]]:
        if not track:
            yield self.source.bbox, self.source.datetime
        for window in windows(track, self.source.track_distance_km, self.source.track_hours):
            yield window.bbox, (window.start, window.end)

    def _walk(self, root: str) -> Iterator[tuple[str, dict[str, Any], bytes] | Finding]:
        waiting, met = deque([(root, "")]), {root}
        while waiting:
            url, rel = waiting.popleft()
            try:
                body, document = self._document(url)
            except (FetchError, ProtocolError) as trouble:
                if url == root:
                    raise
                yield _left_out(trouble, url, rel)
                continue
            if document.get("type") == "Feature":
                yield url, document, body
                continue
            self._catalogues += 1
            for link in document.get("links", ()):
                target = urljoin(url, str(link.get("href", ""))) if isinstance(link, dict) else ""
                wanted = isinstance(link, dict) and link.get("rel") in {"child", "item"}
                if wanted and target not in met and self._catalogues < MAX_CATALOGUES:
                    met.add(target)
                    waiting.append((target, link["rel"]))

    def _matches(self, item: Mapping[str, Any], track: tuple[Fix, ...]) -> bool:
        if self.source.collections and item.get("collection") not in self.source.collections:
            return False
        start, end = _times(item)
        if start is None or end is None:
            return not track and self.source.datetime is None
        if not _within(start, end, self.source.datetime):
            return False
        geometry = item.get("geometry")
        if track:
            km, hours = self.source.track_distance_km, self.source.track_hours
            return geometry is not None and near(track, geometry, start, end, distance_km=km, hours=hours)
        return self.source.bbox is None or (geometry is not None and _touches(geometry, self.source.bbox))

    def _record(self, url: str, item: Mapping[str, Any], body: bytes) -> Record:
        properties = item.get("properties") or {}
        stamp = properties.get("updated") if isinstance(properties, dict) else None
        return Record(
            identifier=str(item.get("id")) if item.get("id") else url,
            format="stac",
            body=body,
            media_type="application/geo+json",
            url=url,
            datestamp=stamp if isinstance(stamp, str) else None,
        )


def _left_out(trouble: SourceError, url: str, rel: str) -> Finding:
    """Say what cannot be read; an item leaves out only itself."""
    if rel == "item":
        return refused(f"stac.{trouble.code}", trouble.where, trouble.message, "left out; tell the partner", url)
    return error(f"stac.{trouble.code}", trouble.where, trouble.message, "left out with everything below it")


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as trouble:
        raise ProtocolError(f"not JSON: {trouble}", where=url) from trouble
    if not isinstance(document, dict):
        raise ProtocolError("not a STAC object", where=url)
    return document


def _client(url: str, gate: HttpGate) -> Client:
    """Open an API with pystac-client, every request of which goes through the gate."""
    from pystac_client import Client
    from pystac_client.stac_api_io import StacApiIO
    from requests import Request

    class GateIO(StacApiIO):
        def request(
            self,
            href: str,
            method: str | None = None,
            headers: dict[str, str] | None = None,
            parameters: dict[str, Any] | None = None,
        ) -> str:
            body: dict[str, Any] = {"json": parameters} if method == "POST" else {"params": parameters or {}}
            asked = Request(method or "GET", href, headers=headers or {}, **body).prepare()
            data = asked.body if isinstance(asked.body, bytes) else None
            answer = gate.get(str(asked.url), method=str(asked.method), headers=dict(asked.headers), data=data)
            return answer.body.decode("utf-8", "replace")

        def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
            href = source if isinstance(source, str) else getattr(source, "href", "")
            if not href.startswith(("http://", "https://")):
                raise ProtocolError("the API names a file that is not on the web", where=url)
            return str(super().read_text(source, *args, **kwargs))

    return Client.open(url, stac_io=GateIO())


def _times(item: Mapping[str, Any]) -> tuple[datetime | None, datetime | None]:
    properties = item.get("properties")
    if not isinstance(properties, dict):
        return None, None
    instant = properties.get("datetime")
    return parse_time(properties.get("start_datetime") or instant), parse_time(
        properties.get("end_datetime") or instant
    )


def _within(start: datetime, end: datetime, wanted: str | None) -> bool:
    first, slash, last = (wanted or "..").partition("/")
    earliest, latest = parse_time(first), parse_time(last if slash else first, end=True)
    return (earliest is None or end >= earliest) and (latest is None or start <= latest)


def _touches(geometry: Mapping[str, Any], bbox: tuple[float, float, float, float]) -> bool:
    import shapely

    west, south, east, north = bbox
    boxes = [shapely.box(west, south, east, north)]
    if west > east:
        boxes = [shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)]
    shape = shapely.geometry.shape(dict(geometry))
    return any(shape.intersects(box) for box in boxes)
