"""Puts one collection into the wanted tree: its items with all that stands beside them, and itself."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.checks.validate import validate
from builder.compose import Composed, compose, contained, read, stac_id
from builder.datapackage import MOST_RESOURCES, DataPackage, open_files
from builder.errors import IaosError
from builder.findings import Finding, note
from builder.gathered import MOST_GEOMETRIES, Gathered
from builder.index.described import LINES, line_of
from builder.inspections import Blind
from builder.ledger import Entry
from builder.made import Made, Remembered, Share, Shares, Stretch
from builder.media import inert_type, media_type
from builder.memo import Fresh, Memo, may_be_kept
from builder.pages.render import MOST_DRAWN
from builder.references.grouped import by_group
from builder.seen import Seen, with_copies
from builder.spool import Spool
from builder.stac.collection import build_collection, build_year_catalog, has_years
from builder.stac.item import needs_collection
from builder.stac.layout import Place, page_of
from builder.stac.serialize import to_bytes
from builder.stac.summaries import Summary, rest_of, share_of
from builder.stack import Stack
from builder.tabled import Tabled
from builder.tables.rows import item_row, without_downward_links
from builder.tables.writer import shapes_of
from builder.tables.writer import share_of as share_of_row
from builder.whole import Known, Whole

if TYPE_CHECKING:
    from builder.definitions.model import CollectionDefinition
    from builder.desk import Desk
    from builder.inspections import Inspections
    from builder.pages.render import Renderer
    from builder.progress import Advance
    from builder.readings import Readings
    from builder.stac.context import Related
    from builder.state import State
    from builder.tree import Tree

JSON = media_type("x.json")
HTML = media_type("x.html")


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
        desk: Writes tables.
        readings: Descriptions of records that were made earlier in this night.
        related: By identifier of a record, what its item was made from and what was made from it.
    """

    definition: CollectionDefinition
    state: State
    tree: Tree
    inspecting: Inspections
    renderer: Renderer
    partner: Mapping[str, Any]
    advance: Advance
    base: Path
    desk: Desk
    readings: Readings
    related: Mapping[str, Sequence[Related]] = field(default_factory=dict)

    def gather(self) -> Gathered:
        """Put the collection and everything below it into the tree."""
        name = self.definition.id
        self.place = Place(self.definition.partner.id, name)
        self.result = Gathered(self.definition, told=f"{name}/told.ndjson")
        self.by_year = by_year = has_years(sum(1 for _ in self.state.ledger_lines(name, gone=False)))
        self.head = build_collection(self.definition, Summary())
        around = (self.head, self.partner, self.renderer.base, self.renderer.stac_browser, by_year)
        self.memo = Memo(self.state, self.definition, *around)
        whole = Whole(self.state, self.tree, self.place, self.memo, self.related)
        if (known := whole.take()) is None:
            self._go_through()
            for line in self.state.ledger_lines(name, gone=True):
                entry = self.state.entry(name, line)
                self._bury(entry, entry.reason or "withdrawn by the partner")
            table = self._conclude()
            self.result.finish = partial(self.result.conclude, self.tree, table, whole, lasting=self.lasting)
        else:
            self._take_over(known)
        return self.result

    def _take_over(self, known: Known) -> None:
        """Say of the collection what was said when its files were made."""
        self.memo.leave()
        self.result.stac = orjson.loads(self.tree.read(self.place.collection_json))
        self.result.items, self.result.findings = known.items, list(known.findings)
        self.result.geometries = known.geometries

    def _go_through(self) -> None:
        self.files, self.table = 0, Tabled(self.state, self.place, self.desk)
        self.listed, self.paths = Spool(self.tree.staging), Spool(self.tree.staging)
        self.findable = (self.state.overlay / f"{self.definition.id}.findable").open("wb")
        self.named, granules = Spool(self.tree.staging), Spool(self.tree.staging)
        self.stack = Stack(
            self.definition, self.place, self.state, self.inspecting, self.base, self.memo.base, granules
        )
        self.summary = Summary(self.named)
        self.known: dict[str, int | tuple[str, str, str]] = {}
        self.lasting = not self.definition.policies.references
        self.taken: set[str] = set()
        unshown: list[tuple[Entry, str]] = []
        for stretch, fresh in self.memo.stretches(self.related):
            for entry, key in chain(self._left(stretch), (fresh,) if fresh else ()):
                composed = self._composed(entry)
                if isinstance(composed, Composed):
                    self._add(composed, entry, key)
                elif composed is not None:
                    unshown.append((entry, composed.message))
                self.advance(f"build {self.definition.id}")
        self.memo.close()
        for entry, reason in unshown:  # another record may be shown at the same address
            self._bury(entry, reason, only_if_shown=True)

    def _left(self, stretch: Stretch) -> Iterator[Fresh]:
        """Take over what an earlier build made, all at once where all still stands; yield those left, each in turn."""
        if not stretch.ledger:
            return
        made = self.memo.read(stretch)
        if made is not None and self._stands(made):
            self.result.findings += made.findings
            self.memo.again(stretch)
            self._register(made.shares, same=True)
            for _ in stretch.ledger:
                self.advance(f"build {self.definition.id}")
        elif len(stretch.ledger) > 1:
            yield from chain.from_iterable(map(self._left, stretch.singly()))
        else:
            yield self.memo.fresh(stretch.ledger[0], self.related)

    def _stands(self, made: Remembered) -> bool:
        """Tell whether ids are free, data files the same, and files lie there, which are wanted as they are if so."""
        seen = (Seen(*one) for one in made.shares.seen if one)
        return (
            self.taken.isdisjoint(made.shares.ids)
            and all(map(self.inspecting.stands, seen))
            and self.tree.take(made.files)
        )

    def _composed(self, entry: Entry) -> Composed | Finding | None:
        """Compose an object; a finding says why a record is not shown, and nothing is left of one that failed."""
        related = self.related.get(entry.identifier, ())

        def make() -> Composed | Finding:
            record = self.state.record(self.definition.id, entry)
            known = self.readings.take(self.definition.id, record) or read(self.definition, record, self.inspecting)
            return compose(self.definition, record, known, by_year=self.by_year, taken=self.taken, related=related)

        composed = contained(entry, make, self.result.findings)
        if composed is None:
            return None
        if isinstance(composed, Finding):
            self.result.findings.append(composed)
            return composed
        wrong = validate(composed.stac)
        self.result.findings += [*composed.findings, *wrong]
        return None if wrong else composed

    def _add(self, composed: Composed, entry: Entry, key: bytes) -> None:
        name, record, path = composed.context.id, composed.record, composed.path
        kind = media_type("x.geojson") if composed.is_item else JSON
        files = {path: self.tree.add(path, to_bytes(composed.stac), kind)}
        kept = self.place.record(name, record.media_type)
        files[kept] = self.tree.add(kept, record.body, media_type(kept))  # by its suffix: a word could make it a page
        explanation = self.place.explain(name)
        files[explanation] = self.tree.add(explanation, to_bytes(composed.explanation), JSON)
        seen = with_copies(composed.seen, self.base, composed.copies)
        files |= self._add_data(composed)
        pages = self.renderer.pages(
            composed.stac, self.head, self.partner, explain=composed.explanation, path=page_of(path)
        )
        files |= {page: self.tree.add(page, body, HTML) for page, body in pages}
        made = Made(entry.identifier, key, name, path, files, composed.findings, self._share(composed, seen))
        self.lasting = self.lasting and not composed.fleeting
        if may_be_kept(composed):
            self.memo.keep(made)
        self._register(made.shares(), same=False)

    def _share(self, composed: Composed, seen: Seen | None) -> Share:
        """Return what an object adds to what is said of all together."""
        stac = composed.stac
        row = item_row(stac) if composed.is_item else None
        return Share(
            share_of(stac),
            rest_of(stac),
            orjson.dumps(self.renderer.listed(stac)),
            orjson.dumps(line_of(stac)),
            orjson.dumps(row and tuple(share_of_row(row))),
            shapes_of(row) if row else b"null",
            len(open_files(stac)),
            seen,
        )

    def _register(self, shares: Shares, *, same: bool) -> None:
        """Count objects in for what is said of all together."""
        for place, (name, identifier) in enumerate(zip(shares.ids, shares.identifiers, strict=True), len(self.paths)):
            self.known[name if name == identifier else identifier] = place  # not two strings where one does
        self.summary.take(shares.summaries, shares.rests)
        self.taken.update(shares.ids)
        self.findable.writelines(b"%b\n" % line for line in shares.found)
        self.listed.put(shares.listed)
        self.paths.extend(shares.paths)
        self.table.add(shares.rows, shares.shapes, same=same)
        self.files += sum(shares.files)
        self.lasting = self.lasting and not any(shares.seen)
        self.result.references += self.stack.add(shares.ids, shares.seen)
        self.result.items += len(shares.ids)

    def _add_data(self, composed: Composed) -> Iterator[tuple[str, str]]:
        """Add data files, or what was made of them; yield path and SHA-256 of each."""
        for path_below, local in composed.copies.items():
            kind = media_type(local) if composed.record.format == "process" else inert_type(local)
            path = f"{self.place.folder}/{path_below}"
            yield path, self.tree.add_file(path, self.base / local, kind)
        if composed.copied is not None:
            path, readable = f"{self.place.folder}/{composed.copied.name}", self.state.file(composed.copied.kept)
            assert readable is not None
            yield path, self.tree.add_file(path, readable, media_type("x.nc"))
        if composed.thumbnail is not None:
            path = self.place.thumbnail(composed.context.id)
            yield path, self.tree.add(path, composed.thumbnail, media_type(path))
        for path, body in self._references(composed):
            yield path, self.tree.add(path, body, JSON if path.endswith((".json", ".zmetadata")) else media_type(path))

    def _references(self, composed: Composed) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of all files with references of an object."""
        if composed.references is None:
            return
        context = composed.context
        path = self.place.references(context.id, context.references_media_type)
        if not composed.parquet:
            yield path, composed.references
        for group, body in by_group(composed.references).items():
            yield self.place.group_references(context.id, group), body
        for name, text in composed.parquet.items():
            yield f"{path}/{name}", b64decode(text)

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
        if page in self.tree or (only_if_shown and not self.tree.is_published(page)):
            return
        self.known[entry.identifier] = (name, title, page)
        body = self.renderer.tombstone(page, title=title, reason=reason, partner=self.partner, collection=self.head)
        self.tree.add(page, body, HTML, reason)

    def _conclude(self) -> Tabled | None:
        combined, series, findings = self.stack.publish(self.tree)
        self.result.findings += findings
        self.result.stac = build_collection(
            self.definition,
            self.summary,
            by_year=self.by_year,
            references=combined,
            table=bool(self.summary.years),
            assets=series,
        )
        self.result.findings += validate(self.result.stac)
        self.tree.add(self.place.collection_json, to_bytes(self.result.stac), JSON)
        self.tree.add(self.place.datapackage, to_bytes(self._package()), JSON)
        for year in self.summary.years if self.by_year else ():
            self.tree.add(
                self.place.year(year), to_bytes(build_year_catalog(self.definition, self.summary, year)), JSON
            )
        shown = self._geometries(MOST_DRAWN)
        for path, body in self.renderer.collection(self.result.stac, self.partner, self.listed, shown):
            self.tree.add(path, body, HTML)
        with self.state.writing(self.result.told) as told:
            told.writelines(self._history())
        self.findable.close()
        self.state.adopt(f"{self.definition.id}/{LINES}", Path(self.findable.name))
        self.result.geometries = tuple(geometry for geometry in self._geometries(MOST_GEOMETRIES) if geometry)
        for spool in (self.listed, self.paths, self.named):
            spool.close()
        if not self.summary.years:
            self.table.close()
            return None
        self.table.order({"collections": {self.definition.id: without_downward_links(self.result.stac)}}, self.tree)
        return self.table

    def _package(self) -> dict[str, Any]:
        package = DataPackage(full=self.files > MOST_RESOURCES)
        for path in () if package.full else self.paths:
            package.add(orjson.loads(self.tree.read(path)), path)
        return package.build(self.result.stac)

    def _geometries(self, most: int) -> list[Any]:
        """Return the geometries of at most so many items, one in so many."""
        some = self.paths[:: max(1, -(-len(self.paths) // most))]
        return [orjson.loads(self.tree.read(path)).get("geometry") for path in some]

    def _history(self) -> Iterator[bytes]:
        """Yield a line for each change of what is or was shown; records that never were have no place in it."""
        about = orjson.dumps({"collection": self.definition.id})[1:-1]
        for change, line in self.state.history(self.definition.id):
            known = self.known.get(change["identifier"])
            if known is not None:
                told = orjson.dumps(dict(zip(("item", "title", "href"), self._told(known), strict=True)))
                yield b"{%b,%b,%b\n" % (about, line.strip()[1:-1], told[1:])

    def _told(self, known: int | tuple[str, str, str]) -> tuple[str, str, str]:
        """Return id, title and page of what is shown, or of what was."""
        if not isinstance(known, int):
            return known
        name, title, year = self.summary.entry(known)
        return name, title, self.place.item_page(name) if year else self.place.child_page(name)
