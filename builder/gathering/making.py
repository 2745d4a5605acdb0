"""Makes all files of one record, and what they add to the collection; pure, so that it can be done in any process."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from builder.checks.validate import validate
from builder.datapackage import open_files
from builder.findings import Finding
from builder.gathering.compose import Composed, compose, contained
from builder.gathering.made import Share
from builder.gathering.memo import may_be_kept
from builder.index.described import line_of
from builder.media import media_type
from builder.references.grouped import by_group
from builder.stac.layout import page_of
from builder.stac.serialize import to_bytes
from builder.stac.summaries import rest_of, share_of
from builder.tables.rows import item_row
from builder.tables.writer import shapes_of
from builder.tables.writer import share_of as share_of_row

if TYPE_CHECKING:
    from builder.datafiles.readings import Described
    from builder.definitions.model import CollectionDefinition
    from builder.enrich.inspection import Copied
    from builder.ledger import Entry
    from builder.pages.render import Renderer
    from builder.sources.protocol import Record
    from builder.stac.context import Related

JSON = media_type("x.json")
HTML = media_type("x.html")


class Task(NamedTuple):
    """A record that was read.

    Attributes:
        entry: Its entry in the ledger.
        key: What `builder.gathering.memo.Memo.key` returned for it.
        read: The record and what it was read as; None where it cannot be read.
        related: What its object was made from, and what was made from it.
        findings: Why it cannot be read.
    """

    entry: Entry
    key: bytes
    read: tuple[Record, Described] | None
    related: Sequence[Related]
    findings: Sequence[Finding]


class Object(NamedTuple):
    """A STAC object with what stands beside it.

    Attributes:
        id: Its id.
        path: Where it stands.
        files: Path, content and media type of all that was made, the object itself first.
        share: What it adds to what is said of all together; `seen` is without local files.
        findings: What was doubtful.
        copies: See `builder.gathering.compose.Composed`.
        copied: See there.
        fleeting: See there.
        kept: See `builder.gathering.memo.may_be_kept`.
    """

    id: str
    path: str
    files: Sequence[tuple[str, bytes, str]]
    share: Share
    findings: tuple[Finding, ...]
    copies: Mapping[str, str]
    copied: Copied | None
    fleeting: bool
    kept: bool


class Outcome(NamedTuple):
    """What became of a record.

    Attributes:
        findings: What is to be said of it.
        made: What is shown of it; None where that is nothing.
        refused: Why it is not shown, where nothing is wrong with it.
    """

    findings: Sequence[Finding]
    made: Object | None = None
    refused: str = ""


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes the objects of one collection.

    Attributes:
        definition: The collection.
        head: It as STAC, for the pages.
        partner: The partner's STAC Catalog, for the pages.
        renderer: Makes pages.
        by_year: Whether the collection has year sub-catalogues.
    """

    definition: CollectionDefinition
    head: Mapping[str, Any]
    partner: Mapping[str, Any]
    renderer: Renderer
    by_year: bool

    def make(self, task: Task, taken: set[str]) -> Outcome:
        """Make what is shown of a record; whatever is wrong with it becomes a finding.

        Args:
            task: The record.
            taken: Ids already given in this collection; the new one is added.
        """
        findings = list(task.findings)
        outcome = contained(task.entry, lambda: self._outcome(task, taken), findings)
        return outcome or Outcome(findings)

    def _outcome(self, task: Task, taken: set[str]) -> Outcome | None:
        if task.read is None:
            return None
        record, described = task.read
        composed = compose(self.definition, record, described, by_year=self.by_year, taken=taken, related=task.related)
        if isinstance(composed, Finding):
            return Outcome([composed], refused=composed.message)
        wrong = validate(composed.stac)
        return Outcome([*composed.findings, *wrong], None if wrong else self._object(composed))

    def _object(self, composed: Composed) -> Object:
        return Object(
            composed.context.id,
            composed.path,
            list(self._files(composed)),
            self._share(composed),
            composed.findings,
            composed.copies,
            composed.copied,
            composed.fleeting,
            may_be_kept(composed),
        )

    def _files(self, composed: Composed) -> Iterator[tuple[str, bytes, str]]:
        """Yield path, content and media type of all that is made from the record and what its data file said."""
        name, record, place = composed.context.id, composed.record, composed.context.place
        yield composed.path, to_bytes(composed.stac), media_type("x.geojson") if composed.is_item else JSON
        kept = place.record(name, record.media_type)
        yield kept, record.body, media_type(kept)  # by its suffix: a word could make it a page
        yield place.explain(name), to_bytes(composed.explanation), JSON
        if composed.thumbnail is not None:
            path = place.thumbnail(name)
            yield path, composed.thumbnail, media_type(path)
        for path, body in _references(composed):
            yield path, body, JSON if path.endswith((".json", ".zmetadata")) else media_type(path)
        pages = self.renderer.pages(
            composed.stac, self.head, self.partner, explain=composed.explanation, path=page_of(composed.path)
        )
        for page, body in pages:
            yield page, body, HTML

    def _share(self, composed: Composed) -> Share:
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
            composed.seen,
        )


def make_apart(maker: Maker, tasks: Sequence[Task]) -> list[tuple[Outcome, set[str]]]:
    """Make objects without knowing which ids are taken; return with each the ids that it takes."""
    ids: list[set[str]] = [set() for _ in tasks]
    return [(maker.make(task, own), own) for task, own in zip(tasks, ids, strict=True)]


def _references(composed: Composed) -> Iterator[tuple[str, bytes]]:
    """Yield path and content of all files with references of an object."""
    if composed.references is None:
        return
    context = composed.context
    path = context.place.references(context.id, context.references_media_type)
    if not composed.parquet:
        yield path, composed.references
    for group, body in by_group(composed.references).items():
        yield context.place.group_references(context.id, group), body
    for name, text in composed.parquet.items():
        yield f"{path}/{name}", b64decode(text)
