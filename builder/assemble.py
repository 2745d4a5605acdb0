"""Puts the whole catalogue into the wanted tree: collections, partners, the root, and the pages of the site."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from builder.checks.links import recall as recall_links
from builder.datafiles.inspections import Inspections
from builder.datapackage import build_catalogue_package
from builder.desk import Desk
from builder.enrich.inspect import Inspector
from builder.exports import ISO, OAI, Publisher, describe, exports, iso_bytes
from builder.findable import index_of, table_of
from builder.gathering.crew import Crew
from builder.gathering.gather import Gatherer
from builder.gathering.gathered import Gathered
from builder.gathering.making import HTML, JSON
from builder.harvest import gate_for
from builder.index.described import shelf_of
from builder.linkhealth import links_of
from builder.media import media_type
from builder.memory.nights import Nights, failures, last_good, recall
from builder.pages.feed import FEED, feed
from builder.pages.linkhealth import PartnerLinks
from builder.pages.policy import plain_origin
from builder.pages.render import Entry, Renderer
from builder.pages.status import SourceStatus, status_document
from builder.processing.documents import LIST, RELATION, process_files
from builder.processing.documents import media_type_of as process_media_type
from builder.processing.night import Relations, base_of
from builder.report import CollectionReport, collection_report
from builder.sources.http import HttpGate
from builder.stac.collection import build_partner_catalog, build_root_catalog
from builder.stac.layout import COLLECTIONS_TABLE, ROOT, Place, partner_catalog
from builder.stac.links import PARQUET
from builder.stac.serialize import to_bytes
from builder.tables.rows import collection_row

if TYPE_CHECKING:
    from builder.build import Request
    from builder.datafiles.readings import Readings
    from builder.definitions.model import CollectionDefinition
    from builder.findings import Finding
    from builder.harvest import Harvest
    from builder.memory.state import State
    from builder.progress import Advance
    from builder.tree import Tree

CHANGES = "changes.ndjson"
_HIDDEN = re.compile(r"^404\.html$|/embed/|/data/")
"""Pages that are not listed in the sitemap, and reports among the data."""
NEWEST_CHANGES = 500
"""Most changes that the page of changes lists; ``changes.ndjson`` has the last of each record."""

TABLE = {
    "rel": "related",
    "href": f"./{COLLECTIONS_TABLE}",
    "type": PARQUET,
    "title": "All collections in one table (stac-geoparquet)",
}

PROCESSES = {"rel": RELATION, "href": f"./{LIST}", "type": JSON, "title": "Processing services"}

_ACTIONS = {"new": "add", "changed": "replace", "gone": "withdraw"}


def assemble(
    definitions: Sequence[CollectionDefinition],
    harvests: Mapping[str, Harvest],
    state: State,
    tree: Tree,
    request: Request,
    advance: Advance,
    relations: Relations,
    readings: Readings,
) -> tuple[tuple[CollectionReport, ...], tuple[Finding, ...]]:
    """Fill the tree from what the state remembers.

    The same state and definitions give the same bytes.

    Returns:
        A report per collection, and findings about the catalogue as a whole.
    """
    renderer = Renderer(request.base_url, stac_browser=request.stac_browser)
    partners = {
        partner: build_partner_catalog(group[0].partner, group) for partner, group in _by_partner(definitions).items()
    }
    desk = Desk(tree.target, tree.staging)
    with Inspector(timeout_s=request.file_timeout) as inspector, Crew() as crew:
        gathered = []
        for definition in definitions:
            limits = request.limits_from_now()
            with gate_for(definition, limits=limits) if request.asks(definition) else HttpGate([]) as gate:
                base = base_of(definition, request, state)
                whole = (request.base_url, readings.files, request.recheck)
                inspecting = Inspections(definition, state, inspector, gate, base, *whole)
                partner, related = partners[definition.partner.id], relations.get(definition.id, {})
                around = (renderer, partner, advance, base, desk, readings, crew, related)
                one = Gatherer(definition, state, tree, inspecting, *around)
                gathered.append(one.gather())
    nights = {one.definition.id: recall(state, one.definition.id) for one in gathered}
    _add_status(gathered, nights, links_of(definitions, recall_links(state)), tree, renderer)
    _add_exports(partners, gathered, tree, request, renderer)
    findings = _add_services(definitions, tree, renderer)
    _add_tables(gathered, partners, state, tree, desk)
    _add_upper(definitions, partners, gathered, state, tree, renderer)
    reports = tuple(
        collection_report(
            one.definition.id,
            harvests.get(one.definition.id),
            partner=one.definition.partner.id,
            nights_failed=failures(nights[one.definition.id]),
            items=one.items,
            references=one.references,
            findings=tuple(one.findings),
        )
        for one in gathered
        if request.asks(one.definition)
    )
    return reports, findings


def _add_tables(
    gathered: Sequence[Gathered], partners: Mapping[str, dict[str, Any]], state: State, tree: Tree, desk: Desk
) -> None:
    """Add the tables of items and collections and the search index, all written by one child."""
    shelves = [shelf_of(one.stac, partners[one.definition.partner.id], one.definition.keywords) for one in gathered]
    places = [Place(one.definition.partner.id, one.definition.id) for one in gathered]
    rows = [collection_row(one.stac, place.collection_json) for one, place in zip(gathered, places, strict=True)]
    finish = [index_of(shelves, state, tree, desk), table_of(rows, COLLECTIONS_TABLE, state, tree, desk)]
    desk.work()
    for add in (*(one.finish for one in gathered), *finish):
        add()


def _by_partner(definitions: Sequence[CollectionDefinition]) -> dict[str, list[CollectionDefinition]]:
    grouped: dict[str, list[CollectionDefinition]] = {}
    for definition in definitions:
        grouped.setdefault(definition.partner.id, []).append(definition)
    return dict(sorted(grouped.items()))


def _add_upper(
    definitions: Sequence[CollectionDefinition],
    partners: Mapping[str, dict[str, Any]],
    gathered: Sequence[Gathered],
    state: State,
    tree: Tree,
    renderer: Renderer,
) -> None:
    entries = [Entry(one.stac, partners[one.definition.partner.id], one.items, one.geometries) for one in gathered]
    for name, catalog in partners.items():
        tree.add(partner_catalog(name), to_bytes(catalog), JSON)
        own = [entry for entry in entries if entry.partner is catalog]
        for path, body in renderer.partner(catalog, own):
            tree.add(path, body, HTML)
    newest = _add_changes(gathered, state, tree)
    data = {
        "rel": "related",
        "href": f"./{CHANGES}",
        "type": media_type(CHANGES),
        "title": "What came, changed and went",
    }
    groups = _by_partner(definitions)
    root = build_root_catalog([group[0].partner for group in groups.values()], links=[data, TABLE, PROCESSES])
    tree.add(ROOT, to_bytes(root), JSON)
    tree.add("datapackage.json", to_bytes(build_catalogue_package(root, [one.stac for one in gathered])), JSON)
    origins = {plain_origin(getattr(definition.source, "url", None)) for definition in definitions}
    tree.add("compare/index.html", renderer.compare(entries, sorted(filter(None, origins))), HTML)
    for path, body in _site(root, entries, newest, renderer, oai=OAI in tree):
        tree.add(path, body, media_type(path))
    pages = (path for path in tree if path.endswith(".html") and not _HIDDEN.search(path))
    for path, body in list(renderer.well_known(pages)):
        tree.add(path, body, media_type(path))


def _add_services(definitions: Sequence[CollectionDefinition], tree: Tree, renderer: Renderer) -> tuple[Finding, ...]:
    """Add the processing services, and return what is wrong with them."""
    files, findings = process_files(definitions, renderer)
    for path, body in files:
        tree.add(path, body, process_media_type(path))
    return tuple(findings)


def _add_exports(
    partners: Mapping[str, dict[str, Any]],
    gathered: Sequence[Gathered],
    tree: Tree,
    request: Request,
    renderer: Renderer,
) -> None:
    """Add what other catalogues harvest."""
    publisher = Publisher(
        renderer.base,
        request.contact or "",
        request.oai_gateway or "",
        renderer.words("site.name"),
        renderer.words("site.summary"),
    )
    described = [describe(one.stac, partners[one.definition.partner.id], renderer.base) for one in gathered]
    for one in described:
        path = f"{one.path}/{ISO}"
        tree.add(path, iso_bytes(one, publisher), media_type(path))
    for path, body in exports(publisher, described):
        tree.add(path, body, media_type(path))


def _add_status(
    gathered: Sequence[Gathered],
    nights: Mapping[str, Nights],
    links: Sequence[PartnerLinks],
    tree: Tree,
    renderer: Renderer,
) -> None:
    """Add the status page and the same as data: the two files that differ from night to night."""
    statuses = [_status(one, nights[one.definition.id]) for one in gathered]
    tree.add("status.html", renderer.status(statuses, links), HTML)
    tree.add("status.json", to_bytes(status_document(statuses, links)), JSON)


def _status(one: Gathered, nights: Nights) -> SourceStatus:
    last = nights[-1] if nights else None
    return SourceStatus(
        collection=one.stac["title"],
        href=f"{one.definition.partner.id}/{one.definition.id}/index.html",
        partner=one.definition.partner.name,
        protocol=one.definition.source.type,
        records=last.records if last else None,
        last_good=last_good(nights),
        failures=failures(nights),
        reason=last.reason if last else "",
        nights={night.date: night.outcome.value for night in nights},
    )


def _add_changes(gathered: Sequence[Gathered], state: State, tree: Tree) -> list[dict[str, Any]]:
    """Add the history of all collections, line by line; return the newest changes for the page of changes."""
    newest: list[dict[str, Any]] = []
    lines = chain.from_iterable(state.lines(one.told) for one in gathered)
    with tempfile.NamedTemporaryFile(dir=tree.staging) as scratch:
        while some := list(islice(lines, 10 * NEWEST_CHANGES)):
            scratch.writelines(some)
            newest = _newest([*newest, *orjson.loads(b"[%b]" % b",".join(some))])
        scratch.flush()
        tree.add_file(CHANGES, Path(scratch.name), media_type(CHANGES))
    return [_shown(line) for line in newest]


def _newest(history: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    ordered = sorted(history, key=lambda line: (line["collection"], line["identifier"]))
    ordered.sort(key=lambda line: (line.get("datestamp", ""), line["run"]), reverse=True)
    return ordered[:NEWEST_CHANGES]


def _shown(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "action": _ACTIONS[line["kind"]],
        "title": line.get("title", line["identifier"]),
        "collection": line["collection"],
        "identifier": line["identifier"],
        "run": line["run"],
        "reason": line["reason"],
        **({"href": line["href"]} if "href" in line else {}),
        **({"date": line["datestamp"]} if "datestamp" in line else {}),
    }


def _site(
    root: Mapping[str, Any],
    entries: Sequence[Entry],
    changes: Sequence[Mapping[str, Any]],
    renderer: Renderer,
    *,
    oai: bool,
) -> Iterator[tuple[str, bytes]]:
    yield "index.html", renderer.home(root, entries, changes=changes[:10])
    yield "search/index.html", renderer.search(entries)
    yield "partners.html", renderer.partners(entries)
    yield from renderer.collections(entries)
    yield "changes.html", renderer.changes(changes)
    yield FEED, feed(changes, renderer.words, renderer.base)
    yield "about.html", renderer.about(root)
    yield "machines.html", renderer.machines(entries, oai=oai)
    yield "accessibility.html", renderer.accessibility()
    yield "404.html", renderer.not_found()
    yield from renderer.static_files()
