"""Puts one collection into the wanted tree: its items with all that stands beside them, and itself."""

from __future__ import annotations

import tempfile
from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.checks.validate import validate
from builder.compose import Composed, compose, contained, read, stac_id
from builder.datapackage import DataPackage
from builder.errors import IaosError
from builder.findings import Finding, note
from builder.index.described import LINES, line_of
from builder.inspections import Blind
from builder.ledger import Entry
from builder.media import inert_type, media_type
from builder.memo import Made, Memo, may_be_kept
from builder.pages.embed import embed_path
from builder.references.grouped import by_group
from builder.spool import Spool
from builder.stac.collection import build_collection, build_year_catalog, has_years
from builder.stac.item import needs_collection
from builder.stac.layout import Place, page_of
from builder.stac.serialize import to_bytes
from builder.stac.summaries import Summary
from builder.stack import Stack
from builder.tables.rows import item_row, without_downward_links
from builder.tables.writer import TableWriter
from builder.whole import Known, Whole

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.inspections import Inspecting
    from builder.pages.render import Renderer
    from builder.progress import Advance
    from builder.readings import Readings
    from builder.stac.context import Related
    from builder.state import State
    from builder.tree import Tree

LISTED = ("type", "id", "geometry", "bbox", "properties", "title", "description", "extent", "collection")
"""What the list of a collection's items shows of each; the rest is not held in memory."""

MOST_GEOMETRIES = 200
"""Most footprints of one collection that an overview map draws."""

JSON = media_type("x.json")
HTML = media_type("x.html")


@dataclass
class Gathered:
    """One collection as it stands in the tree.

    Attributes:
        definition: What the maintainer wrote.
        stac: The STAC Collection.
        items: How many items and record collections it has.
        references: How many of them have kerchunk references.
        findings: What was doubtful or left out.
        told: What the state calls its history: NDJSON, oldest first, with titles and addresses.
        geometries: Footprints for overview maps, at most `MOST_GEOMETRIES`.
    """

    definition: CollectionDefinition
    stac: dict[str, Any] = field(default_factory=dict)
    items: int = 0
    references: int = 0
    findings: list[Finding] = field(default_factory=list)
    told: str = ""
    geometries: tuple[Mapping[str, Any], ...] = ()


