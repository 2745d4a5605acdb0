"""Puts one collection into the wanted tree: its items with all that stands beside them, and itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.checks.validate import validate
from builder.datafiles.inspecting import Blind
from builder.datafiles.seen import Seen, with_copies
from builder.datapackage import MOST_RESOURCES, DataPackage
from builder.errors import IaosError
from builder.findings import Finding, note, warning
from builder.gathering.compose import contained, read, stac_id
from builder.gathering.gathered import MOST_GEOMETRIES, Gathered
from builder.gathering.made import Made, Remembered, Shares, Stretch
from builder.gathering.making import HTML, JSON, Maker, Object, Task
from builder.gathering.memo import Fresh, Memo
from builder.gathering.stack import Stack
from builder.gathering.tabled import Tabled
from builder.gathering.whole import Known, Whole
from builder.index.described import LINES
from builder.ledger import Entry
from builder.media import inert_type, media_type
from builder.pages.render import MOST_DRAWN
from builder.spool import Spool
from builder.stac.collection import build_collection, build_year_catalog, has_years
from builder.stac.item import needs_collection
from builder.stac.layout import Place
from builder.stac.serialize import to_bytes
from builder.stac.summaries import Summary
from builder.tables.rows import without_downward_links

if TYPE_CHECKING:
    from builder.datafiles.inspections import Inspections
    from builder.datafiles.readings import Described, Readings
    from builder.definitions.model import CollectionDefinition
    from builder.desk import Desk
    from builder.gathering.crew import Crew
    from builder.memory.state import State
    from builder.pages.render import Renderer
    from builder.progress import Advance
    from builder.sources.protocol import Record
    from builder.stac.context import Related
    from builder.tree import Tree


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
        crew: Shares out what has to be made anew.
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
    crew: Crew
    related: Mapping[str, Sequence[Related]] = field(default_factory=dict)

    def gather(self) -> Gathered:
        """Put the collection and everything below it into the tree."""
        name = self.definition.id
        self.place = Place(self.definition.partner.id, name)
        self.result = Gathered(self.definition, told=f"{name}/told.ndjson")
        self.by_year = by_year = has_years(sum(1 for _ in self.state.ledger_lines(name, gone=False)))
        self.head = build_collection(self.definition, Summary())
        self.maker = Maker(self.definition, self.head, self.partner, self.renderer, by_year)
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
        for task, outcome in self.crew.make(self.maker, self._news(), self._read, self.taken):
            self.result.findings += outcome.findings
            if outcome.made is not None:
                self._add(task, outcome.made)
            elif outcome.refused:
                unshown.append((task.entry, outcome.refused))
            self.advance(f"build {self.definition.id}")
        self.memo.close()
        hint = "nothing needs to be done; see `--new-files` and `--within`"
        if later := len(self.readings.later.get(self.definition.id, ())):
            what = f"{later} new items are shown when their files are looked into, by the next runs"
            self.result.findings.append(warning("data.later", self.definition.id, what, hint))
        if waiting := len(self.readings.waiting.get(self.definition.id, ())):
            what = f"{waiting} items are shown as if their files were as before, until the next runs look into these"
            self.result.findings.append(warning("data.waiting", self.definition.id, what, hint))
        for entry, reason in unshown:  # another record may be shown at the same address
            self._bury(entry, reason, only_if_shown=True)

    def _news(self) -> Iterator[Fresh | None]:
        """Yield the records that have to be made anew, each in turn; None where those before must be added first."""
        for stretch, fresh in self.memo.stretches(self.related):
            yield from self._left(stretch)
            if fresh:
                yield fresh

    def _left(self, stretch: Stretch) -> Iterator[Fresh | None]:
        """Take over what an earlier build made, all at once where all still stands; yield those left, each in turn."""
        if not stretch.ledger:
            return
        yield None
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

    def _read(self, fresh: Fresh) -> Task:
        """Read a record and what its data file says."""
        entry, key = fresh
        findings: list[Finding] = []
        if entry.identifier in self.readings.later.get(self.definition.id, ()):
            return Task(entry, key, None, (), findings)

        def both() -> tuple[Record, Described]:
            record = self.state.record(self.definition.id, entry)
            known = self.readings.take(self.definition.id, record)
            return record, known or read(self.definition, record, self.inspecting)

        found = contained(entry, both, findings)
        return Task(entry, key, found, self.related.get(entry.identifier, ()), findings)

    def _add(self, task: Task, made: Object) -> None:
        """Add what was made of a record, and the local files that belong to it."""
        assert task.read is not None
        files = {path: self.tree.add(path, body, kind) for path, body, kind in made.files}
        seen = with_copies(Seen(*made.share.seen) if made.share.seen else None, self.base, made.copies)
        files |= self._add_data(made, task.read[0])
        one = Made(
            task.entry.identifier, task.key, made.id, made.path, files, made.findings, made.share._replace(seen=seen)
        )
        self.lasting = self.lasting and not made.fleeting
        if made.kept:
            self.memo.keep(one)
        self._register(one.shares(), same=False)

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

    def _add_data(self, made: Object, record: Record) -> Iterator[tuple[str, str]]:
        """Add data files; yield path and SHA-256 of each."""
        for path_below, local in made.copies.items():
            kind = media_type(local) if record.format == "process" else inert_type(local)
            path = f"{self.place.folder}/{path_below}"
            yield path, self.tree.add_file(path, self.base / local, kind)
        if made.copied is not None:
            path, readable = f"{self.place.folder}/{made.copied.name}", self.state.file(made.copied.kept)
            assert readable is not None
            if path in self.tree:  # another record names the same file
                yield path, made.copied.sha256
            else:
                yield path, self.tree.add_file(path, readable, media_type("x.nc"))

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