@dataclass
class Gatherer:
    """Works through one collection, one record at a time.

    Args:
        definition: The collection.
        state: Ledger and record bodies.
        tree: Where everything goes.
        inspecting: Looks into data files.
        renderer: Makes pages.
        partner: The partner's STAC Catalog, for the pages.
        advance: Counts records, for progress.
        base: Folder of the definitions, from which local files are copied.
        target: Folder of the published catalogue, for items that are made from what they were made from before.
        readings: Descriptions of records that were made earlier in this night.
        related: By identifier of a record, what its item was made from and what was made from it.
    """

    definition: CollectionDefinition
    state: State
    tree: Tree
    inspecting: Inspecting
    renderer: Renderer
    partner: Mapping[str, Any]
    advance: Advance
    base: Path
    target: Path
    readings: Readings
    related: Mapping[str, Sequence[Related]] = field(default_factory=dict)

    def gather(self) -> Gathered:
        """Put the collection and everything below it into the tree."""
        name = self.definition.id
        self.place = Place(self.definition.partner.id, name)
        self.result = Gathered(self.definition, told=f"{name}/told.ndjson")
        ledger = self.state.ledger(name)
        live = sorted(key for key, entry in ledger.items() if not entry.gone)
        by_year = has_years(len(live))
        self.summary = Summary()
        self.head = build_collection(self.definition, self.summary)
        around = (self.head, self.partner, self.renderer.base, self.renderer.stac_browser, by_year)
        self.memo = Memo(self.state, self.definition, *around)
        whole = Whole(self.state, self.tree, self.place, self.memo, self.related)
        if (known := whole.take(self.target)) is None:
            self._go_through([ledger[key] for key in live], by_year=by_year)
            for entry in ledger.values():
                if entry.gone:
                    self._bury(entry, entry.reason or "withdrawn by the partner")
            self._conclude(by_year=by_year)
            self._remember(whole)
        else:
            self._take_over(known)
        return self.result

    def _take_over(self, known: Known) -> None:
        """Say of the collection what was said when its files were made."""
        self.memo.leave()
        self.result.stac = orjson.loads((self.target / self.place.collection_json).read_bytes())
        self.result.items, self.result.findings = known.items, list(known.findings)
        self.result.geometries = known.geometries

    def _remember(self, whole: Whole) -> None:
        if self.lasting:
            whole.keep(Known(self.result.items, tuple(self.result.findings), self.result.geometries))
        else:
            whole.forget()

    def _go_through(self, live: Sequence[Entry], *, by_year: bool) -> None:
        self.package, self.table = DataPackage(), TableWriter(self.tree.staging)
        self.listed = Spool(self.tree.staging)
        self.findable = tempfile.TemporaryFile(dir=self.tree.staging)  # noqa: SIM115  (closed in _conclude)
        self.stack = Stack(self.definition, self.place, self.state, self.inspecting, self.base)
        self.known: dict[str, tuple[str, str, str]] = {}
        self.lasting = not self.definition.policies.references
        taken: set[str] = set()
        for entry in live:
            if not self._kept(entry, taken):
                composed = self._composed(entry, by_year=by_year, taken=taken)
                if composed is not None:
                    self._add(composed, entry)
            self.advance(f"build {self.definition.id}")
        self.memo.close()

    def _kept(self, entry: Entry, taken: set[str]) -> bool:
        """Take over what an earlier build made of a record, where it was made from the same and still stands."""
        made = self.memo.recall(entry, self.related.get(entry.identifier, ()))
        if made is None or made.id in taken or not self.tree.stands(made.files):
            return False
        file = self.target / made.path
        data = file.read_bytes() if file.is_file() else b""
        if sha256(data).hexdigest() != made.files[made.path]:
            return False
        for path in made.files:
            self.tree.keep(path)
        taken.add(made.id)
        self.result.findings += made.findings
        self.memo.keep(made)
        self._register(orjson.loads(data), made.path, made.id, entry.identifier)
        return True

    def _composed(self, entry: Entry, *, by_year: bool, taken: set[str]) -> Composed | None:
        related = self.related.get(entry.identifier, ())

        def make() -> Composed | Finding:
            record = self.state.record(self.definition.id, entry)
            known = self.readings.take(self.definition.id, record) or read(self.definition, record, self.inspecting)
            return compose(self.definition, record, known, by_year=by_year, taken=taken, related=related)

        composed = contained(entry, make, self.result.findings)
        if composed is None:
            return None
        if isinstance(composed, Finding):
            self.result.findings.append(composed)
            self._bury(entry, composed.message, only_if_shown=True)
            return None
        wrong = validate(composed.stac)
        self.result.findings += [*composed.findings, *wrong]
        return None if wrong else composed

    def _add(self, composed: Composed, entry: Entry) -> None:
        name, record, path = composed.context.id, composed.record, composed.path
        self.tree.add(path, to_bytes(composed.stac), media_type("x.geojson") if composed.is_item else JSON)
        kept = self.place.record(name, record.media_type)
        self.tree.add(kept, record.body, media_type(kept))  # by its suffix: a partner's word could make it a page
        explanation = self.place.explain(name)
        self.tree.add(explanation, to_bytes(composed.explanation), JSON)
        for path_below, local in composed.copies.items():
            kind = media_type(local) if composed.record.format == "process" else inert_type(local)
            self.tree.add_file(f"{self.place.folder}/{path_below}", self.base / local, kind)
        if composed.copied is not None:
            readable = self.state.file(composed.copied.kept)
            assert readable is not None
            self.tree.add_file(f"{self.place.folder}/{composed.copied.name}", readable, media_type("x.nc"))
        if composed.thumbnail is not None:
            picture = self.place.thumbnail(name)
            self.tree.add(picture, composed.thumbnail, media_type(picture))
        if composed.references is not None:
            self._add_references(composed)
            self.stack.add(composed)
            self.result.references += 1
        page = page_of(path)
        said = composed.explanation
        self.tree.add(page, self.renderer.item(composed.stac, self.head, self.partner, explain=said, path=page), HTML)
        framed = [embed_path(page)] if composed.is_item else []
        for place in framed:
            self.tree.add(place, self.renderer.embed(composed.stac, self.partner, page=page), HTML)
        self.lasting = self.lasting and not (composed.inspected or composed.copies)
        if may_be_kept(composed):
            files = {file: self.tree.wanted[file].sha256 for file in (path, kept, explanation, page, *framed)}
            key = self.memo.key(entry, self.related.get(entry.identifier, ()))
            self.memo.keep(Made(entry.identifier, key, name, path, files, composed.findings))
        self._register(composed.stac, path, name, record.identifier)

    def _register(self, stac: dict[str, Any], path: str, name: str, identifier: str) -> None:
        """Count an object in for what is said of all together."""
        self.summary.add(stac)
        self.package.add(stac, path)
        self.findable.write(orjson.dumps(line_of(stac)) + b"\n")
        if stac["type"] == "Feature":
            self.table.add(item_row(stac))
        self.listed.append({key: stac[key] for key in LISTED if key in stac})
        self.result.items += 1
        title = stac.get("title") or stac["properties"]["title"]
        self.known[identifier] = (name, title, page_of(path))

    def _add_references(self, composed: Composed) -> None:
        context = composed.context
        path = self.place.references(context.id, context.references_media_type)
        if not composed.parquet:
            self.tree.add(path, composed.references or b"", JSON)
        for group, body in by_group(composed.references or b"").items():
            self.tree.add(self.place.group_references(context.id, group), body, JSON)
        for name, text in composed.parquet.items():
            below = f"{path}/{name}"
            self.tree.add(below, b64decode(text), JSON if name == ".zmetadata" else media_type(below))

    def _bury(self, entry: Entry, reason: str, *, only_if_shown: bool = False) -> None:
        """Leave a page at the address of a withdrawn item."""
        try:
            dataset, _ = read(self.definition, self.state.record(self.definition.id, entry), Blind())
        except IaosError as trouble:
            self.result.findings.append(note("record.tombstone", entry.identifier, f"no page left: {trouble.message}"))
            return
        name = stac_id(self.definition, dataset)
        own = needs_collection(dataset, self.definition.policies.level)
        page = self.place.child_page(name) if own else self.place.item_page(name)
        title = dataset.title or dataset.identifier
        if page in self.tree.wanted or (only_if_shown and page not in self.tree.published):
            return
        self.known[entry.identifier] = (name, title, page)
        body = self.renderer.tombstone(page, title=title, reason=reason, partner=self.partner, collection=self.head)
        self.tree.add(page, body, HTML, reason)

    def _conclude(self, *, by_year: bool) -> None:
        combined, series, findings = self.stack.publish(self.tree)
        self.result.findings += findings
        self.result.stac = build_collection(
            self.definition,
            self.summary,
            by_year=by_year,
            references=combined,
            table=bool(len(self.table)),
            assets=series,
        )
        self.result.findings += validate(self.result.stac)
        self.tree.add(self.place.collection_json, to_bytes(self.result.stac), JSON)
        self.tree.add(self.place.datapackage, to_bytes(self.package.build(self.result.stac)), JSON)
        self._tabulate()
        for year in self.summary.years if by_year else ():
            self.tree.add(
                self.place.year(year), to_bytes(build_year_catalog(self.definition, self.summary, year)), JSON
            )
        for path, body in self.renderer.collection(self.result.stac, self.partner, self.listed):
            self.tree.add(path, body, HTML)
        with tempfile.TemporaryFile(dir=self.tree.staging) as told:
            told.writelines(orjson.dumps(change) + b"\n" for change in self._history())
            told.seek(0)
            self.state.write_from(self.result.told, told)
        with self.findable as lines:
            lines.seek(0)
            self.state.write_from(f"{self.definition.id}/{LINES}", lines)
        some = self.listed[:: max(1, -(-len(self.listed) // MOST_GEOMETRIES))]
        self.result.geometries = tuple(stac["geometry"] for stac in some if stac.get("geometry"))
        self.listed.close()

    def _tabulate(self) -> None:
        """Add the table of items, where there are any."""
        if len(self.table):
            about = {"collections": {self.definition.id: without_downward_links(self.result.stac)}}
            with tempfile.NamedTemporaryFile(dir=self.tree.staging) as scratch:
                self.table.write(Path(scratch.name), about)
                self.tree.add_file(self.place.items_table, Path(scratch.name), media_type(self.place.items_table))
        self.table.close()

    def _history(self) -> Iterator[dict[str, Any]]:
        """Yield the changes of what is or was shown; records that never were have no place in it."""
        for line in self.state.history(self.definition.id):
            known = self.known.get(line["identifier"])
            if known is not None:
                yield {
                    "collection": self.definition.id,
                    **line,
                    **dict(zip(("item", "title", "href"), known, strict=True)),
                }
